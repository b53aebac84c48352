#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Records waits for locks that are known, and compares the report; prints TAP.

usage: locks.py SONDE CONVOY BARE     (CONVOY: the program of tests/live/convoy.c; BARE: the same
                                      without frame pointers)
"""
import json
import os
import re
import subprocess
import sys
import tempfile

sonde, convoy, bare = (os.path.abspath(p) for p in sys.argv[1:4])
n = failed = 0


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)}")


def report(*args):
    p = subprocess.run([sonde, 'report', 'locks', '--json', *args], check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return json.loads(p.stdout)


def record(*options, load=convoy):
    """The load's own words, or None: it was told."""
    p = subprocess.run([sonde, 'record', '--force', '--no-samples', '-o', 'trace', *options, '--',
                        load], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       check=False)
    if p.returncode:
        result('recorded', False, p.stderr)
        return None
    stats = subprocess.run([sonde, 'stats', '--json', 'trace'], check=True, stdout=subprocess.PIPE)
    lost = json.loads(stats.stdout)['lost_events']
    if lost:
        print(f'# {lost} events were lost: nothing is exact')
        return None
    return json.loads(p.stdout)


def row_of(rows, **keys):
    found = [r for r in rows if all(r[k] == v for k, v in keys.items())]
    return found[0] if len(found) == 1 else {}


def check_futexes(load, r):
    pid, many, hold = load['pid'], load['waiters'], load['hold_ns']
    lock = row_of(r['locks'], pid=pid, lock=load['mutex'])
    result(f'a mutex: {many} threads wait once each, as long as it is held',
           lock and lock['kind'] == 'futex' and lock['waits'] == lock['waiters'] == many and
           lock['wait_min_ns'] >= hold and lock['wait_total_ns'] >= many * hold, lock)
    holders = [h['tid'] for h in r['holders'] if h['lock'] == load['mutex'] and h['pid'] == pid]
    result('its holders: who had it, and each who got it from there but the last',
           sorted(holders) == sorted([pid] + load['mutex_tids'][:-1]), holders)
    one = row_of(r['locks'], pid=pid, lock=load['first'])
    two = row_of(r['locks'], pid=pid, lock=load['second'])
    result('requeued: all wait for one word, and all but one then for the other',
           one and two and one['waits'] == many and one['moved'] == many - 1 == two['waits'] and
           two['wait_min_ns'] >= hold, (one, two))
    by = [(h['tid'], h['waits']) for h in r['holders']
          if h['lock'] == load['second'] and h['pid'] == pid]
    result('who woke those', by == [(pid, many - 1)], by)
    word = row_of(r['locks'], pid=pid, lock=load['word'])
    result('waits that time out are told apart, and have no holder',
           word and word['waits'] == word['timed_out'] == load['timeouts'] and
           word['wait_min_ns'] >= load['timeout_ns'] and
           not [h for h in r['holders'] if h['lock'] == load['word'] and h['pid'] == pid], word)
    result('calls that had nothing to wait for', r['not_waited'] >= load['agains'],
           r['not_waited'])


def check_inode(load, r):
    if 'inode_holder' not in load:
        result('an inode\'s lock # SKIP page faults cannot be made to wait here', True)
        return
    tids, hold = load['inode_tids'], load['hold_ns']
    # Threads of one process may also wait for its memory's lock, but not so long.
    held = {h['lock'] for h in r['holders'] if h['tid'] == load['inode_holder'] and
            h['kind'].startswith('rwsem')}
    rows = [x for x in r['locks'] if x['lock'] in held and x['kind'] == 'rwsem write']
    result(f'an inode\'s lock: {len(tids)} threads wait once each, as long as it is held',
           any(x['waits'] == x['waiters'] == len(tids) and x['wait_min_ns'] >= hold for x in rows),
           rows)
    threads = {t['tid']: t for t in r['threads'] if t['of'] == 'the kernel'}
    result('and by thread', all(threads.get(t, {'wait_max_ns': 0})['wait_max_ns'] >= hold
                                for t in tids), threads)


