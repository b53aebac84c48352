#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs scripts on the running kernel, as tests/live/lang/*.t say, and prints TAP.

usage: lang.py SONDE [FILE.t | case's name part]...     run them here
       lang.py --emit FOLDER [FILE.t]...                write each case as a folder with a run.sh
       lang.py --judge FOLDER [FILE.t]...               look at what those have left behind

The two last are for a kernel that runs elsewhere, where there is only a shell: `sh run.sh SONDE` in
each folder leaves the files stdout, stderr and status. ORACLE=1 runs bpftrace instead of sonde, to
see whether a case asks for what bpftrace does.

A .t file holds cases. A case begins with '== NAME'; then come fields, 'name: value', where a value of
several lines is indented on the lines below. '#' at a line's begin is a comment.

    script        the script; 'sonde run script.bt'; script-d is one in D, script.d'
    args, params  before and behind it, as shell words
    command       shell text instead of all that; $SONDE is the program
    trigger       shell text to run when all is attached ($PID: the run's process); then comes a
                  SIGINT, unless 'signal: none'
    signal        which signal is sent, 'after' seconds (0.3) behind the trigger; without a
                  trigger: behind the attaching. A case without both ends by itself
    needs         words of 'kprobe', 'speed' (not under emulation), 'disk', 'python', 'perl', 'cc',
                  'bpftrace': skipped where there is none; 'oracle: no' or a reason: bpftrace does it in another way
    timeout       seconds, 20 if not given
    tries         how many times it may run until all holds, once: for what a busy machine hides, as
                  the time that something takes
and what must hold:
    exit          the status, 0 if not given
    stdout        the whole standard output
    match         regular expressions, one a line; standard output has them, in this order
    never         regular expressions that standard output has not
    stderr, stderr-match    likewise; with neither it must be empty
    json          yes: each line of standard output is JSON
    check         Python: sees out, err, status, json (the lines' values); asserts
"""
import ctypes
import json
import os
import re
import shlex
import shutil
import signal as signal_numbers
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
FIELDS = ('script', 'script-d', 'args', 'params', 'command', 'trigger', 'signal', 'after', 'needs',
          'oracle', 'timeout', 'tries', 'exit', 'stdout', 'match', 'never', 'stderr', 'stderr-match',
          'json', 'check')
PROGRAMS = {'python': 'python3', 'perl': 'perl', 'cc': 'cc', 'bpftrace': 'bpftrace'}
RUN = '''cd "$(dirname "$0")" || exit 99
SONDE=$1; export SONDE
rm -f stdout stderr status late
{start} >stdout 2>stderr </dev/null &
pid=$!
( n=0; while [ $n -lt {timeout} ]; do sleep 1; n=$((n + 1)); done; echo late >late; kill -9 $pid ) >/dev/null 2>&1 &
dog=$!
trap 'kill -9 $pid; kill $dog; exit 99' TERM
{middle}
wait $pid
echo $? >status
kill $dog 2>/dev/null
exit 0
'''
ATTACHED = '''n=0
until grep -qi 'attach' stdout 2>/dev/null || grep -q 'matched\|attached in' stderr 2>/dev/null || ! kill -0 $pid 2>/dev/null || [ $n -ge 200 ]; do
	sleep 0.05
	n=$((n + 1))
done
'''
ORACLE = os.environ.get('ORACLE') == '1'


def parse(path, known=FIELDS):
    """Yields (name, fields) for each case of a file."""
    name, fields, field = None, {}, None
    with open(path, encoding='utf-8') as f:
        lines = f.read().split('\n')
    for n, line in enumerate(lines, 1):
        if line.startswith('== '):
            if name:
                yield name, fields
            name, fields, field = line[3:].strip(), {}, None
        elif line[:1] in (' ', '\t') or not line:
            if field:
                text = line[4:] if line.startswith('    ') else line.lstrip()
                fields[field] += text + '\n'
        elif not line.startswith('#'):
            m = re.match(r'([a-z-]+):(?: (.*))?$', line)
            if not m or not name or m.group(1) not in known:
                sys.exit(f'{path}:{n}: not understood: {line}')
            field = m.group(1)
            fields[field] = m.group(2) + '\n' if m.group(2) else ''
    if name:
        yield name, fields


def value(case, field, default=''):
    return case.get(field, default).strip()


def emit(case, folder):
    os.makedirs(folder, exist_ok=True)
    name, text = ('script.d', 'script-d') if 'script-d' in case else ('script.bt', 'script')
    with open(os.path.join(folder, name), 'w', encoding='utf-8') as f:
        f.write(case.get(text, '').strip('\n') + '\n')
    args, params = value(case, 'args'), value(case, 'params')
    program = 'bpftrace' if ORACLE else '"$SONDE" run'
    # Of quiet scripts in D nothing tells that they are attached, but with -v.
    quiet_d = 'script-d' in case and ('option quiet' in case['script-d'] or re.search(r'(^| )-q', args))
    start = f'{program} {"-v " if quiet_d else ""}{args} {name} {params}'
    if 'command' in case:
        start = 'sh ./command.sh'
        with open(os.path.join(folder, 'command.sh'), 'w', encoding='utf-8') as f:
            f.write(case['command'])
    middle = ''
    signal = value(case, 'signal', 'INT' if 'trigger' in case else 'none')
    if signal != 'none' or 'trigger' in case:
        quiet = re.search(r'(^| )-q', args) and not quiet_d
        middle = 'sleep 0.5\n' if quiet else ATTACHED
        if ORACLE:  # bpftrace says so before it attaches
            middle += 'sleep 2\n'
    if 'trigger' in case:
        with open(os.path.join(folder, 'trigger.sh'), 'w', encoding='utf-8') as f:
            f.write(case['trigger'])
        middle += 'PID=$pid sh ./trigger.sh >trigger.out 2>&1 </dev/null\n'
    if signal != 'none':
        middle += f'sleep {value(case, "after", "0.3")}\nkill -{signal} $pid\n'
    with open(os.path.join(folder, 'run.sh'), 'w', encoding='utf-8') as f:
        f.write(RUN.format(start=start, timeout=value(case, 'timeout', '20'), middle=middle))


def in_order(text, patterns):
    """The first of the patterns that is not found behind the one before it."""
    at = 0
    for p in patterns.strip('\n').split('\n'):
        m = re.compile(p, re.M).search(text, at)
        if not m:
            return p
        at = m.end()
    return None


def judge_text(case, out, err, status):
    if 'script-d' in case and 'stderr' not in case and 'stderr-match' not in case:
        err = re.sub(r'^(dtrace: script .* matched |programs: \d+, |\d+ reads of memory failed ).*\n', '', err, flags=re.M)
    wanted = int(value(case, 'exit', '0'))
    if status != wanted:
        yield f'exit status {status}, wanted {wanted}'
    for field, text in (('stdout', out), ('stderr', err)):
        if field in case and text.strip('\n') != case[field].strip('\n'):
            yield f'{field} is not what was wanted:\n{case[field].rstrip()}'
    for field, text in (('match', out), ('stderr-match', err)):
        missing = in_order(text, case[field]) if field in case else None
        if missing:
            yield f'{field}: not found: {missing}'
    for p in case.get('never', '').strip('\n').split('\n'):
        if p and re.search(p, out, re.M):
            yield f'never: found: {p}'
    if err and 'stderr' not in case and 'stderr-match' not in case and not ORACLE:
        yield 'standard error is not empty'


def judge(case, folder):
    """Yields what is wrong."""
    text = {}
    for name in ('stdout', 'stderr', 'status'):
        try:
            with open(os.path.join(folder, name), encoding='utf-8', errors='replace') as f:
                text[name] = f.read()
        except OSError:
            yield f"no file '{name}': it did not run to its end"
            return
    out, err, status = text['stdout'], text['stderr'], int(text['status'])
    found = []
    if os.path.exists(os.path.join(folder, 'late')):
        found.append('it did not end in time')
    found += judge_text(case, out, err, status)
    values = []
    if 'json' in case:
        for line in out.splitlines():
            try:
                values.append(json.loads(line))
            except ValueError as e:
                found.append(f'no JSON ({e}): {line}')
    if 'check' in case:
        try:
            exec(case['check'], {'out': out, 'err': err, 'status': status, 'json': values,
                                 're': re, 'folder': folder})
        except Exception as e:  # whatever the case's own text raises is its verdict
            found.append(f'check: {type(e).__name__}: {e}')
    yield from found
    if found:
        yield f'-- stdout\n{out[:1500]}'
        yield f'-- stderr\n{err[:1500]}'


def end_with_us():
    """In a child: SIGTERM comes when its parent ends, however that ends."""
    ctypes.CDLL(None).prctl(1, signal_numbers.SIGTERM, 0, 0, 0)  # PR_SET_PDEATHSIG


def has_kprobe():
    """Whether a kernel function can be probed by perf here."""
    try:
        with open('/sys/bus/event_source/devices/kprobe/type', encoding='ascii') as f:
            kind = int(f.read())
    except (OSError, ValueError):
        return False
    name = ctypes.create_string_buffer(b'do_nanosleep')
    attr = ctypes.create_string_buffer(112)
    struct.pack_into('=II', attr, 0, kind, 112)
    struct.pack_into('=Q', attr, 56, ctypes.addressof(name))  # config1: kprobe_func
    fd = ctypes.CDLL(None, use_errno=True).syscall(298, attr, -1, 0, -1, 8)
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def has_disk():
    """Whether there is a disk to read from."""
    try:
        return any(not re.match('loop|ram|zram', name) for name in os.listdir('/sys/block'))
    except OSError:
        return False


def skips(case, can):
    """Why the case cannot run here, or None."""
    for word in value(case, 'needs').split():
        if word not in can:
            can[word] = (has_kprobe() if word == 'kprobe' else has_disk() if word == 'disk' else
                         word == 'speed' or bool(shutil.which(PROGRAMS[word])))
        if not can[word]:
            return f'no {word} here'
    if ORACLE and ('command' in case or 'script-d' in case or value(case, 'oracle').startswith('no')):
        return 'not for bpftrace'
    return None


def cases(words):
    """(name, fields) of the cases that the words choose; all without words."""
    files = sorted(w for w in words if w.endswith('.t'))
    parts = [w for w in words if not w.endswith('.t')]
    if not files:
        folder = os.path.join(HERE, 'lang')
        files = sorted(os.path.join(folder, n) for n in os.listdir(folder) if n.endswith('.t'))
    for path in files:
        stem = os.path.basename(path)[:-2]
        for name, case in parse(path):
            full = f'{stem}: {name}'
            if not parts or any(p in full for p in parts):
                yield full, case


def report(n, name, found):
    print(f'{"not ok" if found else "ok"} {n} - {name}')
    for line in '\n'.join(found).split('\n') if found else ():
        print(f'# {line}')
    sys.stdout.flush()


def folder_of(top, name):
    return os.path.join(top, re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-'))


def run_here(sonde, words):
    if os.geteuid() != 0:
        print('1..0 # SKIP scripts run live as root only')
        return 0
    chosen = list(cases(words))
    top = tempfile.mkdtemp(prefix='sonde-lang-')
    can, bad = {}, 0
    print(f'1..{len(chosen)}')
    for n, (name, case) in enumerate(chosen, 1):
        why = skips(case, can)
        if why:
            print(f'ok {n} - {name} # SKIP {why}')
            continue
        for _ in range(int(value(case, 'tries', '1'))):
            folder = tempfile.mkdtemp(dir=top)
            emit(case, folder)
            subprocess.run(['sh', os.path.join(folder, 'run.sh'), sonde], check=False, preexec_fn=end_with_us)
            found = list(judge(case, folder))
            if not found:
                break
        bad += bool(found)
        report(n, name, found)
    shutil.rmtree(top, ignore_errors=True)
    return 1 if bad else 0


def elsewhere(words):
    """(name, fields, why not) for the guest: it has a kernel with all, but no speed and no compiler."""
    can = {'kprobe': True, 'python': True} | dict.fromkeys(('cc', 'perl', 'bpftrace', 'disk', 'speed'), False)
    for name, case in cases(words):
        yield name, case, skips(case, can)


def main():
    if sys.argv[1] == '--emit':
        for name, case, why in elsewhere(sys.argv[3:]):
            if not why:
                emit(case, folder_of(sys.argv[2], name))
                print(shlex.quote(folder_of(sys.argv[2], name)))
        return 0
    if sys.argv[1] == '--judge':
        chosen = list(elsewhere(sys.argv[3:]))
        print(f'1..{len(chosen)}')
        bad = 0
        for n, (name, case, why) in enumerate(chosen, 1):
            if why:
                print(f'ok {n} - {name} # SKIP {why}')
                continue
            found = list(judge(case, folder_of(sys.argv[2], name)))
            bad += bool(found)
            report(n, name, found)
        return 1 if bad else 0
    return run_here(os.path.abspath(sys.argv[1]), sys.argv[2:])


if __name__ == '__main__':
    sys.exit(main())
