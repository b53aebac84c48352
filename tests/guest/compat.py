#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the scripts of bpftrace's package in the guest, all in one boot, and prints TAP.

usage: compat.py SONDE [NAME]...

As tests/live/compat.py does on this machine's kernel; PEER=1 runs bpftrace beside it.
"""
import gzip
import os
import shutil
import subprocess
import sys

import cases

XFS_LEN = 320 << 20
PEER = os.environ.get('PEER') == '1'


def prepare(image, kernel, top):
    """What the scripts trace besides the usual: libraries, and file systems."""
    for path in ('/usr/bin/openssl', '/usr/bin/getent'):
        image.program(path)
    for path in ('/etc/ld.so.cache', '/etc/ssl/openssl.cnf', '/lib/x86_64-linux-gnu/libpthread.so.0'):
        if os.path.exists(path):
            image.file(path)
    image.link('usr/lib/ssl', '/etc/ssl')
    if PEER:  # bpftrace reads headers
        for folder in ('linux', 'asm-generic', 'sys', 'x86_64-linux-gnu/asm', 'x86_64-linux-gnu/bits',
                       'x86_64-linux-gnu/gnu', 'x86_64-linux-gnu/sys'):
            image.tree('/usr/include/' + folder)
        for name in ('features.h', 'features-time64.h', 'stdc-predef.h', 'endian.h'):
            image.file('/usr/include/' + name)
    for name in ('raid1', 'xfs'):
        image.module(kernel, name)
    mkfs = shutil.which('mkfs.xfs') or '/usr/sbin/mkfs.xfs'
    if os.path.exists(mkfs):
        disk = os.path.join(top, 'xfs')
        with open(disk, 'wb') as f:
            f.truncate(XFS_LEN)
        subprocess.run([mkfs, '-q', disk], check=True)
        with open(disk, 'rb') as f, gzip.open(disk + '.gz', 'wb', compresslevel=1) as packed:
            shutil.copyfileobj(f, packed)
        image.file(disk + '.gz', '/cases/xfs.gz')


sys.exit(cases.run('compat.py', sys.argv[1], sys.argv[2:], has_peer=PEER, prepare=prepare))
