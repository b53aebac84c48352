#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A client, a web server and a database in three virtual machines, each recorded; prints TAP.

usage: three_hosts.py SONDE [--keep FOLDER]     --keep: leaves all traces there

The client has no cable to the database: its clock is known by way of the web server's only. From
recordings of stock tracepoints Sonde must find how the clocks go, say that client and database
alone have nothing in common, and follow the client's waits through both others. Then the web
server's clock is set years off, and another goes slow: the path must be the same. Then packets get
lost and overtake each other, which must not spoil the clocks. At last the web server forwards and
translates addresses (NAT): what that hides must be said, and not guessed. The web server talks
IPv4 with the client, and IPv6 with the database.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

import hosts

CLIENT, WEB, BACK, DB = '10.96.1.1', '10.96.1.2', '10.96.2.1', '10.96.2.2'
BACK6, DB6 = 'fd00:96::1', 'fd00:96::2'
ROUNDS, SECONDS = 20, 900
PAGE = f'''#!/bin/sh
echo Content-Type: text/plain
echo
head -c 100000 /dev/zero | sha256sum
wget -q -O - http://[{DB6}]/cgi-bin/work
'''
WORK = '''#!/bin/sh
echo Content-Type: text/plain
echo
head -c 200000 /dev/zero | md5sum
dd if=/dev/zero of=/disk/rows bs=4k count=4 conv=fsync 2>/dev/null
echo worked
'''
LOSE = 'qdisc add dev {} root netem delay 3ms 2ms loss 5% reorder 10%'
NAT = f'''table ip nat {{
	chain in {{ type nat hook prerouting priority -100; tcp dport 81 dnat to {DB}:80; }}
	chain out {{ type nat hook postrouting priority 100; tcp dport 80 masquerade to :2000-2999; }}
}}
'''
ASK = f'''for i in $(seq {ROUNDS}); do
	wget -q -O - "$1" | grep -q worked || exit 3
	sleep 0.05
done'''