def check_windows(load, whole):
    """Waits count where they end, so that parts add up."""
    middle = (whole['begin_ns'] + whole['end_ns']) // 2
    text = f'{middle // 10**9}.{middle % 10**9:09}'
    after = f'{(middle + 1) // 10**9}.{(middle + 1) % 10**9:09}'
    pid = str(load['pid'])
    parts = [report('-p', pid, '--to', text, 'trace'), report('-p', pid, '--from', after, 'trace')]
    want = sum(x['waits'] for x in report('-p', pid, 'trace')['locks'])
    got = [sum(x['waits'] for x in p['locks']) for p in parts]
    result(f'two halves have {got} of {want} waits', sum(got) == want > 0, (got, want))


def check_callers():
    """People are shown each caller once; programs, each stack."""
    p = subprocess.run([sonde, 'report', 'locks', '-n', '0', 'with-stacks'], check=True, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    head, *lines = p.stdout.split('\nWhere they waited\n')[1].rstrip('\n').split('\n')
    threads, caller = head.index('THREADS'), head.index('CALLER')
    rows = [(x[:threads].rstrip(), x[caller:]) for x in lines]
    twice = [x for x in set(rows) if rows.count(x) > 1]
    waits = sum(int(x[threads:caller].split()[1].replace(',', '')) for x in lines)
    stacks = report('with-stacks')['callers']
    result(f'{len(stacks)} stacks are shown as {len(rows)} callers, each once', rows and not twice and
           len(rows) <= len(stacks) and waits == sum(x['waits'] for x in stacks), twice[:3])


def check_one_process():
    """-p and stacks go together."""
    p = subprocess.run([sonde, 'record', '--force', '--no-samples', '--locks', '-o', 'one', '-d', '0.05',
                        '-p', str(os.getpid())], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       text=True, check=False)
    result('one process alone is recorded with stacks', p.returncode == 0, p.stderr)


def check_behind_libc():
    """libc has no frame pointers, and neither has the program: who called is told by DWARF."""
    options = '--locks', '--call-graph', 'dwarf'
    p = subprocess.run([sonde, 'record', '--force', '-o', 'try', '-d', '0.05', *options],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if p.returncode:
        lacks = 'this kernel has no event' in p.stderr or os.uname().machine != 'x86_64'
        result('callers by DWARF' + (' # SKIP no such event, or no x86-64' if lacks else ''), lacks, p.stderr)
        return
    load = record(*options, load=bare)
    if not load:
        return
    rows = [c for c in report('-p', str(load['pid']), 'trace')['callers']
            if re.search(';take_mutex;(.*;)?[^;]*mutex_lock', c['stack'])]
    result('the callers of libc are told by DWARF',
           sum(c['waits'] for c in rows) == load['waiters'] and
           all(' < take_mutex' in c['caller'] for c in rows), rows)


def check_lacking():
    subprocess.run([sonde, 'record', '--force', '--no-samples', '-o', 'other', '-e', 'sched_switch',
                    '--', 'true'], check=True, stderr=subprocess.PIPE)
    p = subprocess.run([sonde, 'report', 'locks', 'other'], stdout=subprocess.PIPE, text=True,
                       stderr=subprocess.PIPE, check=False)
    result('without such events it says what to record',
           p.returncode == 1 and 'sonde record --locks' in p.stderr, p)


with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    p = subprocess.run([sonde, 'record', '--force', '-o', 'try', '-d', '0.05'],
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if p.returncode:
        why = p.stderr.strip().split('\n')[0]
        print(f'1..0 # SKIP {why}')
        sys.exit(0)
    load = record()
    if load:
        whole = report('trace')
        check_futexes(load, whole)
        check_inode(load, whole)
        check_windows(load, whole)
    subprocess.run([sonde, 'record', '--force', '--no-samples', '--locks', '-o', 'with-stacks',
                    '--', convoy], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check_callers()
    check_one_process()
    check_behind_libc()
    check_lacking()
    os.chdir('/')
print(f'1..{n}')
sys.exit(failed > 0)
