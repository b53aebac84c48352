#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No call of a function that style bans. usage: banned.py ROOT"""
import re
import sys

import csource

BANNED = ('sprintf strcpy strcat strncpy strtok gets atoi alloca localtime gmtime strerror '
          'system popen').split()
CALL = re.compile(r'(?<![\w.>])(' + '|'.join(BANNED) + r')\s*\(')

root = sys.argv[1]
found = []
for path in csource.files(root, ['src', 'include', 'tests', 'bench'], ('.c', '.h')):
    text = csource.bare(csource.read(path))
    for m in CALL.finditer(text):
        line = text.count('\n', 0, m.start()) + 1
        found.append((path, line, f"'{m.group(1)}' is banned"))
csource.finish(found, root)
