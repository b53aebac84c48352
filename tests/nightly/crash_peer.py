# SPDX-License-Identifier: MIT
"""Compares what Sonde reads in a dump with what Debian's program crash does, as far as that goes.

Used by crash_kexec.py. crash needs the kernel's file with debug information, which is in another package;
tools/guest-kernel --debug fetches it. Of newer kernels crash finds few tasks or none: what it has is
compared, and how much that is told.
"""
import json
import os
import re
import shutil
import subprocess

import crash_guest
from crash_guest import guest

SECONDS = 3600  # some 10 s on a machine that does nothing else
SYMBOLS = ('init_task', 'schedule', 'vfs_read', 'jiffies', 'slab_caches', 'dummy_xmit')


def find_debug(version):
    """The kernel's file with debug information; GuestError: there is none."""
    tool = os.path.join(crash_guest.TOP, 'tools', 'guest-kernel')
    run = subprocess.run([tool, '--fetch', '--debug', *([version] if version else [])], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False)
    if run.returncode:
        raise guest.GuestError(run.stderr.strip() or f'{tool}: status {run.returncode}')
    return run.stdout.strip()


class Peer:
    """What crash says of a dump, verb by verb."""

    def __init__(self, vmlinux, dump, folder):
        self.folder, self.said = folder, {}
        verbs = {'ps': 'ps', 'bt': 'foreach bt', 'log': 'log', 'mod': 'mod',
                 'sym': ''.join(f'sym {name}\n' for name in SYMBOLS)}
        commands = ''
        for name, text in verbs.items():
            for i, line in enumerate(text.splitlines()):
                commands += f"{line} {'>>' if i else '>'} {self.path(name)}\n"
        with open(self.path('commands'), 'w', encoding='utf-8') as f:
            f.write(commands + 'quit\n')
        run = subprocess.run(['nice', '-n', '5', 'crash', '-s', vmlinux, dump, '-i', self.path('commands')],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, errors='replace', check=False, timeout=SECONDS)
        for name in verbs:
            if not os.path.exists(self.path(name)):
                raise guest.GuestError(f"crash has not said '{name}': {run.stdout.strip()[-600:]}")
            with open(self.path(name), encoding='utf-8', errors='replace') as f:
                self.said[name] = f.read().splitlines()

    def path(self, name):
        return os.path.join(self.folder, 'crash-' + name)


def check_log(case, peer):
    have = [line for m in json.loads(case.crash('log', '--json')) for line in m['text'].split('\n')]
    want = [re.sub(r'^\[ *[\d.]+\] ?', '', line) for line in peer.said['log']]
    # It indents what else belongs to a message.
    wrong = [f'line {i}: {w!r}, read as {h!r}' for i, (w, h) in enumerate(zip(want, have)) if w.strip() != h.strip()]
    return wrong + ([] if len(want) == len(have) > 100 else [f'{len(want)} lines, read as {len(have)}'])


def tasks_of(lines):
    """Address: pid, CPU, name."""
    tasks = {}
    for line in lines:
        m = re.match(r'>? +(\d+) +-?\d+ +(\d+) +([0-9a-f]{16}) .* (\S+)$', line)
        if m:
            tasks[int(m[3], 16)] = (int(m[1]), int(m[2]), m[4].strip('[]'))
    return tasks


def check_tasks(case, peer):
    want = tasks_of(peer.said['ps'])
    have = {int(t['addr'], 16): (t['tid'], t['cpu'], t['comm'].split(' ')[-1]) for t in case.table('ps', 'tasks')}
    print(f'# crash has {len(want)} of {len(have)} tasks')
    missing = {a: w for a, w in want.items() if have.get(a) != w and w[0]}
    return [f'{a:x}: {w}, read as {have.get(a)}' for a, w in missing.items()] + \
        ([] if want else ['crash has no tasks'])


def stacks_of(lines):
    """Task's address: addresses of code, the innermost first; crash also tells what lies there since before."""
    stacks, stack = {}, []
    for line in lines:
        head = re.match(r'PID: \d+ +TASK: ([0-9a-f]{16})', line)
        if head:
            stack = stacks.setdefault(int(head[1], 16), [])
        frame = re.match(r' *#\d+ \[[0-9a-f]+\] .* at ([0-9a-f]{16})', line)
        if frame:
            stack.append(int(frame[1], 16))
    return stacks


def is_within(some, of):
    """Whether @some come in @of, in their order."""
    it = iter(of)
    return all(any(a == b for b in it) for a in some)


def check_stacks(case, peer):
    """Who called it. Where the last one is, the two have from different places."""
    want, compared = stacks_of(peer.said['bt']), 0
    where = {t['tid']: int(t['addr'], 16) for t in case.table('ps', 'tasks') if t['tid']}
    wrong = []
    for task in json.loads(case.crash('bt', '--json')):
        theirs = want.get(where.get(task['tid']))
        pcs = [int(f['pc'], 16) for f in task['frames'] if not f['inlined'] and not f.get('guessed')][1:]
        if theirs and pcs:
            compared += 1
            if not is_within(pcs, theirs):
                wrong.append(f"{task['tid']}: {[hex(a) for a in theirs]}, read as {[hex(a) for a in pcs]}")
    print(f'# {compared} stacks were compared with those of crash')
    return wrong + ([] if compared else ['crash has no stack of a task that has a number'])


def check_modules(case, peer):
    want = {w[1]: int(w[3]) for w in map(str.split, peer.said['mod']) if len(w) > 3 and w[3].isdigit()}
    have = {m['name']: m['size'] for m in case.table('mods', 'modules')}
    return [] if want == have and want else [f'{want}, read as {have}']


def check_symbols(case, peer):
    want = {w[2]: int(w[0], 16) for w in map(str.split, peer.said['sym']) if len(w) > 2}
    wrong = [f'{name}: {addr:x}' for name, addr in want.items()
             if int(case.crash('sym', name).split()[0], 16) != addr]
    return wrong + ([] if len(want) >= 4 else [f'only {len(want)}'])


CHECKS = {'messages': check_log, 'tasks': check_tasks, 'stacks': check_stacks, 'modules': check_modules,
          'symbols': check_symbols}


def checks(version, dump, folder):
    """Checks of a Case, by name. GuestError: crash or what it needs is not there."""
    if not shutil.which('crash'):
        raise guest.GuestError("no 'crash' (Debian package crash)")
    peer = Peer(find_debug(version), dump, folder)
    return {name: lambda case, f=f: f(case, peer) for name, f in CHECKS.items()}
