#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the small trace of blocked threads for the golden tests: two CPUs, 10 ms, with stacks.

usage: make_blocked.py FOLDER     (tests/golden/data/blocked is made by it)

Two threads of 'app' wait for what the third holds: one for a futex, one for a mutex of the kernel.
Then that one sleeps, until a timer's interrupt. Losses come at the end, between 9.5 and 10 ms.
"""
import os
import sys

import small_trace

STACKS = ' k callstack_kernel k callstack_user'
EVENTS = {
    'sched_switch': 'n prev_comm i prev_pid i prev_prio l prev_state n next_comm i next_pid '
                    'i next_prio' + STACKS,
    'sched_waking': 'n comm i pid i prio i target_cpu' + STACKS,
    'contention_begin': 'l lock_addr i flags' + STACKS,
    'contention_end': 'l lock_addr i ret',
    'sys_enter_futex': 'l uaddr i op i val l utime l uaddr2 i val3' + STACKS,
    'sys_exit_futex': 'l ret',
    'perf:comm': 'i pid i tid i exec s comm',
    'perf:mmap2': 'i pid i tid l addr l len l pgoff i maj i min l ino l ino_generation i prot '
                  'i flags s build_id s filename',
}
BUILD_ID = 'fa16be824fe5761fa482ffc743c3e7eeaaba2ebc'
BASE, PROGRAM = 0x400000, '/tmp/app'
KERNEL = {'entry_SYSCALL_64': 0xffffffff81000000, 'do_futex': 0xffffffff81001000,
          'futex_wake': 0xffffffff81002000, 'schedule': 0xffffffff81003000,
          'do_write': 0xffffffff81004000, 'mutex_lock': 0xffffffff81005000,
          'mutex_unlock': 0xffffffff81006000, 'do_nanosleep': 0xffffffff81007000,
          'asm_sysvec_apic_timer_interrupt': 0xffffffff81008000,
          'hrtimer_wakeup': 0xffffffff81009000, 'try_to_wake_up': 0xffffffff8100a000,
          '__traceiter_sched_switch': 0xffffffff8100b000, 'cpu_idle': 0xffffffff8100c000}
USER = {'main': 0x1000, 'work': 0x1100, 'lock': 0x1200, 'nap': 0x1300}


def kernel(*names):
    """Innermost first."""
    return [KERNEL[n] + (8 if i else 4) for i, n in enumerate(names)]


def user(*names):
    return [BASE + USER[n] + (8 if i else 4) for i, n in enumerate(names)]


OUT = '__traceiter_sched_switch', 'schedule'
FUTEX = kernel(*OUT, 'do_futex', 'entry_SYSCALL_64')
MUTEX = kernel(*OUT, 'mutex_lock', 'do_write', 'entry_SYSCALL_64')
SLEEP = kernel(*OUT, 'do_nanosleep', 'entry_SYSCALL_64')
IDLE = kernel(*OUT, 'cpu_idle')
TIMER = kernel('try_to_wake_up', 'hrtimer_wakeup', 'asm_sysvec_apic_timer_interrupt', 'cpu_idle')
LOCK, MUTEX_ADDR, WORD = 32, -0x77fff0000000, 0x601000


def switch(prev, state, nxt, stack, frames=()):
    def name(tid):
        return 'app' if tid else 'swapper'
    return ('sched_switch', prev, name(prev), prev, 120, state, name(nxt), nxt, 120, stack, frames)


def waking(by, tid, stack, frames=()):
    return ('sched_waking', by, 'app', tid, 120, 0, stack, frames)


CPU0 = [([
    (0, ('perf:mmap2', 0, 100, 100, BASE, 0x10000, 0, 8, 1, 77, 0, 5, 2, BUILD_ID, PROGRAM)),
    *[(1, ('perf:comm', 0, 100, tid, 0, 'app')) for tid in (100, 101, 102)],
    (10, switch(0, 0, 100, IDLE)),
    (1000, ('sys_enter_futex', 100, WORD, 128, 2, 0, 0, 0, kernel('do_futex', 'entry_SYSCALL_64'),
            user('lock', 'work', 'main'))),
    (1010, switch(100, 1, 101, FUTEX, user('lock', 'work', 'main'))),
    (2000, ('contention_begin', 101, MUTEX_ADDR, LOCK | 1,
            kernel('mutex_lock', 'do_write', 'entry_SYSCALL_64'), user('work', 'main'))),
    (2005, ('contention_begin', 101, MUTEX_ADDR, LOCK,
            kernel('mutex_lock', 'do_write', 'entry_SYSCALL_64'), user('work', 'main'))),
    (2010, switch(101, 2, 0, MUTEX, user('work', 'main'))),
    (4010, switch(0, 0, 101, IDLE)),
    (4015, ('contention_end', 101, MUTEX_ADDR, 0)),
    (4500, switch(101, 1, 0, SLEEP, user('nap', 'main'))),
    (5020, switch(0, 0, 100, IDLE)),
    (5030, ('sys_exit_futex', 100, 0)),
    (9000, switch(100, 0, 0, IDLE)),
], 0)]
CPU1 = [([
    (20, switch(0, 0, 102, IDLE)),
    (4000, waking(102, 101, kernel('try_to_wake_up', 'mutex_unlock', 'entry_SYSCALL_64'),
                  user('work', 'main'))),
    (5000, waking(102, 100, kernel('try_to_wake_up', 'futex_wake', 'do_futex', 'entry_SYSCALL_64'),
                  user('lock', 'main'))),
    (6000, switch(102, 1, 0, SLEEP, user('nap', 'main'))),
    (9000, waking(0, 102, TIMER)),
    (9010, switch(0, 0, 102, IDLE)),
], 0), ([
    (10000, switch(102, 1, 0, SLEEP, user('nap', 'main'))),
], 3)]


folder = sys.argv[1]
small_trace.Trace(EVENTS, lambda tid: 100 if tid else 0).write(folder, [CPU0, CPU1])
os.makedirs(os.path.join(folder, 'sonde'), exist_ok=True)
with open(os.path.join(folder, 'sonde', 'kernel'), 'w', encoding='utf-8') as f:
    f.write('sonde kernel 1\nrelease 6.1.0\n')
    f.writelines(f'f {addr:x} 40 {name}\n' for name, addr in KERNEL.items())
with open(os.path.join(folder, 'sonde', 'user'), 'w', encoding='utf-8') as f:
    f.write(f'sonde user 1\nfile {BUILD_ID} 0:0:0:0 found {PROGRAM}\n')
    f.writelines(f'f {addr:x} 40 {name}\n' for name, addr in USER.items())
