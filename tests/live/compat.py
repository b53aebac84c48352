#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the scripts of Debian's bpftrace package, unchanged, and compares what they print with what
bpftrace prints. Prints TAP.

usage: compat.py SONDE [NAME]...              on this kernel; with what bpftrace once printed
       compat.py --emit FOLDER [NAME]...      for the guest, as lang.py does
       compat.py --judge FOLDER [NAME]...
       compat.py --table FILE                 writes the table of docs/bpftrace-compat.md into it

PEER=1 runs bpftrace too, keeps the kind of its output in compat.json and compares with that. The kind
of an output: its heads, the maps with the kinds of their keys and values, and the words that the load
makes (compat.t says which). SONDE_BPFTRACE_TOOLS is the folder of the scripts, /usr/sbin if not set.
"""
import concurrent.futures
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import lang

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = os.path.join(HERE, 'compat.json')
TOOLS = os.environ.get('SONDE_BPFTRACE_TOOLS', '/usr/sbin')
PEER = os.environ.get('PEER') == '1'
LIMIT = 60  # s; emulation on a busy machine needs them, with bpftrace even more
AT_ONCE = 4
FIELDS = ('where', 'trigger', 'rows', 'must', 'must-guest', 'same', 'why', 'settle', 'ignore', 'change', 'torn',
          'peers')
CONNECT = '''python3 - <<'END'
import socket
s = socket.create_server(('127.0.0.1', 44332))
c = socket.create_connection(('127.0.0.1', 44332))
a, _ = s.accept()
c.send(b'x' * 100)
a.recv(100)
c.close()
a.close()
END
'''
BAR = re.compile(r'^[\[(].*[\])]\s+\d+ \|.*\|$')
FRAME = re.compile(r'^\s+(\S.*\+\d+|0x[0-9a-f]+|[0-9a-f]+)$')


def cases(words):
    """(name, fields) of the scripts that are chosen and there."""
    for name, case in lang.parse(os.path.join(HERE, 'compat.t'), FIELDS):
        if os.path.exists(script_of(name)) and (not words or name in words):
            yield name, case


def script_of(name):
    return os.path.join(TOOLS, name + '.bt')


def runs(case, where):
    return lang.value(case, 'where') in (where, 'both')


def changes(case, field):
    """[(old, new)] of the words that are replaced in a script."""
    lines = [line.split('=>') for line in case.get(field, '').split('\n') if line]
    return [(old.strip(), new.strip()) for old, new in lines]


def emit(name, case, folder, program, settle):
    """The folder of one run, as lang.py's."""
    os.makedirs(folder, exist_ok=True)
    with open(script_of(name), encoding='utf-8') as f:
        script = f.read()
    for old, new in changes(case, 'change') + (changes(case, 'peers') if program == 'bpftrace' else []):
        script = re.sub(rf'\b{re.escape(old)}\b|(?<!\w)#{re.escape(old[1:])}', new, script)
    with open(os.path.join(folder, name + '.bt'), 'w', encoding='utf-8') as f:
        f.write(script)
    trigger = case['trigger']
    with open(os.path.join(folder, 'trigger.sh'), 'w', encoding='utf-8') as f:
        f.write(CONNECT if trigger.strip() == 'CONNECT' else trigger)
    middle = (lang.ATTACHED + f'sleep {settle}\nsh ./trigger.sh >trigger.out 2>&1 </dev/null\n'
              'sleep 0.7\nkill -INT $pid\n')
    with open(os.path.join(folder, 'run.sh'), 'w', encoding='utf-8') as f:
        f.write(lang.RUN.format(start=f'{program} {name}.bt', timeout=LIMIT * 3 if PEER else LIMIT,
                                middle=middle))


def programs(name, case, top, in_guest):
    """Yields (program, folder) of the runs: bpftrace first."""
    words = [('sonde', '"$SONDE" run', '0.2')]
    if PEER:
        settle = float(lang.value(case, 'settle', '3'))
        words.insert(0, ('bpftrace', 'bpftrace', str(settle * 2 if in_guest else settle)))
    for program, command, settle in words:
        folder = os.path.join(top, f'{name}-{program}')
        yield program, command, settle, folder


# --- what kind of output it is ---

def matches(patterns, line):
    return any(re.search(p, line) for p in patterns.strip('\n').split('\n') if p)


def kind_of_word(word):
    if '\n' in word:
        return 'stack'
    return 'number' if re.fullmatch(r'-?\d+', word) else 'name'  # or an address without one


