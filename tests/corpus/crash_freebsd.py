#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""FreeBSD's dumps against what another debugger found in them; prints TAP.

usage: crash_freebsd.py SONDE SCRATCH

Takes crash-freebsd.tar of the folder that SONDE_CORPUS names: a minidump and a full ELF core, with
a kernel's symbols as text.
"""
import json
import os
import re
import subprocess
import sys
import tarfile

import freebsd_kernel

sonde, scratch = sys.argv[1], os.path.join(sys.argv[2], 'crash-freebsd')
corpus = os.environ.get('SONDE_CORPUS', '')
count = 0

SYSCTL = ('80c09ade 80c09916 80c09d90 80c09b93 80c57d91 80c19e71 80c192bc 80c19933 80c1977f '
          '8108ba8c 810620ce')
DOM0 = ('81057988 81057949 8108a5ff 81062537 8107171e 81075f9c 80f4359e 80f494b4 80f47430 '
        '80f46eee 80bc7c5e')
LAUNDRY = '80c3c8c8 80c16521 80c15c3b 80f48dfc 80bc7c5e'

# Number of threads; of some the process, name, CPU (None: not on one) and where the stack begins.
DUMPS = {
    'vmcore-amd64-minidump.bz2': (16, [(800, 'sysctl', 10, SYSCTL),
                                       (28, 'pagedaemon/dom0', 4, DOM0),
                                       (28, 'pagedaemon/laundry: dom0', None, LAUNDRY)]),
    'vmcore-amd64-full.bz2': (13, [(806, 'sysctl', 9, SYSCTL),
                                   (11, 'idle/idle: cpu0', 0, '81057988'),
                                   (11, 'idle/idle: cpu9', None, '')]),
}

# Of the thread that crashed: rbp and rip.
REGISTERS = {
    'vmcore-amd64-minidump.bz2': ('fffffe00798c4760', 'ffffffff80c09ade'),
    'vmcore-amd64-full.bz2': ('fffffe0085cb2760', 'ffffffff80c09ade'),
}


def report(name, wrong):
    """One line of TAP; @wrong is what differs, or nothing."""
    global count
    count += 1
    print('%s %d - %s' % ('not ok' if wrong else 'ok', count, name))
    for line in wrong[:10]:
        print('# ' + line)


def run(*args):
    done = subprocess.run([sonde, 'crash', *args], capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def rows(text, key=None):
    try:
        return json.loads(text)[key] if key else json.loads(text)
    except ValueError:
        return []


def check(name, dump, kernel):
    n, threads = DUMPS[name]
    status, out, err = run(dump, kernel, 'ps', '--json')
    tasks = {(t['pid'], t['comm']): t for t in rows(out, 'tasks')} if status == 0 else {}
    wrong = [] if len(tasks) == n else ['%d threads, wanted %d: %s' % (len(tasks), n, err)]
    for pid, comm, cpu, _ in threads:
        got = tasks.get((pid, comm), {})
        if got.get('cpu', -1) != cpu or got.get('on_cpu') != (cpu is not None):
            wrong.append('%s of %d: %s, wanted on CPU %s' % (comm, pid, got, cpu))
    report(name + ': threads', wrong)

    status, out, err = run(dump, kernel, 'bt', '--json')
    stacks = {t['comm']: [f['pc'] for f in t['frames']] for t in rows(out)} if status == 0 else {}
    wrong = []
    for pid, comm, _, pcs in threads:
        want = ['0xffffffff' + pc for pc in pcs.split()]
        if stacks.get(comm, [])[:len(want)] != want or (want and not stacks.get(comm)):
            wrong.append('%s: %s, wanted %s' % (comm, stacks.get(comm), want))
    report(name + ': stacks', wrong)

    # Registers of the thread that made the dump: the 5th and the 8th that struct pcb has.
    status, out, err = run(dump, kernel, 'read', 'dumppcb', '64')
    words = re.findall('  ([0-9a-f]{16})', out)
    report(name + ': registers of the crash', [] if len(words) == 8 and
           (words[4], words[7]) == REGISTERS[name] else [out, err])

    status, out, err = run(dump, kernel, 'report', '--json')
    try:
        page = json.loads(out)
    except ValueError:
        page = {}
    pid, comm, cpu, pcs = threads[0]
    wrong = [] if len(page.get('tasks', [])) == n else [err]
    if [line.split()[0] for line in page.get('stack', [])] != ['0xffffffff' + pc for pc in pcs.split()]:
        wrong.append('%s' % page.get('stack'))
    if not re.fullmatch('CPU %d in thread [0-9]+ of %d %s' % (cpu, pid, comm),
                        page.get('crashed', '')):
        wrong.append('crashed: %s' % page.get('crashed'))
    lacks = page.get('not_shown', [])
    for what in 'zones (vmstat -z, netstat -m): needs types', 'dump header: no info file':
        if not any(line.startswith(what) for line in lacks):
            wrong.append('it does not say "%s": %s' % (what, lacks))
    report(name + ': the report', wrong)

    status, out, err = run(dump, 'ps')
    report(name + ': without a kernel it says what is missing',
           [] if status == 1 and 'name the kernel' in err else [out, err])


def check_thin(name, dump, kernel):
    thin, wrong = os.path.join(scratch, 'thin'), []
    for verb in 'ps', 'bt', 'log':
        whole = run(dump, kernel, verb)
        if whole[0]:
            continue
        status, out, err = run(dump, kernel, '-o', thin, 'thin', verb)
        if status or run(thin, kernel, verb)[:2] != whole[:2]:
            wrong.append('%s: %s%s' % (verb, out, err))
    report(name + ': thin dumps', wrong)


def main():
    if not os.path.exists(os.path.join(corpus, 'crash-freebsd.tar')):
        print('1..0 # SKIP SONDE_CORPUS names no folder with crash-freebsd.tar')
        return
    os.makedirs(scratch, exist_ok=True)
    with tarfile.open(os.path.join(corpus, 'crash-freebsd.tar')) as tar:
        tar.extractall(scratch)
    folder = os.path.join(scratch, 'crash-freebsd')
    kernel = os.path.join(scratch, 'kernel')
    with open(os.path.join(folder, 'kernel-amd64.yaml'), encoding='utf-8') as f:
        made = freebsd_kernel.make(f.read())
    with open(kernel, 'wb') as f:
        f.write(made)
    for name in DUMPS:
        check(name, os.path.join(folder, name), kernel)
        check_thin(name, os.path.join(folder, name), kernel)
    print('1..%d' % count)


main()
