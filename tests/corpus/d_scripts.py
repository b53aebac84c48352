#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs scripts in D over real traces of LTTng, whose events have names of their own; prints TAP.

usage: d_scripts.py SONDE SCRATCH

SONDE_CORPUS names the folder with the traces. Without it, all is skipped. What D's providers count
is compared with scripts of the other language that say LTTng's own names, and ticks with time itself.
"""
import os
import re
import subprocess
import sys
import tarfile

sonde, scratch = sys.argv[1], os.path.join(sys.argv[2], 'd-scripts')
corpus = os.environ.get('SONDE_CORPUS')
if not corpus:
    print('1..0 # SKIP SONDE_CORPUS names no folder')
    sys.exit(0)

TRACES = [('kernel-6.2', 'kernel'), ('kernel-4.4', 'kernel'), ('scp', 'scp_src')]
TICK = '''#!/usr/sbin/dtrace -s
profile:::tick-10ms { @count["count"] = count(); }
profile:::tick-200ms { printa(@count); clear(@count); }
'''
# What is counted, in D and in bt: "key value" lines of each must be the same.
SAME = {
    'switches': ('sched:::on-cpu { @[pid] = count(); }',
                 'tracepoint:sched_switch { @[args.next_tid] = count(); }'),
    'wakeups': ('sched:::wakeup { @[args[1]->pr_pid] = count(); }',
                'tracepoint:sched_wakeup, tracepoint:sched_wakeup_new { @[args.tid] = count(); }'),
    'time on the CPUs': ('sched:::on-cpu { self->on = timestamp; }'
                         'sched:::off-cpu / self->on / { @[tid] = sum(timestamp - self->on); self->on = 0; }',
                         'tracepoint:sched_switch { if (@on[args.prev_tid]) {'
                         '    @[args.prev_tid] = sum(nsecs - @on[args.prev_tid]); delete(@on[args.prev_tid]); }'
                         '    @on[args.next_tid] = nsecs; } END { clear(@on); }'),
    'requests to disks': ('io:::start { @[args[0]->b_flags & B_WRITE] = sum(args[0]->b_bcount); }',
                          'tracepoint:block_rq_issue { @[args.rwbs & 1] = sum(args.bytes); }'),
    'forks': ('proc:::create { @[args[0]->pr_pid] = count(); }',
              'tracepoint:sched_process_fork { @[args.child_pid] = count(); }'),
    'arguments by their places': ('syscall::write:entry, syscall::lseek:entry { @[arg0] = sum(arg2); }',
                                  'tracepoint:syscall_entry_write { @[args.fd] = sum(args.count); }'
                                  'tracepoint:syscall_entry_lseek { @[args.fd] = sum(args.whence); }'),
    'what is opened': ('syscall::openat:entry { @[strlen(copyinstr(arg1))] = count(); }',
                       'config = { max_strlen = 256 } tracepoint:syscall_entry_openat { @[strlen(args.filename)] = count(); }'),
    'reads': ('syscall::read:return { @[probefunc == "read", (int)arg1 < 0] = count(); }',
              'tracepoint:syscall_exit_read { @[1, args.ret < 0] = count(); }'),
}


def folder(archive, inner):
    path = os.path.join(scratch, archive)
    if not os.path.isdir(path):
        with tarfile.open(os.path.join(corpus, archive + '.tar.xz')) as t:
            t.extractall(scratch)
    return os.path.join(path, inner)


def run(path, *args):
    r = subprocess.run([sonde, 'run', '-t', path, *args], check=False, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True)
    return r.stdout, r.stderr


def check_ticks(path):
    out, err = run(path, '--d', '-e', TICK)
    counts = re.findall(r'^  count +(\d+)$', out, re.M)
    if len(counts) < 20 or any(n != '20' for n in counts[:-1]):
        return f'{counts}\n{err}'
    return None


def check_same(path, d, bt):
    d_out, d_err = run(path, '-q', '--d', '-e', d)
    bt_out, bt_err = run(path, '-e', bt)
    if not bt_out.strip() and 'unknown-event' in bt_err:  # the trace has none
        return None if 'D_PDESC_ZERO' in d_err else d_err or 'D has found events'
    d_rows = sorted(tuple(line.split()) for line in d_out.splitlines() if line)
    bt_rows = sorted((*key.replace(',', '').split(), n)
                     for key, n in re.findall(r'^@\[(.*)\]: (\d+)$', bt_out, re.M))
    if not bt_rows or d_rows != bt_rows:
        return f'{d_rows[:5]} in D, {bt_rows[:5]}\n{d_err}{bt_err}'
    return None


def main():
    bad = n = 0
    print(f'1..{len(TRACES) * (1 + len(SAME))}')
    for archive, inner in TRACES:
        path = folder(archive, inner)
        checks = {'ticks': lambda p: check_ticks(p)} | {
            name: (lambda p, pair=pair: check_same(p, *pair)) for name, pair in SAME.items()}
        for name, check in checks.items():
            n += 1
            wrong = check(path)
            bad += bool(wrong)
            print(f'{"not ok" if wrong else "ok"} {n} - {archive}: {name}')
            if wrong:
                print('# ' + wrong.rstrip().replace('\n', '\n# '))
    return 1 if bad else 0


sys.exit(main())
