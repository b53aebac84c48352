#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records a compilation and names who did the work, with the right shares; prints TAP.

usage: critical_path.py SONDE
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile

sonde = os.path.abspath(sys.argv[1])
HELLO = '''#include <stdio.h>
#include <time.h>
int main(void)
{
	while (clock() < CLOCKS_PER_SEC / 5)
		;
	puts("hello");
	return 0;
}
'''
TALK = '''import os, socket, time
s = socket.create_server(('127.0.0.1', 0))
port = s.getsockname()[1]
server = os.fork()
if not server:
    c, _ = s.accept()
    while c.recv(65536):
        end = time.process_time() + 0.02
        while time.process_time() < end:
            pass
        c.sendall(b'answer')
    os._exit(0)
c = socket.create_connection(('127.0.0.1', port))
for i in range(5):
    c.sendall(b'question' * (i + 1))
    c.recv(65536)
c.close()
os.waitpid(server, 0)
print(os.getpid(), server, flush=True)
'''
n = failed = 0


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)}")


def report(*args):
    p = subprocess.run([sonde, 'report', *args, '--json', 'trace'], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, check=False)
    if p.returncode:
        print(f"# sonde report {' '.join(args)}: {p.stderr}")
        sys.exit(1)
    return json.loads(p.stdout)


