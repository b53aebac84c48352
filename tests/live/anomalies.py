#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A hog takes the CPU from a thread of lower priority, and the report names it; prints TAP.

usage: anomalies.py SONDE
"""
import json
import os
import subprocess
import sys
import tempfile

sonde = os.path.abspath(sys.argv[1])
HOG_MS, TIMES = 600, 3
# The victim has one CPU and never sleeps; the hog sleeps, wakes with a priority of its own on the
# same CPU, and keeps it by its clock.
LOAD = f'''import os, time
os.sched_setaffinity(0, {{min(os.sched_getaffinity(0))}})
victim = os.fork()
if not victim:
    open('/proc/self/comm', 'w').write('victim')
    while True:
        pass
open('/proc/self/comm', 'w').write('hog')
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
for i in range({TIMES}):
    time.sleep(0.1)
    end = time.monotonic() + {HOG_MS} / 1000
    while time.monotonic() < end:
        pass
time.sleep(0.1)
os.kill(victim, 9)
os.wait()
print(os.getpid(), victim)
'''
n = failed = 0


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)[:2000]}")


with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    p = subprocess.run([sonde, 'record', '--no-samples', '-o', 'trace', '--', sys.executable, '-c',
                        LOAD], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       check=False)
    if p.returncode or len(p.stdout.split()) != 2:
        print('1..0 # SKIP', p.stderr.strip().split('\n')[-1])
        sys.exit(0)
    hog, victim = (int(x) for x in p.stdout.split())
    got = json.loads(subprocess.run([sonde, 'report', 'anomalies', '--json', '-p', str(hog), '-p',
                                     str(victim), 'trace'], check=True, stdout=subprocess.PIPE,
                                    stderr=subprocess.DEVNULL).stdout)
    finds = [f for f in got['anomalies'] if f['by_tid'] == hog and f['kind'] == 'hog']
    # Another that ran when the hog came took no CPU from the victim; a switch that the kernel does
    # not show hides a wait. Which of the three that befalls is chance, so one is enough.
    doubtful = got['missing_switches'] or got['lost_events']
    result('the hog is found', finds or doubtful, got)
    if finds:
        f = finds[0]
        result('as long as it had the CPU', f['longest_ns'] >= HOG_MS * 1e6 * .8 and
               f['lost_ns'] >= f['longest_ns'] * .8, f)
        p = subprocess.run(f['command'].replace('sonde ', f"'{sonde}' ", 1), shell=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        result('the command shows it', not p.returncode and ('hog' in p.stdout), p)
    os.chdir('/')
print(f'1..{n}')
sys.exit(failed > 0)
