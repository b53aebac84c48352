#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the report of files with what the text of babeltrace2 tells, by rules of its own; prints TAP.

usage: files.py SONDE SCRATCH     (SONDE_CORPUS: the folder with the traces; without it, all is skipped)

The rules here are written anew: which process a thread is of is looked for in the whole trace first,
tables are dictionaries by process, and files are their names. Each process's use of each file must
come out the same, to the byte and the nanosecond.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

sonde, scratch = sys.argv[1:3]
corpus = os.environ.get('SONDE_CORPUS')
if not corpus or not shutil.which('babeltrace2'):
    print('1..0 # SKIP ' + ('there is no babeltrace2' if corpus else 'SONDE_CORPUS names no folder'))
    sys.exit(0)
n_tests = n_failed = 0
VALUE = re.compile(r'(\w+) = ("(?:[^"\\]|\\.)*"|\[ .*? \]|\{ .*? \}|[-\w]+)', re.S)
CLOEXEC = 0o2000000
OPENS = {'open': ('filename', 'flags'), 'openat': ('filename', 'flags'), 'creat': ('pathname', None),
         'mq_open': ('u_name', 'oflag')}
READS = {'read', 'pread64', 'readv', 'preadv', 'recv', 'recvfrom', 'recvmsg', 'recvmmsg'}
WRITES = {'write', 'pwrite64', 'writev', 'pwritev', 'send', 'sendto', 'sendmsg', 'sendmmsg'}
COPIES = {'sendfile': ('in_fd', 'out_fd'), 'sendfile64': ('in_fd', 'out_fd'),
          'splice': ('fd_in', 'fd_out'), 'tee': ('fdin', 'fdout')}
SYNCS = {'fsync', 'fdatasync', 'sync_file_range'}
MAKES = {'socket': ('socket', 'type', CLOEXEC), 'accept': ('socket', None, 0),
         'accept4': ('socket', 'flags', CLOEXEC), 'epoll_create': ('epoll', None, 0),
         'epoll_create1': ('epoll', 'flags', CLOEXEC), 'eventfd2': ('eventfd', 'flags', CLOEXEC),
         'signalfd4': ('signalfd', 'flags', CLOEXEC), 'timerfd_create': ('timerfd', 'flags', CLOEXEC),
         'inotify_init1': ('inotify', 'flags', CLOEXEC), 'memfd_create': ('memfd', 'flags', 1),
         'perf_event_open': ('perf', 'flags', 8)}


def number(text):
    return int(text, 8) if re.fullmatch('0[0-7]+', text) else int(text, 0)


def signed(text):
    v = number(text)
    return v - 2 ** 64 if v >= 2 ** 63 else v


def empty_strings(folder):
    """Times of events with an empty string: babeltrace2 2.0.4 shows that of an earlier one there."""
    p = subprocess.run([sonde, 'cat', folder, '--clock-seconds'], check=True, stdout=subprocess.PIPE)
    return set(re.findall(r'\[(\d+\.\d{9})\][^\n]* \w+name = ""', p.stdout.decode('utf-8', 'replace')))


