# SPDX-License-Identifier: MIT
"""Writes kernel traces as tests want them: which events, in which packets, files and folders."""
import os
import random
import struct

METADATA = '''/* CTF 1.8 */
typealias integer { size = 8; align = 8; signed = false; } := u8;
typealias integer { size = 32; align = 8; signed = false; } := u32;
typealias integer { size = 64; align = 8; signed = false; } := u64;
typealias integer { size = 32; align = 8; signed = true; } := s32;
typealias integer { size = 64; align = 8; signed = true; } := s64;
typealias integer { size = 8; align = 8; signed = false; encoding = UTF8; } := text;
trace {
	major = 1; minor = 8; byte_order = le; uuid = "%s";
	packet.header := struct { u32 magic; u8 uuid[16]; u32 stream_id; };
};
env { hostname = "%s"; domain = "kernel"; architecture = "x86_64"; };
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

TYPES = {'i': ('s32 %s', '<i'), 'u': ('u32 %s', '<I'), 'l': ('s64 %s', '<q'),
         'n': ('text %s[16]', '16s')}
EVENTS = {
    'sched_switch': 'n prev_comm i prev_tid i prev_prio l prev_state n next_comm i next_tid '
                    'i next_prio',
    'sched_waking': 'n comm i tid i prio i target_cpu',
    'sched_wakeup_new': 'n comm i tid i prio i target_cpu',
    'sched_migrate_task': 'n comm i tid i prio i orig_cpu i dest_cpu',
    'sched_process_fork': 'n parent_comm i parent_tid i parent_pid n child_comm i child_tid '
                          'i child_pid',
    'sched_process_exec': 'n filename i tid i old_tid',
    'sched_process_exit': 'n comm i tid i prio',
    'sched_process_free': 'n comm i tid i prio',
    'irq_handler_entry': 'i irq n name', 'irq_handler_exit': 'i irq i ret',
    'irq_softirq_raise': 'u vec', 'irq_softirq_entry': 'u vec', 'irq_softirq_exit': 'u vec',
    'syscall_entry_read': 'i fd', 'syscall_exit_read': 'l ret',
    'syscall_entry_futex': 'i op', 'syscall_exit_futex': 'l ret',
    'block_rq_issue': 'u dev l sector u nr_sector u bytes i tid u rwbs n comm',
    'block_rq_complete': 'u dev l sector u nr_sector i error u rwbs',
    'lttng_statedump_process_state': 'i tid i pid i ppid n name i status',
}
IDS = {name: i for i, name in enumerate(EVENTS)}
HEAD = struct.Struct('<I16sIQQQQQQI')


def name_of(tid):
    return 'swapper' if tid == 0 else 't%d' % tid


def switch(prev, state, nxt):
    return ('sched_switch', name_of(prev), prev, 20, state, name_of(nxt), nxt, 20)


def waking(tid, cpu=0):
    return ('sched_waking', name_of(tid), tid, 20, cpu)


def fork(parent, child, pid=None):
    return ('sched_process_fork', name_of(parent), parent, parent, name_of(child), child,
            child if pid is None else pid)


def encode(at_ns, event):
    name, *values = event
    out = struct.pack('<IQ', IDS[name], at_ns)
    for kind, value in zip(EVENTS[name].split()[::2], values):
        out += struct.pack(TYPES[kind][1], value.encode()[:15] if kind == 'n' else value)
    return out


def metadata(uuid, host):
    text = METADATA % (uuid, host)
    for name, spec in EVENTS.items():
        words = spec.split()
        fields = ' '.join(TYPES[k][0] % n + ';' for k, n in zip(words[::2], words[1::2]))
        text += 'event { id = %d; name = "%s"; stream_id = 0; fields := struct { %s }; };\n' % (
            IDS[name], name, fields)
    return text


class Packet:
    """Events [(ns, event)] of one CPU. Of @begin and @end it says so, else those of its events."""

    def __init__(self, cpu, events, begin=None, end=None, discarded=0, seq=0):
        self.cpu, self.events, self.discarded, self.seq = cpu, events, discarded, seq
        self.begin = events[0][0] if begin is None else begin
        self.end = events[-1][0] if end is None else end

    def encode(self, uuid):
        body = b''.join(encode(*e) for e in self.events)
        bits = (HEAD.size + len(body)) * 8
        return HEAD.pack(0xc1fc1fc1, bytes.fromhex(uuid.replace('-', '')), 0, self.begin, self.end,
                         bits, bits, self.discarded, self.seq, self.cpu) + body


UUID = '00112233-4455-6677-8899-aabbccddeeff'


def write(folder, files, uuid=UUID, host='box'):
    """@files: name -> packets, in order."""
    os.makedirs(folder)
    with open(os.path.join(folder, 'metadata'), 'w', encoding='utf-8') as f:
        f.write(metadata(uuid, host))
    for name, packets in files.items():
        with open(os.path.join(folder, name), 'wb') as f:
            for p in packets:
                f.write(p.encode(uuid))


def write_cpus(folder, cpus, **more):
    """@cpus: for each CPU its events, which become one packet."""
    write(folder, {'cpu_%d' % c: [Packet(c, events, begin=0)] for c, events in enumerate(cpus)
                   if events}, **more)


class Machine:
    """Some CPUs that threads run on, by chance: events that a kernel could have written."""

    def __init__(self, seed, cpus=3, threads=12):
        self.random = random.Random(seed)
        self.current = [0] * cpus
        self.waiting, self.blocked = [], list(range(100, 100 + threads))
        self.call, self.softirq, self.irq = {}, [None] * cpus, [False] * cpus
        self.next_tid, self.requests = 100 + threads, []

    def choices(self, cpu):
        """What may happen next on a CPU; each is a function that gives events and does them."""
        tid = self.current[cpu]
        if self.softirq[cpu] is not None:
            return [self.end_softirq, self.wake, self.complete]
        if self.irq[cpu]:
            return [self.end_irq, self.wake, self.complete, self.raise_softirq]
        some = [self.switch, self.switch, self.begin_irq, self.begin_softirq, self.wake]
        if tid:
            some += [self.wake, self.end_call if tid in self.call else self.begin_call,
                     self.fork, self.exit, self.issue]
        return some

    def switch(self, cpu):
        prev = self.current[cpu]
        nxt = self.waiting.pop(0) if self.waiting else 0
        if prev == nxt:
            return []
        state = 0 if not prev else self.random.choice([0, 1, 1, 2, 64])
        if prev:
            (self.blocked if state else self.waiting).append(prev)
        self.current[cpu] = nxt
        return [switch(prev, state, nxt)]

    def wake(self, cpu):
        if not self.blocked:
            return []
        tid = self.blocked.pop(self.random.randrange(len(self.blocked)))
        self.waiting.append(tid)
        return [waking(tid, cpu)]

    def begin_call(self, cpu):
        call = self.call[self.current[cpu]] = self.random.choice(['read', 'futex'])
        return [('syscall_entry_' + call, 3)]

    def end_call(self, cpu):
        return [('syscall_exit_' + self.call.pop(self.current[cpu]),
                 self.random.choice([0, 5, -11]))]

    def fork(self, cpu):
        parent, child = self.current[cpu], self.next_tid
        self.next_tid += 1
        self.waiting.append(child)
        return [fork(parent, child), ('sched_wakeup_new', name_of(child), child, 20, cpu)]

    def exit(self, cpu):
        tid = self.current[cpu]
        if self.random.randrange(3):
            return []
        self.call.pop(tid, None)
        self.current[cpu] = 0
        return [('sched_process_exit', name_of(tid), tid, 20), switch(tid, 64, 0),
                ('sched_process_free', name_of(tid), tid, 20)]

    def begin_irq(self, cpu):
        self.irq[cpu] = True
        return [('irq_handler_entry', 36, 'disk')]

    def end_irq(self, cpu):
        self.irq[cpu] = False
        return [('irq_handler_exit', 36, 1)]

    def raise_softirq(self, _cpu):
        return [('irq_softirq_raise', self.random.choice([1, 3, 4]))]

    def begin_softirq(self, cpu):
        self.softirq[cpu] = self.random.choice([1, 3, 4, 9])
        return [('irq_softirq_entry', self.softirq[cpu])]

    def end_softirq(self, cpu):
        vec, self.softirq[cpu] = self.softirq[cpu], None
        return [('irq_softirq_exit', vec)]

    def issue(self, cpu):
        self.requests.append(self.random.randrange(1 << 20))
        return [('block_rq_issue', 0x800000, self.requests[-1], 8, 4096, self.current[cpu], 0,
                 name_of(self.current[cpu]))]

    def complete(self, _cpu):
        if not self.requests:
            return []
        return [('block_rq_complete', 0x800000, self.requests.pop(0), 8, 0, 0)]

    def run(self, n_events):
        """For each CPU its events."""
        out = [[] for _ in self.current]
        at = 0
        while sum(map(len, out)) < n_events:
            cpu = self.random.randrange(len(out))
            for event in self.random.choice(self.choices(cpu))(cpu):
                at += self.random.randrange(1, 3000)
                out[cpu].append((at, event))
        return out


def nonsense(seed, n_events, cpus=3):
    """Events that contradict each other; times go forward all the same."""
    r = random.Random(seed)
    out = [[] for _ in range(cpus)]
    at = 0
    for _ in range(n_events):
        name = r.choice(list(EVENTS))
        values = ['t%d' % r.randrange(8) if kind == 'n' else r.choice([0, 1, 2, 3, 4, 64, 1 << 30])
                  for kind in EVENTS[name].split()[::2]]
        at += r.choice([0, 1, 1000])
        out[r.randrange(cpus)].append((at, (name, *values)))
    return out
