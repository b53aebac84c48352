#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two virtual machines on one virtual network, each with a recording of its own; prints TAP.

usage: two_hosts.py SONDE [--keep FOLDER]     --keep: leaves both traces there

Under emulation both run Debian's kernel with clocks of their own. In one a web server (busybox's)
runs a CGI program that computes and writes to a disk; in the other a client asks it, over and over.
From both recordings, of stock tracepoints only, Sonde must find how the clocks go and follow the
client's waits to the program in the other machine. Takes about a minute; no rights are needed.
"""
import argparse
import os
import sys

import hosts

SERVER, CLIENT = '10.97.0.1', '10.97.0.2'
ROUNDS, SECONDS = 20, 900
WORK = '''#!/bin/sh
echo Content-Type: text/plain
echo
head -c 300000 /dev/zero | sha256sum
dd if=/dev/zero of=/disk/rows bs=4k count=4 conv=fsync 2>/dev/null
echo worked
'''
ASK = f'''for i in $(seq {ROUNDS}); do
	wget -q -O - http://{SERVER}/cgi-bin/work | grep -q worked || exit 3
	sleep 0.05
done'''


def prepare(site):
    server, client = site.machine('server', disk=True), site.machine('client', disk=True)
    site.cable(server, SERVER, client, CLIENT)
    server.image.text('/www/cgi-bin/work', WORK, 0o755)
    client.image.text('/ask', ASK)
    server.record('serve', 'trace', 'sh /serve', SECONDS)
    client.wait_for(f'http://{SERVER}/cgi-bin/work', SECONDS)
    client.record('ask', 'trace', f'sh /ask; status=$?; wget -q -O /dev/null http://{SERVER}/cgi-bin/stop; '
                  'exit $status', SECONDS)


def check_sync(checks, sonde, folder):
    found = hosts.report(sonde, folder, 'sync', 'client', 'server')[0].get('hosts', [])
    other = [h for h in found if h['quality'] != 'reference']
    checks.result('the clocks are known accurately', len(found) == 2 and len(other) == 1 and
                  other[0]['quality'] == 'accurate', found)
    for h in other:
        checks.result(f"from {h['matches']} messages", h['matches'] >= ROUNDS, h)
        checks.result(f"with a believable drift, {1e6 * (float(h['slope'] or 0) - 1):+.1f} ppm",
                      abs(float(h['slope'] or 0) - 1) < 1e-3, h)


def check_path(checks, sonde, folder):
    path = hosts.report(sonde, folder, 'critical-path', '--exec', 'sh', '--host', 'client', 'client',
                        'server')[0]
    if not path:
        checks.result('there is a path', False)
        return
    checks.result('all adds up', hosts.adds_up(path))
    hops = hosts.hops_of(path)
    there, back = hops.count(('client', 'server')), hops.count(('server', 'client'))
    checks.result(f'it goes to the server {there} times', ROUNDS // 2 <= there, path['by_host'])
    checks.result(f'and back {back} times', ROUNDS // 2 <= back, path['by_host'])
    names = {t['thread']: t['ns'] for t in path['by_thread'] if t['host'] == 'server'}
    checks.result("the CGI program's work is on it", names.get('sha256sum', 0) > 0, names)
    calls = {s['call'] for s in path['path'] if 'dd' in (s['thread'], s['from_thread'])}
    checks.result('so is its fsync', 'fsync' in calls, calls)


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('sonde')
    p.add_argument('--keep')
    args = p.parse_args()
    sonde = os.path.abspath(args.sonde)
    return hosts.test(sonde, args.keep, prepare, {'trace': (check_sync, check_path)})


sys.exit(main())
