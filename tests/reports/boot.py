#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Boot charts of made-up traces, whose every number is known; prints TAP.

usage: boot.py SONDE SOURCE
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

from ktrace import Trace

sonde, source = (os.path.abspath(p) for p in sys.argv[1:3])
SVG = '{http://www.w3.org/2000/svg}'
n = failed = 0


def result(name, ok, words=''):
    global n, failed
    n += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n} - {name}{'' if ok else ': ' + str(words)[:2000]}")


def run(*args, status=0):
    p = subprocess.run([sonde, 'report', *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       check=False, env={**os.environ, 'TZ': 'UTC0'})
    if p.returncode != status:
        result(f'report {" ".join(args)}: status {p.returncode}', False, p.stderr)
    return p.stdout.decode(errors='replace')


def boot(trace, *args):
    return json.loads(run('boot', '--json', trace, *args))


def is_valid(path):
    """What xmllint has against it; empty where there is none."""
    if not shutil.which('xmllint'):
        return ''
    p = subprocess.run(['xmllint', '--noout', '--dtdvalid', os.path.join(source, 'docs/boot.dtd'),
                        path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return p.stdout.decode() if p.returncode else ''


def small():
    """A shell (10) that runs cc (11), which runs as (12), while another (20) has a CPU."""
    t = Trace().name(10, 'sh').name(11, 'sh').name(12, 'cc').name(20, 'other')
    t.at(0).switch(0, 0, 10).at(1).fork(10, 11).waking(11, 1).at(2).switch(10, 1, 0)
    t.at(0, 1).switch(0, 0, 20).at(4, 1).switch(20, 0, 11)
    t.at(5, 1).exec(11, '/usr/bin/cc').name(11, 'cc')
    t.at(10, 1).fork(11, 12).waking(12, 0).at(11, 1).enter('wait4').switch(11, 1, 20)
    t.at(11).switch(0, 0, 12).at(12).exec(12, '/usr/bin/as').name(12, 'as')
    t.at(13).event('block_rq_issue', 8 << 20, 100, 8, 4096, 12, 4)
    t.at(15).event('block_rq_complete', 8 << 20, 100, 8, 4)
    t.at(20).event('sched_process_exit', b'as', 12, 20).waking(11, 1).at(21).switch(12, 16, 0)
    t.at(22, 1).switch(20, 0, 11).leave('wait4')
    t.at(25, 1).event('sched_process_exit', b'cc', 11, 20).waking(10, 0)
    t.at(26).switch(0, 0, 10).at(26, 1).switch(11, 16, 20)
    return t.at(30).switch(10, 1, 0).at(30, 1).switch(20, 1, 0)


def numbers():
    small().write('small')
    got = boot('small', '--pid', '10')
    rows = {r['process']: r for r in got['processes']}
    result('a tree in order', [r['process'] for r in got['processes']] == ['sh', 'cc', 'as'] and
           [r['depth'] for r in got['processes']] == [0, 1, 2], got['processes'])
    ms = 1000000
    begin = got['begin_ns']
    times = {k: ((r['begin_ns'] - begin) / ms, (r['end_ns'] - begin) / ms, r['run_ns'] / ms,
                 r['wait_cpu_ns'] / ms, r['blocked_ns'] / ms) for k, r in rows.items()}
    result('begins, ends and sums are exact', times == {
        'sh': (0, 30, 6, 1, 23), 'cc': (1, 26, 11, 5, 9), 'as': (10, 21, 10, 1, 0)}, times)
    result('who was born and is gone is told',
           [(r['born'], r['gone']) for r in got['processes']] ==
           [(False, False), (True, True), (True, True)], got['processes'])
    result('files are those that exec named',
           [r['file'] for r in got['processes']] == [None, '/usr/bin/cc', '/usr/bin/as'], rows)
    path = sum(s['end_ns'] - s['begin_ns'] for s in got['path'])
    result('the critical path is all of the time',
           path == got['path_ns'] == got['duration_ns'] == 30 * ms, (path, got['path_ns']))
    result('and on it each process has its part',
           sum(r['path_ns'] for r in got['processes']) == path, rows)
    same_as_states('small')
    whole = boot('small')
    result('without a root all is shown, and it says that there is no path',
           [r['process'] for r in whole['processes']] == ['sh', 'cc', 'as', 'other'] and
           whole['path_ns'] == 0, whole['processes'])
    window = boot('small', '--pid', '10', '--from', '+5ms', '--to', '+12ms')
    rows = {r['process']: r for r in window['processes']}
    result('a window cuts', rows['cc']['run_ns'] == 6 * ms and rows['sh']['blocked_ns'] == 7 * ms,
           rows)
    window = boot('small', '--pid', '10', '--from', '+5ms', '--to', '+11500us')
    rows = window['processes']
    result('a wait that the window cuts is of whom it waited for',
           [r['path_ns'] for r in rows] == [0, 6 * ms, ms // 2] and
           [s['end_ns'] for s in window['path']][-1] == window['end_ns'] == begin + 23 * ms // 2,
           window)
    result('what came behind it is not known', [(r['process'], r['file'], r['gone']) for r in rows]
           == [('sh', None, False), ('cc', '/usr/bin/cc', False), ('cc', None, False)], rows)
    run('boot', 'small', '--pid', '10', '--from', '+5ms', '--to', '+11500us', '--xml', 'cut.xml')
    ends = [int(e.get('end')) for e in xml.parse('cut.xml').getroot().iter() if e.get('end')]
    result('nor drawn', max(ends) == window['end_ns'] and not is_valid('cut.xml'), ends)
    run('boot', 'small', '--from', '+31ms', status=1)
    text = run('boot', 'small', '--pid', '10')
    result('the table has a bar for each', text.count('#') >= 3 and '    as' in text, text)
    same = boot('small', '--comm', 'as')
    result('--comm finds names that a process once had',
           [r['process'] for r in same['processes']][:1] == ['as'], same['processes'])
    run('boot', 'small', '--pid', '77', status=1)


def same_as_states(trace):
    """A process's numbers are those of the reports of states and CPUs."""
    states = {t['tid']: t for t in json.loads(run('states', '--json', trace))['threads']}
    cpus = {p['pid']: p['cpu_ns'] for p in json.loads(run('cpu', '--json', trace))['processes']}
    for r in boot(trace)['processes']:
        s = states[r['pid']]
        want = (s['run_ns'], s['wait_cpu_ns'] + s['wait_fork_ns'], s['blocked_ns'])
        got = (r['run_ns'], r['wait_cpu_ns'], r['blocked_ns'])
        result(f'{trace}: {r["process"]} as in report states and cpu',
               got == want and cpus[r['pid']] == r['run_ns'], (got, want))


def pictures():
    run('boot', 'small', '--pid', '10', '--svg', 'a.svg', '--xml', 'a.xml')
    svg = xml.parse('a.svg').getroot()
    titles = [t.text for t in svg.iter(SVG + 'title')]
    result('the picture is SVG with a row each', svg.tag == SVG + 'svg' and len(titles) == 4,
           titles)
    result('what is pointed at tells its times',
           any(t.startswith('/usr/bin/cc (11)') and '\nran 11.000 ms' in t and
               '\nblocked 9.000 ms' in t for t in titles), titles)
    paths = [p for p in svg.iter(SVG + 'path') if p.get('class') == 'path']
    hops = [p for p in svg.iter(SVG + 'path') if p.get('class') == 'path hop']
    # One of the two is the legend's; the path goes from sh to cc to as and back.
    result('the critical path is drawn', len(paths) == 2 and paths[1].get('d').count('H') == 5 and
           len(hops) == 1 and hops[0].get('d').count('V') == 4, (paths[1].get('d'), hops))
    result('the XML form keeps to its grammar', not is_valid('a.xml'), is_valid('a.xml'))
    root = xml.parse('a.xml').getroot()
    got = boot('small', '--pid', '10')
    for r, p in zip(got['processes'], root.iter('process')):
        sums = {}
        for s in p.iter('state'):
            ns = int(s.get('end')) - int(s.get('begin'))
            sums[s.get('is')] = sums.get(s.get('is'), 0) + ns
        blocked = int(p.get('blocked')) + int(p.get('disk'))
        result(f'XML: {p.get("name")} has the numbers of the table, and its states add up to them',
               (int(p.get('running')), int(p.get('runnable')), blocked) ==
               (r['run_ns'], r['wait_cpu_ns'], r['blocked_ns']) and
               sums.get('running') == r['run_ns'] and
               sums.get('runnable', 0) == r['wait_cpu_ns'], (sums, r))
    ends = [(int(x.get('begin')), int(x.get('end'))) for x in root.find('path')]
    result('XML: the path has no holes', all(a[1] == b[0] for a, b in zip(ends, ends[1:])) and
           ends[0][0] == int(root.get('begin')) and ends[-1][1] == int(root.get('end')), ends)
    request = root.find('request')
    result('XML: disks', request.get('op') == 'read' and request.get('bytes') == '4096' and
           int(request.get('end')) - int(request.get('begin')) == 2000000, request.attrib)
    both = xml.fromstring(run('boot', 'small', '--pid', '10', '--svg', '-'))
    result('- is standard output', both.tag == SVG + 'svg')
    run('boot', 'small', '--svg', 'nowhere/a.svg', status=1)


HOSTILE = [b'<&>"\'', b'a\nb\tc', b'\xff\xfe\xc3', b'\x1b[31m', b']]>--><!--', b'\xed\xa0\x80x',
           '\u202egnp'.encode(), b' ', b'&#0;&bogus;']


def hostile():
    t = Trace(host='<h&o>').name(10, HOSTILE[0])
    t.at(0).switch(0, 0, 10)
    for i, name in enumerate(HOSTILE):
        t.name(11 + i, name).at(1 + i).fork(10, 11 + i).waking(11 + i)
    for i in range(len(HOSTILE)):
        t.at(20 + i).switch(10 + i, 1, 11 + i).exec(11 + i, b'/bin/' + HOSTILE[i])
    t.at(60).switch(10 + len(HOSTILE), 1, 0).write('hostile')
    run('boot', 'hostile', '-p', '10', '--svg', 'h.svg', '--xml', 'h.xml')
    for path in 'h.svg', 'h.xml':
        try:
            xml.parse(path)
            wrong = ''
        except xml.ParseError as e:
            wrong = e
        result(f'hostile names: {path} is well-formed', not wrong, wrong)
    result('hostile names: the grammar holds', not is_valid('h.xml'), is_valid('h.xml'))
    names = [r['process'] for r in boot('hostile', '-p', '10')['processes']]
    result('hostile names: all are in the JSON', len(names) == 1 + len(HOSTILE), names)
    text = run('boot', 'hostile', '-p', '10')
    result('hostile names: no control characters on a terminal',
           all(c == '\n' or c >= ' ' for c in text), text)


def many():
    """3,000 processes in one picture, most of them small; and a chain as deep."""
    t = Trace().name(10, 'make')
    t.at(0).switch(0, 0, 10)
    at = 1
    for i in range(3000):
        big = i % 300 == 150
        t.at(at).name(100 + i, 'cc1' if big else 'true').fork(10, 100 + i)
        t.at(at + .1).switch(10, 1, 100 + i)
        at += 20 if big else .2
        t.at(at).event('sched_process_exit', b'x', 100 + i, 20).waking(10)
        t.at(at + .01).switch(100 + i, 16, 10)
        at += .02
    t.at(at).switch(10, 1, 0).write('many')
    run('boot', 'many', '-p', '10', '--svg', 'm.svg')
    svg = xml.parse('m.svg').getroot()
    height = int(svg.get('height'))
    texts = [x.text or '' for x in svg.iter(SVG + 'text')]
    result('3,000 processes make a picture of some hundred rows', 3000 < height < 5000, height)
    result('all of the large ones are in it', sum(x.startswith('cc1 (') for x in texts) == 10)
    result('how many share rows is said', '2751 small processes share rows (--limit 0 draws all)'
           in texts, texts[-5:])
    rows = boot('many', '-p', '10', '--limit', '15')['processes']
    whole = boot('many', '-p', '10')['processes']
    for key in 'run_ns', 'wait_cpu_ns', 'blocked_ns', 'path_ns':
        result(f'rows that are shared lose nothing of {key}',
               sum(r[key] for r in rows) == sum(r[key] for r in whole) and len(whole) == 3001,
               (rows, len(whole)))
    result('nor a process', sum(r['hidden'] or 1 for r in rows) == 3001, rows)
    run('boot', 'many', '-p', '10', '--svg', 'all.svg', '--limit', '0')
    result('--limit 0 draws all', len(list(xml.parse('all.svg').getroot().iter(SVG + 'title'))) ==
           3002)
    t = Trace()
    for i in range(3000):
        t.at(i / 10).switch(9 + i if i else 0, 1 if i else 0, 10 + i).fork(10 + i, 11 + i)
        t.waking(11 + i)
    t.at(300).switch(3009, 1, 0).write('deep')
    run('boot', 'deep', '-p', '10', '--svg', 'd.svg', '--xml', 'd.xml')
    result('a chain of 3,000 is well-formed, too', xml.parse('d.svg') and xml.parse('d.xml') and
           not is_valid('d.xml'), is_valid('d.xml'))


def damaged():
    """Traces that begin in the middle, lose events or end anywhere."""
    t = small()
    t.at(11.5, 0).lose(7).write('lossy')
    got = boot('lossy', '-p', '10')
    result('losses are told', got['lost_events'] == 7, got)
    small().write('cut')
    whole = os.path.getsize('cut/cpu_1')
    for size in range(whole - 1, 0, -97):
        with open('cut/cpu_1', 'r+b') as f:
            f.truncate(size)
        p = subprocess.run([sonde, 'report', 'boot', 'cut', '--svg', 'c.svg', '--xml', 'c.xml'],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if p.returncode not in (0, 1) or (p.returncode == 0 and is_valid('c.xml')):
            result(f'cut to {size} bytes', False, p.stderr)
            return
    result('a trace that was cut anywhere is no crash, and what comes out is whole', True)
    t = small()
    t.events = [e for e in t.events if e[3] not in ('sched_waking', 'sched_process_fork')]
    t.write('few')
    run('boot', 'few', '-p', '10', '--svg', 'f.svg')
    result('without wake-ups and forks there is a chart, too', xml.parse('f.svg'))
    t.events = [e for e in t.events if e[3] != 'sched_switch']
    t.write('none')
    run('boot', 'none', status=1)
    small().write('a')
    other = small()
    other.host, other.uuid = 'other', '99112233-4455-6677-8899-aabbccddeeff'
    other.write('b')
    rows = json.loads(run('boot', '--json', 'a', 'b', '-p', '10', '--svg', 'two.svg'))['processes']
    result('two hosts: a tree of each', [r['host'] for r in rows].count('box') == 3 and
           [r['host'] for r in rows].count('other') == 3, rows)
    small().at(500, 1).switch(0, 0, 20).write('longer')
    rows = json.loads(run('boot', '--json', 'longer', 'b'))['processes']
    alone = {r['pid']: r['run_ns'] for r in boot('b')['processes']}
    both = {r['pid']: r['run_ns'] for r in rows if r['host'] == 'other'}
    result('two hosts: what goes on at the end of one trace is not known to go on for longer',
           both == alone, (both, alone))
    t = small()
    t.env = 'command_pid = 11;'
    t.write('of')
    rows = boot('of')['processes']
    result('the command that was recorded is the root', rows[0]['process'] == 'cc', rows)


with tempfile.TemporaryDirectory() as scratch:
    os.chdir(scratch)
    numbers()
    pictures()
    hostile()
    many()
    damaged()
    os.chdir('/')
print(f'1..{n}')
sys.exit(failed > 0)
