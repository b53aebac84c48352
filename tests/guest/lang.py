#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the cases of tests/live/lang in the guest, all in one boot, and prints TAP.

usage: lang.py SONDE [FILE.t | case's name part]...

The same list as on this machine's kernel: tests/live/lang.py writes the cases as folders and looks
at what they have left. ORACLE=1 runs bpftrace instead; it needs a big guest.
"""
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

import guest

LIVE = os.path.join(guest.TOP, 'tests', 'live', 'lang.py')
PYTHON = ['ctypes', 'mmap', 'os', 'resource', 'signal', 'socket', 'struct', 'subprocess', 'threading', 'time']
PROGRAMS = ['bash', 'dash', 'nice', 'perl', 'setpriv']  # besides busybox
MODULES = ['dummy', 'null_blk']
STEP_SECONDS = 90


def image_of(sonde, kernel, folders):
    image = guest.Image()
    image.program(sonde, '/usr/bin/sonde')
    for name in PROGRAMS:
        image.program(shutil.which(name), f'/usr/bin/{name}')
    image.link('usr/bin/sh', 'dash')  # busybox's own would take its own commands first
    image.python(PYTHON)
    if os.environ.get('ORACLE') == '1':
        image.program('/usr/bin/bpftrace')
    for name in MODULES:
        image.module(kernel, name)
    for folder in folders:
        image.tree(folder, os.path.join('/cases', os.path.basename(folder)))
    image.tree(os.path.join(guest.TOP, 'tools'), '/usr/share/sonde/tools', lambda p: p.endswith('.bt'))
    return image


def unpack(data, folder):
    """The plain files of an archive; names that lead elsewhere are left out."""
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        for member in tar:
            if member.isfile() and os.path.dirname(member.name) in ('', '.'):
                path = os.path.join(folder, os.path.basename(member.name))
                with open(path, 'wb') as f:
                    f.write(tar.extractfile(member).read())
                os.utime(path, (member.mtime, member.mtime))


def run(sonde, words, top):
    """Boots, runs the cases' folders below @top there and brings back what they have left."""
    emit = subprocess.run([LIVE, '--emit', top, *words], stdout=subprocess.PIPE, text=True, check=True)
    folders = emit.stdout.split()
    kernel = guest.find_kernel()
    memory = 1500 if os.environ.get('ORACLE') == '1' else 512
    g = guest.Guest(image_of(sonde, kernel, folders), kernel, memory=memory)
    for folder in folders:
        place = f'/cases/{os.path.basename(folder)}'
        g.step(os.path.basename(folder),
               f'sh {place}/run.sh /usr/bin/sonde >&2; tar -C {place} -czf - .', STEP_SECONDS)
    for folder, result in zip(folders, g.run()):
        try:
            unpack(result.out, folder)
        except tarfile.TarError as e:
            print(f'# {result.name}: {e}')
        if result.err:
            print(f"# {result.name}: {result.err.decode(errors='replace').strip()}")


def main():
    sonde, words = os.path.abspath(sys.argv[1]), sys.argv[2:]
    with tempfile.TemporaryDirectory(prefix='sonde-guest-lang-') as top:
        try:
            run(sonde, words, top)
        except guest.GuestError as e:
            if str(e).startswith('no ') or 'guest-kernel:' in str(e):
                print(f'1..0 # SKIP {e}')
                return 0
            print('\n'.join('# ' + line for line in str(e).splitlines()))
        return subprocess.run([LIVE, '--judge', top, *words], check=False).returncode


sys.exit(main())