def events(folder):
    """Time, CPU, name and fields of each event."""
    empty = empty_strings(folder)
    p = subprocess.run(['babeltrace2', '--clock-seconds', '--no-delta', folder], check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for line in re.split(r'\n(?=\[\d+\.\d{9}\])', p.stdout.decode('utf-8', 'replace')):
        m = re.match(r'\[(\d+)\.(\d{9})\] (?:\S+ )?([\w:]+): \{ cpu_id = (\d+) \}(.*)', line, re.S)
        if m:
            fields = dict(VALUE.findall(m[5]))
            if f'{m[1]}.{m[2]}' in empty:
                fields = {k: '""' if k.endswith('name') else v for k, v in fields.items()}
            yield int(m[1]) * 10 ** 9 + int(m[2]), int(m[4]), m[3], fields


def trace(name):
    folder = os.path.join(scratch, name)
    if not os.path.isdir(folder):
        with tarfile.open(os.path.join(corpus, name + '.tar.xz')) as t:
            t.extractall(scratch)
    inner = os.path.join(folder, 'kernel')
    return inner if os.path.isdir(inner) else folder


class File:
    """What a descriptor is of; @name is filled in by a state dump where it was only used before."""

    def __init__(self, name, unnamed=False):
        self.name, self.unnamed = name, unnamed


class Model:
    def __init__(self, all_events, begin, end):
        self.begin, self.end = begin, end
        self.current, self.calls, self.uses = {}, {}, {}
        self.pids, self.tables, self.known, self.folders = {}, {}, {}, {}
        for _, _, name, f in all_events:
            if name == 'lttng_statedump_process_state':
                self.pids.setdefault(int(f['tid']), int(f['pid']))
            elif name == 'sched_process_fork' and 'child_pid' in f:
                self.pids[int(f['child_tid'])] = int(f['child_pid'])
                self.pids[int(f['parent_tid'])] = int(f['parent_pid'])
        for ts, cpu, name, f in all_events:
            self.take(ts, cpu, name, f)

    def pid(self, tid):
        return self.pids.get(tid, tid)

    def table(self, tid):
        return self.tables.setdefault(self.pid(tid), {})

    def unnamed(self, tid, what, fds):
        """One object for each name, until a state dump gives it another."""
        key = (what + ''.join(' ' + str(fd) for fd in fds), self.pid(tid))
        if key not in self.known:
            self.known[key] = File(key, what == 'fd')
        return self.known[key]

    def file(self, tid, fd, ret=0):
        table = self.table(tid)
        if fd in table:
            return table[fd][0]
        f = self.unnamed(tid, 'fd', [fd])
        if ret != -9:
            table[fd] = (f, None)
        return f

    def add(self, tid, file, call, ret, **counts):
        ts, begin = call
        if not self.begin <= ts <= self.end:
            return
        use = self.uses.setdefault((tid, id(file)), (file, {}))[1]
        counts['errors'] = -4096 < ret < 0
        for key, n in counts.items():
            use[key] = use.get(key, 0) + n
        if begin is not None:
            use['total_ns'] = use.get('total_ns', 0) + ts - begin
            use['max_ns'] = max(use.get('max_ns', 0), ts - begin)

    def take(self, ts, cpu, name, f):
        if name == 'sched_switch':
            self.current[cpu] = int(f['next_tid'])
        elif name == 'sched_process_fork':
            child, parent = int(f['child_tid']), int(f['parent_tid'])
            shares = self.pid(child) == self.pid(parent)
            if not shares:
                self.tables[self.pid(child)] = dict(self.table(parent))
                self.folders[self.pid(child)] = self.folders.get(self.pid(parent))
        elif name == 'lttng_statedump_file_descriptor' and 'pid' in f:
            self.dump(int(f['pid']), int(f['fd']), f['filename'].strip('"'),
                      number(f['flags']) & CLOEXEC if 'flags' in f else None)
        tid = self.current.get(cpu)
        m = re.fullmatch(r'(?:compat_)?(?:syscall_entry|sys)_(\w+)', name)
        if m and tid is not None:
            self.calls[tid] = (m[1], ts, f, self.path(tid, m[1], f))
            if m[1] == 'exit_group':
                self.tables[self.pid(tid)] = {}
        m = re.fullmatch(r'(?:compat_)?syscall_exit_(\w+)|exit_syscall', name)
        if m and tid is not None:
            call, begin, args, path = self.calls.pop(tid, (None, None, None, None))
            if m[1] and m[1] != call:
                call, begin, args, path = m[1], None, None, None
            if call:
                self.done(tid, call, (ts, begin), args, path, signed(f.get('ret', '0')), f)

    def path(self, tid, call, f):
        key = OPENS[call][0] if call in OPENS else 'filename'
        if (call not in OPENS and call != 'chdir') or f.get(key, '""') == '""':
            return None
        path = f[key][1:-1]
        folder = self.folders.get(self.pid(tid))
        if int(f.get('dfd', -100)) not in (-100, 2 ** 32 - 100):
            entry = self.table(tid).get(int(f['dfd']))
            folder = entry[0].name if entry and isinstance(entry[0].name, str) else None
            folder = folder if folder and folder[0] == '/' else None
        if path[0] == '/' or not folder:
            return path
        while path.startswith('./') and len(path) > 2:
            path = path[2:]
        return folder.rstrip('/') + '/' + path

    def dump(self, tid, fd, path, cloexec):
        table = self.table(tid)
        if fd not in table:
            table[fd] = (self.named(path), cloexec)
            return
        file, known = table[fd]
        if file.unnamed and file.name == (f'fd {fd}', self.pid(tid)):
            del self.known[file.name]
            file.name, file.unnamed = path, False
        if known is None:
            table[fd] = (file, cloexec)

    def named(self, path):
        return self.known.setdefault(path, File(path))

    def done(self, tid, call, when, args, path, ret, exit_fields):
        table = self.table(tid)
        fd = None
        for key in 'fd', 'fildes', 'oldfd':
            if args and key in args and fd is None:
                fd = number(args[key])
        if call in OPENS:
            file = self.named(path) if path else self.unnamed(tid, 'fd', [ret] if ret >= 0 else [])
            self.add(tid, file, when, ret, opens=1)
            if ret >= 0:
                flags = OPENS[call][1]
                cloexec = 0 if not flags else number(args[flags]) & CLOEXEC if args else None
                table[ret] = (file, cloexec)
        elif call in READS | WRITES | SYNCS or call == 'close':
            file = self.file(tid, fd, ret) if args else self.unnamed(tid, 'unknown', [])
            n = max(ret, 0) if 'mmsg' not in call else 0
            if call in READS:
                self.add(tid, file, when, ret, reads=1, read_bytes=n)
            elif call in WRITES:
                self.add(tid, file, when, ret, writes=1, written_bytes=n)
            elif call in SYNCS:
                self.add(tid, file, when, ret, syncs=1)
            else:
                self.add(tid, file, when, ret, closes=1)
                if ret != -9 and args:
                    table.pop(fd, None)
        elif call in COPIES and args:
            files = [self.file(tid, number(args[k]), ret) for k in COPIES[call]]
            self.add(tid, files[0], when, ret, reads=1, read_bytes=max(ret, 0))
            self.add(tid, files[1], when, ret, writes=1, written_bytes=max(ret, 0))
        else:
            self.change(tid, call, args, path, ret, exit_fields)

    def change(self, tid, call, args, path, ret, exit_fields):
        table = self.table(tid)
        if ret < 0:
            return
        if call in MAKES:
            what, flags, bit = MAKES[call]
            if call != 'signalfd4' or not args or number(args['ufd']) != ret:
                cloexec = 0 if not flags else number(args[flags]) & bit if args else None
                table[ret] = (self.unnamed(tid, what, [ret]), cloexec)
        elif call in ('pipe', 'pipe2', 'socketpair') and ret == 0:
            fds = [int(x) for x in re.findall(r'= (-?\d+)', exit_fields.get('fildes',
                                              exit_fields.get('socket', '')))]
            if len(fds) == 2:
                what = 'socket' if call == 'socketpair' else 'pipe'
                flags = {'pipe': None, 'pipe2': 'flags', 'socketpair': 'type'}[call]
                cloexec = 0 if not flags else number(args[flags]) & CLOEXEC if args else None
                file = self.unnamed(tid, what, [f'{fds[0]},', fds[1]])
                table[fds[0]] = table[fds[1]] = (file, cloexec)
        elif call in ('dup', 'dup2', 'dup3') and args:
            old = number(args.get('fildes', args.get('oldfd', '-1')))
            file = self.file(tid, old)
            if old != ret:
                table[ret] = (file, number(args['flags']) & CLOEXEC if call == 'dup3' else 0)
        elif call in ('fcntl', 'fcntl64') and args:
            command, fd = number(args['cmd']), number(args['fd'])
            if command in (0, 1030):
                table[ret] = (self.file(tid, fd), command == 1030)
            elif command == 2 and fd in table:
                table[fd] = (table[fd][0], number(args['arg']) & 1)
        elif call == 'execve':
            for fd in [fd for fd, (_, cloexec) in table.items() if cloexec or cloexec is None]:
                del table[fd]
        elif call == 'chdir':
            self.folders[self.pid(tid)] = path if path and path[0] == '/' else None
        elif call == 'fchdir' and args:
            name = self.file(tid, number(args['fd'])).name
            self.folders[self.pid(tid)] = name if isinstance(name, str) and name[0] == '/' else None

    def rows(self):
        """By process and file, as the report has it."""
        ret = {}
        for (tid, _), (file, use) in self.uses.items():
            row = ret.setdefault((self.pid(tid), file.name), {})
            for key, v in use.items():
                row[key] = max(row.get(key, 0), v) if key == 'max_ns' else row.get(key, 0) + v
        return ret


KEYS = ['opens', 'reads', 'writes', 'syncs', 'closes', 'errors', 'read_bytes', 'written_bytes',
        'total_ns', 'max_ns']


def report(folder, *args):
    p = subprocess.run([sonde, 'report', 'files', '--json', folder, *args], check=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return json.loads(p.stdout)


def name_of(text):
    """Names of files without a path, without the program's: "fd 3 of sh (10)"."""
    m = re.fullmatch(r'([a-z_]+(?: \d+)?(?:, \d+)?) of .* \((\d+)\)', text)
    return (m[1], int(m[2])) if m else text


def compare(name, got, want):
    global n_tests, n_failed
    wrong, n = [], 0
    rows = {(r['pid'], name_of(r['file'])): r for r in got['uses']}
    for key in sorted(set(rows) | set(want), key=str):
        for k in KEYS:
            n += 1
            a, b = (rows.get(key, {}).get(k) or 0), want.get(key, {}).get(k, 0)
            if a != b:
                wrong.append(f'{key} {k}: {a}, wanted {b}')
    for table, by in ('files', 'file'), ('processes', 'pid'):
        for k in KEYS[:8]:
            n += 1
            if sum(r[k] for r in got[table]) != sum(r[k] for r in got['uses']) and \
                    not (table == 'processes' and k == 'errors'):
                wrong.append(f'{k}: the table of {table} has another sum than that of uses')
    n_tests += 1
    ok = not wrong and len(want) > 20
    n_failed += not ok
    print(f"{'ok' if ok else 'not ok'} {n_tests} - {name}: {len(want)} uses, {n} values")
    for w in wrong[:20]:
        print('#', w)


for kernel in 'kernel-4.4', 'kernel-6.2', 'bug446190':
    folder = trace(kernel)
    all_events = list(events(folder))
    first, last = all_events[0][0], all_events[-1][0]
    compare(f'{kernel}: uses of files', report(folder), Model(all_events, first, last).rows())
    at = first + (last - first) // 2
    compare(f'{kernel}: uses in its second half', report(folder, '--from', str(at)),
            Model(all_events, at, last).rows())
    parts = [report(folder, '--to', str(at)), report(folder, '--from', str(at + 1))]
    whole = report(folder)
    wrong = [k for k in KEYS[:9] if sum(r[k] for p in parts for r in p['uses']) !=
             sum(r[k] for r in whole['uses'])]
    n_tests += 1
    n_failed += bool(wrong)
    print(f"{'not ok' if wrong else 'ok'} {n_tests} - {kernel}: two halves add up {wrong or ''}")
print(f'1..{n_tests}')
sys.exit(n_failed > 0)
