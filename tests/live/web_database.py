#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A client, nginx with a FastCGI program, and PostgreSQL, in three networks; prints TAP.

usage: web_database.py SONDE

The client's critical path must cross all three and come back, add up, and name the system call in
which the database waits for its disk. Then the recording is made into those of two machines, one
of the client's processor and one of the servers', and the servers' clock is shifted and drifts:
the path must be the same.
"""
import glob
import json
import os
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

import netns

ROUNDS = 8
WEB, DB = '10.98.1.2', '10.98.2.2'
START_SECONDS = 60
TABLE = 'CREATE TABLE IF NOT EXISTS visits (n float)'
QUERY = 'INSERT INTO visits SELECT sum(sqrt(g)) FROM generate_series(1, 20000) g'


# The client.

def client():
    for _ in range(ROUNDS):
        conn = socket.create_connection((WEB, 80))
        conn.sendall(b'GET / HTTP/1.0\r\n\r\n')
        answer = b''
        while more := conn.recv(10000):
            answer += more
        conn.close()
        if b'visited' not in answer:
            sys.exit(f'the web server says: {answer[:200]}')
    print(os.getpid(), flush=True)


# The FastCGI program: asks the database once for each request.

def read_all(conn, n):
    data = b''
    while len(data) < n:
        more = conn.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


class Database:
    def __init__(self):
        self.conn = socket.create_connection((DB, 5432))
        words = b'user\0sonde\0database\0postgres\0\0'
        self.conn.sendall(struct.pack('>II', len(words) + 8, 3 << 16) + words)
        self.wait()

    def wait(self):
        """For 'ready for query'."""
        while True:
            kind, n = struct.unpack('>cI', read_all(self.conn, 5))
            words = read_all(self.conn, n - 4)
            if kind == b'E':
                raise OSError(words.decode(errors='replace'))
            if kind == b'Z':
                return

    def query(self, text):
        data = text.encode() + b'\0'
        self.conn.sendall(b'Q' + struct.pack('>I', len(data) + 4) + data)
        self.wait()


def app_request(conn, db):
    """Answers one request: a record of type 5 and no length ends it."""
    request = kind = length = None
    while (kind, length) != (5, 0):
        _, kind, request, length, padding, _ = struct.unpack('>BBHHBB', read_all(conn, 8))
        read_all(conn, length + padding)
    db = db or Database()
    db.query(QUERY)
    for kind, data in ((6, b'Content-Type: text/plain\r\n\r\nvisited\n'), (6, b''), (3, bytes(8))):
        conn.sendall(struct.pack('>BBHHBB', 1, kind, request, len(data), 0, 0) + data)
    conn.close()
    return db


def app(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o666)
    listener.listen(10)
    db = None
    while True:
        try:
            db = app_request(listener.accept()[0], db)
        except EOFError: # somebody looked whether we listen
            pass


# The servers.

NGINX = '''user root;
daemon off;
worker_processes 1;
pid {0}/nginx.pid;
error_log {0}/nginx.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {0}/t1; proxy_temp_path {0}/t2; fastcgi_temp_path {0}/t3;
    uwsgi_temp_path {0}/t4; scgi_temp_path {0}/t5;
    server {{
        listen {1}:80;
        location / {{
            fastcgi_param REQUEST_METHOD $request_method;
            fastcgi_pass unix:{0}/app.sock;
        }}
    }}
}}
'''
POSTGRES = '''listen_addresses = '{1}'
unix_socket_directories = '{0}'
fsync = on
synchronous_commit = on
wal_sync_method = fdatasync
autovacuum = off
jit = off
shared_buffers = 16MB
max_connections = 10
'''


def find_programs():
    """nginx, and the folder of PostgreSQL's programs; None for what there is not."""
    nginx = shutil.which('nginx', path=os.environ.get('PATH', '') + ':/usr/sbin:/usr/local/sbin')
    folders = glob.glob('/usr/lib/postgresql/*/bin') + os.environ.get('PATH', '').split(':')
    return nginx, next((f for f in folders if os.access(f + '/initdb', os.X_OK) and
                        os.access(f + '/postgres', os.X_OK)), None)


def unprivileged():
    for name in ('postgres', 'nobody'):
        try:
            return pwd.getpwnam(name)[2:4]
        except KeyError:
            pass
    return 65534, 65534


