#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Dumps of Linux against what another debugger found with debug information; prints TAP.

usage: crash_linux.py SONDE SCRATCH

Takes crash-linux.tar of the folder that SONDE_CORPUS names: the stack of every task to the last
address, names, messages.
"""
import json
import lzma
import os
import subprocess
import sys
import tarfile

sonde, scratch = sys.argv[1], os.path.join(sys.argv[2], 'crash-linux')
corpus = os.environ.get('SONDE_CORPUS', '')
DUMPS = [('kdump', 'kdump.sparse.elf'), ('live', 'live.sparse.elf')]
count = 0


def report(name, wrong):
    """One line of TAP; @wrong is what differs, or nothing."""
    global count
    count += 1
    print('%s %d - %s' % ('not ok' if wrong else 'ok', count, name))
    for line in wrong[:10]:
        print('# ' + line)


def run(*args):
    """What a verb prints; its failure is a line that no test wants."""
    done = subprocess.run([sonde, 'crash', *args], capture_output=True, timeout=120, check=False)
    if done.returncode:
        return 'exit status %d: %s' % (done.returncode, done.stderr.decode())
    return done.stdout.decode()


def unpack():
    """The dumps, as plain files; returns the folder."""
    with tarfile.open(os.path.join(corpus, 'crash-linux.tar')) as tar:
        tar.extractall(scratch)
    folder = os.path.join(scratch, 'crash-linux')
    for _, name in DUMPS:
        path = os.path.join(folder, name)
        with lzma.open(path + '.xz') as packed, open(path, 'wb') as plain:
            plain.write(packed.read())
    return folder


def read(folder, name):
    with open(os.path.join(folder, 'expected', name), encoding='utf-8') as f:
        return f.read()


def expected_tasks(folder, kind):
    """Of each task its name, and the addresses of its stack."""
    names = {}
    for line in read(folder, kind + '.ps').splitlines():
        pid, comm = line.split(' ', 1)
        if pid != 'TASKS':
            names[int(pid)] = comm
    stacks = {}
    for line in read(folder, 'pcs.' + kind).splitlines():
        pid, *pcs = line.split()
        stacks[int(pid)] = pcs
    return names, stacks


def check_stacks(folder, kind, dump):
    names, stacks = expected_tasks(folder, kind)
    text, wrong = run(dump, 'bt', '--json'), []
    got = {}
    try:
        for task in json.loads(text):
            got[task['pid']] = (task['comm'], [f['pc'] for f in task['frames'] if not f['inlined']])
    except ValueError:
        wrong.append(text[:200])
    for pid in sorted(set(stacks) | set(got)):
        want = (names.get(pid), stacks.get(pid))
        if got.get(pid) != want:
            wrong.append('%d: %s, wanted %s' % (pid, got.get(pid), want))
    report(kind + ': the stack of every task', wrong)


def check_ps(folder, kind, dump):
    names, _ = expected_tasks(folder, kind)
    text, wrong = run(dump, 'ps', '--json'), []
    try:
        got = {t['tid']: t['comm'] for t in json.loads(text)['tasks']}
        wrong = [] if got == names else ['%s, wanted %s' % (got, names)]
    except ValueError:
        wrong.append(text[:200])
    report(kind + ': tasks and their names', wrong)


def check_scripts(folder, kind, dump):
    """A script sees the same tasks and stacks; by both machines."""
    names, stacks = expected_tasks(folder, kind)
    names.pop(0, None)  # as a live walk, without idle tasks
    for how in [], ['--interpreter']:
        done = subprocess.run([sonde, 'run', *how, '--core', dump, '-e',
                               r'iter:task { printf("%d %s\n", ctx->task->pid, ctx->task->comm); }'],
                              capture_output=True, timeout=120, check=False)
        got = dict(line.split(' ', 1) for line in done.stdout.decode().splitlines() if line)
        wrong = [done.stderr.decode()] if done.returncode else []
        wrong += ['%s: %s, wanted %s' % (p, got.get(str(p)), n) for p, n in names.items()
                  if got.get(str(p)) != n]
        wrong += [] if len(got) == len(names) else ['%d tasks' % len(got)]
        report('%s: tasks by a script %s' % (kind, ' '.join(how)), wrong)
    done = subprocess.run([sonde, 'run', '--core', dump, '-e',
                           r'iter:task { printf("=%d %s", tid, kstack(raw)); }'],
                          capture_output=True, timeout=120, check=False)
    wrong = [done.stderr.decode()] if done.returncode else []
    for part in done.stdout.decode().strip().split('=')[1:]:
        pid, *pcs = part.split()
        if ['0x' + pc.lstrip('0x').lstrip('0') for pc in pcs] != stacks.get(int(pid)):
            wrong.append('%s: %s, wanted %s' % (pid, pcs, stacks.get(int(pid))))
    report(kind + ': stacks by a script', wrong)


def check_log(folder, kind, dump):
    want, got = read(folder, kind + '.log').rstrip().split('\n'), run(dump, 'log').rstrip().split('\n')
    wrong = ['%r, wanted %r' % pair for pair in zip(got, want) if pair[0] != pair[1]]
    if len(want) != len(got):
        wrong.append('%d lines, wanted %d' % (len(got), len(want)))
    report(kind + ': messages', wrong)


def main():
    if not os.path.exists(os.path.join(corpus, 'crash-linux.tar')):
        print('1..0 # SKIP SONDE_CORPUS names no folder with crash-linux.tar')
        return
    os.makedirs(scratch, exist_ok=True)
    folder = unpack()
    for kind, name in DUMPS:
        dump = os.path.join(folder, name)
        check_stacks(folder, kind, dump)
        check_ps(folder, kind, dump)
        check_log(folder, kind, dump)
        check_scripts(folder, kind, dump)
    print('1..%d' % count)


main()
