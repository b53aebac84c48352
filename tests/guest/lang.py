#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the cases of tests/live/lang in the guest, all in one boot, and prints TAP.

usage: lang.py SONDE [FILE.t | case's name part]...

The same list as on this machine's kernel: tests/live/lang.py writes the cases as folders and looks
at what they have left. ORACLE=1 runs bpftrace instead; it needs a big guest.
"""
import os
import sys

import cases

sys.exit(cases.run('lang.py', sys.argv[1], sys.argv[2:], has_peer=os.environ.get('ORACLE') == '1'))
