#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the small trace of programs whose switches are hidden: one CPU, 8 ms.

usage: make_hidden.py FOLDER     (tests/golden/data/hidden is made by it)

A shell starts 'tool' and 'late'. No event tells that their threads come to the CPU; that they began
to run a program is all that tells of them, and of 'tool' also that it left the CPU.
"""
import os
import struct
import sys

UUID = '00112233-4455-6677-8899-aabbccddeeff'
METADATA = '''/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := u8;
typealias integer { size = 32; align = 8; signed = false; } := u32;
typealias integer { size = 64; align = 8; signed = false; } := u64;
typealias integer { size = 32; align = 8; signed = true; } := s32;
typealias integer { size = 64; align = 8; signed = true; } := s64;
typealias integer { size = 8; align = 8; signed = false; encoding = UTF8; } := text;
trace {
	major = 1; minor = 8; byte_order = le;
	uuid = "%s";
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
''' % UUID
TYPES = {'i': ('s32 %s', '<i'), 'l': ('s64 %s', '<q'), 'n': ('text %s[16]', '16s'),
         's': ('string %s', None)}
EVENTS = {
    'sched_switch': 'n prev_comm i prev_pid i prev_prio l prev_state n next_comm i next_pid '
                    'i next_prio',
    'sched_process_fork': 'n parent_comm i parent_pid n child_comm i child_pid',
    'sched_process_exec': 's filename i pid i old_pid',
}
IDS = {name: i for i, name in enumerate(EVENTS)}
NAMES = {0: 'swapper', 10: 'sh', 11: 'tool', 12: 'late'}


def switch(prev, state, nxt):
    return ('sched_switch', NAMES[prev], prev, 120, state, NAMES[nxt], nxt, 120)


def run(tid):
    return ('sched_process_exec', '/usr/bin/' + NAMES[tid], tid, tid)


CPU0 = [
    (0, switch(0, 0, 10)),
    (900, ('sched_process_fork', 'sh', 10, 'sh', 11)),
    (950, ('sched_process_fork', 'sh', 10, 'sh', 12)),
    (2000, run(11)),
    (5000, switch(11, 1, 10)),
    (6000, run(12)),
    (8000, switch(10, 1, 0)),
]


def describe(name):
    spec = EVENTS[name].split()
    fields = ' '.join(TYPES[t][0] % n + ';' for t, n in zip(spec[::2], spec[1::2]))
    return 'event { id = %d; name = "%s"; stream_id = 0; fields := struct { %s }; };\n' % (
        IDS[name], name, fields)


def field(kind, v):
    if kind == 's':
        return v.encode() + b'\0'
    return struct.pack(TYPES[kind][1], v.encode() if kind == 'n' else v)


def encode(at_us, event):
    name, *values = event
    out = struct.pack('<IQ', IDS[name], at_us * 1000)
    return out + b''.join(field(t, v) for t, v in zip(EVENTS[name].split()[::2], values))


def packet(events):
    body = b''.join(encode(*e) for e in events)
    begin, end = events[0][0] * 1000, events[-1][0] * 1000
    head = struct.pack('<I16sI', 0xc1fc1fc1, bytes.fromhex(UUID.replace('-', '')), 0)
    size = (len(head) + 6 * 8 + 4 + len(body)) * 8
    return head + struct.pack('<QQQQQQI', begin, end, size, size, 0, 0, 0) + body


folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
with open(os.path.join(folder, 'metadata'), 'w', encoding='utf-8') as f:
    f.write(METADATA + ''.join(describe(n) for n in EVENTS))
with open(os.path.join(folder, 'cpu_0'), 'wb') as f:
    f.write(packet(CPU0))
