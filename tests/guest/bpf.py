#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs tests of src/bpf and of what scripts become in the guest, where kernel functions can be probed.
Prints TAP.

usage: bpf.py TEST_PROGRAM...
"""
import os
import re
import sys

import guest

# What the guest's kernel lacks; all other tests must run there.
MAY_SKIP = {'raw_tracepoint_with_cookie', 'uprobes_by_one_link', 'uretprobes_by_one_link',
            'one_script'}


class Tap:
    """One list of results, of several programs."""

    def __init__(self):
        self.n = 0
        self.bad = False

    def line(self, good, name, more=''):
        self.n += 1
        self.bad |= not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}{more}")

    def program(self, result):
        """Repeats what a program told."""
        planned, told = None, 0
        for line in result.out.decode(errors='replace').splitlines():
            test = re.fullmatch(r'(ok|not ok) \d+ - (\w+)( # SKIP .*)?', line)
            plan = re.fullmatch(r'1\.\.(\d+)', line)
            if test:
                told += 1
                skip = test[3] or ''
                good = test[1] == 'ok' and (not skip or test[2] in MAY_SKIP)
                self.line(good, f'{result.name}: {test[2]}', skip if good else '')
            elif plan:
                planned = int(plan[1])
            if not test or not good:
                print(f'# {line}')
        if planned != told or not told:
            self.line(False, f'{result.name}: ends with status {result.status}')
            print('# ' + result.err.decode(errors='replace').replace('\n', '\n# '))


def main():
    tap = Tap()
    try:
        kernel = guest.find_kernel()
        image = guest.Image()
        g = guest.Guest(image, kernel)
        for path in sys.argv[1:]:
            name = os.path.basename(path)
            image.program(path, f'/usr/bin/{name}')
            g.step(name.removeprefix('test_'), name, timeout=120)
    except guest.GuestError as e:
        print(f'1..0 # SKIP {e}')
        return 0
    try:
        for result in g.run():
            tap.program(result)
    except guest.GuestError as e:
        tap.line(False, f'the guest: {e}'.replace('\n', ' '))
    print(f'1..{tap.n}')
    return tap.bad


sys.exit(main())
