#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Dumps of virtual machines against what their own kernels say at that moment; prints TAP.

usage: crash.py SONDE [--keep FOLDER] [KERNEL]...
  KERNEL: a version (5.10, newest), also with a flavour (6.1-rt-amd64), that tools/guest-kernel finds or
    fetches, or an image with its modules in lib/modules beside boot/; with '+la57' behind it, on a
    CPU with page tables of five levels. Default: the guest tests' own in both ways, one before it
    and one after it, and the newest.
  --keep: leaves the dumps, and what the kernels said, there.

A guest starts known processes, runs a script that lists tasks, and tells what /proc knows; then
QEMU stops it and writes its memory in each format that it can. From the dump alone, with the same
text of the script, Sonde must say the same. About a minute for each kernel; no rights are needed.
"""
import argparse
import json
import os
import re
import sys
import tempfile

import crash_checks
import crash_guest
from crash_guest import guest

FIVE = '+la57'
DEFAULT = ('', FIVE, '5.10', '6.12', 'newest')
n = failed = 0


def count():
    global n
    n += 1
    return n


def result(name, wrong):
    global failed
    failed += bool(wrong)
    print(f"{'not ok' if wrong else 'ok'} {count()} - {name}", flush=True)
    for line in wrong[:10]:
        print('#   ' + str(line).replace('\n', '\n#   '))
    if len(wrong) > 10:
        print(f'#   and {len(wrong) - 10} more')


def kernel_of(word):
    """The guest.Kernel of a version, or of an image with its modules beside it."""
    if not word:
        return guest.find_kernel()
    known = re.fullmatch(r'(\d+\.\d+|newest)(?:-([a-z][a-z0-9-]*))?', word)
    if known:
        return guest.find_kernel('--fetch', *(('--flavour', known[2]) if known[2] else ()), known[1])
    release = os.path.basename(word).partition('-')[2]
    root = os.path.dirname(os.path.dirname(os.path.abspath(word)))
    for lib in ('lib', 'usr/lib'):
        modules = os.path.join(root, lib, 'modules', release)
        if os.path.isdir(modules):
            return guest.Kernel(word, modules, release)
    raise guest.GuestError(f"'{word}' has no modules in '{root}/lib/modules/{release}'")


def check(case, name, checks):
    for what, f in checks.items():
        try:
            wrong = f(case)
        except (crash_checks.Wrong, KeyError, IndexError, ValueError) as e:
            wrong = [repr(e)]
        result(f'{name}: {what}', wrong)


def check_five(case):
    """Whether the kernel had five levels: with four no address begins with less than 16 bits set."""
    tasks = [line.split() for line in case.before['tasks'][1:]]
    return [words for words in tasks if len(words) > 3 and words[3].startswith('ffff')] + \
        ([] if tasks else ['too few'])


def one_kernel(sonde, kernel, five, folder):
    before, after = crash_guest.dumped(sonde, kernel, folder, cpu='qemu64,+rdrand,+la57' if five else None)
    with open(os.path.join(folder, 'said.json'), 'w', encoding='utf-8') as f:
        json.dump([before, after], f, indent=1)
    script = os.path.join(folder, 'tasks.bt')
    with open(script, 'w', encoding='utf-8') as f:
        f.write(crash_guest.TASKS)
    checks = {**crash_checks.ALL, 'five levels': check_five} if five else crash_checks.ALL
    for file in sorted(os.listdir(folder)):
        kind, dot, ext = file.partition('.')
        if dot and ext == 'dump':
            case = crash_checks.Case(sonde, script, [os.path.join(folder, file)], before, after)
            check(case, f"{kernel.release}{FIVE if five else ''}, {kind}", checks)


def each_kernel(words, keep, f, default=('',)):
    """Calls f(kernel, whether with FIVE, folder) for each that there is. What was asked for must be there."""
    for word in words or default:
        five = word.endswith(FIVE)
        try:
            kernel = kernel_of(word[:-len(FIVE)] if five else word)
        except guest.GuestError as e:
            if words:
                result(f'{word}: there is such a kernel', [e])
            else:
                print(f"ok {count()} - {word or 'the default kernel'} # SKIP {str(e).splitlines()[-1]}")
            continue
        with tempfile.TemporaryDirectory(prefix='sonde-crash-') as scratch:
            folder = os.path.join(os.path.abspath(keep), kernel.release + (FIVE if five else '')) if keep else scratch
            os.makedirs(folder, exist_ok=True)
            try:
                f(kernel, five, folder)
            except guest.GuestError as e:
                result(f'{kernel.release}: the guest runs and is dumped', [e])


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('sonde')
    p.add_argument('--keep')
    p.add_argument('kernels', nargs='*', metavar='KERNEL')
    args = p.parse_intermixed_args()
    sonde = os.path.abspath(args.sonde)
    each_kernel(args.kernels, args.keep, lambda kernel, five, folder: one_kernel(sonde, kernel, five, folder),
                DEFAULT)
    print(f'1..{n}')
    return failed > 0


if __name__ == '__main__':
    sys.exit(main())
