#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Critical paths over made-up traces of three hosts, of which every number is known; prints TAP.

usage: hosts.py SONDE TOP

A client asks a web server, which asks a database, and both work. The path must cross all three
whatever the clocks say, and stay at home where a clock is not known to go with the others.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

import ktrace

sonde = os.path.abspath(sys.argv[1])
CLIENT, WEB, DB = 10, 20, 30
ROUNDS, NET_RX, ACK = 30, 3, 0x8010
HOSTS = {'client': CLIENT, 'web': WEB, 'db': DB}
KINDS = {'inet_sock_local_out': 'u seq u ack_seq u flags', 'inet_sock_local_in': 'u seq u ack_seq u flags'}


class Host(ktrace.Trace):
    def __init__(self, name, tid):
        super().__init__(host=name, uuid='00000000-0000-0000-0000-%012x' % tid)
        self.kinds.update(KINDS)
        self.tid = tid
        self.name(tid, name)

    def sends(self, ms, key):
        self.at(ms).event('inet_sock_local_out', *key)

    def sleeps(self, ms):
        self.at(ms).switch(self.tid, 1, 0)

    def gets(self, ms, key):
        """A packet comes in, for which the thread has waited: it runs 0.02 ms later."""
        self.at(ms).event('irq_softirq_entry', NET_RX)
        self.at(ms + 0.01).event('inet_sock_local_in', *key)
        self.at(ms + 0.012).waking(self.tid)
        self.at(ms + 0.015).event('irq_softirq_exit', NET_RX)
        self.at(ms + 0.02).switch(0, 0, self.tid)


def talk(deaf=None):
    """Rounds of 10 ms: 1 for the client, 2 + 1 for the web server, 4 for the database. No
    event tells what comes in at the host @deaf."""
    hosts = [Host(name, tid) for name, tid in HOSTS.items()]
    client, web, db = hosts
    for h in hosts:
        h.at(1).switch(0, 0, h.tid)
    web.sleeps(1.5)
    db.sleeps(1.5)
    for i in range(ROUNDS):
        at = 2 + 10 * i
        ways = (((client, 1), (web, 1.3)), ((web, 3.3), (db, 3.6)), ((db, 7.6), (web, 7.9)),
                ((web, 8.9), (client, 9.2)))
        for n, ((src, sent), (dst, got)) in enumerate(ways):
            key = 1000 * i + n, 5000000 + 1000 * i + n, ACK
            src.sends(at + sent, key)
            src.sleeps(at + sent + 0.1)
            dst.gets(at + got, key)
    for h in hosts:
        h.at(10 * ROUNDS + 6).switch(h.tid if h is client else 0, 1, 99)
        if h.host == deaf:
            h.events = [e for e in h.events if e[3] != 'inet_sock_local_in']
    return hosts


def write(folder, hosts, clocks):
    """Traces whose clocks are off by so many seconds and go so many ppm faster."""
    for h in hosts:
        seconds, ppm = clocks.get(h.host, (0, 0))
        kept = h.events
        h.events = [(e[0] + e[0] * ppm // 10**6, *e[1:]) for e in kept]
        h.write(os.path.join(folder, h.host))
        h.events = kept
        metadata = os.path.join(folder, h.host, 'metadata')
        with open(metadata, encoding='utf-8') as f:
            text = f.read()
        text = re.sub(r'offset_s = (\d+)', lambda m: f'offset_s = {int(m[1]) + seconds}', text)
        with open(metadata, 'w', encoding='utf-8') as f:
            f.write(text)


def path_of(folder):
    p = subprocess.run([sonde, 'report', 'critical-path', '--tid', str(CLIENT), '--host', 'client',
                        '--json', folder], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       check=True)
    return json.loads(p.stdout), p.stderr


def way_of(path):
    """The hosts in the order in which the path comes to them: c, w, d."""
    names = [s['host'] for s in path['path']]
    return ''.join(a[0] for a, b in zip(names, [None] + names) if a != b)


def check_sums(path):
    if path['adds_up'] and path['segments_ns'] + path['hops_ns'] == path['duration_ns'] and \
            sum(s['ns'] for s in path['path']) == path['duration_ns']:
        return []
    return [f'it does not add up: {path}']


def check_clocks(scratch, want, clocks):
    folder = os.path.join(scratch, 'clocks')
    write(folder, talk(), clocks)
    path, words = path_of(folder)
    wrong = check_sums(path)
    rounds = len(re.findall('cw(?=dwc)', way_of(path)))
    if rounds < ROUNDS - 2:
        wrong.append(f'it goes round {rounds} times: {way_of(path)}; {words}')
    ns = {h['host']: h['ns'] for h in path['by_host']}
    for host, ms in want.items():
        if abs(ns.get(host, 0) - ms * 10**6) > ROUNDS * 50000:
            wrong.append(f'{host}: {ns.get(host)} ns, wanted {ms} ms')
    return wrong


def check_apart(scratch, deaf):
    """Nothing tells what comes in there: packets go one way, and no line is known."""
    folder = os.path.join(scratch, 'apart')
    write(folder, talk(deaf), {})
    path, words = path_of(folder)
    wrong = check_sums(path)
    if way_of(path) != 'c':
        wrong.append(f'it leaves home: {way_of(path)}')
    if 'unsynchronised' not in words:
        wrong.append(f'words: {words}')
    return wrong


n = failed = 0


def test(name, wrong):
    global n, failed
    n += 1
    failed += bool(wrong)
    print(f"{'not ok' if wrong else 'ok'} {n} - {name}")
    for w in wrong:
        print('#', w)


YEAR = 365 * 24 * 3600
# From each wake-up to the packet that ends the work; where one waits for another, until it sleeps.
WANT = {'web': ROUNDS * (1.988 + 0.1 + 0.988), 'db': ROUNDS * 3.988}
with tempfile.TemporaryDirectory() as scratch:
    for words, clocks in (('that agree', {}),
                          ('years off', {'web': (-20 * YEAR, 0), 'db': (15 * YEAR, 0)}),
                          ('that go faster and slower', {'web': (0, 1000), 'db': (0, -1000)}),
                          ('all of that', {'client': (3 * YEAR, -1000), 'web': (-1, 1000),
                                           'db': (-30 * YEAR, -800)})):
        test('a path over three hosts with clocks ' + words, check_clocks(scratch, WANT, clocks))
    test('a path where packets are told one way only', check_apart(scratch, 'web'))
print(f'1..{n}')
sys.exit(failed > 0)
