#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each stage has a README of at most 40 lines, and what the documents name is there.

Looked up: `name.c` and `name.h` in a README, in its own folder or named with its folder; links to
files in all *.md. Each value and function of the script language is in its manual and in a live
case; those that D alone has are D's matter. usage: docs.py ROOT
"""
import os
import re
import sys

import csource

README = 40
NAME = re.compile(r'`([\w/]+\.[ch])`')
LINK = re.compile(r'\]\(([^)#:]+)(?:#[^)]*)?\)')


TABLES = {'src/lang/check/builtin.c': re.compile(r'^\t\{ "(\w+)", B_(\w+),', re.M),
          'src/lang/check/func.c': re.compile(r'^\t\{ "(\w+)", F_(\w+),', re.M)}
FIRST_OF_D = 'PROBEPROV'  # builtin.h


def scripts(root):
    """Values and functions that the manual does not name, or no live case runs."""
    manual = csource.read(os.path.join(root, 'docs', 'language.md')) if os.path.exists(
        os.path.join(root, 'docs', 'language.md')) else ''
    cases = '\n'.join(csource.read(path) for path in csource.files(root, ['tests/live/lang'], ('.t',)))
    for table, row in TABLES.items():
        path = os.path.join(root, *table.split('/'))
        if not os.path.exists(path):
            continue
        text = csource.read(path)
        for m in row.finditer(text):
            if m[2] == FIRST_OF_D:
                break
            word = re.compile(rf'\b{m[1]}\d*\b')
            line = text.count('\n', 0, m.start()) + 1
            if not word.search(manual):
                yield path, line, f"'{m[1]}' is not in docs/language.md"
            if not word.search(cases):
                yield path, line, f"no case of tests/live/lang uses '{m[1]}'"


def main():
    root = sys.argv[1]
    found = []
    src = os.path.join(root, 'src')
    for folder in sorted(os.listdir(src)) if os.path.isdir(src) else []:
        path = os.path.join(src, folder, 'README.md')
        if not os.path.isdir(os.path.join(src, folder)):
            continue
        if not os.path.exists(path):
            found.append((path, 1, 'is missing'))
            continue
        lines = csource.read(path).splitlines()
        if len(lines) > README:
            found.append((path, len(lines), f'{len(lines)} lines; the most is {README}'))
        for n, line in enumerate(lines, 1):
            for name in NAME.findall(line):
                near = os.path.join(src, folder, name)
                if not os.path.exists(near) and not os.path.exists(os.path.join(src, name)):
                    found.append((path, n, f"there is no '{name}'"))
    for path in list(csource.files(root, ['docs', 'src'], ('.md',))) + [
            os.path.join(root, 'README.md')]:
        if not os.path.exists(path):
            continue
        for n, line in enumerate(csource.read(path).splitlines(), 1):
            for link in LINK.findall(line):
                if not os.path.exists(os.path.join(os.path.dirname(path), link)):
                    found.append((path, n, f"there is no '{link}'"))
    found += scripts(root)
    csource.finish(found, root)


main()
