#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the small kernel trace of the golden tests: two CPUs, 30 ms, a shell and what it starts.

usage: make_kernel.py FOLDER     (tests/golden/data/kernel is made by it)

On CPU 1 seven events are lost between 22 and 24 ms.
"""
import sys

import small_trace

EVENTS = {
    'sched_switch': 'n prev_comm i prev_tid i prev_prio l prev_state n next_comm i next_tid '
                    'i next_prio',
    'sched_waking': 'n comm i tid i prio i target_cpu',
    'sched_process_fork': 'n parent_comm i parent_tid i parent_pid n child_comm i child_tid '
                          'i child_pid',
    'sched_process_exit': 'n comm i tid i prio',
    'irq_handler_entry': 'i irq', 'irq_handler_exit': 'i irq i ret',
    'irq_softirq_entry': 'i vec', 'irq_softirq_exit': 'i vec',
    'syscall_entry_read': 'i fd', 'syscall_exit_read': 'l ret',
    'syscall_entry_openat': 'i dfd', 'syscall_exit_openat': 'l ret',
    'syscall_entry_wait4': 'i upid', 'syscall_exit_wait4': 'l ret',
}
NAMES = {0: 'swapper', 10: 'sh', 11: 'cc', 12: 'a process with a long name', 20: 'kworker/1:0'}


def switch(prev, state, nxt):
    return ('sched_switch', NAMES[prev], prev, 20, state, NAMES[nxt], nxt, 20)


def call(name, enter, leave, ret):
    yield enter, ('syscall_entry_' + name, 3)
    yield leave, ('syscall_exit_' + name, ret)


# Per CPU: packets of events at so many us; how many events were discarded up to its end.
CPU0 = [([
    (0, switch(0, 0, 10)),
    *call('openat', 100, 112, 3), *call('read', 200, 260, 100), *call('read', 300, 320, -11),
    *call('openat', 400, 404, -2), *call('openat', 410, 415, -2), *call('openat', 420, 424, -13),
    (1000, ('sched_process_fork', 'sh', 10, 10, 'sh', 11, 11)),
    (1010, ('sched_waking', 'cc', 11, 20, 1)),
    (1100, ('syscall_entry_wait4', 11)),
    (1200, switch(10, 1, 0)),
    (5000, ('irq_handler_entry', 36)), (5020, ('irq_handler_exit', 36, 1)),
    (5030, ('irq_softirq_entry', 4)), (5090, ('irq_softirq_exit', 4)),
    (21050, switch(0, 0, 10)),
    (21060, ('syscall_exit_wait4', 11)),
    (25000, switch(10, 0, 12)),
    (29000, switch(12, 1, 10)),
    (30000, ('syscall_entry_read', 0)),
], 0)]
CPU1 = [([
    (1050, switch(0, 0, 11)),
    *call('openat', 1500, 1530, 4), *call('read', 2000, 8000, 4096),
    (9000, switch(11, 0, 20)), (9100, switch(20, 1, 11)),
    (21000, ('sched_process_exit', 'cc', 11, 20)),
    (21010, ('sched_waking', 'sh', 10, 20, 0)),
    (21040, switch(11, 16, 0)),
    (22000, ('sched_waking', 'kworker/1:0', 20, 20, 1)),
], 0), ([
    (24000, ('irq_handler_entry', 36)), (24500, ('irq_handler_exit', 36, 1)),
    (26000, switch(20, 1, 0)),
    (29500, ('irq_handler_entry', 36)), (29600, ('irq_handler_exit', 36, 1)),
], 7)]


small_trace.Trace(EVENTS).write(sys.argv[1], [CPU0, CPU1])
