#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the report of the network with what the text of events tells; prints TAP.

usage: net.py SONDE SCRATCH     (SONDE_CORPUS: the folder with the traces; without it, all is skipped)

The text is babeltrace2's; of scp, whose times run backwards so that it stops early, it is that of
'sonde cat'. Connections are put together here by addresses and by sums over whole lists.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

sonde, scratch = sys.argv[1:3]
corpus = os.environ.get('SONDE_CORPUS')
if not corpus or not shutil.which('babeltrace2'):
    print('1..0 # SKIP ' + ('there is no babeltrace2' if corpus else 'SONDE_CORPUS names no folder'))
    sys.exit(0)
n_tests = n_failed = 0


def trace(name):
    folder = os.path.join(scratch, name)
    if not os.path.isdir(folder):
        with tarfile.open(os.path.join(corpus, name.split('/')[0] + '.tar.xz')) as t:
            t.extractall(scratch)
    inner = os.path.join(folder, 'kernel')
    return inner if os.path.isdir(inner) else folder


def lines(command, names):
    p = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for line in p.stdout.decode('utf-8', 'replace').split('\n'):
        m = re.match(r'\[(\d+)\.(\d{9})\].*? (\w+): \{ cpu_id = (\d+) \}, (.*)', line)
        if m and m[3] in names:
            yield int(m[1]) * 10 ** 9 + int(m[2]), m[3], m[5]


