#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the small kernel trace of the golden tests: two CPUs, 30 ms, a shell and what it starts.

usage: make_kernel.py FOLDER     (tests/golden/data/kernel is made by it)

On CPU 1 seven events are lost between 22 and 24 ms.
"""
import os
import struct
import sys

METADATA = '''/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := u8;
typealias integer { size = 32; align = 8; signed = false; } := u32;
typealias integer { size = 64; align = 8; signed = false; } := u64;
typealias integer { size = 32; align = 8; signed = true; } := s32;
typealias integer { size = 64; align = 8; signed = true; } := s64;
typealias integer { size = 8; align = 8; signed = false; encoding = UTF8; } := text;
trace {
	major = 1; minor = 8; byte_order = le;
	uuid = "00112233-4455-6677-8899-aabbccddeeff";
	packet.header := struct { u32 magic; u8 uuid[16]; u32 stream_id; };
};
env { hostname = "box"; domain = "kernel"; kernel_release = "6.1.0"; architecture = "x86_64"; };
clock { name = "mono"; freq = 1000000000; offset_s = 1700000000; };
typealias integer { size = 64; align = 8; map = clock.mono.value; } := stamp;
stream {
	id = 0;
	packet.context := struct {
		stamp timestamp_begin; stamp timestamp_end; u64 content_size; u64 packet_size;
		u64 events_discarded; u64 packet_seq_num; u32 cpu_id;
	};
	event.header := struct { u32 id; stamp timestamp; };
};
'''

TYPES = {'i': ('s32 %s', '<i'), 'l': ('s64 %s', '<q'), 'n': ('text %s[16]', '16s')}
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
IDS = {name: i for i, name in enumerate(EVENTS)}
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


def describe(name):
    spec = EVENTS[name].split()
    fields = ' '.join(TYPES[t][0] % n + ';' for t, n in zip(spec[::2], spec[1::2]))
    return 'event { id = %d; name = "%s"; stream_id = 0; fields := struct { %s }; };\n' % (
        IDS[name], name, fields)


def encode(at_us, event):
    name, *values = event
    out = struct.pack('<IQ', IDS[name], at_us * 1000)
    for t, v in zip(EVENTS[name].split()[::2], values):
        out += struct.pack(TYPES[t][1], v.encode()[:15] if t == 'n' else v)
    return out


def packet(cpu, seq, events, discarded):
    body = b''.join(encode(*e) for e in events)
    begin, end = events[0][0] * 1000, events[-1][0] * 1000
    head = struct.pack('<I16sI', 0xc1fc1fc1, bytes.fromhex('00112233445566778899aabbccddeeff'), 0)
    size = (len(head) + 6 * 8 + 4 + len(body)) * 8
    return head + struct.pack('<QQQQQQI', begin, end, size, size, discarded, seq, cpu) + body


folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, 'metadata'), 'w', encoding='utf-8') as f:
    f.write(METADATA + ''.join(describe(n) for n in EVENTS))
for cpu, packets in enumerate((CPU0, CPU1)):
    with open(os.path.join(folder, f'cpu_{cpu}'), 'wb') as f:
        for seq, (events, discarded) in enumerate(packets):
            f.write(packet(cpu, seq, events, discarded))
