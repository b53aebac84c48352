#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A client, a web server and a database in network namespaces of their own; prints TAP.

usage: three_tiers.py SONDE     (without SONDE: runs the three, and prints their numbers)

The client's critical path must cross all three, with the work that each is known to do, and name
the database's fsync. The namespaces end with the processes.
"""
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from netns import own_network

ROUNDS, WEB_S, DB_S = 5, 0.010, 0.020


def work(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def serve_web(conn):
    db = socket.create_connection(('10.99.2.2', 5432))
    while conn.recv(1000):
        work(WEB_S)
        db.sendall(b'query')
        db.recv(1000)
        conn.sendall(b'page')


def serve_db(conn):
    f = os.open('rows', os.O_CREAT | os.O_WRONLY)
    while conn.recv(1000):
        work(DB_S)
        os.write(f, b'row' * 3000)
        os.fsync(f)
        conn.sendall(b'rows')


def start(addr, port, serve):
    """A server that waits for its network; (pid, how to tell it, how it tells that it listens)."""
    go_r, go_w = os.pipe()
    up_r, up_w = os.pipe()
    pid = os.fork()
    if pid:
        os.close(go_r)
        os.close(up_w)
        os.read(up_r, 1)
        return pid, go_w, up_r
    os.close(go_w)
    own_network()
    os.write(up_w, b'n')
    os.read(go_r, 1)
    listener = socket.create_server((addr, port))
    os.write(up_w, b'l')
    serve(listener.accept()[0])
    os._exit(0)


def ip(pid, *args):
    enter = ['nsenter', '-t', str(pid), '-n'] if pid else []
    subprocess.run([*enter, 'ip', *args], check=True, stdout=subprocess.DEVNULL)


def run_tiers():
    own_network()
    web = start('10.99.1.2', 80, serve_web)
    db = start('10.99.2.2', 5432, serve_db)
    ip(0, 'link', 'add', 'a1', 'type', 'veth', 'peer', 'name', 'b1', 'netns', str(web[0]))
    ip(web[0], 'link', 'add', 'b2', 'type', 'veth', 'peer', 'name', 'c1', 'netns', str(db[0]))
    for pid, link, addr in ((0, 'a1', '10.99.1.1/24'), (web[0], 'b1', '10.99.1.2/24'),
                            (web[0], 'b2', '10.99.2.1/24'), (db[0], 'c1', '10.99.2.2/24')):
        ip(pid, 'addr', 'add', addr, 'dev', link)
        ip(pid, 'link', 'set', link, 'up')
    for _, go, up in (db, web):
        os.write(go, b'g')
        os.read(up, 1)
    conn = socket.create_connection(('10.99.1.2', 80))
    for _ in range(ROUNDS):
        conn.sendall(b'GET /')
        conn.recv(1000)
    conn.close()
    for pid, _, _ in (web, db):
        os.waitpid(pid, 0)
    print(os.getpid(), web[0], db[0], flush=True)


n = failed = 0


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)}")


def skip(why):
    print('1..0 # SKIP', why.strip().split('\n')[-1])
    sys.exit(0)


def check(sonde, client, web, db):
    path = json.loads(subprocess.run([sonde, 'report', 'critical-path', '--json', '--tid', client,
                                      'trace'], check=True, stdout=subprocess.PIPE,
                                     stderr=subprocess.DEVNULL).stdout)
    result('all adds up', path['adds_up'] and
           path['segments_ns'] + path['hops_ns'] == path['duration_ns'] and
           sum(s['ns'] for s in path['path']) == path['duration_ns'])
    ran = {}
    for t in path['by_thread']:
        ran[t['tid']] = ran.get(t['tid'], 0) + t['running_ns']
    # A server may begin before the one that asked it waits: that part is not on the path.
    for name, tid, want in (('web server', web, WEB_S), ('database', db, DB_S)):
        ms = ran.get(int(tid), 0) / 1e6
        result(f'the {name} works for {ms:.0f} ms on the path',
               ROUNDS * want * 500 <= ms <= ROUNDS * want * 1500 + 100, path['by_thread'])
    hops = [(s['from_tid'], s['tid']) for s in path['path'] if s['kind'] == 'hop']
    tids = {'client': int(client), 'web server': int(web), 'database': int(db)}
    for a, b in (('client', 'web server'), ('web server', 'database'),
                 ('database', 'web server'), ('web server', 'client')):
        result(f'the path goes from {a} to {b}', hops.count((tids[a], tids[b])) >= ROUNDS - 2,
               (tids, hops))
    waits = {s['call'] for s in path['path'] if s['tid'] == tids['database'] and
             s['kind'] == 'segment' and s['call']}
    fs = subprocess.run(['stat', '-f', '-c', '%T', '.'], stdout=subprocess.PIPE, text=True,
                        check=False).stdout.strip()
    if fs in ('tmpfs', 'overlayfs'):
        print(f'# fsync does not wait on {fs}')
    else:
        result("it names the database's fsync", 'fsync' in waits, waits)


def main():
    if len(sys.argv) < 2:
        run_tiers()
        return
    sonde = os.path.abspath(sys.argv[1])
    if not shutil.which('ip') or not shutil.which('nsenter'):
        skip('no ip or nsenter')
    me = os.path.abspath(__file__)
    with tempfile.TemporaryDirectory(dir='.') as scratch:
        os.chdir(scratch)
        p = subprocess.run([sys.executable, me], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True, check=False)
        if p.returncode:
            skip('no network namespaces: ' + p.stderr)
        p = subprocess.run([sonde, 'record', '--net', '--no-samples', '-o', 'trace', '--',
                            sys.executable, me], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True, check=False)
        if p.returncode:
            skip(p.stderr)
        check(sonde, *p.stdout.split()[-3:])
        os.chdir('..')
    print(f'1..{n}')
    sys.exit(failed > 0)


main()