def wait_for(what, is_there, programs):
    end = time.monotonic() + START_SECONDS
    while not is_there():
        ended = [p.args[0] for p in programs if p.poll() is not None]
        if ended:
            skip(f'{ended[0]} does not start')
        if time.monotonic() > end:
            skip(f'{what} does not start in {START_SECONDS} s')
        time.sleep(0.05)


def has_line(path, text):
    try:
        with open(path, encoding='utf-8') as f:
            return text in f.read()
    except FileNotFoundError:
        return False


def listens(net, addr, port):
    """Whether somebody listens there; asked in that network."""
    p = net.start([sys.executable, '-c', 'import socket,sys; '
                   f'sys.exit(socket.socket().connect_ex(("{addr}", {port})) != 0)'])
    return p.wait() == 0


class Site:
    """The three networks and their servers, on a folder of their own."""

    def __init__(self, folder, nginx, postgres, cpus):
        self.folder, self.programs = folder, []
        self.uid = unprivileged()
        self.db, self.web, self.client = netns.Network(), netns.Network(), netns.Network()
        self._make_database(postgres)
        with open(f'{folder}/nginx.conf', 'w', encoding='utf-8') as f:
            f.write(NGINX.format(folder, WEB))
        netns.join(self.client, 'a1', '10.98.1.1/24', self.web, 'b1', WEB + '/24')
        netns.join(self.web, 'b2', '10.98.2.1/24', self.db, 'c1', DB + '/24')
        self._start(self.db, [f'{postgres}/postgres', '-D', f'{folder}/data'], cpus,
                    uid=self.uid, end_by=signal.SIGINT)
        self._start(self.web, [sys.executable, os.path.abspath(__file__), '--app',
                               f'{folder}/app.sock'], cpus)
        self._start(self.web, [nginx, '-c', f'{folder}/nginx.conf', '-p', folder], cpus,
                    end_by=signal.SIGTERM)
        wait_for('PostgreSQL', lambda: has_line(f'{folder}/data/postmaster.pid', 'ready'),
                 self.programs)
        wait_for('nginx', lambda: listens(self.web, WEB, 80), self.programs)
        wait_for('the FastCGI program', lambda: os.path.exists(f'{folder}/app.sock'),
                 self.programs)
        self._query(TABLE)

    def _make_database(self, postgres):
        os.mkdir(f'{self.folder}/data')
        os.chown(f'{self.folder}/data', *self.uid)
        os.chmod(f'{self.folder}/data', 0o700)
        p = self.db.start([f'{postgres}/initdb', '-D', f'{self.folder}/data', '-A', 'trust',
                           '-U', 'sonde', '-E', 'UTF8', '--locale=C', '--no-sync'],
                          uid=self.uid, cwd='/', stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
        words = p.communicate()[0]
        if p.returncode:
            skip(f'initdb: {words}')
        with open(f'{self.folder}/data/postgresql.conf', 'a', encoding='utf-8') as f:
            f.write(POSTGRES.format(f'{self.folder}/data', DB))
        with open(f'{self.folder}/data/pg_hba.conf', 'a', encoding='utf-8') as f:
            f.write('host all all 10.98.0.0/16 trust\n')

    def _start(self, net, args, cpus, **more):
        log = open(f'{self.folder}/{os.path.basename(args[0])}.out', 'wb')
        self.programs.append(net.start(args, cpus=cpus, cwd='/', stdout=log,
                                       stderr=subprocess.STDOUT, **more))

    def _query(self, text):
        p = self.web.start([sys.executable, os.path.abspath(__file__), '--query', text])
        if p.wait():
            skip('PostgreSQL does not answer')

    def two_sides(self, client_cpu, server_cpu):
        """What each side receives, its own processor handles."""
        mounts = f'{self.folder}/sys'
        os.mkdir(mounts)
        netns.receive_on(self.client, 'a1', client_cpu, mounts)
        netns.receive_on(self.web, 'b1', server_cpu, mounts)

    def stop(self):
        for p in reversed(self.programs):
            p.send_signal(signal.SIGINT if p is self.programs[0] else signal.SIGTERM)
            p.wait()


# Checks.

n = failed = 0


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)}", flush=True)


def skip(why):
    print('1..0 # SKIP', why.strip().split('\n')[-1])
    sys.exit(0)


