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
PACKED = ['kdump.sparse.elf', 'live.sparse.elf']
DUMPS = [('kdump', 'kdump.sparse.elf'), ('live', 'live.sparse.elf'),
         ('kdump', 'kdump.makedumpfile-zlib')]
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
    for name in PACKED:
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
    title = os.path.basename(dump)
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
    report(title + ': the stack of every task', wrong)


def check_ps(folder, kind, dump):
    title = os.path.basename(dump)
    names, _ = expected_tasks(folder, kind)
    text, wrong = run(dump, 'ps', '--json'), []
    try:
        got = {t['tid']: t['comm'] for t in json.loads(text)['tasks']}
        wrong = [] if got == names else ['%s, wanted %s' % (got, names)]
    except ValueError:
        wrong.append(text[:200])
    report(title + ': tasks and their names', wrong)


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
    title = os.path.basename(dump)
    want, got = read(folder, kind + '.log').rstrip().split('\n'), run(dump, 'log').rstrip().split('\n')
    wrong = ['%r, wanted %r' % pair for pair in zip(got, want) if pair[0] != pair[1]]
    if len(want) != len(got):
        wrong.append('%d lines, wanted %d' % (len(got), len(want)))
    report(title + ': messages', wrong)


def check_words(dump, args, words):
    """What a verb prints has these words, each on one line."""
    text = run(dump, *args)
    lines = [' '.join(line.split()) for line in text.splitlines()]
    wrong = ['no %r' % w for w in words if not any(w in line for line in lines)]
    report(' '.join(args), wrong + ([text[:300]] if wrong else []))


# What a guest is known to have had that ran /init of the test's own and was crashed by sysrq-c.
KNOWN = [
    (['report'], ['Panic Kernel panic - not syncing: sysrq triggered crash', 'Crashed CPU 0 in 1 init',
                  'Kernel Linux 6.1.0-56-cloud-amd64', 'CPUs 2 online of 2', 'sysrq_handle_crash+0x16',
                  '1 2 105 cat clear_user_erms < read_zero < vfs_read']),
    (['mods'], ['loop 32.0 KiB 0 live 0xffffffffc0601000', 'virtio_ring 48.0 KiB 3 live']),
    (['mem'], ['total 435.0 MiB', 'task_struct 1.2 MiB 111 8,328 37', '106 threads 8.6 MiB']),
    (['irq'], ['0 125 IO-APIC timer', 'ttyS0', 'i8042']),
    (['files', '1'], ['1 1 w file 0 /proc/sysrq-trigger', '1 10 r file 1,507 /init']),
    (['mount'], ['/dev devtmpfs dev', '/tmp tmpfs tmp']),
    (['net'], ['1 lo up 65536 127.0.0.1/8']),
    (['sym', '__crash_kexec+0x11a'], ['0xffffffff9816475a __crash_kexec+0x11a/0x130']),
    (['sym', 'virtio_ring*', 'vring_interrupt'], ['vring_interrupt', '[virtio_ring]']),
    (['read', 'linux_banner', '32'], ['Linux version 6.']),
    (['print', 'task_struct', 'init_task', 'comm'], ['"swapper/0"']),
    (['print', 'struct task_struct', 'init_task', 'mm'], ['NULL']),
    (['list', 'modules', 'struct module', 'list', 'name'], ['"loop"', '"virtio_ring"']),
    (['search', '=Linux version 6.1'], ['physical 0x23d1ffe0']),
    (['bt', '--unique'], ['36 tasks: 101 sleep, 102 sleep']),
    (['bt', '1'], ['__crash_kexec+0x11a', 'panic+0x13d (found by searching)']),
    (['flame', '-o', '-'], ['do_nanosleep']),
]


def check_thin(folder, dump):
    """What a verb shows of the dump that was thinned for it is the same."""
    thin, again = os.path.join(folder, 'thin'), os.path.join(folder, 'thin-again')
    for args, _ in KNOWN:
        if args[0] == 'search':  # reads all there is
            continue
        line = ' '.join("'%s'" % a for a in args if a not in ('-o', '-', '--unique'))
        options = [a for a in args if a == '--unique']
        whole = run(dump, *args)
        if whole.startswith('exit status'):  # the dump has not what this verb wants
            continue
        made = run(dump, *options, '-o', thin, 'thin', line)
        wrong = [] if made.startswith('wrote') else [made[:200]]
        wrong += [] if run(thin, *args) == whole else ['another answer']
        report('thin: %s of %s' % (line, os.path.basename(dump)), wrong)
    wrong = []
    for to, of in (thin, dump), (again, thin):
        made = json.loads(run(of, '-o', to, '--json', 'thin', 'report', 'ps'))
        if made['bytes'] != os.stat(to).st_size or made['pages'] > made['of_pages']:
            wrong.append(str(made))
    with open(thin, 'rb') as a, open(again, 'rb') as b:
        wrong += [] if a.read() == b.read() else ['a thin dump is not thinned to itself']
    report('thin: twice', wrong)


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
    whole = os.path.join(folder, 'kdump.makedumpfile-zlib')
    for args, words in KNOWN:
        check_words(whole, args, words)
    check_thin(folder, whole)
    check_thin(folder, os.path.join(folder, 'live.sparse.elf'))
    print('1..%d' % count)


main()
