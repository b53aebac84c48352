#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A dead kernel's debug file comes from a server (elfutils' debuginfod) on this machine; prints TAP.

usage: debuginfod.py SONDE MADE_DUMP KERNEL LINES
  MADE_DUMP: a program that writes the dump of KERNEL. LINES: the kernel's debug file, which lies
    where nobody looks for it.

Only --debuginfod asks a server, and what it gives is what the kernel's file gives.
"""
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

SECONDS = 100  # until the server has read its folder; it is small
NAMES = ("a stack with lines by the kernel's file", 'nothing is asked of a server unless wanted', 'the same from a server',
         'the same from what was fetched before', 'a server that is not there', 'no server is named',
         'a server that does not have it')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


class Server:
    def __init__(self, folder, served):
        self.log = open(os.path.join(folder, 'log'), 'wb')
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}'
        env = {k: v for k, v in os.environ.items() if k != 'DEBUGINFOD_URLS'}  # else it asks others
        self.process = subprocess.Popen(
            ['debuginfod', '-d', os.path.join(folder, 'index'), '-p', str(self.port), '-F', served], env=env,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def wait(self, build_id):
        """Until it has the file. False: it does not come up."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f'{self.url}/buildid/{build_id}/debuginfo', timeout=SECONDS) as answer:
                    return answer.status == 200
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        return False

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


def build_id_of(kernel):
    """Of the note that the linker wrote, by its head."""
    with open(kernel, 'rb') as f:
        data = f.read()
    at = data.index(b'\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0') + 16
    return data[at:at + 20].hex()


class Crash:
    def __init__(self, sonde, dump, folder):
        self.sonde, self.dump, self.folder = sonde, dump, folder

    def bt(self, *words, urls=None, cache='cache'):
        """(frames, or None; what was told)."""
        env = {k: v for k, v in os.environ.items() if not k.startswith('DEBUGINFOD')}
        env.update({'DEBUGINFOD_CACHE_PATH': os.path.join(self.folder, cache), 'HOME': self.folder})
        if urls:
            env['DEBUGINFOD_URLS'] = urls
        run = subprocess.run([self.sonde, 'crash', self.dump, *words, '--json'], env=env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=SECONDS)
        if run.returncode:
            return None, run.stderr
        return [(f['symbol'], f.get('file'), f.get('line')) for t in json.loads(run.stdout) for f in t['frames']], run.stderr


def checks(crash, server, lines, other):
    """What is wrong, one after another; '' is nothing."""
    by_file, err = crash.bt(lines, 'bt')
    yield '' if by_file and any(line for _, _, line in by_file) else f'{by_file} {err}'
    bare, err = crash.bt('bt', urls=server.url)
    fetched = os.path.exists(os.path.join(crash.folder, 'cache'))
    yield '' if bare and not any(line for _, _, line in bare) and not fetched else f'{bare} {err}'
    have, err = crash.bt('bt', '--debuginfod', urls=server.url)
    yield '' if have == by_file and not err else f'{have} {err}'
    server.end()
    have, err = crash.bt('bt', '--debuginfod', urls=server.url)
    yield '' if have == by_file and not err else f'{have} {err}'
    for urls, words in ((server.url, 'no server of DEBUGINFOD_URLS gave the debug file'),
                        (None, 'DEBUGINFOD_URLS does not name a server'),
                        (other.url, 'no server of DEBUGINFOD_URLS gave the debug file')):
        have, err = crash.bt('bt', '--debuginfod', urls=urls, cache='another')
        yield '' if have == bare and words in err else f'{have} {err}'


def main():
    sonde, made_dump, kernel, lines = map(os.path.abspath, sys.argv[1:5])
    if not shutil.which('debuginfod'):
        print("1..0 # SKIP no 'debuginfod' (Debian package debuginfod)")
        return 0
    wrong = 0
    with tempfile.TemporaryDirectory(prefix='sonde-debuginfod-') as folder:
        dump, served, empty = (os.path.join(folder, name) for name in ('dump', 'served', 'empty'))
        subprocess.run([made_dump, kernel, dump], check=True)
        for name in (served, empty, os.path.join(folder, 'one'), os.path.join(folder, 'two')):
            os.mkdir(name)
        shutil.copy(lines, os.path.join(served, 'vmlinux'))
        server, other = Server(os.path.join(folder, 'one'), served), Server(os.path.join(folder, 'two'), empty)
        try:
            if not server.wait(build_id_of(lines)):
                with open(server.log.name, encoding='utf-8', errors='replace') as f:
                    print('1..0 # SKIP the server does not serve: ' + ' '.join(f.read().split())[-200:])
                return 0
            for i, (name, why) in enumerate(zip(NAMES, checks(Crash(sonde, dump, folder), server, lines, other)), 1):
                wrong += bool(why)
                print(f"{'not ok' if why else 'ok'} {i} - {name}", flush=True)
                if why:
                    print('#   ' + why.strip().replace('\n', '\n#   '))
        finally:
            for each in (server, other):
                if each.process.poll() is None:
                    each.end()
    print(f'1..{len(NAMES)}')
    return wrong > 0


if __name__ == '__main__':
    sys.exit(main())
