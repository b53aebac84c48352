#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Signals that come while a script runs over a trace; prints TAP. usage: interrupt.py SONDE

Whenever one comes, the script ends as if the trace had: END runs and maps are printed, of the
events so far. Waits are for what /proc tells of the process, never for time to pass.
"""
import os
import re
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TRACE = os.path.join(TOP, 'examples', 'sonde-trace')
CUT = 'interrupted: the rest of the trace was not read'
# Far more than a pipe holds, so that it waits for its reader.
TALKS = ('event:* { printf("%%200s\\n", "x"); @n[probe] = count(); } '
         'END { printf("the end\\n"); }').replace('%%', '%')
COUNTS = 'event:* { @[comm] = count(); } END { printf("the end\\n"); }'

n_tests = 0


def ok(good, name, *more):
    global n_tests
    n_tests += 1
    print('ok' if good else 'not ok', n_tests, '-', name)
    for text in () if good else more:
        print('#', repr(text)[-500:])
    return good


def set_default():
    """Whoever started this in the background may have it ignore them."""
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        signal.signal(number, signal.SIG_DFL)


def start(sonde, script, threads=None, before=set_default):
    env = dict(os.environ, TZ='UTC0')
    env.pop('SONDE_THREADS', None)
    if threads:
        env['SONDE_THREADS'] = threads
    return subprocess.Popen([sonde, 'run', '-t', TRACE, '-e', script], env=env, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, preexec_fn=before)


def is_caught(child, number):
    """Whether the process has a handler; None: it is no more."""
    with open('/proc/%d/status' % child.pid, encoding='ascii', errors='replace') as f:
        text = f.read()
    if re.search(r'^State:\s+[ZX]', text, re.M):
        return None
    caught = int(re.search(r'^SigCgt:\s*(\w+)', text, re.M).group(1), 16)
    return bool(caught >> (number - 1) & 1)


def wait_caught(child, number, wanted):
    while is_caught(child, number) is (not wanted):
        time.sleep(0.001)


def first_byte(child):
    """Waits for it, past the buffer that communicate() knows nothing of."""
    return os.read(child.stdout.fileno(), 1).decode()


def total(out):
    return sum(int(n) for n in re.findall(r'^@\w*\[.*\]: (\d+)$', out, re.M))


def test_writer(sonde, number, all_events):
    """It waits for its reader, a signal comes, and only then its output is read."""
    child = start(sonde, TALKS)
    wait_caught(child, number, True)
    first = first_byte(child)
    child.send_signal(number)
    out, err = child.communicate()
    out = first + out
    lines = out.count('x\n')
    ok(child.returncode == 0 and CUT in err and 'the end\n' in out and
       0 < lines == total(out) < all_events, '%s ends a script that prints' % number.name,
       child.returncode, err, lines, all_events, out)


def test_second(sonde):
    """The second one ends it at once, though nobody reads."""
    child = start(sonde, TALKS)
    wait_caught(child, signal.SIGINT, True)
    first_byte(child)
    child.send_signal(signal.SIGINT)
    wait_caught(child, signal.SIGINT, False)
    child.send_signal(signal.SIGINT)
    child.wait()
    child.stdout.close()
    child.stderr.close()
    ok(child.returncode == -signal.SIGINT, 'a second SIGINT ends it at once', child.returncode)


def test_ignored(sonde, all_events):
    """Whoever starts it as nohup does wants it to go on."""
    child = start(sonde, TALKS, before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    first_byte(child)
    child.send_signal(signal.SIGHUP)
    out, err = child.communicate()
    ok(child.returncode == 0 and not err and total(out) == all_events,
       'a SIGHUP that was ignored stays so', child.returncode, err)


def test_any_time(sonde, threads, all_events):
    """Whenever it comes, all that is counted is a part of the whole, or it came too late."""
    bad = []
    for i in range(25):
        child = start(sonde, COUNTS, threads)
        wait_caught(child, signal.SIGINT, True)
        time.sleep(i * 0.001)  # anywhere, also behind the end
        child.send_signal(signal.SIGINT)
        out, err = child.communicate()
        n, cut = total(out), CUT in err
        if (child.returncode or 'the end\n' not in out or n > all_events or
                (not cut and n != all_events)):
            bad.append((i, child.returncode, out, err))
    ok(not bad, '25 signals, SONDE_THREADS=%s' % threads, *bad)


def main():
    sonde = os.path.abspath(sys.argv[1])
    out, err = start(sonde, COUNTS).communicate()
    all_events = total(out)
    ok(all_events > 5000 and not err, 'the whole trace', out, err)
    for number in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        test_writer(sonde, number, all_events)
    test_second(sonde)
    test_ignored(sonde, all_events)
    for threads in '1', '2', None:
        test_any_time(sonde, threads, all_events)
    print('1..%d' % n_tests)


main()
