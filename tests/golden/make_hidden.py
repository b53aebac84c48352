#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the small trace of programs whose switches are hidden: one CPU, 8 ms.

usage: make_hidden.py FOLDER     (tests/golden/data/hidden is made by it)

A shell starts 'tool' and 'late'. No event tells that their threads come to the CPU; that they began
to run a program is all that tells of them, and of 'tool' also that it left the CPU.
"""
import sys

import small_trace

EVENTS = {
    'sched_switch': 'n prev_comm i prev_pid i prev_prio l prev_state n next_comm i next_pid '
                    'i next_prio',
    'sched_process_fork': 'n parent_comm i parent_pid n child_comm i child_pid',
    'sched_process_exec': 's filename i pid i old_pid',
}
NAMES = {0: 'swapper', 10: 'sh', 11: 'tool', 12: 'late'}


def switch(prev, state, nxt):
    return ('sched_switch', NAMES[prev], prev, 120, state, NAMES[nxt], nxt, 120)


def run(tid):
    return ('sched_process_exec', '/usr/bin/' + NAMES[tid], tid, tid)


CPU0 = [([
    (0, switch(0, 0, 10)),
    (900, ('sched_process_fork', 'sh', 10, 'sh', 11)),
    (950, ('sched_process_fork', 'sh', 10, 'sh', 12)),
    (2000, run(11)),
    (5000, switch(11, 1, 10)),
    (6000, run(12)),
    (8000, switch(10, 1, 0)),
], 0)]


small_trace.Trace(EVENTS).write(sys.argv[1], [CPU0])
