#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What reports say of traces that begin in the middle, lose events, contradict themselves, run
backwards or have very many threads: nothing is guessed, what counts is counted, doubts are told.

usage: odd.py SONDE
"""
import os
import shutil
import sys
import tempfile

import reports
import trace
from trace import Packet, fork, switch, waking

WAKEUP_NEW = ('sched_wakeup_new', 't100', 100, 20, 1)


def begins_in_the_middle():
    return {'cpu_0': [Packet(0, [
        (1000, ('syscall_exit_read', 5)), (2000, ('irq_handler_exit', 36, 1)),
        (3000, ('irq_softirq_exit', 1)), (4000, switch(100, 1, 0)), (6000, waking(100)),
        (7000, switch(0, 0, 100)), (8000, ('syscall_exit_read', 5)), (9000, switch(100, 1, 0)),
        (10000, ('block_rq_complete', 8, 64, 8, 0, 0)),
        (11000, ('sched_process_free', 't200', 200, 20))], begin=500)]}


def loses_events():
    return {'cpu_0': [Packet(0, [
        (1000, switch(0, 0, 100)), (2000, ('syscall_entry_read', 3)),
        (3000, ('irq_handler_entry', 36, 'disk'))], begin=0), Packet(0, [
            (20000, ('irq_handler_exit', 36, 1)), (20000, ('syscall_exit_read', 7)),
            (21000, switch(100, 1, 0)), (22000, waking(100)), (23000, switch(0, 0, 100)),
            (30000, switch(100, 1, 0))], discarded=50, seq=1)]}


def exits_without_entries():
    return {'cpu_0': [Packet(0, [
        (1000, switch(0, 0, 100)), (2000, ('irq_handler_exit', 36, 1)),
        (2500, ('irq_softirq_exit', 1)), (3000, ('syscall_entry_read', 3)),
        (4000, ('syscall_exit_futex', 0)), (5000, ('syscall_exit_read', 3)),
        (6000, ('irq_handler_entry', 36, 'disk')), (6500, ('irq_softirq_exit', 1)),
        (7000, ('irq_handler_exit', 36, 1)), (8000, switch(100, 1, 0))], begin=0)]}


def runs_backwards():
    return {'cpu_0': [Packet(0, [
        (10000, switch(0, 0, 100)), (12000, ('syscall_entry_read', 3)),
        (14000, ('irq_handler_entry', 36, 'disk')), (16000, waking(101))]), Packet(0, [
            (5000, ('irq_handler_exit', 36, 1)), (6000, ('syscall_exit_read', 3)),
            (7000, switch(100, 1, 101)), (6500, switch(101, 1, 100)),
            (9000, switch(100, 1, 0))], seq=1), Packet(0, [
                (18000, waking(100)), (20000, switch(0, 0, 100)), (30000, switch(100, 1, 0))],
                                                      seq=2)]}


def a_number_twice():
    """A second thread 100 comes while the first one runs: it ended at some time unseen."""
    return {'cpu_0': [Packet(0, [
        (1000, switch(0, 0, 100)), (5000, ('irq_softirq_raise', 1)),
        (10000, ('irq_softirq_raise', 1))], begin=0)],
            'cpu_1': [Packet(1, [
                (1000, switch(0, 0, 50)), (6000, fork(50, 100)), (6100, WAKEUP_NEW),
                (7000, switch(50, 1, 100)), (9000, switch(100, 1, 0))], begin=0)]}


def a_number_again():
    return {'cpu_0': [Packet(0, [
        (1000, switch(0, 0, 100)), (2000, ('sched_process_exit', 't100', 100, 20)),
        (3000, switch(100, 64, 50)), (3500, ('sched_process_free', 't100', 100, 20)),
        (4000, fork(50, 100)), (4100, WAKEUP_NEW), (5000, switch(50, 1, 100)),
        (9000, switch(100, 1, 0))], begin=0)]}


def only(name):
    """Nothing but events of one kind, at which most reports have nothing to say."""
    r = trace.nonsense(1, 2000)
    return {'cpu_%d' % c: [Packet(c, [e for e in events if e[1][0] == name])]
            for c, events in enumerate(r) if any(e[1][0] == name for e in events)}


MANY = 100000


def many_threads():
    """Each of them runs for 1 us on CPU 0, woken 500 ns before."""
    events, at = [], 0
    for tid in range(100, 100 + MANY):
        events.append((at + 500, waking(tid)))
        events.append((at + 1000, switch(tid - 1 if tid > 100 else 0, 1, tid)))
        at += 1000
    events.append((at + 1000, switch(99 + MANY, 1, 0)))
    return {'cpu_0': [Packet(0, events[i:i + 5000], seq=i // 5000) for i in range(0, len(events), 5000)]}


PROCESSES = 3000


def many_processes():
    """One behind the other, with few numbers: each is another one."""
    events, at = [(1000, switch(0, 0, 50))], 1000
    for i in range(PROCESSES):
        tid, at = 100 + i % 500, at + 100
        events += [(at, fork(50, tid)), (at + 10, ('sched_wakeup_new', 't', tid, 20, 0)),
                   (at + 20, switch(50, 0, tid)), (at + 40, ('sched_process_exit', 't', tid, 20)),
                   (at + 50, switch(tid, 64, 50)), (at + 60, ('sched_process_free', 't', tid, 20))]
    return {'cpu_0': [Packet(0, events)]}


def of_processes(key):
    def told(out):
        threads = [t for t in out['threads'] if t['tid'] >= 100]
        return len(threads), {t[key] for t in threads}
    return told


def row(rows, **keys):
    """Those that have these values."""
    return [r for r in rows if all(r.get(k) == v for k, v in keys.items())]


def one(rows, key, **keys):
    found = row(rows, **keys)
    return found[0][key] if len(found) == 1 else '%d rows' % len(found)


def cpu_ns(out):
    return one(out['threads'], 'cpu_ns', tid=100)


def calls(out):
    return out['total']['count']


def states(out):
    t = row(out['threads'], tid=100)
    keys = ('run_ns', 'syscall_ns', 'interrupted_ns', 'wait_cpu_ns', 'blocked_ns')
    return [t[0][k] for k in keys] if len(t) == 1 else len(t)


def irqs(out):
    return [(i['count'], i['total_ns']) 
            for i in out.get('irqs', []) + out.get('softirqs', [])]


def path(out):
    return out['adds_up'], out['duration_ns']


def wakeups(out):
    return [(w['tid'], w['took_count'], w['took_total_ns']) for w in out['wakeups']]


def sched(out):
    return one(out['threads'], 'wakeup_max_ns', tid=100)


# What is in a trace; what is said of it in each report; and what reports must show.
CASES = [
    (begins_in_the_middle, None, {
        # It ran before 4000; but whether in a call or not, nothing tells.
        'cpu': (cpu_ns, 5000), 'syscalls': (calls, 0), 'sched': (sched, 1000),
        'wakeups': (wakeups, [(100, 1, 1000)]), 'states': (states, [2000, 0, 0, 1000, 4000]),
        'critical-path': (path, (True, 7000))}),
    (loses_events, '50 events were lost', {
        'cpu': (cpu_ns, 10000), 'syscalls': (calls, 0), 'irq': (irqs, []), 'sched': (sched, 1000),
        'wakeups': (wakeups, [(100, 1, 1000)]), 'states': (states, [9000, 1000, 0, 1000, 1000]),
        'critical-path': (path, (True, 29000))}),
    (exits_without_entries, None, {
        'cpu': (cpu_ns, 7000), 'syscalls': (calls, 0), 'irq': (irqs, [(1, 1000)]),
        'states': (states, [7000, 1000, 1000, 0, 0]), 'critical-path': (path, (True, 7000))}),
    (runs_backwards, 'back', {'critical-path': (lambda out: out['adds_up'], True)}),
    (a_number_twice, None, {
        'cpu': (lambda out: sorted(r['cpu_ns'] for r in row(out['threads'], tid=100)), [2000, 4000]),
        'states': (lambda out: sorted(r['run_ns'] for r in row(out['threads'], tid=100)),
                   [2000, 4000])}),
    (a_number_again, None, {
        'cpu': (lambda out: sorted(r['cpu_ns'] for r in row(out['threads'], tid=100)), [2000, 4000]),
        'states': (lambda out: sorted(r['run_ns'] for r in row(out['threads'], tid=100)),
                   [2000, 4000])}),
    (many_processes, None, {
        'cpu': (of_processes('cpu_ns'), (PROCESSES, {30})),
        'states': (of_processes('run_ns'), (PROCESSES, {30}))}),
    (many_threads, None, {
        'cpu': (lambda out: [len(out['threads']), sum(t['cpu_ns'] for t in out['threads'])],
                [MANY, MANY * 1000]),
        'states': (lambda out: [len(out['threads']), sum(t['run_ns'] for t in out['threads'])],
                   [MANY, MANY * 1000]),
        'sched': (lambda out: [len(out['threads']), {t['wakeup_max_ns'] for t in out['threads']}],
                  [MANY, {500}]),
        'wakeups': (lambda out: sum(w['wakeups'] for w in out['wakeups']), MANY),
        'critical-path': (path, (True, 500 + MANY * 1000))}),
]


def negative(value, at=''):
    """Paths to all times and counts that are below 0, and to shares above 100 %."""
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in negative(v, at + '.' + k)]
    if isinstance(value, list):
        return [p for v in value for p in negative(v, at)]
    wrong = isinstance(value, (int, float)) and not isinstance(value, bool) and (
        value < 0 and not at.endswith('id') or 'share' in at and value > 100.001)
    return ['%s: %s' % (at, value)] if wrong else []


def check(checks, name, folder, says, wants, as_text=True):
    for report in checks.names:
        status, out, err = checks.report(report, folder)
        wrong = []
        if status not in (0, 1) or (status == 1 and not err):
            wrong.append('exit status %d' % status)
        if status == 0:
            wrong += negative(out)
        if status == 0 and says and says not in err:
            wrong.append('does not say "%s"' % says)
        if report in wants:
            function, want = wants[report]
            got = function(out) if out else None
            wrong += [] if got == want else ['%s, wanted %s' % (got, want)]
        status = checks.run('report', report, *reports.ARGUMENTS.get(report, []),
                            folder)[0] if as_text else 0
        if status not in (0, 1):
            wrong.append('exit status %d of the text' % status)
        checks.result('%s: %s' % (name, report), not wrong, *wrong, err)


def main():
    with tempfile.TemporaryDirectory() as scratch:
        checks = reports.Checks(sys.argv[1], scratch)
        for make, says, wants in CASES:
            name = make.__name__.replace('_', ' ')
            trace.write(os.path.join(scratch, 't'), make())
            check(checks, name, 't', says, wants)
            shutil.rmtree(os.path.join(scratch, 't'))
        for kind in trace.EVENTS:
            trace.write(os.path.join(scratch, 't'), only(kind))
            check(checks, 'only ' + kind, 't', None, {}, as_text=False)
            shutil.rmtree(os.path.join(scratch, 't'))
        checks.done()


main()
