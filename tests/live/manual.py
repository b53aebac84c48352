#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the scripts of the manual; prints TAP.

Blocks of docs/language.md that begin with ```sonde, those of docs/language-d.md with ```d, and all of
man/sonde-script.scd, are whole scripts that end by themselves: they must run without a complaint. Blocks
with ```bt and ```dtrace need what not every machine has: they must be understood.
usage: manual.py SONDE
"""
import os
import re
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BLOCK = re.compile(r'^```(\w*)\n(.*?)^```$', re.S | re.M)
DOCUMENTS = (('docs/language.md', ('sonde', 'bt')), ('docs/language-d.md', ('d', 'dtrace')),
             ('man/sonde-script.scd', ('',)))


def blocks():
    """Yields (name, text, whether it is to be run)."""
    for document, kinds in DOCUMENTS:
        with open(os.path.join(TOP, document), encoding='utf-8') as f:
            text = f.read()
        for m in BLOCK.finditer(text):
            if m.group(1) in kinds:
                line = text.count('\n', 0, m.start()) + 1
                yield f'{document}:{line}', m.group(2), m.group(1)


def main():
    sonde = os.path.abspath(sys.argv[1])
    cannot = None
    if os.geteuid() != 0:
        cannot = 'not root'
    elif not os.path.exists('/sys/kernel/tracing/events/raw_syscalls'):
        cannot = 'no tracefs'
    bad = n = 0
    for name, text, kind in blocks():
        is_run = kind not in ('bt', 'dtrace')
        n += 1
        if is_run and cannot:
            print(f'ok {n} - {name} # SKIP {cannot}')
            continue
        with tempfile.NamedTemporaryFile('w', suffix='.d' if kind[:1] == 'd' else '.bt') as f:
            f.write(text)
            f.flush()
            how = ['-q'] if is_run else ['-d', 'ast']
            if kind == 'dtrace':
                how += ['-p', str(os.getpid())]
            try:
                done = subprocess.run([sonde, 'run'] + how + [f.name, 'one'], timeout=20, text=True,
                                      capture_output=True, stdin=subprocess.DEVNULL, check=False)
                words = done.stderr + (f'exit status {done.returncode}' if done.returncode else '')
            except subprocess.TimeoutExpired:
                words = 'did not end'
        bad += bool(words)
        print(f'{"not " if words else ""}ok {n} - {name}')
        for line in words.splitlines():
            print(f'# {line}')
    if n == 0:
        print('not ok 1 - the manual has no scripts')
        n = bad = 1
    print(f'1..{n}', flush=True)
    return bad != 0


sys.exit(main())