def maps_of(lines):
    """{'@name[keys] value': ..} of all the entries of maps, and the lines that are none of theirs."""
    kinds, others = set(), []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if BAR.match(line):
            continue
        m = re.match(r'^(@\w*)(\[)?', line)
        if not m:
            others.append(line)
            continue
        while m.group(2) and not re.search(r'\]: ?[^\]]*$', line) and at < len(lines):
            line += '\n' + lines[at]
            at += 1
        parts = re.fullmatch(r'(@\w*)(?:\[(.*)\])?: ?(.*)', line, re.S)
        if not parts:
            others.append(line)
            continue
        name, keys, value = parts.groups()
        value = re.sub(r'\d+', 'N', value) if re.match(r'-?\d|count', value) else value and 'text'
        keys = [kind_of_word(k) for k in re.split(r', (?=\S|\n)', keys)] if keys is not None else None
        kinds.add(name + ('[' + ', '.join(keys) + ']' if keys else '') + ': ' + (value or 'histogram'))
    return kinds, others


def features(case, out, where):
    """The kind of an output, and what is wrong with it."""
    lines = [line.rstrip() for line in out.split('\n')]
    lines = [x for x in lines if x and not re.match(r'Attaching \d|Lost \d+ events$', x)]
    maps, others = maps_of(lines)
    rows = case.get('rows', '')
    head, wrong, n_rows = [], [], 0
    for line in others:
        if rows and matches(rows, line):
            n_rows += 1
        elif not n_rows and not FRAME.match(line):
            head.append(line)
        elif not FRAME.match(line) and 'torn' not in case:
            wrong.append(f'a line of no known shape: {line}')
    must = case.get('must', '') + (case.get('must-guest', '') if where == 'guest' else '')
    for p in must.split('\n'):
        if p and not re.search(p, out, re.M):
            wrong.append(f'not found: {p}')
    same = []
    for p in case.get('same', '').strip('\n').split('\n'):
        found = [' '.join(m.groups()) for m in re.finditer(p, out, re.M)] if p else []
        if p and not found:
            wrong.append(f'not found: {p}')
        same += found
    maps = [] if lang.value(case, 'ignore') == 'maps' else sorted(maps)
    return {'head': head, 'maps': maps, 'same': same}, wrong


def differences(ours, peers):
    if ours['head'] != peers['head']:
        yield f"heads: {ours['head']}, bpftrace's: {peers['head']}"
    if ours['same'] != peers['same']:
        yield f"the load's words: {ours['same']}, bpftrace's: {peers['same']}"
    names = [{m.split('[')[0].split(':')[0] for m in f['maps']} for f in (ours, peers)]
    if names[0] != names[1]:
        yield f"maps: {sorted(names[0])}, bpftrace's: {sorted(names[1])}"
    elif not set(ours['maps']) & set(peers['maps']) and peers['maps']:
        yield f"maps' kinds: {ours['maps']}, bpftrace's: {peers['maps']}"


def output(folder):
    """(status, stdout, stderr) of a run; None: it has not come to its end."""
    try:
        text = []
        for name in ('status', 'stdout', 'stderr'):
            with open(os.path.join(folder, name), encoding='utf-8', errors='replace') as f:
                text.append(f.read())
        return int(text[0]), text[1], text[2]
    except (OSError, ValueError):
        return None


def judge(name, case, top, where, known):
    """Yields what is wrong; with PEER=1 puts bpftrace's kind into @known."""
    in_guest = where == 'guest'
    kinds = known.setdefault(name, {})
    for program, _, _, folder in programs(name, case, top, in_guest):
        got = output(folder)
        if not got:
            yield f'{program}: no output: it did not run to its end'
            continue
        status, out, err = got
        kind, wrong = features(case, out, where)
        if os.path.exists(os.path.join(folder, 'late')):
            wrong.append('did not end in time')
        if status:
            wrong.append(f'exit status {status}')
        if program == 'bpftrace':
            if not wrong:
                kinds[where] = {'kind': kind}
            elif 'kind' not in kinds.get(where, {}):
                kinds[where] = {'wrong': wrong[0], 'err': err[-400:]}
            continue
        peers = kinds.get(where, {}).get('kind') or kinds.get('guest', {}).get('kind') or \
            kinds.get('here', {}).get('kind')
        wrong += differences(kind, peers) if peers else []
        yield from wrong
        if wrong:
            yield f'-- stdout\n{out[:2500]}'
            yield f'-- stderr\n{err[:1500]}'


