# SPDX-License-Identifier: MIT
"""Small traces of a kernel, written by hand: what make_kernel.py and its like have in common."""
import os
import struct

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
%s};
'''
CONTEXT = '	event.context := struct { s32 pid; s32 tid; };\n'
# By its letter: how a field is described ('%s' is its name), and how it is packed.
TYPES = {'i': ('s32 %s', '<i'), 'l': ('s64 %s', '<q'), 'n': ('text %s[16]', '16s'),
         's': ('string %s', None), 'k': ('u32 %s_length; u64 %s[%s_length]', None)}


class Trace:
    """@events: 'LETTER NAME ...' of each event. @process_of gives the process of a thread; with it
    events are (name, thread, values ...), else (name, values ...)."""

    def __init__(self, events, process_of=None):
        self.specs = {name: spec.split() for name, spec in events.items()}
        self.ids = {name: i for i, name in enumerate(events)}
        self.process_of = process_of

    def metadata(self):
        text = METADATA % (UUID, CONTEXT if self.process_of else '')
        for name, spec in self.specs.items():
            fields = ' '.join(TYPES[t][0].replace('%s', n) + ';'
                              for t, n in zip(spec[::2], spec[1::2]))
            text += 'event { id = %d; name = "%s"; stream_id = 0; fields := struct { %s }; };\n' % (
                self.ids[name], name, fields)
        return text

    @staticmethod
    def field(kind, v):
        if kind == 's':
            return v.encode() + b'\0'
        if kind == 'k':
            return struct.pack('<I', len(v)) + b''.join(struct.pack('<Q', a) for a in v)
        return struct.pack(TYPES[kind][1], v.encode()[:15] if kind == 'n' else v)

    def encode(self, at_us, event):
        name, *values = event
        out = struct.pack('<IQ', self.ids[name], at_us * 1000)
        if self.process_of:
            tid = values.pop(0)
            out += struct.pack('<ii', self.process_of(tid), tid)
        return out + b''.join(self.field(t, v) for t, v in zip(self.specs[name][::2], values))

    def packet(self, cpu, seq, events, discarded):
        body = b''.join(self.encode(*e) for e in events)
        begin, end = events[0][0] * 1000, events[-1][0] * 1000
        head = struct.pack('<I16sI', 0xc1fc1fc1, bytes.fromhex(UUID.replace('-', '')), 0)
        size = (len(head) + 6 * 8 + 4 + len(body)) * 8
        return head + struct.pack('<QQQQQQI', begin, end, size, size, discarded, seq, cpu) + body

    def write(self, folder, cpus):
        """@cpus: for each its packets, of which each is its events at so many us, and how many were
        discarded up to its end."""
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, 'metadata'), 'w', encoding='utf-8') as f:
            f.write(self.metadata())
        for cpu, packets in enumerate(cpus):
            with open(os.path.join(folder, f'cpu_{cpu}'), 'wb') as f:
                for seq, (events, discarded) in enumerate(packets):
                    f.write(self.packet(cpu, seq, events, discarded))
