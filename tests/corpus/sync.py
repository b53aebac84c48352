#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Clocks of hosts, from real packets and from made ones; prints TAP.

usage: sync.py SONDE SCRATCH made|corpus

'corpus' takes the traces that SONDE_CORPUS names and wants the line that another implementation
found, to the last digit. 'made' writes traces of three hosts whose clocks are known to be off, and
wants that no packet arrives before it was sent, also for babeltrace2 reading what 'sync' wrote.
"""
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tarfile
from fractions import Fraction

sonde, scratch, what = sys.argv[1], os.path.join(sys.argv[2], 'sync-' + sys.argv[3]), sys.argv[3]
BEGIN = 1700000000 * 10**9

METADATA = '''/* CTF 1.8 */
typealias integer {{ size = 8; align = 8; signed = false; }} := uint8_t;
typealias integer {{ size = 16; align = 8; signed = false; }} := uint16_t;
typealias integer {{ size = 32; align = 8; signed = false; }} := uint32_t;
typealias integer {{ size = 64; align = 8; signed = false; }} := uint64_t;
trace {{
	major = 1; minor = 8; byte_order = le;
	packet.header := struct {{ uint32_t magic; uint32_t stream_id; }};
}};
env {{ hostname = "{name}"; domain = "kernel"; tracer_name = "lttng-modules"; }};
clock {{
	name = monotonic; uuid = "{uuid}"; description = "Monotonic Clock";
	freq = 1000000000; offset = {offset};
}};
typealias integer {{ size = 64; align = 8; map = clock.monotonic.value; }} := stamp_t;
stream {{
	id = 0;
	packet.context := struct {{
		stamp_t timestamp_begin; stamp_t timestamp_end;
		uint64_t content_size; uint64_t packet_size; uint32_t cpu_id;
	}};
	event.header := struct {{ uint32_t id; stamp_t timestamp; }};
}};
{events}
'''
EVENT = '''event {{
	name = "{name}"; id = {id}; stream_id = 0;
	fields := struct {{
		uint64_t _skbaddr; uint32_t _len; string _name;
		enum : uint8_t {{ "_unknown" = 0, "_ipv4" = 4, "_ipv6" = 6 }} _network_header_type;
		variant <_network_header_type> {{
			struct {{ }} _unknown;
			struct {{
				integer {{ size = 4; align = 4; byte_order = be; }} _version;
				integer {{ size = 4; align = 4; byte_order = be; }} _ihl;
				integer {{ size = 16; align = 8; byte_order = be; }} _tot_len;
				integer {{ size = 8; align = 8; }} _ttl;
				enum : uint8_t {{ "_unknown" = 0, "_tcp" = 6, "_udp" = 17 }} _protocol;
				integer {{ size = 8; align = 8; }} _saddr[4];
				integer {{ size = 8; align = 8; }} _daddr[4];
				enum : uint8_t {{ "_unknown" = 0, "_tcp" = 6 }} _transport_header_type;
				variant <_transport_header_type> {{
					struct {{ }} _unknown;
					struct {{
						integer {{ size = 16; align = 8; byte_order = be; }} _source_port;
						integer {{ size = 16; align = 8; byte_order = be; }} _dest_port;
						integer {{ size = 32; align = 8; byte_order = be; }} _seq;
						integer {{ size = 32; align = 8; byte_order = be; }} _ack_seq;
						integer {{ size = 4; align = 4; byte_order = be; }} _data_offset;
						integer {{ size = 3; align = 1; byte_order = be; }} _reserved;
						integer {{ size = 9; align = 1; byte_order = be; }} _flags;
						integer {{ size = 16; align = 8; byte_order = be; }} _window_size;
					}} _tcp;
				}} _transport_header;
			}} _ipv4;
			struct {{ uint8_t _version; }} _ipv6;
		}} _network_header;
	}};
}};
'''
OUT, IN, ROUNDS = 1, 2, 400
# The kernel's own tracepoints, as 'sonde record' writes them: (name, fields).
U8, U16, U32, U64 = ('uint8_t', 'B'), ('uint16_t', 'H'), ('uint32_t', 'I'), ('uint64_t', 'Q')
STOCK = [
    ('inet_sock_set_state', [('skaddr', U64), ('oldstate', U32), ('newstate', U32),
                             ('sport', U16), ('dport', U16), ('family', U16), ('protocol', U16),
                             ('saddr', 4), ('daddr', 4), ('saddr_v6', 16), ('daddr_v6', 16)]),
    ('sock_send_length', [('sk', U64), ('family', U16), ('protocol', U16), ('ret', U32),
                          ('flags', U32)]),
    ('net_dev_start_xmit', [('len', U32), ('transport_offset', U32)]),
    ('tcp_probe', [('saddr', 28), ('daddr', 28), ('sport', U16), ('dport', U16),
                   ('family', U16), ('data_len', U16)]),
]
STOCK_EVENT = '''event {{ name = "{name}"; id = {id}; stream_id = 0;
	fields := struct {{ {fields} }}; }};
'''
STOCK_CONTEXT = '\tevent.context := struct { uint8_t common_flags; uint32_t common_pid; };\n'


class Host:
    """A host whose clock shows BEGIN + at + shift + at * ppm / 10**6 at the true time @at."""

    def __init__(self, number, name, shift, ppm, begin=BEGIN):
        self.name, self.shift, self.ppm, self.begin = name, shift, ppm, begin
        self.uuid = '00000000-0000-0000-0000-%012x' % number
        self.events = []

    def clock(self, at):
        return at + self.shift + at * self.ppm // 10**6

    def note(self, at, kind, seq, ack, flags, ports=(80, 5000), ttl=64):
        body = struct.pack('<QI', seq, 60) + b'eth0\0' + b'\4' + b'\x45'
        body += struct.pack('>HBB4s4sB', 60, ttl, 6, b'\n\0\0\1', b'\n\0\0\2', 6)
        body += struct.pack('>HHIIHH', *ports, seq, ack, 8 << 12 | flags, 1000)
        self.events.append((self.clock(at), kind, body))

    def stock(self, at, name, pid, softirq, *values):
        """An event of the kernel's own; pads addresses with 0."""
        kind = [n for n, _ in STOCK].index(name)
        body = struct.pack('<BI', 0x10 if softirq else 0, pid)
        for (_, t), v in zip(STOCK[kind][1], values):
            body += v.ljust(t, b'\0') if isinstance(t, int) else struct.pack('<' + t[1], v)
        self.events.append((self.clock(at), kind, body))

    def write(self, folder, stock=False):
        os.makedirs(folder)
        self.events.sort(key=lambda e: e[0])
        events = ''.join(EVENT.format(name=n, id=i)
                         for n, i in (('net_dev_queue', OUT), ('net_if_receive_skb', IN)))
        if stock:
            events = ''.join(STOCK_EVENT.format(name=n, id=i, fields=' '.join(
                f'uint8_t {f}[{t}];' if isinstance(t, int) else f'{t[0]} {f};'
                for f, t in fields)) for i, (n, fields) in enumerate(STOCK))
        # Clocks that count from 0 at BEGIN - 1 s, so that none is before that.
        with open(os.path.join(folder, 'metadata'), 'w', encoding='ascii') as f:
            text = METADATA.format(name=self.name, uuid=self.uuid, offset=self.begin - 10**9,
                                   events=events)
            if stock:
                text = text.replace('\tevent.header :=', STOCK_CONTEXT + '\tevent.header :=')
            f.write(text)
        body = b''.join(struct.pack('<IQ', k, t + 10**9) + b for t, k, b in self.events)
        size = 8 + 36 + len(body)
        head = struct.pack('<II', 0xC1FC1FC1, 0)
        head += struct.pack('<QQQQI', self.events[0][0] + 10**9, self.events[-1][0] + 10**9,
                            8 * size, 8 * size, 0)
        with open(os.path.join(folder, 'channel0_0'), 'wb') as f:
            f.write(head + body)