# --- commands ---

def load_known():
    try:
        with open(KINDS, encoding='utf-8') as f:
            return json.load(f)
    except OSError:
        return {}


def keep_known(known):
    if PEER:
        with open(KINDS, 'w', encoding='utf-8') as f:
            json.dump(known, f, indent=1, sort_keys=True, ensure_ascii=False)
            f.write('\n')


def tell(chosen, top, where):
    known, bad = load_known(), 0
    print(f'1..{len(chosen)}')
    if where == 'here':
        with concurrent.futures.ThreadPoolExecutor(1 if PEER else AT_ONCE) as pool:
            for name, case in chosen:
                if runs(case, where):
                    pool.submit(run_one, name, case, top)
    for n, (name, case) in enumerate(chosen, 1):
        if not runs(case, where):
            print(f"ok {n} - {name}.bt # SKIP {lang.value(case, 'why')}")
            continue
        found = list(judge(name, case, top, where, known))
        bad += bool(found)
        lang.report(n, f'{name}.bt', found)
        keep_known(known)
    return 1 if bad else 0


def run_one(name, case, top):
    for _, command, settle, folder in programs(name, case, top, False):
        emit(name, case, folder, command, settle)
        subprocess.run(['sh', os.path.join(folder, 'run.sh'), SONDE], check=False)


def table(path):
    """Writes the table between its two marks."""
    known, rows = load_known(), []
    for name, case in lang.parse(os.path.join(HERE, 'compat.t'), FIELDS):
        kinds = known.get(name, {})
        rows.append(row(name, case, kinds))
    head = ['| script | runs on | compared with bpftrace beside it | remarks |', '|---|---|---|---|']
    with open(path, encoding='utf-8') as f:
        text = f.read()
    begin, end = '<!-- table -->\n', '<!-- /table -->'
    before, rest = text.split(begin)
    with open(path, 'w', encoding='utf-8') as f:
        f.write(before + begin + '\n'.join(head + rows) + '\n' + end + rest.split(end)[1])


def row(name, case, kinds):
    where = {'both': '6.18, 6.1', 'guest': '6.1', 'here': '6.18'}[lang.value(case, 'where')]
    compared = []
    kind = next((k['kind'] for k in kinds.values() if 'kind' in k), None)
    if kind:
        if kind['head']:
            compared.append('heads')
        if 'rows' in case:
            compared.append('lines')
        if kind['maps']:
            names = sorted({m.split('[')[0].split(':')[0] for m in kind['maps']})
            compared.append('maps ' + ' '.join(f'`{n}`' for n in names))
        if kind['same']:
            compared.append("the load's words")
    remarks = []
    why = lang.value(case, 'why')
    if why:
        remarks.append('6.18: no probes of kernel functions' if why == 'kprobe' else f'6.18: {why}')
    if 'change' in case:
        remarks.append('these functions are inlined in both kernels: ' + ', '.join(
            f'`{new}` in place of `{old}`' for old, new in changes(case, 'change')))
    if 'peers' in case:
        remarks.append('bpftrace 0.17 runs it only with words changed, see below')
    for place, kernel in (('here', '6.18'), ('guest', '6.1')):
        if 'wrong' in kinds.get(place, {}):
            remarks.append(f'bpftrace 0.17 does not run it on {kernel}')
    return f"| {name} | {where} | {', '.join(compared)} | {'; '.join(remarks)} |"


def main():
    words = sys.argv[3:]
    if sys.argv[1] == '--table':
        table(sys.argv[2])
        return 0
    if sys.argv[1] == '--emit':
        for name, case in cases(words):
            for _, command, settle, folder in programs(name, case, sys.argv[2], True):
                if runs(case, 'guest'):
                    emit(name, case, folder, command, '1' if command != 'bpftrace' else settle)
                    print(folder)
        return 0
    if not glob.glob(script_of('*')):
        print(f"1..0 # SKIP no scripts of bpftrace's package in {TOOLS}")
        return 0
    if sys.argv[1] == '--judge':
        return tell(list(cases(words)), sys.argv[2], 'guest')
    if os.geteuid() != 0:
        print('1..0 # SKIP scripts run live as root only')
        return 0
    top = tempfile.mkdtemp(prefix='sonde-compat-')
    try:
        return tell(list(cases(sys.argv[2:])), top, 'here')
    finally:
        shutil.rmtree(top, ignore_errors=True)


if __name__ == '__main__':
    SONDE = os.path.abspath(sys.argv[1])
    sys.exit(main())
