#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the ready scripts, and those of Debian's bpftrace package, live and over a recording that was
made for them of the same load at the same time, and compares what they tell. Prints TAP.

usage: tools_trace.py SONDE FIXED [NAME]...     (FIXED: the program of tests/live/fixed.c)

Which of them run over a trace is what 'sonde list --tools -v' says. Both outputs must have what
tools.py wants, the same texts and the same kinds of lines; and where a line is about the load alone,
the same numbers: but for times, which are measured at places some nanoseconds apart.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import tools

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.environ.get('SONDE_BPFTRACE_TOOLS', '/usr/sbin')
WAIT = 60
# Of the package's scripts: those whose tracepoints a recording has.
PEER_NAMES = ['bitesize', 'cpuwalk', 'execsnoop', 'killsnoop', 'naptime', 'opensnoop', 'pidpersec', 'runqlat', 'setuids',
              'statsnoop', 'syncsnoop', 'syscount', 'tcpdrop', 'threadsnoop', 'writeback']
SAMPLED = ['oncpu', 'storms']  # at other moments live
MINE = re.compile(r'(?<![\w/.])fixed(-thread|-child|-pong|-exec)?(?![\w/.])')
# Lines of the load that must be there, so that something is compared.
MUST = {
    'syscalls': r'^@process_calls\[fixed, \d+\]: \d{4}$',
    'sysfail': r'^@failed\[fixed, \d+, tracepoint:syscalls:sys_exit_read, 9\]: 1$',
    'fdcost': r'^@call_us\[fixed, tracepoint:syscalls:sys_exit_openat\]: count \d+',
    'signals': r' fixed-child +\d+ fixed +17 CHLD +[01]$',
    'bpftrace-syscount': r'^@process\[fixed\]: \d{4}$',
}


def split(text):
    """(texts, {map line without its value: value}) of an output."""
    words, maps = [], {}
    for line in text.splitlines():
        if not line or line.startswith('Attaching') or re.search(tools.HIST, line):
            continue
        m = re.match(r'^(@.*): (.*)$', line)
        if m:
            maps[m.group(1)] = m.group(2)
        else:
            words.append(line)
    return words, maps


def kind(text):
    """The kind of a line: numbers and what stands between brackets by commas alone."""
    text = re.sub(r'\[.*\]', lambda m: f'[{m.group(0).count(",")}]', text) if text.startswith('@') else text
    return re.sub(r'-?\d+', '0', text)


def number(name, value):
    """What of a value is no time."""
    if value.startswith('count '):
        return value.split(',')[0]
    return None if re.search(r'_(ns|us|ms)\b', name) else value


def same_lines(live, trace):
    """Whole lines about the load, without the time of day and measured times; no ends of stacks."""
    def of(words):
        mine = [w for w in words if MINE.search(w) and not w.startswith(', ')]
        mine = [re.sub(r'^[\d:]{8} +| +\d+\.\d{3,}', '', w) for w in mine]
        mine = [re.sub(r'^\d+ +(\d+ +fixed +thread)$', r'\1', w) for w in mine]  # time since it began
        return sorted(re.sub(r'^(\d+ \S+ +-?\d+ +\d+) +\d+(?= /)', r'\1', w) for w in mine)
    a, b = of(live), of(trace)
    return [] if a == b else [f'live: {x}' for x in a if x not in b][:5] + [f'trace: {x}' for x in b if x not in a][:5]


def compare(tool, trace):
    live = tool.text(0)
    (live_words, live_maps), (words, maps) = split(live), split(trace)
    texts = [w for w in live_words if re.match(r'^[A-Z][a-z].*[.:]$|^TIME|^[A-Z]+ +[A-Z]', w)]
    wrong = [f'text not there: {t}' for t in texts if t not in words]
    kinds = [{kind(m) + ': ' + re.sub(r'-?\d+', '0', v) for m, v in x.items()} for x in (live_maps, maps)]
    # A kind of line that rare events make may come in one of them only.
    if not kinds[0] & kinds[1] and kinds[0] and kinds[1]:
        wrong.append(f'other kinds of lines: live {sorted(kinds[0])[:4]}, trace {sorted(kinds[1])[:4]}')
    # A trace has addresses as numbers; and where it has no names of the kernel, not even its functions.
    wanted = [p.replace('0x[0-9a-f]+', r'(0x[0-9a-f]+|\d+)') for p in tools.WANTED.get(tool.name, [])]
    wanted = [re.sub(r'(__udp4_lib_rcv|hrtimer_wakeup|schedule\\\+\\d\+)', r'(\1|0x[0-9a-f]+)', p) for p in wanted]
    wrong += [f'not found: {p}' for p in wanted if not re.search(p, trace, re.M)]
    must = MUST.get(tool.name)
    if must and not re.search(must, trace, re.M):
        wrong.append(f'not found: {must}')
    if tool.name in SAMPLED:
        return wrong
    if re.search('came while a probe ran', tool.text(1)):
        print(f'# {tool.name}: numbers are not compared, as it missed events live')
        return wrong
    for key in set(live_maps) & set(maps):
        if MINE.search(key) and number(key, live_maps[key]) != number(key, maps[key]):
            wrong.append(f'{key}: live {live_maps[key]}, trace {maps[key]}')
    return wrong + same_lines(live_words, words)