def run(*args, **more):
    return subprocess.run(args, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding='utf-8', errors='replace', **more)


def talk(rng, a, b, first):
    """Packets to and fro; each takes 20 us and sometimes much longer. Some are sent twice."""
    at = 10**6
    for i in range(ROUNDS):
        for src, dst in ((a, b), (b, a)):
            mine, other = first + i, first + 10**8 + i
            key = (mine, other, 0x18) if src is a else (other, mine + 1, 0x10)
            src.note(at, OUT, *key)
            if rng.random() < 0.02:
                src.note(at + 50, OUT, *key)
            at += 20000 + int(rng.expovariate(1 / 200000))
            dst.note(at, IN, *key)
            at += rng.randrange(10**7)


def carry(rng, way, at, key):
    """A packet on its way over all those hosts, each of which may lose it; it may come twice."""
    for i, (src, dst) in enumerate(zip(way, way[1:])):
        ports = (80, 5000 + i)
        src.note(at, OUT, *key, ports, 64 - i)
        if rng.random() < 0.2:
            return
        if rng.random() < 0.05:
            dst.note(at + 10**7, IN, *key, ports, 64 - i)
        # What is late is overtaken by others.
        at += 20000 + int(rng.expovariate(1 / 200000)) + (rng.random() < 0.1) * 5 * 10**6
        # Devices that cut packets up, or put them together, change PSH.
        dst.note(at, IN, key[0], key[1], key[2] ^ 8 * (rng.random() < 0.3), ports, 64 - i)
        at += 5000


