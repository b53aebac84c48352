#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The guest itself: what it has, and that a step's end, a panic and a hang are told. Prints TAP.

usage: selftest.py
"""
import contextlib
import io
import sys

import guest

TRACING = '/sys/kernel/tracing'


def boot(kernel, steps):
    """Runs the steps, (shell, timeout) each. Returns the results, and the words of a failure."""
    g = guest.Guest(guest.Image(), kernel)
    for n, (shell, timeout) in enumerate(steps):
        g.step(f'step {n}', shell, timeout)
    results = []
    try:
        for result in g.run():
            results.append(result)
    except guest.GuestError as e:
        return results, str(e)
    return results, ''


def test_steps(kernel):
    """Output, words and status of a step are its own; one that does not end is ended."""
    results, words = boot(kernel, [
        ('seq 100000', 20),
        ("printf 'no end of line\\r'; echo words >&2; exit 3", 5),
        ('sleep 100 & sleep 100', 1),
        ('pidof sleep', 5),
    ])
    if words:
        return words
    seq, short, late, after = results
    if seq.out != b''.join(b'%d\n' % n for n in range(1, 100001)):
        return f'{len(seq.out)} bytes of seq 100000, not what it prints'
    if (short.status, short.out, short.err) != (3, b'no end of line\r', b'words\n'):
        return f'a short step: {short}'
    if not late.timed_out or late.seconds > 3:
        return f'a step without end: {late}'
    return '' if after.status == 1 else f'what it started still runs: {after}'


def test_kernel(kernel):
    """The kernel offers what the tests need: BTF, kprobes, fentry, two CPUs."""
    results, words = boot(kernel, [
        ('uname -r', 5),
        ('test -r /sys/kernel/btf/vmlinux', 5),
        (f'echo p:sonde vfs_read >{TRACING}/kprobe_events && cat {TRACING}/kprobe_events && '
         f'echo >{TRACING}/kprobe_events', 5),
        (f'grep -c " T vfs_read$" /proc/kallsyms; wc -l <{TRACING}/available_filter_functions', 20),
        ('nproc', 5),
    ])
    if words:
        return words
    out = [r.out.decode().split() for r in results]
    if out[0] != [kernel.release] or out[4] != ['2'] or results[1].status:
        return f'{results}'
    if out[2] != ['p:kprobes/sonde', 'vfs_read']:
        return f'no kprobe: {results[2]}'
    return '' if int(out[3][0]) == 1 and int(out[3][1]) > 10000 else f'symbols: {results[3]}'


def test_panic(kernel):
    """A panic says so, in which step, with the kernel's words."""
    results, words = boot(kernel, [('true', 5), ('echo c >/proc/sysrq-trigger; sleep 5', 10)])
    wanted = ["the guest panicked in step 'step 1'", 'sysrq']
    return '' if len(results) == 1 and all(w in words for w in wanted) else words or f'{results}'


def freeze(kernel, before):
    """Lets the guest run @before, and then answer no more."""
    grace, guest.GRACE_SECONDS = guest.GRACE_SECONDS, 1
    group = '/sys/fs/cgroup/ice'  # with init in it, which is to tell of the step's end
    try:
        return boot(kernel, [('true', 5), (
            f'{before}; mkdir {group} && echo 1 >{group}/cgroup.procs && echo 1 >{group}/cgroup.freeze', 1)])
    finally:
        guest.GRACE_SECONDS = grace


def test_hang(kernel):
    """A guest that does not answer is ended, and that is told."""
    results, words = freeze(kernel, ':')
    return '' if len(results) == 1 and "the guest hung in step 'step 1'" in words else words or f'{results}'


def test_stall(kernel):
    """Where the machine was at fault it is booted again, so many times, and no result comes twice."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        results, words = freeze(kernel, 'echo "<3>rcu: rcu_preempt kthread starved" >/dev/kmsg')
    if out.getvalue().count('# booted again') != guest.BOOTS - 1:
        return f'booted again: {out.getvalue()}'
    return '' if len(results) == 1 and "the guest hung in step 'step 1'" in words else words or f'{results}'


def main():
    try:
        kernel = guest.find_kernel()
        guest.Image()
    except guest.GuestError as e:
        print(f'1..0 # SKIP {e}')
        return 0
    tests = [test_steps, test_kernel, test_panic, test_hang, test_stall]
    bad = 0
    for n, test in enumerate(tests, 1):
        words = test(kernel)
        print(f"{'not ok' if words else 'ok'} {n} - {test.__name__[5:]}")
        for line in words.splitlines():
            print(f'# {line}')
        bad |= bool(words)
    print(f'1..{len(tests)}')
    return bad


sys.exit(main())