def find(name, package):
    path = shutil.which(name, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')
    if not path:
        raise hosts.guest.GuestError(f"no '{name}' (Debian package {package})")
    return path


def lose(machine, links):
    """From then on packets that leave by these get lost, and others overtake them."""
    machine.image.program(find('tc', 'iproute2'), '/usr/bin/netem')
    machine.modules('sch_netem')
    machine.step('lose', ' && '.join('netem ' + LOSE.format(link) for link in links), 60)


def keep(machine, links):
    machine.step('keep', ' && '.join(f'netem qdisc del dev {link} root' for link in links), 60)


def prepare(site):
    client, web, db = site.machine('client'), site.machine('web'), site.machine('db', disk=True)
    site.cable(client, CLIENT, web, WEB)
    site.cable(web, BACK, db, DB)
    web.network.append(f'ip addr add {BACK6}/64 dev eth1')
    db.network.append(f'ip addr add {DB6}/64 dev eth0')
    client.image.text('/ask', ASK)
    web.image.text('/www/cgi-bin/page', PAGE, 0o755)
    db.image.text('/www/cgi-bin/work', WORK, 0o755)
    page, work, nat = (f'http://{WEB}{x}' for x in ('/cgi-bin/page', ':81/cgi-bin/work', ':81'))
    stop = f'wget -q -O /dev/null http://{WEB}/cgi-bin/stop'
    serve = f'sh /serve; wget -q -O /dev/null http://{DB}/cgi-bin/stop'
    ask = f'sh /ask {page}; status=$?; {stop}; exit $status'

    for trace in ('plain', 'lossy', 'nat'):
        db.record('serve ' + trace, trace, 'sh /serve', SECONDS)
    web.image.program(find('nft', 'nftables'), '/usr/bin/nft')
    web.modules('nft_chain_nat', 'nft_nat', 'nft_masq')
    web.image.text('/nat', NAT)
    for trace in ('plain', 'lossy'):
        if trace == 'lossy':
            lose(web, ('eth0', 'eth1'))
        web.wait_for(f'http://[{DB6}]/cgi-bin/work', SECONDS)
        web.record('serve ' + trace, trace, serve, SECONDS)
    keep(web, ('eth0', 'eth1'))
    web.step('translate', 'echo 1 >/proc/sys/net/ipv4/ip_forward && nft -f /nat', 60)
    web.record('serve nat', 'nat', 'sh /serve', SECONDS)
    for trace in ('plain', 'lossy'):
        if trace == 'lossy':
            lose(client, ['eth0'])
        client.wait_for(page, SECONDS)
        client.record('ask ' + trace, trace, ask, SECONDS)
    keep(client, ['eth0'])
    client.wait_for(work, SECONDS)
    client.record('ask nat', 'nat', f'sh /ask {work}; status=$?; wget -q -O /dev/null '
                  f'{nat}/cgi-bin/stop; {stop}; exit $status', SECONDS)


def by_name(sync):
    return {h['name']: h for h in sync.get('hosts', [])}


def check_sync(checks, sonde, folder):
    found = by_name(hosts.report(sonde, folder, 'sync', 'client', 'web', 'db')[0])
    others = [h for h in found.values() if h['quality'] != 'reference']
    checks.result('the clocks of all three are known accurately', len(found) == 3 and
                  [h['quality'] for h in others] == ['accurate'] * 2, found)
    ends = {frozenset((h['name'], h['via'])) for h in others}
    checks.result('by way of the web server', ends == {frozenset(('client', 'web')),
                                                       frozenset(('db', 'web'))}, found)
    for h in others:
        checks.result(f"{h['name']}: from {h['matches']} messages, "
                      f"{1e6 * (float(h['slope'] or 0) - 1):+.1f} ppm",
                      h['matches'] >= ROUNDS and abs(float(h['slope'] or 0) - 1) < 1e-3, h)
    check_apart(checks, sonde, folder, 'without the web server')


def check_apart(checks, sonde, folder, when):
    """Client and database have nothing in common: that is said, and nothing is made up."""
    sync, words = hosts.report(sonde, folder, 'sync', 'client', 'db')
    lost = [h for h in sync.get('hosts', []) if h['quality'] != 'reference']
    checks.result(f'{when} client and database stay apart', len(lost) == 1 and
                  lost[0]['slope'] is None and lost[0]['matches'] == 0 and
                  'unsynchronised' in words, (sync, words))
    return words


def check_path(checks, sonde, folder, name, *traces):
    path = hosts.report(sonde, folder, 'critical-path', '--comm', 'sh', '--host', 'client', *traces)[0]
    if not path:
        checks.result(f'{name}: there is a path', False)
        return None
    checks.result(f'{name}: all adds up', hosts.adds_up(path))
    way = ''.join(to[0] for _, to in hosts.hops_of(path))
    rounds = len(re.findall('wd+wc', way))
    checks.result(f'{name}: it goes {rounds} times through the web server to the database and back',
                  rounds >= ROUNDS // 2, way)
    names = {(t['host'], t['thread']) for t in path['by_thread'] if t['ns'] > 0}
    checks.result(f'{name}: the work of both is on it', ('web', 'sha256sum') in names and
                  ('db', 'md5sum') in names, names)
    calls = {s['call'] for s in path['path'] if 'dd' in (s['thread'], s['from_thread'])}
    checks.result(f"{name}: so is the database's fsync", 'fsync' in calls, calls)
    return path


def shift(folder, name, to, seconds, ppm):
    """The trace as one whose clock was set that much off, and goes that much faster."""
    os.makedirs(os.path.join(folder, to))
    for file in os.listdir(os.path.join(folder, name)):
        if file != 'metadata' and not file.startswith('.'):
            os.symlink(os.path.abspath(os.path.join(folder, name, file)),
                       os.path.join(folder, to, file))
    with open(os.path.join(folder, name, 'metadata'), encoding='utf-8') as f:
        text = f.read()
    # A clock of fewer cycles a second shows more seconds for as many of them.
    text = re.sub(r'freq = (\d+);', lambda m: f'freq = {round(int(m[1]) / (1 + ppm / 1e6))};', text)
    text = re.sub(r'offset_s = (-?\d+);', lambda m: f'offset_s = {int(m[1]) + seconds};', text)
    with open(os.path.join(folder, to, 'metadata'), 'w', encoding='utf-8') as f:
        f.write(text)


def check_shifted(checks, sonde, folder, path):
    years, pace = 365 * 24 * 3600, {'client': 1, 'web': 1.001, 'db': 0.999}
    shift(folder, 'web', 'web-off', -30 * years, 1000)
    shift(folder, 'db', 'db-off', 20 * years, -1000)
    name = 'two clocks off by years and one part in a thousand'
    sync, other = (hosts.report(sonde, folder, 'sync', *traces)[0] for traces in (
        ('client', 'web', 'db'), ('client', 'web-off', 'db-off')))
    checks.result(f'{name}: as many messages', [h['matches'] for h in sync['hosts']] ==
                  [h['matches'] for h in other['hosts']], (sync, other))
    other = check_path(checks, sonde, folder, name, 'client', 'web-off', 'db-off')
    if not other:
        return
    # All is said by the reference's clock, which may be one of the two.
    pace = pace[sync['reference']]
    checks.result(f'{name}: as long as before', abs(other['duration_ns'] / pace -
                  path['duration_ns']) < 10**6, (other['duration_ns'], path['duration_ns'], pace))
    ns = [{h['host']: h['ns'] / k for h in p['by_host']} for p, k in ((path, 1), (other, pace))]
    off = max(abs(ns[0].get(h, 0) - ns[1].get(h, 0)) for h in {**ns[0], **ns[1]})
    checks.result(f'{name}: the same time in each host', off <= path['duration_ns'] / 1000, ns)
    print(f"# of {path['duration_ns']} ns at most {off} ns differ")


def check_copy(checks, sonde, folder):
    """Other tools see one time, in which the recordings overlap."""
    subprocess.run([sonde, 'sync', '-o', 'together', 'client', 'web-off', 'db-off'], cwd=folder,
                   check=True, stdout=subprocess.DEVNULL)
    spans = []
    for name in ('client', 'web-off', 'db-off'):
        p = subprocess.run(['babeltrace2', '--clock-seconds', '--no-delta', '--names', 'none',
                            'together/' + name], cwd=folder, stdout=subprocess.PIPE, text=True,
                           check=True)
        times = [float(x) for x in re.findall(r'^\[([\d.]+)\]', p.stdout, re.M)]
        spans.append((min(times), max(times)))
    checks.result('babeltrace2 reads all copies as of one time', all(
        a[0] < b[1] for a in spans for b in spans), spans)


def check_paths(checks, sonde, folder):
    path = check_path(checks, sonde, folder, 'the path', 'client', 'web', 'db')
    if path:
        check_shifted(checks, sonde, folder, path)
        check_copy(checks, sonde, folder)


def check_lossy(checks, sonde, folder):
    sync, words = hosts.report(sonde, folder, 'sync', 'client', 'web', 'db')
    others = [h for h in by_name(sync).values() if h['quality'] != 'reference']
    checks.result('packets lost and late: a line fits all that are counted', len(others) == 2 and
                  all(h['quality'] == 'accurate' for h in others), sync)
    checks.result('packets lost and late: some were sent again', 'sent again' in words, words)
    for h in others:
        checks.result(f"packets lost and late: {h['name']}: from {h['matches']} messages, "
                      f"{1e6 * (float(h['slope'] or 0) - 1):+.1f} ppm", h['matches'] >= ROUNDS and
                      abs(float(h['slope'] or 0) - 1) < 1e-3, h)
    path = hosts.report(sonde, folder, 'critical-path', '--comm', 'sh', '--host', 'client', 'client',
                        'web', 'db')[0]
    checks.result('packets lost and late: the path adds up', path and hosts.adds_up(path))


def check_nat(checks, sonde, folder):
    words = check_apart(checks, sonde, folder, 'with NAT between')
    checks.result('and it says why', 'NAT' in words, words)


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('sonde')
    p.add_argument('--keep')
    args = p.parse_args()
    sonde = os.path.abspath(args.sonde)
    return hosts.test(sonde, args.keep, prepare, {'plain': (check_sync, check_paths),
                                                  'lossy': (check_lossy,), 'nat': (check_nat,)})


sys.exit(main())
