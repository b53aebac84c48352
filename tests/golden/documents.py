#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the commands of the documents and compares what they show; prints TAP.

A line '$ sonde ...' in a ``` block is a command; the lines up to the next '$' or the block's end
are what it must print to standard output (in UTC, from the top folder). Lines '$ sudo ...' are not
run. UPDATE=1 in the environment writes the documents anew. usage: documents.py SONDE
"""
import glob
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def run(command, env):
    done = subprocess.run(['sh', '-c', command], cwd=TOP, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    return done.stdout.rstrip('\n').split('\n') if done.stdout else []


def pieces(lines):
    """Yields [command or None, its lines]; joined again they are the document."""
    piece = [None, []]
    in_block = False
    for line in lines:
        fence = line.startswith('```')
        if in_block and not fence and line.startswith('$ '):
            yield piece
            piece = [line, []]
        elif fence and in_block and piece[0]:
            yield piece
            piece = [None, [line]]
        else:
            piece[1].append(line)
        in_block ^= fence
    yield piece


def main():
    env = dict(os.environ, LC_ALL='C', TZ='UTC0')
    env['PATH'] = os.path.dirname(os.path.abspath(sys.argv[1])) + ':' + env['PATH']
    n = failed = 0
    for path in [os.path.join(TOP, 'README.md')] + sorted(glob.glob(TOP + '/docs/*.md')):
        with open(path, encoding='utf-8') as f:
            old = f.read()
        new = []
        for command, lines in pieces(old.split('\n')):
            if command:
                new.append(command)
            if command and command.startswith('$ sonde '):
                n += 1
                out = run(command[2:], env)
                good = out == lines and out
                update = os.environ.get('UPDATE') == '1'
                failed |= not (good or update)
                name = f'{os.path.relpath(path, TOP)}: {command[2:]}'
                print('ok' if good or update else 'not ok', n, '-', name.replace('#', '\\#'))
                if not good and not update:
                    print('\n'.join('# ' + line for line in out[:40]))
                lines = out if update else lines
            new += lines
        if os.environ.get('UPDATE') == '1' and '\n'.join(new) != old:
            with open(path, 'w', encoding='utf-8') as f:
                f.write('\n'.join(new))
    print(f'1..{n}')
    return failed


sys.exit(main())
