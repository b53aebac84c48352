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
    calls = run('report', 'syscalls', '--json', '-p', str(pid), 'trace')
    by_name = {c['name']: c for c in calls['calls']}
    result(f'{name}: {CALLS} calls of getppid',
           by_name.get('getppid', {}).get('count') == CALLS, by_name.get('getppid'))
    sleep = by_name.get('clock_nanosleep') or by_name.get('nanosleep') or {'min_ns': 0}
    result(f'{name}: a sleep of 50 ms', 50_000_000 <= sleep['max_ns'] < 5_000_000_000, sleep)


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
    os.chdir('/')
print(f'1..{n}')
sys.exit(failed > 0)
