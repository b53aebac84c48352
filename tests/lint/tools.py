#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each ready script begins with its question and how to read it, and tools/README.md lists it.

usage: tools.py ROOT
"""
import os
import re
import sys

import csource

HEAD = ['#!/usr/bin/env -S sonde run', '// SPDX-License-Identifier: MIT']
HEAD_D = ['#!/usr/sbin/dtrace -s', '/* SPDX-License-Identifier: MIT */']


def in_bt(lines):
    """A script in D, whose comments are of another kind, as one in bt would begin."""
    return HEAD + [re.sub(r'^/\* (.*) \*/$', r'// \1', line) for line in lines[2:]]


def faults(lines):
    """What is wrong with one script, as (line, words)."""
    for n, wanted in enumerate(HEAD):
        if len(lines) <= n or lines[n] != wanted:
            yield n + 1, f"line {n + 1} is not '{wanted}'"
            return
    header = 0
    while len(lines) > 2 + header and lines[2 + header].startswith('// '):
        header += 1
    if header != 3:
        yield 3, f'{header} lines of comment on how to read it; 3 are wanted'
    elif not lines[2].endswith('?'):
        yield 3, 'the first line of comment is not a question'
    elif len(lines) > 5 and lines[5]:
        yield 6, 'no empty line below the header'


def main():
    root = sys.argv[1]
    found = []
    folder = os.path.join(root, 'tools')
    readme = os.path.join(folder, 'README.md')
    listed = dict(re.findall(r'^## (\w+)\n+(.*)$', csource.read(readme), re.M))
    files = {os.path.splitext(f)[0]: f for f in os.listdir(folder) if f.endswith(('.bt', '.d'))}
    scripts = sorted(files)
    for name in scripts:
        path = os.path.join(folder, files[name])
        lines = csource.read(path).splitlines()
        if files[name].endswith('.d') and lines[:2] == HEAD_D:
            lines = in_bt(lines)
        found += [(path, n, words) for n, words in faults(lines)]
        if not os.access(path, os.X_OK):
            found.append((path, 1, 'may not be executed'))
        question = lines[2][3:] if len(lines) > 2 else ''
        if name not in listed:
            found.append((readme, 1, f"does not list '{name}'"))
        elif listed[name] != question:
            found.append((readme, 1, f"'{name}' has another question: {question}"))
    for name in sorted(set(listed) - set(scripts)):
        found.append((readme, 1, f"lists '{name}', which is not there"))
    csource.finish(found, root)


main()
