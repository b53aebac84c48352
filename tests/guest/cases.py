# SPDX-License-Identifier: MIT
"""Runs cases that a program of tests/live writes as folders (--emit) and judges (--judge): all in
one boot of a guest."""
import io
import os
import shutil
import subprocess
import tarfile
import tempfile

import guest

PYTHON = ['ctypes', 'mmap', 'os', 'pty', 're', 'resource', 'signal', 'socket', 'struct', 'subprocess',
          'tempfile', 'threading', 'time']
PROGRAMS = ['bash', 'dash', 'nice', 'perl', 'setpriv']  # besides busybox
MODULES = [('dummy', ''), ('null_blk', 'nr_devices=2 gb=1 memory_backed=1')]
STEP_SECONDS = 200


def image_of(sonde, kernel, folders, has_peer):
    """The files that cases may use."""
    image = guest.Image()
    image.program(sonde, '/usr/bin/sonde')
    for name in PROGRAMS:
        image.program(shutil.which(name), f'/usr/bin/{name}')
    image.link('usr/bin/sh', 'dash')  # busybox's own would take its own commands first
    image.python(PYTHON)
    if has_peer:
        image.program(shutil.which('bpftrace') or '/usr/bin/bpftrace', '/usr/bin/bpftrace')
    for name, options in MODULES:
        image.module(kernel, name, options)
    for folder in folders:
        image.tree(folder, os.path.join('/cases', os.path.basename(folder)))
    image.tree(os.path.join(guest.TOP, 'tools'), '/usr/local/share/sonde/tools',
               lambda p: p.endswith(('.bt', '.d')))
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


def boot(live, sonde, words, top, has_peer, prepare):
    """Runs the cases' folders below @top in the guest and brings back what they have left."""
    emit = subprocess.run([live, '--emit', top, *words], stdout=subprocess.PIPE, text=True, check=True)
    folders = emit.stdout.split()
    kernel = guest.find_kernel()
    image = image_of(sonde, kernel, folders, has_peer)
    prepare(image, kernel, top)
    g = guest.Guest(image, kernel, memory=1800 if has_peer else 640)
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


def run(live, sonde, words, has_peer=False, prepare=lambda image, kernel, top: None):
    """Runs and judges; the exit status."""
    live = os.path.join(guest.TOP, 'tests', 'live', live)
    with tempfile.TemporaryDirectory(prefix='sonde-guest-') as top:
        try:
            boot(live, os.path.abspath(sonde), words, top, has_peer, prepare)
        except guest.GuestError as e:
            if str(e).startswith('no ') or 'guest-kernel:' in str(e):
                print(f'1..0 # SKIP {e}')
                return 0
            print('\n'.join('# ' + line for line in str(e).splitlines()))
        return subprocess.run([live, '--judge', top, *words], check=False).returncode
