#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records connections whose data is known, and wants the report to say exactly that; prints TAP.

usage: net.py SONDE
"""
import json
import os
import subprocess
import sys
import tempfile

sonde = os.path.abspath(sys.argv[1])
n = failed = 0
# Each program connects twice: over IPv4 and IPv6. The client sends some, the server answers more.
LOAD = '''
import os, socket
for family, addr in (socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1'):
    try:
        server = socket.socket(family)
        server.bind((addr, 0))
    except OSError:
        continue
    server.listen()
    port = server.getsockname()[1]
    child = os.fork()
    if not child:
        s = socket.create_connection((addr, port))
        for i in range(10):
            s.sendall(b'x' * 1234)
        s.shutdown(socket.SHUT_WR)
        while s.recv(65536):
            pass
        mine = s.getsockname()[1]
        s.close()
        os._exit(0)
    c, peer = server.accept()
    while c.recv(4096):
        pass
    for i in range(7):
        c.sendall(b'y' * 5555)
    c.close()
    os.waitpid(child, 0)
    server.close()
    print(addr, port, peer[1], os.getpid(), child)
'''
SENT, ANSWERED = 10 * 1234, 7 * 5555


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)}")


def run(*args):
    return json.loads(subprocess.run([sonde, *args], check=True, stdout=subprocess.PIPE).stdout)


def text(addr, port):
    return f'[{addr}]:{port}' if ':' in addr else f'{addr}:{port}'


def one_end(name, row, role, pid, sent, received, sends):
    result(f'{name}: {sent} bytes sent by {sends} calls, {received} received',
           row and (row['sent_bytes'], row['received_bytes'], row['sends']) == (sent, received, sends),
           row)
    result(f'{name}: {role}, opened and closed', row and row['role'] == role and
           None not in (row['opened_ns'], row['established_ns'], row['closed_ns']) and
           row['opened_ns'] <= row['established_ns'] <= row['closed_ns'] and row['state'] == 'close',
           row)
    result(f'{name}: of process {pid}', row and row['pid'] == pid, row)
    states = row['states_ns'] if row else {}
    result(f'{name}: was in its states all of the time',
           row and sum(states.values()) == row['lasted_ns'] and 'established' in states, row)
    result(f'{name}: data came in after the begin',
           row and row['first_byte_ns'] and row['first_byte_ns'] > 0, row)


with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    p = subprocess.run([sonde, 'record', '--force', '--net', '--no-samples', '-o', 'trace', '--',
                        sys.executable, '-c', LOAD], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, check=False)
    if p.returncode:
        why = (p.stderr.strip() or '?').split('\n')[0]
        print(f'1..0 # SKIP {why}')
        sys.exit(0)
    stats = run('stats', '--json', 'trace')
    if stats['lost_events'] or 'sock_send_length' not in stats['classes'] or not p.stdout:
        print('1..0 # SKIP ' + ('events were lost' if stats['lost_events'] else
                                'this kernel has no sock_send_length'))
        sys.exit(0)
    report = run('report', 'net', '--json', 'trace')
    rows = {(r['local'], r['remote']): r for r in report['connections']}
    total = 0
    for line in p.stdout.splitlines():
        addr, port, peer, server, client = line.split()
        there, here = text(addr, port), text(addr, peer)
        one_end(f'{addr}, client', rows.get((here, there)), 'connects', int(client), SENT, ANSWERED, 10)
        one_end(f'{addr}, server', rows.get((there, here)), 'accepts', int(server), ANSWERED, SENT, 7)
        total += SENT + ANSWERED
        only = run('report', 'net', '--json', '-p', client, 'trace')['connections']
        result(f'{addr}: -p shows that process alone',
               {r['pid'] for r in only} == {int(client)} and len(only) == 1, only)
    lo = {d['device']: d for d in report['devices']}.get('lo', {})
    result('lo: what was sent came in', lo and lo['sent_bytes'] >= total and lo['received_bytes'] >= total, lo)
    os.chdir('/')
print(f'1..{n}')
sys.exit(failed > 0)
