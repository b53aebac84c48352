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
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, 'tests', 'guest'))
import guest  # noqa: E402

SERVER, CLIENT = '10.97.0.1', '10.97.0.2'
ROUNDS, SECONDS = 20, 240
MOST_TRACE = 64 << 20
WORK = '''#!/bin/sh
echo Content-Type: text/plain
echo
head -c 300000 /dev/zero | sha256sum
dd if=/dev/zero of=/disk/rows bs=4k count=4 conv=fsync 2>/dev/null
echo worked
'''
STOP = '''#!/bin/sh
touch /tmp/stop
echo Content-Type: text/plain
echo
'''
SERVE = '''httpd -f -p 80 -h /www &
while [ ! -e /tmp/stop ]; do sleep 0.2; done
kill $!'''
ASK = f'''for i in $(seq {ROUNDS}); do
	wget -q -O - http://{SERVER}/cgi-bin/work | grep -q worked || exit 3
	sleep 0.05
done'''


def machine(sonde, kernel, name, addr, links, disk):
    """One of the two, with its network and steps that every one has."""
    image = guest.Image()
    image.program(sonde, '/usr/bin/sonde')
    for module in ('virtio_pci', 'virtio_net', 'virtio_blk'):
        image.module(kernel, module)
    image.text('/serve', SERVE)
    image.text('/ask', ASK)
    image.text('/www/cgi-bin/work', WORK, 0o755)
    image.text('/www/cgi-bin/stop', STOP, 0o755)
    mine, other = links
    n = 1 if name == 'server' else 2
    devices = ['-netdev', 'dgram,id=n,local.type=unix,local.path=' + mine +
               ',remote.type=unix,remote.path=' + other,
               '-device', f'virtio-net-pci,netdev=n,mac=52:54:00:00:97:0{n}',
               '-drive', f'file={disk},format=raw,if=none,id=d,cache=none',
               '-device', 'virtio-blk-pci,drive=d']
    g = guest.Guest(image, kernel, devices=devices, most_out=MOST_TRACE)
    g.step('network', f'hostname {name}; ip link set eth0 up && ip addr add {addr}/24 dev eth0 && '
           'mkdir /disk && mke2fs /dev/vda >/dev/null 2>&1 && mount -t ext4 /dev/vda /disk')
    return g


def run_guest(g, ret):
    """Runs it to its end; what the steps wrote, or the failure, goes to @ret."""
    try:
        for step in g.run():
            ret.append(step)
            if step.status:
                return
    except (guest.GuestError, OSError) as e:
        ret.append(e)


def run_both(server, client):
    record = 'sonde record --net --no-samples -o /tmp/trace -- '
    copy = 'tar -C /tmp -cf - trace'
    server.step('serve', record + 'sh /serve', timeout=SECONDS)
    server.step('copy', copy, timeout=60)
    client.step('wait', f'until wget -q -O /dev/null http://{SERVER}/cgi-bin/work; do sleep 0.3; done',
                timeout=SECONDS)
    client.step('ask', record + 'sh /ask; status=$?; '
                f'wget -q -O /dev/null http://{SERVER}/cgi-bin/stop; exit $status', timeout=SECONDS)
    client.step('copy', copy, timeout=60)
    results = [], []
    threads = [threading.Thread(target=run_guest, args=each)
               for each in zip((server, client), results)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return results


n = failed = 0


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)}", flush=True)


def unpack(name, steps, folder):
    """The trace that the last step sent; False: it did not get so far."""
    for step in steps:
        if isinstance(step, Exception):
            print(f'# {name}: ' + str(step).replace('\n', '\n# '))
            return False
        words = step.err.decode(errors='replace').strip()
        print(f'# {name}: {step.name}: status {step.status}, {step.seconds:.1f} s'
              f"{words and '; ' + words}".replace('\n', '\n# '))
        if step.status:
            return False
    with tarfile.open(fileobj=io.BytesIO(steps[-1].out)) as tar:
        tar.extractall(folder)
    os.rename(os.path.join(folder, 'trace'), os.path.join(folder, name))
    return True


def report(sonde, folder, *args):
    p = subprocess.run([sonde, 'report', *args, '--json', 'client', 'server'], cwd=folder,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    print('# ' + p.stderr.strip().replace('\n', '\n# '))
    return json.loads(p.stdout) if p.returncode == 0 else {}


def check_sync(sonde, folder):
    hosts = report(sonde, folder, 'sync').get('hosts', [])
    other = [h for h in hosts if h['quality'] != 'reference']
    result('the clocks are known accurately', len(hosts) == 2 and len(other) == 1 and
           other[0]['quality'] == 'accurate', hosts)
    for h in other:
        result(f"from {h['matches']} messages", h['matches'] >= ROUNDS, h)
        result(f"with a believable drift, {1e6 * (float(h['slope'] or 0) - 1):+.1f} ppm",
               abs(float(h['slope'] or 0) - 1) < 1e-3, h)


def check_path(sonde, folder):
    path = report(sonde, folder, 'critical-path', '--exec', 'sh', '--host', 'client')
    if not path:
        result('there is a path', False)
        return
    result('all adds up', path['adds_up'] and
           path['segments_ns'] + path['hops_ns'] == path['duration_ns'] and
           sum(s['ns'] for s in path['path']) == path['duration_ns'])
    hops = [(s['from_host'], s['host']) for s in path['path'] if s['kind'] == 'hop']
    there, back = hops.count(('client', 'server')), hops.count(('server', 'client'))
    result(f'it goes to the server {there} times', ROUNDS // 2 <= there, path['by_host'])
    result(f'and back {back} times', ROUNDS // 2 <= back, path['by_host'])
    names = {t['thread']: t['ns'] for t in path['by_thread'] if t['host'] == 'server'}
    result("the CGI program's work is on it", names.get('sha256sum', 0) > 0, names)
    calls = {s['call'] for s in path['path'] if 'dd' in (s['thread'], s['from_thread'])}
    result('so is its fsync', 'fsync' in calls, calls)


def main():
    p = argparse.ArgumentParser(description=__doc__,
                                formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('sonde')
    p.add_argument('--keep')
    args = p.parse_args()
    sonde = os.path.abspath(args.sonde)
    with tempfile.TemporaryDirectory(prefix='sonde-hosts-') as scratch:
        folder = os.path.abspath(args.keep) if args.keep else scratch
        os.makedirs(folder, exist_ok=True)
        links = [os.path.join(scratch, name) for name in ('a', 'b')]
        disks = [os.path.join(scratch, name) for name in ('d1', 'd2')]
        for disk in disks:
            with open(disk, 'wb') as f:
                f.truncate(32 << 20)
        try:
            kernel = guest.find_kernel()
            server = machine(sonde, kernel, 'server', SERVER, links, disks[0])
            client = machine(sonde, kernel, 'client', CLIENT, links[::-1], disks[1])
        except guest.GuestError as e:
            print(f'1..0 # SKIP {e}')
            return 0
        for name, steps in zip(('server', 'client'), run_both(server, client)):
            result(f'the {name} records', unpack(name, steps, folder))
        if not failed:
            check_sync(sonde, folder)
            check_path(sonde, folder)
    print(f'1..{n}')
    return failed > 0


sys.exit(main())
