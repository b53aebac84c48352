#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Files, functions and nesting stay within the hard limits; each file says what it is for.

usage: limits.py ROOT
"""
import os
import re
import sys

import csource

FILE, FUNCTION, NESTING, FOLDER = 1000, 80, 4, 12
NAMELESS = ('util.c', 'common.c', 'misc.c', 'helpers.c', 'util.h', 'common.h', 'misc.h',
            'helpers.h', 'internal.h')
SPDX = '/* SPDX-License-Identifier: MIT */'
AGGREGATE = re.compile(r'(=|\b(struct|union|enum)\b[^()]*)\s*$')


def head(path, lines):
    if not lines or lines[0] != SPDX:
        yield path, 1, f"line 1 is not '{SPDX}'"
    elif len(lines) < 2 or not lines[1].startswith('/**'):
        yield path, 2, "line 2 is not '/** what this file is for. */'"


def functions(path, text):
    """Finds functions by braces: a body opens at depth 0 behind a closing parenthesis."""
    depth = 0
    start = line = 1
    is_function = False
    blocks = []  # for each open brace: is it a block of statements?
    last = 0
    deepest = 0
    text = re.sub(r'^[ \t]*#(?:[^\n\\]|\\.|\\\n)*',  # macros are not functions
                  lambda m: re.sub(r'[^\n]', ' ', m.group(0)), text, flags=re.M | re.S)
    text = re.sub(r'extern "[^"]*"\s*{', lambda m: re.sub(r'[^\n]', ' ', m.group(0)), text)
    for m in re.finditer(r'[{}\n;]', text):
        c = m.group(0)
        if c == '\n':
            line += 1
            continue
        if c == ';':
            last = m.end()
            continue
        before = text[last:m.start()].rstrip()
        last = m.end()
        if c == '{':
            if depth == 0:
                is_function = before.endswith(')') and not AGGREGATE.search(before)
                start, deepest = line, 0
                blocks = []
            elif is_function:
                blocks.append(bool(re.search(r'(\)|\belse|\bdo|[;{}:]|^)$', before)) and
                              not re.search(r'(=|return|,|\()\s*(\([^()]*\))?$', before))
                deepest = max(deepest, sum(blocks))
            depth += 1
        else:
            depth -= 1
            if blocks and depth > 0:
                blocks.pop()
            if depth == 0 and is_function:
                n = line - start - 1
                if n > FUNCTION:
                    yield path, start, f'function of {n} lines; the most is {FUNCTION}'
                if deepest > NESTING:
                    yield path, start, f'{deepest} blocks in each other; the most is {NESTING}'
                is_function = False


def main():
    root = sys.argv[1]
    found = []
    per_folder = {}
    for path in csource.files(root, ['src', 'include', 'tests', 'bench'], ('.c', '.h')):
        text = csource.read(path)
        lines = text.split('\n')
        found += head(path, lines)
        n = text.count('\n')
        if n > FILE:
            found.append((path, n, f'file of {n} lines; the most is {FILE}'))
        if os.path.basename(path) in NAMELESS:
            found.append((path, 1, 'name the noun that the file is about'))
        found += functions(path, csource.bare(text))
        if path.endswith('.c'):
            folder = os.path.dirname(path)
            per_folder[folder] = per_folder.get(folder, 0) + 1
    for folder, n in sorted(per_folder.items()):
        if n > FOLDER and os.path.relpath(folder, root).startswith('src'):
            print(f'# {os.path.relpath(folder, root)}: {n} files; from {FOLDER} on, think of '
                  'sub-folders')
    csource.finish(found, root)


main()