def report(sonde, *args):
    p = subprocess.run([sonde, 'report', *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True, check=False)
    if p.returncode:
        return {'error': p.stderr}
    return json.loads(p.stdout)


TIERS = {'nginx': 'web', 'postgres': 'database'}


def tiers_of(path, tids):
    """The tiers in the order in which the path comes to them, and its time in each."""
    order, ns = [], {}
    for s in path['path']:
        tier = tids.get(s['tid']) or TIERS.get(s['thread'])
        if tier and order[-1:] != [tier]:
            order.append(tier)
        if s['kind'] == 'segment':
            ns[tier] = ns.get(tier, 0) + s['ns']
    return order, ns


def check_sums(name, path):
    ok = 'error' not in path and path['adds_up'] and \
        path['segments_ns'] + path['hops_ns'] == path['duration_ns'] and \
        sum(s['ns'] for s in path['path']) == path['duration_ns']
    result(f'{name}: all adds up', ok, path)
    return ok


def goes_round(order):
    """Whether a request goes from the client to the database and its answer all the way back."""
    return re.search('cw[wpd]*pdp[wpd]*wc', ''.join(t[0] for t in order)) is not None


def check_path(path, tids, folder):
    if not check_sums('one host', path):
        return
    order, _ = tiers_of(path, tids)
    result('a request goes to the database and back', goes_round(order), order)
    fs = subprocess.run(['stat', '-f', '-c', '%T', folder], stdout=subprocess.PIPE, text=True,
                        check=False).stdout.strip()
    calls = {s['call'] for s in path['path'] if s['thread'] == 'postgres' or
             s.get('from_thread') == 'postgres'}
    if fs in ('tmpfs', 'overlayfs'):
        print(f'# fdatasync does not wait on {fs}')
    else:
        result("it names the database's fdatasync", 'fdatasync' in calls, calls)


def make_side(trace, cpu, to, uuid, shift_ns, freq):
    """The recording of one processor, as that of a machine with a clock of its own."""
    os.mkdir(to)
    os.symlink(os.path.abspath(f'{trace}/kernel_{cpu}'), f'{to}/kernel_{cpu}')
    with open(f'{trace}/metadata', encoding='utf-8') as f:
        text = f.read()
    # Folders of one trace by that number would be read as parts of it.
    text = re.sub(r'\tuuid = "[^"]*";\n', '', text, count=1)
    at = text.index('\nclock {')
    end = text.index('};', at)
    clock = text[at:end]
    clock = re.sub(r'uuid = "[^"]*"', f'uuid = "{uuid}"', clock)
    clock = re.sub(r'freq = \d+', f'freq = {freq}', clock)
    clock = re.sub(r'offset_s = (\d+)', lambda m: f'offset_s = {int(m[1]) + shift_ns // 10**9}',
                   clock)
    text = text[:at] + clock + text[end:]
    text = re.sub(r'hostname = "[^"]*"', f'hostname = "{to}"', text)
    with open(f'{to}/metadata', 'w', encoding='utf-8') as f:
        f.write(text)


def clock_of(sonde, side):
    """How the clock of that side goes by the client's."""
    sync = report(sonde, 'sync', '--json', 'client', side)
    absent = {'name': side, 'quality': sync.get('error'), 'slope': None, 'matches': 0}
    return next((h for h in sync.get('hosts', ()) if h['name'] == side), absent)


def check_times(sonde):
    """What prints events has them in one order, or says that it has not."""
    seconds = {}
    for sync in ('--sync', '--quiet'):
        p = subprocess.run([sonde, 'cat', '--clock-seconds', '--no-delta', sync, '-e', 'tcp_probe',
                            'client', 'shifted'], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True, check=False)
        seconds[sync] = [float(x) for x in re.findall(r'^\[([\d.]+)\]', p.stdout, re.M)], p.stderr
    times, words = seconds['--sync']
    result('cat --sync prints times of one clock', len(times) > ROUNDS and
           max(times) - min(times) < 1800 and 'clock of client' in words, (times[:9], words))
    result('cat without it says so', '--sync' in seconds['--quiet'][1], seconds['--quiet'][1])
    script = 'tracepoint:tcp:tcp_probe { @first = min(nsecs); @last = max(nsecs); }'
    p = subprocess.run([sonde, 'run', '-t', 'client', '-t', 'shifted', '-e', script],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    ns = [int(x) for x in re.findall(r'^@(?:first|last): (\d+)$', p.stdout, re.M)]
    result('scripts see times of one clock', len(ns) == 2 and
           max(ns) - min(ns) < 1800 * 10**9 and 'clock of client' in p.stderr, (p.stdout, p.stderr))


def check_sides(sonde, cpus, tid, tids):
    """The same path, whatever the servers' clock says."""
    uuids = '00000000-0000-4000-8000-000000000000', 'ffffffff-ffff-4fff-bfff-ffffffffffff'
    make_side('trace', cpus[0], 'client', uuids[0], 0, 10**9)
    make_side('trace', cpus[1], 'server', uuids[1], 0, 10**9)
    make_side('trace', cpus[1], 'shifted', uuids[1], -3600 * 10**9, 10**9 + 200_000)
    paths = [report(sonde, 'critical-path', '--json', '--tid', tid, '--host', 'client',
                    'client', side) for side in ('server', 'shifted')]
    nobody = report(sonde, 'critical-path', '--tid', tid, '--host', 'nobody', 'client', 'server')
    result('a host that is not there is told', 'host' in nobody.get('error', ''), nobody)
    lines = [clock_of(sonde, side) for side in ('server', 'shifted')]
    result('the clocks of both sides are brought together',
           all(line['quality'] in ('accurate', 'approximate') for line in lines), lines)
    slopes = [float(line['slope'] or 0) for line in lines]
    result('with the pace that was changed', abs(slopes[1] - slopes[0] * 1.0002) < 1e-6, lines)
    print(f"# {lines[1]['quality']}, slope {slopes[1]}, {lines[1]['matches']} messages")
    check_times(sonde)
    if not check_sums('both sides', paths[0]) or not check_sums('clock shifted', paths[1]):
        return
    order, times = zip(*(tiers_of(p, tids) for p in paths))
    result('the path crosses both hosts', goes_round(order[1]), order[1])
    result('on both, time is spent', all(h['ns'] > 0 for h in paths[1]['by_host']),
           paths[1]['by_host'])
    lengths = [p['duration_ns'] for p in paths]
    result('it is as long as before', lengths[0] == lengths[1], lengths)
    off = max(abs(times[0].get(t, 0) - times[1].get(t, 0)) for t in {**times[0], **times[1]})
    result('it spends the same time in each program', off <= lengths[0] / 100, times)
    print(f'# of {lengths[0]} ns at most {off} ns differ; same order: {order[0] == order[1]}')


def record(sonde, site, cpus):
    p = site.client.start([sonde, 'record', '--net', '--no-samples', '-o', 'trace', '--',
                           sys.executable, os.path.abspath(__file__), '--client'],
                          cpus=cpus[:1], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = p.communicate()
    if p.returncode:
        skip(err or 'record failed')
    return int(out.split()[-1])


def run_test(sonde, folder):
    nginx, postgres = find_programs()
    missing = [name for name, path in (('nginx', nginx), ('PostgreSQL', postgres),
                                       ('ip', shutil.which('ip'))) if not path]
    if missing:
        skip(f"no {', '.join(missing)}: tools/setup test")
    cpus = sorted(os.sched_getaffinity(0))[:2]
    try:
        site = Site(folder, nginx, postgres, cpus[1:] or cpus)
    except OSError as e:
        skip(f'no network namespaces: {e}')
    sides = len(cpus) > 1
    try:
        if sides:
            site.two_sides(*cpus)
    except OSError as e:
        sides = False
        print(f'# two sides cannot be told apart: {e}')
    tid = record(sonde, site, cpus)
    tids = {tid: 'client', site.programs[1].pid: 'program'}
    site.stop()
    path = report(sonde, 'critical-path', '--json', '--tid', str(tid), 'trace')
    check_path(path, tids, folder)
    if sides:
        check_sides(sonde, cpus, str(tid), tids)
    print(f'1..{n}')


def main():
    mode = sys.argv[1]
    if mode == '--client':
        return client()
    if mode == '--app':
        return app(sys.argv[2])
    if mode == '--query':
        return Database().query(sys.argv[2])
    if os.geteuid():
        skip('needs root')
    with tempfile.TemporaryDirectory(dir='/var/tmp', prefix='sonde-') as folder:
        os.chmod(folder, 0o755)
        with tempfile.TemporaryDirectory(dir='.') as scratch:
            here = os.getcwd()
            sonde = os.path.abspath(mode)
            os.chdir(scratch)
            try:
                run_test(sonde, folder)
            finally:
                os.chdir(here)
    return sys.exit(failed > 0)


main()
