#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records a load whose CPU time and system calls are known, and compares the reports; prints TAP.

usage: report.py SONDE LOAD     (LOAD: the program of tests/live/load.c)
"""
import json
import os
import subprocess
import sys
import tempfile

sonde, load = (os.path.abspath(p) for p in sys.argv[1:3])
MS, CALLS = 300, 12345
n = failed = 0


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)}")


def run(*args):
    return json.loads(subprocess.run([sonde, *args], check=True, stdout=subprocess.PIPE).stdout)


def compare(name, *options):
    p = subprocess.run([sonde, 'record', '--force', '-o', 'trace', *options, '--', load, str(MS),
                        str(CALLS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       check=False)
    if p.returncode:
        result(f'{name}: recorded', False, p.stderr)
        return
    pid, used = (int(x) for x in p.stdout.split())
    stats = run('stats', '--json', 'trace')
    if stats['lost_events']:
        print(f'# {stats["lost_events"]} events were lost')
    cpu = run('report', 'cpu', '--json', '-p', str(pid), 'trace')
    got = sum(t['cpu_ns'] for t in cpu['threads'])
    result(f'{name}: CPU time {got / 1e6:.1f} ms, by rusage {used / 1e6:.1f}',
           abs(got - used) < used * 0.05 + 5e6, (got, used))
    result(f'{name}: two threads of one process',
           len(cpu['threads']) == 2 and all(t['pid'] == pid for t in cpu['threads']) and
           len(cpu['processes']) == 1, cpu['processes'])
    if not stats['lost_events']:
        states(pid, cpu)
    calls = run('report', 'syscalls', '--json', '-p', str(pid), 'trace')
    by_name = {c['name']: c for c in calls['calls']}
    result(f'{name}: {CALLS} calls of getppid',
           by_name.get('getppid', {}).get('count') == CALLS, by_name.get('getppid'))
    sleep = by_name.get('clock_nanosleep') or by_name.get('nanosleep') or {'min_ns': 0}
    result(f'{name}: a sleep of 50 ms', 50_000_000 <= sleep['max_ns'] < 5_000_000_000, sleep)


def states(pid, cpu):
    """The index tells what the report that reads told, made and opened again."""
    made = run('report', 'states', '--json', '-p', str(pid), 'trace')
    again = run('report', 'states', '--json', '-p', str(pid), 'trace')
    result('states: the same from the index', made == again and
           os.path.exists('trace/.sonde/kernel'), (made, again))
    ran = {t['tid']: t['run_ns'] for t in made['threads']}
    want = {t['tid']: t['cpu_ns'] for t in cpu['threads']}
    result('states: each thread ran as long as the report of CPUs says', ran == want, (ran, want))
    blocked = max((t['blocked_ns'] for t in made['threads']), default=0)
    result('states: blocked for 50 ms', blocked >= 50_000_000, made['threads'])


PINGS = 400
PING = f'''
import os
a, b = os.pipe(), os.pipe()
child = os.fork()
for i in range({PINGS}):
    if child:
        os.write(a[1], b'x'), os.read(b[0], 1)
    else:
        os.read(a[0], 1), os.write(b[1], b'x')
if not child:
    os._exit(0)
os.wait()
print(os.getpid(), child)
'''


def pings():
    """Two processes that wake each other, each time but where a busy machine lets none wait."""
    p = subprocess.run([sonde, 'record', '--force', '--no-samples', '-o', 'trace', '--',
                        sys.executable, '-c', PING], stdout=subprocess.PIPE, text=True,
                       stderr=subprocess.PIPE, check=False)
    if p.returncode:
        result('wakeups: recorded', False, p.stderr)
        return
    lost = run('stats', '--json', 'trace')['lost_events']
    if lost:
        print(f'# {lost} events were lost, perhaps wake-ups')
        return
    pids = [int(x) for x in p.stdout.split()]
    report = run('report', 'wakeups', '--json', 'trace')
    # A switch that the kernel does not show leaves a wake-up without its end, which the report tells.
    hidden = report.get('missing_switches', 0)
    rows = report['wakeups']
    pairs = {(r['waker_tid'], r['tid']): r for r in rows}
    for waker, woken in pids, pids[::-1]:
        r = pairs.get((waker, woken), {'wakeups': 0, 'took_count': 0})
        result(f'wakeups: {waker} woke {woken} {r["wakeups"]} times',
               PINGS / 20 <= r['wakeups'] <= PINGS + 1 and
               (0 if hidden else r['wakeups'] - 2) <= r['took_count'] <= r['wakeups'], (r, hidden))
    late = {t['tid']: t for t in run('report', 'sched', '--json', 'trace')['threads']}
    for tid in pids:
        t = late.get(tid, {'wakeup_count': 0})
        took = sum(r['took_count'] for r in rows if r['tid'] == tid)
        result(f'sched: {tid} was late {t["wakeup_count"]} times, as often as it was woken',
               t['wakeup_count'] == took >= (0 if hidden else PINGS / 20) and
               (not took or
                0 < t['wakeup_min_ns'] <= t['wakeup_mean_ns'] <= t['wakeup_max_ns']), (t, hidden))


with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    p = subprocess.run([sonde, 'record', '--force', '-o', 'try', '-d', '0.05'],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if p.returncode:
        why = p.stderr.strip().split('\n')[0]
        print(f'1..0 # SKIP {why}')
        sys.exit(0)
    compare('with samples')
    compare('events only', '--no-samples')
    pings()
    os.chdir('/')
print(f'1..{n}')
sys.exit(failed > 0)