def talk_badly(rng, way):
    """Packets that look the same are sent over and over: lost, late, twice, with ports changed."""
    at = 10**7
    for i in range(2 * ROUNDS):
        for hosts in (way, way[::-1]):
            mine, other = 7000 + i, 10**8 + i
            key = (mine, other, 0x18) if hosts is way else (other, mine + 1, 0x10)
            for _ in range(rng.randrange(1, 5)):
                carry(rng, hosts, at, key)
                at += rng.randrange(3 * 10**6)


def check_noise(offsets):
    """Whatever order the hosts' events come in, the lines are those of the packets that fit."""
    rng = random.Random(3)
    clocks = [(0, 0), (0, -900), (0, 1000)]
    way = [Host(i + 1, name, *clocks[i], BEGIN + offsets[i])
           for i, name in enumerate(('client', 'router', 'server'))]
    talk_badly(rng, way)
    folder = os.path.join(scratch, 'noise%d' % len(os.listdir(scratch)))
    for h in way:
        h.write(os.path.join(folder, h.name))
    wrong = []
    for names in (('client', 'router', 'server'), ('client', 'server')):
        got = json.loads(run(sonde, 'report', 'sync', '--json',
                             *(os.path.join(folder, n) for n in names)).stdout)
        for h in got['hosts'][1:]:
            host = next(w for w in way if w.name == h['name'])
            if h['quality'] != 'accurate' or h['matches'] < ROUNDS:
                wrong.append(f'{names}: {h}')
                continue
            for at in (10**8, 10**9, 4 * 10**9):
                shown = Fraction(h['slope']) * (host.begin + host.clock(at))
                shown += Fraction(h['offset_ns']) - BEGIN - offsets[0]
                if abs(shown - at) > 40000:
                    wrong.append(f"{names}: {h['name']}: at {at} ns it shows {float(shown):.0f}")
    return wrong


def talk_stock(rng, a, b, translated=False):
    """A connection whose messages have up to three segments; two may come in one."""
    ends = {a: (b'\x0a\0\0\x01', 40000, 0x1000, 11), b: (b'\x0a\0\0\x02', 80, 0x2000, 22)}
    seen = {a: (b'\x0a\0\0\x09', 2000), b: ends[b][:2]} if translated else ends
    for at, src, dst in ((1000, b, a), (30000, a, b)):
        (saddr, sport, sk, pid), (daddr, dport, *_) = ends[src], seen[dst]
        src.stock(at, 'inet_sock_set_state', pid, True, sk, 3, 1, sport, dport, 2, 6, saddr, daddr,
                  b'\0' * 10 + b'\xff\xff' + saddr, b'\0' * 10 + b'\xff\xff' + daddr)

    at = 10**6
    for i in range(ROUNDS):
        for src, dst in ((a, b), (b, a)):
            (saddr, sport, sk, pid), (daddr, dport, _, other) = ends[src], ends[dst]
            sizes = [rng.randrange(1, 1400) for _ in range(rng.randrange(1, 4))]
            arrives = at
            for size in sizes:
                src.stock(at, 'net_dev_start_xmit', pid, False, 66 + size, 34)
                arrives = max(arrives, at + 20000 + int(rng.expovariate(1 / 100000)))
                dst.stock(arrives, 'tcp_probe', other, True, b'\2\0\0\0' + daddr,
                          b'\2\0\0\0' + seen[src][0], dport, seen[src][1], 2, size)
                at += 3000
            # The acknowledgement of what came before, from a softirq, is no message.
            src.stock(at + 100, 'net_dev_start_xmit', pid, True, 66, 34)
            src.stock(at + 2000, 'sock_send_length', pid, False, sk, 2, 6, sum(sizes), 0)
            at = arrives + rng.randrange(10**7)


def check_stock():
    rng = random.Random(2)
    a, b = Host(1, 'client', 0, 0), Host(2, 'server', -7 * 10**9, 90)
    b.clock = lambda at: at + 10**9 // 4 + at * 90 // 10**6
    talk_stock(rng, a, b)
    for h in (a, b):
        h.write(os.path.join(scratch, 'stock', h.name), stock=True)
    got = json.loads(run(sonde, 'report', 'sync', '--json', os.path.join(scratch, 'stock')).stdout)
    server = got['hosts'][1]
    wrong = []
    if server['quality'] != 'accurate' or server['matches'] != 2 * ROUNDS:
        wrong.append(f'{server}')
        return wrong
    for at in (10**8, 10**9, 4 * 10**9):
        shown = float(server['slope']) * b.clock(at)
        shown += float(server['offset_ns']) + (float(server['slope']) - 1) * BEGIN
        if abs(shown - at) > 40000:
            wrong.append(f'at {at} ns it shows {shown:.0f}')
    return wrong