def copy_of(folder, path, name):
    """A copy that prints whole maps: which 20 are the largest, the rest of the machine decides."""
    with open(path, encoding='utf-8') as f:
        text = re.sub(r'print\((@\w+), \d+\)', r'print(\1, 100000)', f.read())
    copy = os.path.join(folder, name + '.bt')
    with open(copy, 'w', encoding='utf-8') as f:
        f.write(text)
    return copy


def scripts_of(sonde, names):
    out = subprocess.run([sonde, 'list', '--tools', '-v', '--json'], stdout=subprocess.PIPE, check=True).stdout
    ours = [t for t in json.loads(out)['tools'] if 'trace' in t['runs'] and t['path'].endswith('.bt')]
    peers = [p for p in sorted(glob.glob(PEERS + '/*.bt')) if os.path.basename(p)[:-3] in PEER_NAMES]
    return ([t['path'] for t in ours if not names or t['name'] in names],
            [p for p in peers if not names or 'bpftrace-' + os.path.basename(p)[:-3] in names])


def with_arguments(tool, path):
    return ' '.join([path, *tools.ARGUMENTS.get(tool.name, [])])


def over(sonde, tool, path):
    p = subprocess.run([sonde, 'run', '-t', 'trace', path, *tools.ARGUMENTS.get(tool.name, [])],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       errors='replace', check=False, timeout=WAIT)
    return p.stdout, ([f'status {p.returncode}'] if p.returncode else []) + p.stderr.splitlines()


def main():
    if os.geteuid() != 0:
        print('1..0 # SKIP recordings need root')
        return 0
    if sys.argv[1] == '--load':
        subprocess.run([sys.argv[2]], check=True)
        tools.load('.')
        return 0
    sonde, fixed = (os.path.abspath(p) for p in sys.argv[1:3])
    me = os.path.abspath(__file__)
    ours, peers = scripts_of(sonde, sys.argv[3:])
    n = bad = 0
    with tempfile.TemporaryDirectory(prefix='sonde-tools-') as folder:
        os.chdir(folder)
        paths = [copy_of(folder, path, os.path.basename(path)[:-3]) for path in ours]
        paths += [copy_of(folder, path, 'bpftrace-' + os.path.basename(path)[:-3]) for path in peers]
        running = [(tools.Tool(sonde, folder, path), path) for path in paths]
        print(f'1..{len(running)}')
        deadline = time.monotonic() + tools.ATTACH_SECONDS
        for tool, _ in running:
            tool.attached(deadline)
        time.sleep(0.5)
        wanted = [a for tool, path in running for a in ('--for', with_arguments(tool, path))]
        p = subprocess.run([sonde, 'record', '-o', 'trace', '--buffer', '32M', *wanted, '--', sys.executable, me, '--load', fixed],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
        ends = [tool.end() for tool, _ in running]
        print('# ' + p.stderr.strip().replace('\n', '\n# '))
        lost = p.returncode or not re.search(r'recorded [\d,]+ events \(0 lost\)', p.stderr)
        for (tool, path), wrong in zip(running, ends):
            n += 1
            trace, words = ('', ['it was not recorded']) if p.returncode else over(sonde, tool, path)
            if words and not lost:
                wrong = wrong + ['words: ' + ' | '.join(words[:5])]
            wrong = wrong + (compare(tool, trace) if not lost else ['events were lost'])
            if os.environ.get('SHOW'):
                print(f'--- {tool.name} live\n{tool.text(0)}\n--- trace\n{trace}')
            bad += bool(wrong)
            print(f"{'not ok' if wrong else 'ok'} {n} - {tool.name}", flush=True)
            for line in '\n'.join(wrong).splitlines():
                print(f'# {line}')
        os.chdir('/')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
