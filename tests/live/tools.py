#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the ready scripts of tools/ beside one load and looks at what they tell. Prints TAP.

usage: tools.py SONDE [NAME]...       AT_ONCE=N: so many at a time (all)
"""
import mmap
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOUCHED = 80 << 20  # bytes; more faults than other programs have
ATTACH_SECONDS, END_SECONDS = 60, 60
HIST = r'^[\[(]\d.*\| *$|^\[\d+\] .*\|$'

# What each tells of the load; where nothing is said, the head must do: the load cannot make it happen
# on every machine.
WANTED = {
    'blklat': [],
    'blkslow': [r'^TIME +PROCESS +DISK +KIND +SECTOR +KIB +MS$'],
    'drops': [r'^@dropped\[__udp4_lib_rcv, \d+\]: \d+$', r'^@protocols\[2048\]: \d+$'],
    'execs': [r'^[\d:]{8} +\d+ +\d+ +\d+ \S+ +(\S*/)?true compat$'],
    'exits': [r'^[\d:]{8} +\d+ +\d+ true +\d+\.\d{6} +0 +0$', r'^[\d:]{8} +\d+ +\d+ \S+ +\d+\.\d{6} +3 +0$',
              r'^[\d:]{8} +\d+ +\d+ \S+ +\d+\.\d{6} +0 +9$', r'^@life_ms\[.+\]: count \d+, average \d+, total \d+$'],
    'faults': [r'^@user_faults\[python3\S*, \d+\]: \d{5,}$'],
    'fdcost': [r'^@call_us\[python3\S*, tracepoint:syscalls:sys_exit_socket\]: count \d{3,}, average \d+, total \d+$',
               r'^@highest_fd\[.*, \d+\]: \d+$'],
    'files': [r'^file:open: \{ fd = -2, flags = 0, us = \d+, path = "/nonexistent/compat" \}$', r'^file:close: \{ fd = \d+ \}$'],
    'futexes': [r'^@lock_us\[python3\S*, \d+, 0x[0-9a-f]+\]: count \d+', r'^@stack_us\['],
    'hardirqs': [r'^Interrupts by number'],
    'idle': [r'^Sleeps by CPU'],
    'kmallocs': [r'^@bytes\[\w[\w.]*\]: count \d+, average \d+, total \d+$', r'^@process_bytes\[.+\]: \d+$'],
    'locks': [r'^Waits for kernel locks'],
    'migrations': [r'^@thread_moves\[python3\S*, \d+\]: \d+$', r'^@moves\[0, 1\]: \d+$'],
    'offcpu': [r'^@asleep_us\[.+, $', r'^    schedule\+\d+$', r'^\]: \d+$'],
    'oncpu': [r'^@samples\[', r'^@process_samples\[perl, \d+\]: \d+$'],
    'ooms': [r'^TIME +VICTIM +FOR PID +PROCESS'],
    'opens': [r'^[\d:]{8} +\d+ cat +-1 +2 +\d+ /nonexistent/compat$'],
    'reclaim': [r'^Waits for freed memory'],
    'runqlat': [r'^@wait_us: $', HIST, r'^@process_wait_us\[.+\]: count \d+, average \d+, total \d+$'],
    'runqslow': [r'^TIME +CPU WAITED'],
    'signals': [r'^[\d:]{8} +\d+ python3\S* +\d+ \S+ +9 KILL +0$', r'^[\d:]{8} +\d+ .* 17 CHLD +[01]$'],
    'softirqs': [r'^@run_us\[(RCU|TIMER|SCHED|NET_RX)\]: $', r'^@cpu_us\[\d+, \w+\]: \d+$'],
    'storms': [r'^[\d:]{8} \d+ switches$', r'^@switches\[.+, \d+\]: \d+$'],
    'switches': [r'^@slept\[.+, \d+\]: \d+$', r'^@ran_us\[perl, \d+\]: \d{5,}$', r'^@slice_us: $'],
    'syscalls': [r'^@process_calls\[perl, \d+\]: \d{5,}$', r'^@calls\[tracepoint:syscalls:sys_enter_getppid\]: \d{5,}$'],
    'sysfail': [r'^@failed\[perl, \d+, tracepoint:syscalls:sys_exit_openat, 2\]: 3\d\d\d$'],
    'syslat': [r'^@call_us\[tracepoint:syscalls:sys_exit_(clock_)?nanosleep\]: count \d+', r'^@all_us: $'],
    'sysslow': [r'^[\d:]{8} +\d+ sleep +\d+\.\d{3} +0  tracepoint:syscalls:sys_exit_(clock_)?nanosleep$'],
    'tcpconns': [r'^[\d:]{8} CONNECT +\d+ python3\S* +\d+ 127\.0\.0\.1 +\d+ 127\.0\.0\.1 +\d+\.\d{3}$',
                 r'^[\d:]{8} ACCEPT ', r'^[\d:]{8} FAILED .* 1 127\.0\.0\.1 ', r'^[\d:]{8} CLOSED '],
    'tcpretrans': [r'^TIME +PORT LOCAL'],
    'timers': [r'^@precise\[hrtimer_wakeup\]: \d+$'],
    'wakers': [r'^@wake_us\[.+, .+\]: count \d+, average \d+, total \d+$', r'^@chains\[.+, .+, .+\]: \d+$'],
    'workqs': [r'^@run_us\[\w[\w.]*\]: count \d+, average \d+, total \d+$'],
    'writeback': [r'^TIME +DEVICE +REASON +PAGES +MS$'],
}
ARGUMENTS = {'storms': ['1'], 'sysslow': ['100']}


def threads():
    """Contends for a lock of this program and for its memory map."""
    lock = threading.Lock()

    def work():
        for _ in range(150):
            with lock:
                time.sleep(0.0002)
            with mmap.mmap(-1, 1 << 16) as m:
                m[0] = 1

    all_of_them = [threading.Thread(target=work) for _ in range(3)]
    for t in all_of_them:
        t.start()
    for t in all_of_them:
        t.join()


def network():
    server = socket.create_server(('127.0.0.1', 0))
    client = socket.create_connection(server.getsockname())
    peer, _ = server.accept()
    client.send(b'x')
    peer.recv(1)
    for s in (client, peer, server):
        s.close()
    try:
        socket.create_connection(('127.0.0.1', 1))
    except OSError:
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(('127.0.0.1', 9))
        for _ in range(5):
            try:
                s.send(b'nobody')
            except OSError:
                pass


def load(folder):
    """About two seconds of everything."""
    quiet = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
    subprocess.run(['true', 'compat'], check=True)
    subprocess.run(['sh', '-c', 'exit 3'], check=False)
    subprocess.run(['cat', '/nonexistent/compat'], check=False, **quiet)
    subprocess.run(['perl', '-e', 'open F, "/nonexistent" for 1 .. 3000'], check=True)
    with subprocess.Popen(['sleep', '100']) as victim:
        victim.send_signal(signal.SIGKILL)
    for s in [socket.socket() for _ in range(300)]:
        s.close()
    with mmap.mmap(-1, TOUCHED) as m:
        for at in range(0, TOUCHED, mmap.PAGESIZE):
            m[at] = 1
    network()
    cpus = sorted(os.sched_getaffinity(0))
    for n in range(40):
        os.sched_setaffinity(0, {cpus[n % len(cpus)]})
    os.sched_setaffinity(0, cpus)
    busy = subprocess.Popen(['perl', '-e', '$t = time + 3; while (time < $t) { getppid() for 1 .. 1000 }'])
    threads()
    path = os.path.join(folder, 'file')
    with open(path, 'wb') as f:
        f.write(b'x' * 300000)
        os.fsync(f.fileno())
    subprocess.run(['sleep', '0.3'], check=True)
    busy.wait()
    os.sync()


class Tool:
    """One script that runs."""

    def __init__(self, sonde, folder, script):
        self.name = os.path.basename(script)[:-3]
        self.paths = [os.path.join(folder, f'{self.name}.{end}') for end in ('out', 'err')]
        with open(self.paths[0], 'wb') as out, open(self.paths[1], 'wb') as err:
            self.process = subprocess.Popen([sonde, 'run', script, *ARGUMENTS.get(self.name, [])],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=err)

    def text(self, n):
        with open(self.paths[n], encoding='utf-8', errors='replace') as f:
            return f.read()

    def attached(self, deadline):
        while 'Attaching' not in self.text(0) and self.process.poll() is None and \
                time.monotonic() < deadline:
            time.sleep(0.02)

    def end(self):
        """Ctrl-C; what is wrong with what it told."""
        self.process.send_signal(signal.SIGINT)
        try:
            status = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return ['it does not end']
        out, err = self.text(0), self.text(1)
        wrong = [f'not found: {p}' for p in WANTED.get(self.name, []) if not re.search(p, out, re.M)]
        if status:
            wrong.append(f'exit status {status}')
        words = [line for line in err.splitlines() if not re.search(r'came while a probe ran|^stacks were lost', line)]
        if words:
            wrong.append('words: ' + ' | '.join(words[:5]))
        ends = out.rfind('\n\n')
        left = re.findall(r'^@(?:begin|ready|asleep|issued|queued|name|state|reason)\b.*', out[ends:], re.M)
        if left:
            wrong.append(f'left in maps: {left[:3]}')
        if wrong:
            wrong.append('-- stdout\n' + out[:2000] + '\n...\n' + out[-1500:])
        return wrong


def run(sonde, scripts, folder):
    tools = [Tool(sonde, folder, script) for script in scripts]
    deadline = time.monotonic() + ATTACH_SECONDS
    for tool in tools:
        tool.attached(deadline)
    time.sleep(0.5)
    load(folder)
    for tool in tools:
        yield tool.name, tool.end()


def main():
    if os.geteuid() != 0:
        print('1..0 # SKIP scripts run live as root only')
        return 0
    sonde = os.path.abspath(sys.argv[1])
    top = os.environ.get('TOOLS') or os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                                  '..', '..', 'tools')
    names = sys.argv[2:] or sorted(n[:-3] for n in os.listdir(top) if n.endswith('.bt'))
    scripts = [os.path.join(top, n + '.bt') for n in names]
    step = int(os.environ.get('AT_ONCE', len(scripts)))
    n = bad = 0
    print(f'1..{len(scripts)}')
    with tempfile.TemporaryDirectory(prefix='sonde-tools-') as folder:
        for at in range(0, len(scripts), step):
            for name, wrong in run(sonde, scripts[at:at + step], folder):
                n += 1
                bad += bool(wrong)
                print(f"{'not ok' if wrong else 'ok'} {n} - {name}", flush=True)
                for line in '\n'.join(wrong).splitlines():
                    print(f'# {line}')
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())