def check_translated():
    """Where addresses differ at both ends nothing matches; that is said, with the reason."""
    a, b = Host(1, 'client', 0, 0), Host(2, 'server', 0, 0)
    talk_stock(random.Random(4), a, b, translated=True)
    for h in (a, b):
        h.write(os.path.join(scratch, 'translated', h.name), stock=True)
    p = run(sonde, 'report', 'sync', '--json', os.path.join(scratch, 'translated'))
    server = json.loads(p.stdout)['hosts'][1]
    told = {k: server[k] for k in ('quality', 'slope', 'offset_ns', 'matches', 'alone')}
    wrong = []
    if told != {'quality': 'absent', 'slope': None, 'offset_ns': None, 'matches': 0, 'alone': 1}:
        wrong.append(f'told: {server}')
    if 'unsynchronised' not in p.stderr or 'NAT' not in p.stderr:
        wrong.append(f'words: {p.stderr}')
    return wrong


def made():
    rng = random.Random(1)
    a, b, c = (Host(1, 'client', 0, 0), Host(2, 'server', 3 * 10**9, 150),
               Host(3, 'database', -5 * 10**8, -40))
    alone = Host(4, 'alone', 0, 0)
    talk(rng, a, b, 1000)
    talk(rng, b, c, 500000)
    alone.note(5, OUT, 1, 1, 0x10)
    for h in (a, b, c, alone):
        h.write(os.path.join(scratch, 'in', h.name))
    return [a, b, c, alone]


def check_report(hosts):
    got = json.loads(run(sonde, 'report', 'sync', '--json', os.path.join(scratch, 'in')).stdout)
    wrong = []
    if got['reference'] != 'client':
        wrong.append(f"reference is {got['reference']}")
    by_name = {h['name']: h for h in got['hosts']}
    want = {'client': 'reference', 'server': 'accurate', 'database': 'accurate', 'alone': 'absent'}
    if {n: h['quality'] for n, h in by_name.items()} != want:
        wrong.append(f'qualities: {got}')
        return wrong
    for h in hosts[1:3]:
        line = by_name[h.name]
        if line['matches'] < ROUNDS * 2 - 5:
            wrong.append(f"{h.name}: {line['matches']} matches")
        # The bounds are some us apart; true time is the client's.
        for at in (10**8, 10**9, 4 * 10**9):
            shown = float(line['slope']) * h.clock(at)
            shown += float(line['offset_ns']) + (float(line['slope']) - 1) * BEGIN
            if abs(shown - at) > 30000:
                wrong.append(f'{h.name}: at {at} ns it shows {shown:.0f}')
    if by_name['alone']['slope'] is not None or by_name['database']['via'] != 'server':
        wrong.append(f'tree: {by_name}')
    return wrong


LINE = re.compile(r'^\[(\d+)\.(\d+)\].*? (\S+) (net_\w+): .*?seq = (\w+), ack_seq = (\w+)'
                  r'.*?flags = (\w+)')


def packets(text):
    """{packet: [when sent, when received]}"""
    found = {}
    for line in text.splitlines():
        m = LINE.match(line.replace('_seq =', 'seq =').replace('ackseq', 'ack_seq'))
        if not m:
            continue
        when = int(m[1]) * 10**9 + int(m[2])
        end = found.setdefault(m.group(5, 6, 7), [None, None])
        way = m[4] != 'net_dev_queue'
        end[way] = when if end[way] is None else min(end[way], when)
    return found


def check_order(name, text, slack):
    ends = packets(text)
    early = [k for k, (s, r) in ends.items() if s and r and r < s - slack]
    both = sum(1 for s, r in ends.values() if s and r)
    wrong = [f'{name}: {len(early)} packets arrive before they were sent'] if early else []
    return wrong + ([f'{name}: only {both} packets'] if both < 3 * ROUNDS else [])


