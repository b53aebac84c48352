# SPDX-License-Identifier: MIT
"""Writes kernel traces of made-up events, in CTF 1.8 with LTTng's names.

    k = Trace()
    k.at(0).switch(0, 0, 10)            # ms, CPU: idle goes, thread 10 comes
    k.at(5).switch(10, 1, 0)            # it blocks
    k.write('trace')
"""
import os
import struct

METADATA = '''/* CTF 1.8 */
typealias integer {{ size = 8; align = 8; signed = false; }} := u8;
typealias integer {{ size = 32; align = 8; signed = false; }} := u32;
typealias integer {{ size = 64; align = 8; signed = false; }} := u64;
typealias integer {{ size = 32; align = 8; signed = true; }} := s32;
typealias integer {{ size = 64; align = 8; signed = true; }} := s64;
typealias integer {{ size = 8; align = 8; signed = false; encoding = UTF8; }} := text;
trace {{
	major = 1; minor = 8; byte_order = le;
	uuid = "{uuid}";
	packet.header := struct {{ u32 magic; u8 uuid[16]; u32 stream_id; }};
}};
env {{ hostname = "{host}"; domain = "kernel"; architecture = "x86_64"; {env} }};
clock {{ name = "mono"; uuid = "{uuid}"; freq = 1000000000; offset_s = 1700000000; }};
typealias integer {{ size = 64; align = 8; map = clock.mono.value; }} := stamp;
stream {{
	id = 0;
	packet.context := struct {{
		stamp timestamp_begin; stamp timestamp_end; u64 content_size; u64 packet_size;
		u64 events_discarded; u64 packet_seq_num; u32 cpu_id;
	}};
	event.header := struct {{ u32 id; stamp timestamp; }};
}};
'''

TYPES = {'i': ('s32 %s', '<i'), 'l': ('s64 %s', '<q'), 'u': ('u64 %s', '<Q'),
         'n': ('text %s[16]', '16s'), 's': ('string %s', None)}
EVENTS = {
    'sched_switch': 'n prev_comm i prev_tid i prev_prio l prev_state n next_comm i next_tid '
                    'i next_prio',
    'sched_waking': 'n comm i tid i prio i target_cpu',
    'sched_process_fork': 'n parent_comm i parent_tid i parent_pid n child_comm i child_tid '
                          'i child_pid',
    'sched_process_exec': 's filename i tid i old_tid',
    'sched_process_exit': 'n comm i tid i prio',
    'irq_handler_entry': 'i irq', 'irq_handler_exit': 'i irq i ret',
    'irq_softirq_raise': 'i vec', 'irq_softirq_entry': 'i vec', 'irq_softirq_exit': 'i vec',
    'block_rq_issue': 'i dev l sector i nr_sector i bytes i tid i rwbs',
    'block_rq_complete': 'i dev l sector i nr_sector i rwbs',
    'syscall_entry_futex': 'u uaddr i op i val', 'syscall_exit_futex': 'l ret',
    'lock_contention_begin': 'u lock_addr i flags', 'lock_contention_end': 'u lock_addr i ret',
}


class Trace:
    def __init__(self, host='box', env='', uuid='00112233-4455-6677-8899-aabbccddeeff'):
        self.host, self.env, self.uuid = host, env, uuid
        self.names, self.prios, self.pids = {0: b'swapper'}, {}, {}
        self.kinds = dict(EVENTS)
        self.events, self.lost = [], []
        self.ns = self.cpu = 0

    def at(self, ms, cpu=0):
        """Where the next event is."""
        self.ns, self.cpu = round(ms * 1000000), cpu
        return self

    def name(self, tid, name, prio=20):
        self.names[tid], self.prios[tid] = name if isinstance(name, bytes) else name.encode(), prio
        return self

    def comm(self, tid):
        return self.names.get(tid, b'thread %d' % tid)

    def event(self, kind, *values):
        self.events.append((self.ns, len(self.events), self.cpu, kind, values))
        return self

    def switch(self, prev, state, nxt):
        return self.event('sched_switch', self.comm(prev), prev, self.prios.get(prev, 20), state,
                          self.comm(nxt), nxt, self.prios.get(nxt, 20))

    def waking(self, tid, cpu=None):
        return self.event('sched_waking', self.comm(tid), tid, 20,
                          self.cpu if cpu is None else cpu)

    def fork(self, parent, child, pid=None):
        """@pid: of the process; it is a process of its own without it."""
        return self.event('sched_process_fork', self.comm(parent), parent,
                          self.pids.get(parent, parent), self.comm(child), child,
                          self.pids.setdefault(child, child if pid is None else pid))

    def exec(self, tid, file):
        return self.event('sched_process_exec', file, tid, tid)

    def enter(self, call, *values):
        self.kinds.setdefault('syscall_entry_' + call, 'i fd')
        return self.event('syscall_entry_' + call, *(values or (3,)))

    def leave(self, call, ret=0):
        self.kinds.setdefault('syscall_exit_' + call, 'l ret')
        return self.event('syscall_exit_' + call, ret)

    def lose(self, n):
        """So many events of this CPU are lost up to here, since its event before."""
        self.lost.append((self.ns, self.cpu, n))
        return self

    def encode(self, ids, ns, kind, values):
        out = struct.pack('<IQ', ids[kind], ns)
        for t, v in zip(self.kinds[kind].split()[::2], values):
            v = v.encode() if isinstance(v, str) else v
            out += v + b'\0' if t == 's' else struct.pack(TYPES[t][1], v[:15] if t == 'n' else v)
        return out

    def packet(self, ids, cpu, seq, events, discarded):
        body = b''.join(self.encode(ids, e[0], e[3], e[4]) for e in events)
        head = struct.pack('<I16sI', 0xc1fc1fc1, bytes.fromhex(self.uuid.replace('-', '')), 0)
        size = (len(head) + 6 * 8 + 4 + len(body)) * 8
        return head + struct.pack('<QQQQQQI', events[0][0], events[-1][0], size, size, discarded,
                                  seq, cpu) + body

    def stream(self, ids, cpu):
        """One packet, and another behind each loss."""
        events = [e for e in sorted(self.events) if e[2] == cpu]
        lost = sorted(x for x in self.lost if x[1] == cpu)
        out, discarded, seq = b'', 0, 0
        for until, n in [(x[0], x[2]) for x in lost] + [(1 << 63, 0)]:
            part = [e for e in events if e[0] < until]
            events = events[len(part):]
            if part:
                out += self.packet(ids, cpu, seq, part, discarded)
                seq += 1
            discarded += n
        return out

    def write(self, folder):
        ids = {kind: i for i, kind in enumerate(self.kinds)}
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, 'metadata'), 'w', encoding='utf-8') as f:
            f.write(METADATA.format(host=self.host, env=self.env, uuid=self.uuid))
            for kind, i in ids.items():
                spec = self.kinds[kind].split()
                fields = ' '.join(TYPES[t][0] % n + ';' for t, n in zip(spec[::2], spec[1::2]))
                f.write('event { id = %d; name = "%s"; stream_id = 0; fields := struct { %s }; };\n'
                        % (i, kind, fields))
        for cpu in sorted({e[2] for e in self.events}):
            with open(os.path.join(folder, f'cpu_{cpu}'), 'wb') as f:
                f.write(self.stream(ids, cpu))
        return folder
