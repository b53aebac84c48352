#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The repository speaks of the product alone: no paths of somebody's machine, no odd hosts.

usage: words.py ROOT
"""
import re
import sys

import csource

# Written so that this file does not find itself.
WORDS = [
    (re.compile(r'(?<![\w.])/(?:wor[k]|hom[e]|User[s])/[\w.]+'), 'a path of some machine'),
    (re.compile(r'/tm[p]/(?:corpu[s]|bas[h])'), 'a path of some machine'),
    (re.compile(r'\b(?:artifactor[y]|private registr[y]|mirror[s]?\.)', re.I), 'a registry'),
    (re.compile(r'\b(?:sub-?)?agen[t]s?\b|\bassistan[t]s?\b|\bchatbo[t]', re.I),
     'about whoever wrote it'),
    (re.compile(r'\b(?:TOD[O]|FIXM[E]|XX[X])\b(?=[:( ])(?!.*#\d)'), 'a note without an issue'),
]
URL = re.compile(r'https?://([\w.-]+)')
HOSTS = {
    '127.0.0.1', 'localhost', 'babeltrace.org', 'bottlenecks.example', 'diamon.org',
    'docs.kernel.org', 'example.org', 'dwarfstd.org', 'git.kernel.org', 'lttng.org', 'refspecs.linuxbase.org',
    'www.ietf.org', 'www.kernel.org', 'www.w3.org', 'gitlab.com', 'www.brendangregg.com', 'sourceware.org',
}
FOLDERS = ['src', 'include', 'tests', 'docs', 'man', 'tools', 'bench', '.ci', 'Makefile',
           'README.md', 'meson.build']

root = sys.argv[1]
found = []
endings = ('.c', '.h', '.py', '.md', '.txt', '.sh', '.scd', '.build', '.cmd', '.out', 'run',
           'deps', 'setup', 'demo', 'check', 'test', 'count', 'boot', 'init', '-kernel', '.bt')
for path in list(csource.files(root, FOLDERS, endings)) + [
        f'{root}/Makefile', f'{root}/README.md', f'{root}/meson.build', f'{root}/.gitignore']:
    try:
        lines = csource.read(path).splitlines()
    except OSError:
        continue
    for n, line in enumerate(lines, 1):
        for pattern, words in WORDS:
            m = pattern.search(line)
            if m:
                found.append((path, n, f"'{m.group(0)}': {words}"))
        for host in URL.findall(line):
            if host not in HOSTS:
                found.append((path, n, f"'{host}' is no host that tests/lint/words.py knows"))
csource.finish(found, root)