def report(folder):
    p = subprocess.run([sonde, 'report', 'net', '--json', folder], check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return json.loads(p.stdout)


def test(name, got, want):
    global n_tests, n_failed
    n_tests += 1
    n_failed += got != want
    print(f"{'ok' if got == want else 'not ok'} {n_tests} - {name}")
    if got != want:
        print(f'# {got}\n# wanted {want}')


def number(text, key):
    m = re.search(r'\b' + key + r' = (0x[0-9A-F]+|\d+)', text)
    return int(m[1], 0) if m else None


def devices(name, out, into):
    """Sums of lengths by device."""
    folder = trace(name)
    want = {}
    for _, event, text in lines(['babeltrace2', '--clock-seconds', folder], (out, into)):
        if event == 'net_dev_xmit' and number(text, 'rc'):
            continue
        device = want.setdefault(re.search(r'name = "(.*?)"', text)[1], [0, 0, 0, 0])
        at = 0 if event == out else 2
        device[at] += number(text, 'len')
        device[at + 1] += 1
    got = {d['device']: [d['sent_bytes'], d['sent_packets'], d['received_bytes'] or 0,
                         d['received_packets'] or 0] for d in report(folder)['devices']}
    test(f'{name}: devices {sorted(want)}', got, want)


def address(text, key):
    m = re.search(key + r' = \[ \[0\] = (\d+), \[1\] = (\d+), \[2\] = (\d+), \[3\] = (\d+) \]', text)
    return '.'.join(m.groups())


def headers(name):
    """Connections by the headers of their segments, in LTTng's events."""
    folder = trace(name)
    want = {}
    for ts, event, text in lines(['babeltrace2', '--clock-seconds', folder],
                                 ('net_dev_queue', 'net_if_receive_skb')):
        if 'ack_seq' not in text:
            continue
        ends = [f"{address(text, 'saddr')}:{number(text, 'source_port')}",
                f"{address(text, 'daddr')}:{number(text, 'dest_port')}"]
        if event == 'net_if_receive_skb':
            ends.reverse()
        flags = number(text, 'flags')
        data = number(text, 'tot_len') - 4 * number(text, 'ihl') - 4 * number(text, 'data_offset')
        c = want.setdefault(tuple(ends), {'out': [], 'in': []})
        c['out' if event == 'net_dev_queue' else 'in'].append(
            (ts, number(text, 'seq'), data, flags & 0x1ff))
    got = {(c['local'], c['remote']): c for c in report(folder)['connections']}
    for ends, c in want.items():
        row = got.get(ends, {})
        # What is sent again is the data that begins before what was sent already.
        again, upto = 0, None
        for _, seq, data, flags in c['out']:
            takes = data + bool(flags & 2) + bool(flags & 1)
            again += bool(takes and upto is not None and (seq - upto) % 2 ** 32 >= 2 ** 31)
            upto = seq + takes if upto is None or (seq + takes - upto) % 2 ** 32 < 2 ** 31 else upto
        syn = [ts for ts, _, _, flags in c['out'] + c['in'] if flags & 2]
        first = [ts for ts, _, data, _ in c['in'] if data > 0]
        test(f'{name}: {ends}: segments, bytes, sent again, opened, first byte',
             [row.get(k) for k in ('segments_out', 'segments_in', 'sent_bytes', 'received_bytes',
                                   'retransmits', 'opened_ns', 'first_byte_ns')],
             [len(c['out']), len(c['in']), sum(x[2] for x in c['out']),
              sum(x[2] for x in c['in']), again, min(syn) if syn else None,
              min(first) - min(syn) if syn and first else None])
    test(f'{name}: no other connections', set(got), set(want))
    test(f'{name}: some', len(want) > 0, True)


def sockets(name):
    """Connections by the kernel's addresses of sockets: segments are counted, bytes are what the
    other end has acknowledged, from its first number to its last."""
    folder = trace(name)
    segments, names = {}, {}
    for ts, event, text in lines([sonde, 'cat', '--clock-seconds', folder],
                                 ('inet_sock_local_in', 'inet_sock_local_out', 'inet_connect',
                                  'inet_accept')):
        sk = number(text, 'sk')
        if event in ('inet_connect', 'inet_accept'):
            ends = []
            for host, port in ('saddr', 'sport'), ('daddr', 'dport'):
                v = number(text, host)
                ends.append(f'{v >> 24}.{v >> 16 & 255}.{v >> 8 & 255}.{v & 255}:{number(text, port)}')
            names[sk] = tuple(ends)
        else:
            segments.setdefault(sk, []).append((event.endswith('out'), number(text, 'seq'),
                                                number(text, 'ack_seq'), number(text, 'flags') >> 8))
    want = []
    for sk, all_of in segments.items():
        moved = {}
        for out in True, False:
            # The bits of the flags lie the other way round here: FIN 0x80, SYN 0x40, ACK 0x08.
            mine = [(seq, flags) for way, seq, _, flags in all_of if way == out]
            acks = [ack for way, _, ack, flags in all_of if way != out and flags & 0x08]
            known = ([seq + bool(flags & 0x40) for seq, flags in mine[:1]] + acks[:1])
            # Which of the two came first is the number to count from.
            begin = next((seq + bool(flags & 0x40) if way == out else ack
                          for way, seq, ack, flags in all_of
                          if way == out or flags & 0x08), None)
            fin = [seq for seq, flags in mine if flags & 0x80]
            end = max([a for a in acks] + [begin]) if known else 0
            moved[out] = end - begin - bool(fin and end > fin[0]) if known and end > begin else 0
        want.append((names.get(sk, ('?', '?')), sum(s[0] for s in all_of),
                     sum(not s[0] for s in all_of), moved[True], moved[False]))
    got = [((c['local'], c['remote']), c['segments_out'], c['segments_in'], c['sent_bytes'],
            c['received_bytes']) for c in report(folder)['connections'] if c['segments_out'] is not None]
    test(f'{name}: connections of sockets', sorted(got), sorted(want))
    return {(c['local'], c['remote']): c for c in report(folder)['connections']}


devices('kernel-4.4', 'net_dev_xmit', 'netif_receive_skb')
devices('bug446190', 'net_dev_xmit', 'netif_receive_skb')
devices('kernel-6.2', 'net_dev_queue', 'net_if_receive_skb')
headers('kernel-6.2')
trace('scp')
there, here = sockets('scp/scp_src'), sockets('scp/scp_dest')
both = [(c, here[ends[::-1]]) for ends, c in there.items() if '?' not in ends and ends[::-1] in here]
test('scp: the connection at both ends', len(both), 1)
test('scp: what one end sent the other has received',
     [(a['sent_bytes'], a['received_bytes']) for a, _ in both],
     [(b['received_bytes'], b['sent_bytes']) for _, b in both])
print(f'1..{n_tests}')
sys.exit(n_failed > 0)
