#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares execution graphs and critical paths of small traces with those expected; prints TAP.

usage: graph_xml.py GRAPH_XML SCRATCH

SONDE_CORPUS names the folder with the traces. Without it, all is skipped. The order of workers and
links in a graph means nothing, so lines are compared sorted.
"""
import ast
import os
import subprocess
import sys
import tarfile

program, scratch = sys.argv[1], os.path.join(sys.argv[2], 'graph-xml')
corpus = os.environ.get('SONDE_CORPUS')
if not corpus:
    print('1..0 # SKIP SONDE_CORPUS names no folder')
    sys.exit(0)
os.makedirs(scratch, exist_ok=True)
with tarfile.open(os.path.join(corpus, 'graph-xml.tar.xz')) as t:
    t.extractall(scratch)
folder = os.path.join(scratch, 'graph-xml')


def sections(text):
    """[(files, {heading: sorted lines})]: the graph has the heading 'workers N'."""
    found = []
    for line in text.splitlines():
        if line.startswith('====='):
            files, _, workers = line[6:].rpartition(' workers ')
            part = []
            found.append((ast.literal_eval(files), {'workers ' + workers: part}))
        elif line.startswith('  -- '):
            part = []
            found[-1][1][line.strip()] = part
        elif line.strip():
            part.append(line.strip())
    return [(f, {k: sorted(v) for k, v in parts.items()}) for f, parts in found]


n = failed = 0
with open(os.path.join(folder, 'EXPECTED.txt'), encoding='utf-8') as f:
    expected = sections(f.read())
for files, want in expected:
    who = [k.rpartition(' of ')[2] for k in want if k.startswith('--')]
    run = subprocess.run([program, *(os.path.join(folder, x) for x in files), '--', *who],
                         stdout=subprocess.PIPE, encoding='utf-8', check=False)
    got = sections(f'===== {files} ' + run.stdout)[0][1] if run.returncode == 0 else {}
    n += 1
    wrong = [f'{k}: {x}' for k in want for x in set(want[k]) ^ set(got.get(k, []))]
    if run.returncode or set(got) != set(want):
        wrong.append(f'status {run.returncode}, {sorted(got)}')
    failed += bool(wrong)
    print(f"{'not ok' if wrong else 'ok'} {n} - {' '.join(files)}")
    for w in sorted(wrong):
        print('#', w)
print(f'1..{n}')
sys.exit(failed > 0)