def record(script):
    """The number of the shell that ran the script."""
    p = subprocess.run([sonde, 'record', '--force', '-o', 'trace', '--', 'sh', '-c',
                        'echo $$; ' + script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True, check=True)
    return p.stdout.split()[0]


def sums(path):
    """What is wrong with a path's sums."""
    steps = path['path']
    wrong = []
    at = path['begin_ns']
    for s in steps:
        if s['begin_ns'] != at or s['end_ns'] - s['begin_ns'] != s['ns']:
            wrong.append(s)
        at = s['end_ns']
    by_kind = {k: sum(s['ns'] for s in steps if s['kind'] == k) for k in ('segment', 'hop')}
    if at != path['end_ns'] or by_kind != {'segment': path['segments_ns'], 'hop': path['hops_ns']}:
        wrong.append((at, by_kind))
    for key in ('by_state', 'by_thread', 'by_host', 'by_program'):
        total = sum(x['ns'] for x in path[key] if x.get('state') != 'hops')
        if total != path['segments_ns']:
            wrong.append((key, total))
    if not path['adds_up'] or path['segments_ns'] + path['hops_ns'] != path['duration_ns']:
        wrong.append('sums')
    return wrong


def compile_hello():
    with open('hello.c', 'w', encoding='ascii') as f:
        f.write(HELLO)
    shell = record('gcc hello.c && ./a.out')
    path = report('critical-path')
    result('the recorded command is whose path is shown', path['tid'] == int(shell), path['tid'])
    result('a compilation: all adds up to the nanosecond', not sums(path), sums(path)[:3])
    threads = {t['thread']: t for t in path['by_thread']}
    programs = ('cc1', 'as', 'ld', 'a.out')
    result('it names cc1, as, ld and the program', all(p in threads for p in programs),
           sorted(threads))
    # One after the other: whenever one of them ran, all else waited for it, or for a CPU: who
    # started it goes on when its program begins, and is on the path while it waits for its turn.
    turns = sum(t['preempted_ns'] for t in threads.values())
    cpu_report = report('cpu')
    hidden = cpu_report.get('missing_switches', 0)  # of switches that the kernel does not show
    cpu = {p['pid']: p['cpu_ns'] for p in cpu_report['processes']}
    for name in programs:
        t = threads.get(name, {'tid': 0, 'running_ns': 0, 'ns': 0})
        ran, want = t['running_ns'], cpu.get(t['tid'], -1)
        # A thread that came to a CPU unseen is known to be on the path, but not to run.
        least = (t['ns'] if hidden else ran) + turns - t.get('preempted_ns', 0)
        result(f'{name}: {ran / 1e6:.1f} ms on the path, {want / 1e6:.1f} ms on a CPU',
               want > 0 and ran < 1.1 * want + 5e6 and least > 0.9 * want - 5e6, (t, hidden))
    below = {t['program']: t for t in path['tree']}
    gcc, cc1 = below.get('gcc'), below.get('cc1')
    result('in the tree cc1 is below gcc', gcc and cc1 and cc1['depth'] == gcc['depth'] + 1 and
           gcc['total_ns'] > cc1['total_ns'] + below['ld']['total_ns'], path['tree'])


def sleep():
    path = report('critical-path', '--tid', record('sleep 0.3; :'))
    states = {s['state']: s['ns'] for s in path['by_state']}
    result('a sleep: all adds up', not sums(path), sums(path)[:3])
    # It may lose its CPU between the begin of its call and its wait.
    away = sum(states.get(s, 0) for s in ('timer', 'preempted', 'running'))
    result('a sleep waits for a timer', states.get('timer', 0) > 0 and away > 290e6, states)
    calls = {(s['thread'], s['call']) for s in path['path'] if s['state'] == 'timer'}
    result('a sleep is named by its call', ('sleep', 'clock_nanosleep') in calls, calls)


def talk():
    """A server on the same machine: its work is on the client's path, with hops by packets."""
    with open('talk.py', 'w', encoding='ascii') as f:
        f.write(TALK)
    p = subprocess.run([sonde, 'record', '--net', '-e', 'sched_migrate_task', '--no-samples',
                        '--force', '-o', 'trace', '--', sys.executable, 'talk.py'],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    client, server = p.stdout.split()[-2:]
    path = report('critical-path', '--tid', client)
    result('a server: all adds up', not sums(path), sums(path)[:3])
    ran = sum(t['running_ns'] for t in path['by_thread'] if t['tid'] == int(server))
    # It may begin its answer before the client waits: that part is not on the path.
    result('a server: its work is on the path', 50e6 <= ran < 300e6, path['by_thread'])
    hops = [s for s in path['path'] if s['kind'] == 'hop']
    ways = [(h['from_tid'], h['tid'], h['state']) for h in hops]
    result('a server: its answers are what the client waits for',
           ways.count((int(server), int(client), 'network')) >= 4, ways)
    result('a server: the path leads to it from the client',
           sum(w[:2] == (int(client), int(server)) for w in ways) >= 4, ways)


def login():
    """What a shell's profile does: programs by name, and below what they were run by."""
    path = report('critical-path', '--tid', record('id; id; id; env sleep 0.1; :'))
    result('a profile: all adds up', not sums(path), sums(path)[:3])
    runs = {p['program']: p['runs'] for p in path['by_program']}
    result('a profile: programs of one name are counted', runs.get('id', 0) >= 2, runs)
    rows = path['tree']
    at = next((i for i, t in enumerate(rows) if t['program'] == 'env'), None)
    below = rows[at + 1] if at is not None and at + 1 < len(rows) else {}
    result('a profile: what env runs is below it', below.get('program') == 'sleep' and
           (below['depth'], below['tid']) == (rows[at]['depth'] + 1, rows[at]['tid']), rows)


def terminal():
    """What a terminal shows comes through the kernel's workers, which do the work of others too."""
    if not shutil.which('script'):
        print('# no script: programs in a terminal are not tried')
        return
    with open('burn.py', 'w', encoding='ascii') as f:
        f.write('import time\nwhile time.process_time() < 0.2:\n    pass\nprint("done")\n')
    p = subprocess.run([sonde, 'record', '--no-samples', '--force', '-o', 'trace', '--', 'script',
                        '-q', '-e', '-c', 'exec python3 burn.py', '/dev/null'], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.PIPE, text=True)
    lost = '(0 lost)' not in p.stderr
    execs = subprocess.run([sonde, 'cat', '-e', 'sched_process_exec', 'trace'], check=True,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    seen = '/script"' in execs
    result('a terminal: the exec of its program is recorded', seen or lost, (p.stderr, execs))
    if not seen:
        return
    hidden = report('cpu').get('missing_switches', 0)  # of switches that the kernel does not show
    p = subprocess.run([sonde, 'report', 'critical-path', '--exec', 'script', '--json', 'trace'],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if p.returncode:
        result('a terminal: a path is missing only where switches are', (hidden or lost) and
               'no event tells what it did from then on' in p.stderr, (hidden, p.stderr))
        return
    path = json.loads(p.stdout)
    result('a terminal: all adds up', not sums(path), sums(path)[:3])
    threads = path['by_thread']
    ran = sum(t['running_ns'] for t in threads if t['thread'].startswith('python3'))
    # Where switches are hidden, the time is with who was not seen to run or to give work away.
    elsewhere = sum(t['ns'] for t in threads if t['thread'].startswith(('python3', 'kworker')))
    elsewhere += sum(s['ns'] for s in path['by_state'] if s['state'] == 'unknown')
    result('a terminal: the program in it is on the path', ran > 100e6 or
           ((hidden or lost) and elsewhere > 100e6), (hidden, threads, path['by_state']))


with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    p = subprocess.run([sonde, 'record', '--force', '-o', 'try', '-d', '0.05'],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if p.returncode or not shutil.which('gcc'):
        print('1..0 # SKIP', p.stderr.strip().split('\n')[0] if p.returncode else 'no gcc')
        sys.exit(0)
    compile_hello()
    sleep()
    talk()
    login()
    terminal()
print(f'1..{n}')
sys.exit(failed > 0)