def check_copy():
    out = os.path.join(scratch, 'out')
    told = json.loads(run(sonde, 'sync', '--json', '-o', out, os.path.join(scratch, 'in')).stdout)
    wrong = []
    off = max(t['off_ns'] or 0 for t in told['traces'])
    if len(told['traces']) != 4 or off > 100:
        wrong.append(f'told: {told}')
    wrong += check_order('sonde', run(sonde, 'cat', '--clock-seconds', '--no-delta', out).stdout,
                         2 * off)
    if shutil.which('babeltrace2'):
        wrong += check_order('babeltrace2', run('babeltrace2', '--clock-seconds', '--no-delta',
                                                out).stdout, 2 * off + 2)
    return wrong


def check_corpus():
    path = os.path.join(scratch, 'scp')
    with tarfile.open(os.path.join(os.environ['SONDE_CORPUS'], 'scp.tar.xz')) as t:
        t.extractall(scratch)
    got = json.loads(run(sonde, 'report', 'sync', '--json', os.path.join(path, 'scp_src'),
                         os.path.join(path, 'scp_dest')).stdout)
    ref, other = got['hosts']
    want = {'name': 'VM1', 'slope': '0.9999413783703139011056845831168394',
            'offset_ns': '79796507913179.33347660124688298171', 'quality': 'accurate',
            'matches': 46, 'accurate': 25, 'hull_sent': 4, 'hull_received': 4}
    wrong = [f'{k}: {other[k]}, wanted {v}' for k, v in want.items() if other[k] != v]
    if got['reference'] != 'VM3' or ref['name'] != 'VM3':
        wrong.append(f'reference: {ref}')
    return wrong


def path_of(folder, *options):
    """{(host, thread): ns on the path} of the program that copies."""
    got = json.loads(run(sonde, 'report', 'critical-path', '--comm', 'scp', '--json', *options,
                         folder).stdout)
    if not got['adds_up']:
        raise SystemExit('Bail out! the path does not add up')
    found = {}
    for t in got['by_thread']:
        key = (t['host'], t['tid'])
        found[key] = found.get(key, 0) + t['ns']
    return found, got['duration_ns']


def check_shifted():
    """One clock set and paced otherwise: the path through both hosts must come out the same."""
    shifted = os.path.join(scratch, 'shifted')
    run(sonde, 'sync', '-o', shifted, os.path.join(scratch, 'scp'))
    metadata = os.path.join(shifted, 'scp', 'scp_src', 'metadata')
    with open(metadata, encoding='utf-8', errors='surrogateescape') as f:
        text = f.read()
    # Another pace by 30 ppm, and an hour less.
    text = re.sub(r'freq = (\d+);', lambda m: f'freq = {int(m[1]) * 100003 // 100000};', text)
    text = re.sub(r'offset_s = (\d+);', lambda m: f'offset_s = {int(m[1]) - 3600};', text)
    os.unlink(metadata)
    with open(metadata, 'w', encoding='utf-8', errors='surrogateescape') as f:
        f.write(text)
    want, want_ns = path_of(os.path.join(scratch, 'scp'))
    got, got_ns = path_of(shifted)
    hosts = {h for h, _ in want}
    wrong = [] if hosts == {'VM1', 'VM3'} else [f'hosts on the path: {hosts}']
    for key in want.keys() | got.keys():
        a, b = want.get(key, 0), got.get(key, 0)
        if abs(a - b) > 2000 + a / 10000:
            wrong.append(f'{key}: {b} ns, without the shift {a} ns')
    if abs(want_ns - got_ns) > 10000:
        wrong.append(f'{got_ns} ns, without the shift {want_ns} ns')
    return wrong


n = failed = 0


def test(name, wrong):
    global n, failed
    n += 1
    failed += bool(wrong)
    print(f"{'not ok' if wrong else 'ok'} {n} - {name}")
    for w in wrong:
        print('#', w)


shutil.rmtree(scratch, ignore_errors=True)
os.makedirs(scratch)
if what == 'corpus' and not os.environ.get('SONDE_CORPUS'):
    print('1..0 # SKIP SONDE_CORPUS names no folder')
    sys.exit(0)
if what == 'corpus':
    test('the line between two real hosts', check_corpus())
    test('a path over both, with one clock shifted', check_shifted())
else:
    hosts = made()
    test('lines of known clocks', check_report(hosts))
    test('copies with changed clocks', check_copy())
    for words, offsets in (('good clocks', (0, 0, 0)),
                           ('clocks some ms off', (0, 4 * 10**6, -7 * 10**6)),
                           ('clocks off the other way', (0, -9 * 10**6, 3 * 10**6)),
                           ('clocks years off', (0, 10**18, -10**18))):
        test('packets lost, late, twice and translated, ' + words, check_noise(offsets))
    test('messages by the kernel\'s own tracepoints', check_stock())
    test('addresses that are translated', check_translated())
print(f'1..{n}')
sys.exit(failed > 0)
