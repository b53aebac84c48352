#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each stage has a README of at most 40 lines, and what the documents name is there.

Looked up: `name.c` and `name.h` in a README, in its own folder or named with its folder; links to
files in all *.md. usage: docs.py ROOT
"""
import os
import re
import sys

import csource

README = 40
NAME = re.compile(r'`([\w/]+\.[ch])`')
LINK = re.compile(r'\]\(([^)#:]+)(?:#[^)]*)?\)')


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
    csource.finish(found, root)


main()
