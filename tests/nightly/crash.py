#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Dumps of virtual machines against what their own kernels say at that moment; prints TAP.

usage: crash.py SONDE [--keep FOLDER] [KERNEL]...
  KERNEL: an image, with its modules in lib/modules beside boot/. Default: the guest tests' own.
  --keep: leaves the dumps, and what the kernels said, there.

A guest starts known processes, runs a script that lists tasks, and tells what /proc knows; then
QEMU stops it and writes its memory in each format that it can. From the dump alone, with the same
text of the script, Sonde must say the same. About a minute for each kernel; no rights are needed.
"""
import argparse
import json
import os
import sys
import tempfile

import crash_checks
import crash_guest
from crash_guest import guest

n = failed = 0


def result(name, wrong):
    global n, failed
    n += 1
    failed += bool(wrong)
    print(f"{'not ok' if wrong else 'ok'} {n} - {name}", flush=True)
    for line in wrong[:10]:
        print('#   ' + str(line).replace('\n', '\n#   '))
    if len(wrong) > 10:
        print(f'#   and {len(wrong) - 10} more')


def kernel_of(image):
    """The guest.Kernel of an image with its modules beside it."""
    if not image:
        return guest.find_kernel()
    release = os.path.basename(image).partition('-')[2]
    modules = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(image))), 'lib', 'modules', release)
    if not os.path.isdir(modules):
        raise guest.GuestError(f"'{image}' has no modules in '{modules}'")
    return guest.Kernel(image, modules, release)


def check(case, name):
    for what, f in crash_checks.ALL.items():
        try:
            wrong = f(case)
        except (crash_checks.Wrong, KeyError, IndexError, ValueError) as e:
            wrong = [repr(e)]
        result(f'{name}: {what}', wrong)


def one_kernel(sonde, kernel, folder):
    before, after = crash_guest.dumped(sonde, kernel, folder)
    with open(os.path.join(folder, 'said.json'), 'w', encoding='utf-8') as f:
        json.dump([before, after], f, indent=1)
    script = os.path.join(folder, 'tasks.bt')
    with open(script, 'w', encoding='utf-8') as f:
        f.write(crash_guest.TASKS)
    for file in sorted(os.listdir(folder)):
        kind, dot, ext = file.partition('.')
        if dot and ext == 'dump':
            case = crash_checks.Case(sonde, script, os.path.join(folder, file), before, after)
            check(case, f'{kernel.release}, {kind}')


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('sonde')
    p.add_argument('--keep')
    p.add_argument('kernels', nargs='*', default=[''], metavar='KERNEL')
    args = p.parse_args()
    sonde = os.path.abspath(args.sonde)
    for image in args.kernels:
        with tempfile.TemporaryDirectory(prefix='sonde-crash-') as scratch:
            try:
                kernel = kernel_of(image)
                folder = os.path.join(os.path.abspath(args.keep), kernel.release) if args.keep else scratch
                os.makedirs(folder, exist_ok=True)
                one_kernel(sonde, kernel, folder)
            except guest.GuestError as e:
                if not image and ('guest-kernel:' in str(e) or str(e).startswith('no ')):
                    print(f'1..0 # SKIP {e}')
                    return 0
                result(f"a guest with '{image or 'the default kernel'}'", [e])
    print(f'1..{n}')
    return failed > 0


sys.exit(main())
