# SPDX-License-Identifier: MIT
"""What the lints share: finding the sources, and C text without comments and strings."""
import os
import re
import sys

TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def files(root, folders, endings):
    """Yields paths below the folders of root that have one of the endings, sorted."""
    for folder in folders:
        for where, dirs, names in os.walk(os.path.join(root, folder)):
            dirs.sort()
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.join(where, name)


def read(path):
    with open(path, encoding='utf-8', errors='replace') as f:
        return f.read()


def bare(text):
    """The text with comments and the insides of strings blanked; line numbers stay."""
    def blank(m):
        s = m.group(0)
        if s[0] == '/':
            return re.sub(r'[^\n]', ' ', s)
        return s[0] + ' ' * (len(s) - 2) + s[0]
    return TOKEN.sub(blank, text)


def finish(findings, root):
    """Prints 'path:line: words' each and ends the program: 1 if there was any."""
    for path, line, words in findings:
        print(f'{os.path.relpath(path, root)}:{line}: {words}')
    sys.exit(1 if findings else 0)
