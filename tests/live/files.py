#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records a use of files that is known, and wants the report to say exactly that; prints TAP.

usage: files.py SONDE LOAD     (LOAD: the program of tests/live/files_load.c)
"""
import json
import os
import subprocess
import sys
import tempfile

sonde, load = (os.path.abspath(p) for p in sys.argv[1:3])
n = failed = 0
KEYS = ('opens', 'reads', 'read_bytes', 'writes', 'written_bytes', 'syncs', 'closes', 'errors')
A, B, C, NONE, PIPE, SOCKET = 'a', 'b', 'c', 'none', 'pipe', 'socket'
A_ALL = 100 * 1000 + 30 + 8
# By process and file: opens, reads, bytes, writes, bytes, syncs, closes, errors.
PARENT = {
    A: (1, 26 + 1, A_ALL + 5000, 100 + 1 + 1 + 1 + 1, 100000 + 500 + 30 + 8 + 8, 3, 2, 0),
    B: (1, 1, 0, 1 + 1, 5000 + 6, 0, 0, 1),
    C: (1, 1, 70, 1, 77, 0, 1, 0),
    NONE: (7, 0, 0, 0, 0, 0, 0, 7),
    PIPE: (0, 10, 3330, 10, 3330, 0, 0, 0),
    SOCKET: (0, 0, 0, 1, 0, 0, 0, 1),
}
CHILD = {B: (0, 0, 0, 2, 20, 0, 0, 0)}
# What "fd 100" then is: the files without a name, and after "c" nothing, to which one write failed.
LOST = (0, 0, 0, 1, 0, 0, 0, 1)


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)}")


def add(*rows):
    return tuple(sum(v) for v in zip(*rows))


def uses(pid, paths):
    """Rows by process, and by what the file is called: with paths, or by its descriptor."""
    p = subprocess.run([sonde, 'report', 'files', '--json', 'trace'], check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    got = {}
    for r in json.loads(p.stdout)['uses']:
        if f'({pid})' not in r['file'] and r['pid'] != pid and r['file'] not in PARENT:
            continue
        name = os.path.basename(r['file']) if paths and '(' not in r['file'] else \
            r['file'].split(' of ')[0]
        got[r['pid'] == pid, name] = tuple(r[k] for k in KEYS)
    return got, p.stderr


def compare(name, options, paths):
    p = subprocess.run([sonde, 'record', '--force', '-o', 'trace', *options, '--', load, 'files'],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if p.returncode:
        result(f'{name}: recorded', False, p.stderr)
        return
    stats = json.loads(subprocess.run([sonde, 'stats', '--json', 'trace'], check=True,
                                      stdout=subprocess.PIPE).stdout)
    if stats['lost_events']:
        print(f"# {name}: {stats['lost_events']} events were lost, perhaps some of these")
        return
    got, notes = uses(int(p.stdout), paths)
    # The pipe's descriptors lie in the program's memory: it goes by its numbers.
    want = {(True, 'fd 100'): add(LOST, (0, 10, 3330, 0, 0, 0, 0, 0)),
            (True, 'fd 102'): (0, 0, 0, 10, 3330, 0, 0, 0),
            (True, 'socket 103'): PARENT[SOCKET]}
    if paths:
        for file in A, B, C, NONE:
            want[True, file] = PARENT[file]
        want[False, B] = CHILD[B]
    else:
        want[True, 'fd 100'] = add(want[True, 'fd 100'], PARENT[A], PARENT[C])
        want[True, 'fd 101'] = PARENT[B]
        want[False, 'fd 101'] = CHILD[B]
    for key, row in want.items():
        who = 'the program' if key[0] else 'its child'
        result(f'{name}: {who}, {key[1]}', got.get(key) == row,
               f'{got.get(key)}, wanted {row} as {KEYS}')
    result(f'{name}: says that paths are missing', ('no paths' in notes) == (not paths) or paths,
           notes)


with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    os.mkdir('files')
    p = subprocess.run([sonde, 'record', '--force', '-o', 'try', '-d', '0.05'],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if p.returncode:
        why = p.stderr.strip().split('\n')[0]
        print(f'1..0 # SKIP {why}')
        sys.exit(0)
    compare('as recorded without options', [], False)
    compare('with paths', ['--script', 'files'], True)
    named = [x for c in ('open', 'openat', 'close', 'close_range', 'read', 'pread64', 'write',
                         'pwrite64', 'writev', 'fsync', 'sendfile64', 'dup', 'dup2', 'fcntl',
                         'sendto', 'socket', 'pipe', 'pipe2', 'exit_group', 'chdir')
             for x in ('-e', f'syscalls:sys_*_{c}')]
    tasks = ['-e', 'sched:sched_switch', '-e', 'task:task_newtask', '-e',
             'sched:sched_process_exec', '--no-samples']
    compare('by named events', [*named, *tasks], False)
    compare('by named events, with paths', [*named, *tasks, '--script', 'files'], True)
    compare('by both kinds of events', [*named, *tasks, '-e', 'raw_syscalls:*'], False)
    os.chdir('/')
print(f'1..{n}')
sys.exit(failed > 0)
