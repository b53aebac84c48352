# SPDX-License-Identifier: MIT
"""A Linux guest in qemu's software emulation: an initramfs of chosen files, steps run one by one.

    image = Image()
    image.program('/usr/bin/bash')
    guest = Guest(image, find_kernel())
    guest.step('hello', 'echo hello', timeout=5)
    for result in guest.run():
        print(result.name, result.status, result.out)

Nothing is mounted or installed here, and no rights are needed. The console (kernel messages) is
one serial line; results come over a second one, framed with their lengths, so that no message
can fall into them.
"""
import collections
import ctypes
import itertools
import lzma
import os
import re
import select
import shutil
import signal
import stat
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
QEMU = 'qemu-system-x86_64'
BOOT_SECONDS = 90     # until the first step begins; some 3 s on an idle machine
GRACE_SECONDS = 20    # for a guest that must end a step itself
STALL_SECONDS = 30    # without a word, of a guest whose kernel has said that it stands still
BOOTS = 3             # at most, of one that stands still
MOST_OUT = 4 << 20    # bytes of one step's output; the rest is left out

Result = collections.namedtuple('Result', 'name status out err seconds timed_out')
Kernel = collections.namedtuple('Kernel', 'image modules release')


class GuestError(Exception):
    """The guest did not boot, panicked or hung; the words say which, with the console's end."""


class GuestStalled(GuestError):
    """It hung as emulators hang: a processor stands still, and the kernel says that it waits for it."""


def end_with_us():
    """In a child: it is killed when its parent ends, however that ends."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


def find_kernel(*words):
    """The Kernel that tools/guest-kernel finds, with these words behind it; GuestError: there is none."""
    tool = os.path.join(TOP, 'tools', 'guest-kernel')
    run = subprocess.run([tool, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         stdin=subprocess.DEVNULL, check=False)
    if run.returncode != 0:
        raise GuestError(run.stderr.strip() or f'{tool}: status {run.returncode}')
    image, modules, release = run.stdout.split('\n')[:3]
    return Kernel(image, modules, release)


def libraries(path):
    """The shared objects that the program or library at @path is loaded with."""
    run = subprocess.run(['ldd', path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False)
    if run.returncode != 0:
        if re.search(r'not a dynamic|statically linked', run.stdout):
            return []
        raise GuestError(f'ldd {path}: {run.stdout.strip()}')
    missing = re.findall(r'(\S+) => not found', run.stdout)
    if missing:
        raise GuestError(f"ldd {path}: no {', '.join(missing)}")
    return re.findall(r'(/\S+) \(0x', run.stdout)


class Image:
    """An initramfs: files by their path in the guest, with busybox's commands already in it."""

    FOLDERS = ('usr/bin', 'usr/sbin', 'usr/lib', 'usr/lib64', 'proc', 'sys', 'dev', 'tmp', 'run',
               'etc', 'root', 'var', 'steps')
    LINKS = {'bin': 'usr/bin', 'sbin': 'usr/sbin', 'lib': 'usr/lib', 'lib64': 'usr/lib64',
             'var/run': '../run', 'var/tmp': '../tmp'}

    def __init__(self):
        self.entries = {}  # path without the first '/': (mode, bytes or path of the host)
        self.folder_of('init')
        for path in self.FOLDERS:
            self.folder(path)
        for path, to in self.LINKS.items():
            self.link(path, to)
        self.text('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n'
                                'nobody:x:65534:65534:nobody:/:/bin/false\n')
        self.text('etc/group', 'root:x:0:\nnogroup:x:65534:\n')
        self.text('etc/hosts', '127.0.0.1 localhost guest\n')
        self.text('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n')
        self.file(os.path.join(HERE, 'init'), 'init', 0o755)
        self.busybox()

    @staticmethod
    def place(path):
        """@path in the guest, through the links of LINKS."""
        path = path.lstrip('/')
        for link in ('bin', 'sbin', 'lib', 'lib64'):
            if path.startswith(link + '/'):
                return 'usr/' + path
        return path

    def folder_of(self, path):
        parent = os.path.dirname(path)
        if parent and parent not in self.entries:
            self.folder(parent)

    def folder(self, path):
        self.folder_of(path)
        self.entries.setdefault(path, (stat.S_IFDIR | 0o755, b''))

    def link(self, path, to):
        self.folder_of(path)
        self.entries[path] = (stat.S_IFLNK | 0o777, to.encode())

    def text(self, path, text, mode=0o644):
        """A file with the given words."""
        path = self.place(path)
        self.folder_of(path)
        self.entries[path] = (stat.S_IFREG | mode, text.encode())

    def file(self, source, path=None, mode=None):
        """The host's file @source, at the same path or at @path."""
        path = self.place(path or os.path.abspath(source))
        self.folder_of(path)
        mode = mode or stat.S_IMODE(os.stat(source).st_mode)
        self.entries[path] = (stat.S_IFREG | mode, os.path.abspath(source))

    def tree(self, source, path=None, want=lambda p: True):
        """All files below the folder @source for which @want says so."""
        path = path or os.path.abspath(source)
        for folder, folders, names in os.walk(source):
            folders.sort()
            for name in sorted(names):
                full = os.path.join(folder, name)
                if want(full) and os.path.isfile(full):
                    self.file(full, os.path.join(path, os.path.relpath(full, source)))

    def program(self, source, path=None):
        """A program with the libraries that it is loaded with."""
        self.file(source, path, 0o755)
        for library in libraries(source):
            self.file(library, library, 0o755)

    def python(self, modules):
        """The host's Python with what the given modules load, and /usr/bin/python3."""
        code = ('import sys, ' + ', '.join(modules) + ', encodings.utf_8, encodings.latin_1, encodings.idna\n'
                'for m in list(sys.modules.values()):\n'
                '    f = getattr(m, "__file__", None); c = getattr(m, "__cached__", None)\n'
                '    print(f or ""); print(c or "")\n'
                'print(sys.executable)\n')
        run = subprocess.run(['python3', '-I', '-c', code], stdout=subprocess.PIPE, text=True, check=True)
        *files, executable = run.stdout.splitlines()
        for path in files:
            if path and os.path.isfile(path):
                (self.program if path.endswith('.so') else self.file)(path)
        self.program(os.path.realpath(executable), executable)
        if executable != '/usr/bin/python3':
            self.link('usr/bin/python3', executable)

    def busybox(self):
        path = shutil.which('busybox')
        if not path:
            raise GuestError("no 'busybox' (Debian package busybox-static)")
        self.program(path, '/usr/bin/busybox')
        run = subprocess.run([path, '--list'], stdout=subprocess.PIPE, text=True, check=True)
        for name in run.stdout.split():
            if name != 'busybox':
                self.link('usr/bin/' + name, 'busybox')

    def module(self, kernel, name, options=''):
        """A kernel module with those that it needs; init loads them in this order."""
        wanted = name.replace('-', '_')
        for folder, _, names in os.walk(kernel.modules):
            for file in names:
                if file.split('.')[0].replace('-', '_') == wanted and file.endswith(('.ko', '.ko.xz')):
                    self.module_file(kernel, os.path.join(folder, file), wanted, options)
                    return
        raise GuestError(f"no module '{name}' in {kernel.modules}")

    def module_file(self, kernel, source, name, options):
        with (lzma.open if source.endswith('.xz') else open)(source, 'rb') as f:
            code = f.read()
        depends = re.search(rb'\0depends=([^\0]*)\0', code)
        for other in depends.group(1).decode().split(',') if depends else []:
            if other and f'modules/{other}.ko' not in self.entries:
                self.module(kernel, other)
        self.folder('modules')
        self.entries[f'modules/{name}.ko'] = (stat.S_IFREG | 0o644, code)
        load = self.entries.get('modules/load', (0, b''))[1].decode()
        self.text('modules/load', load + f'{name}.ko {options}\n')

    def write(self, out):
        """Writes the archive, in the kernel's 'newc' format."""
        for inode, (path, (mode, what)) in enumerate(self.entries.items(), 1):
            if isinstance(what, str):
                with open(what, 'rb') as f:
                    what = f.read()
            self.write_entry(out, inode, path, mode, what)
        self.write_entry(out, 0, 'TRAILER!!!', 0, b'')

    @staticmethod
    def write_entry(out, inode, path, mode, data):
        name = path.encode() + b'\0'
        numbers = (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0)
        head = b'070701' + b''.join(b'%08x' % n for n in numbers) + name
        out.write(head + b'\0' * (-len(head) % 4))
        out.write(data)
        out.write(b'\0' * (-len(data) % 4))


class Frames:
    """Reads what the guest sends, with an end to all waiting."""

    def __init__(self, fd, is_stalled):
        self.fd = fd
        self.is_stalled = is_stalled
        self.held = bytearray()

    def more(self, deadline):
        """Waits for bytes; False: the guest has gone."""
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if select.select([self.fd], [], [], min(left, STALL_SECONDS))[0]:
                break
            if left > STALL_SECONDS and self.is_stalled():
                raise TimeoutError
        data = os.read(self.fd, 1 << 16)
        self.held += data
        return bool(data)

    def line(self, deadline):
        """The next line; None: the guest has gone."""
        while b'\n' not in self.held:
            if not self.more(deadline):
                return None
        line = self.data(self.held.index(b'\n') + 1, deadline)
        return line[:-1].decode(errors='replace')

    def data(self, length, deadline):
        while len(self.held) < length:
            if not self.more(deadline):
                return None
        data = bytes(self.held[:length])
        del self.held[:length]
        return data


class Guest:
    """One boot. Steps are shell texts; they run in order, each with a time limit."""

    cpu = 'qemu64,+rdrand'  # what is emulated
    words = ()              # more for the kernel
    heir = None             # a Guest that the last step becomes: its image booted by kexec, its steps run

    def __init__(self, image, kernel, memory=512, cpus=2, devices=(), most_out=MOST_OUT,
                 boot_seconds=BOOT_SECONDS):
        self.image, self.kernel = image, kernel
        self.memory, self.cpus = memory, cpus
        self.devices, self.most_out, self.boot_seconds = devices, most_out, boot_seconds
        self.steps = []
        self.console = b''

    def step(self, name, shell, timeout=20):
        n = len(self.steps)
        self.steps.append((name, timeout))
        self.image.text(f'steps/{n}/run', shell + '\n')
        self.image.text(f'steps/{n}/timeout', f'{timeout}\n')

    def kernel_words(self):
        # no_timer_check: on a busy machine the emulated timer comes too late for that check.
        return ['console=ttyS0', 'quiet', 'loglevel=4', 'panic=-1', 'oops=panic', 'mitigations=off',
                 'random.trust_cpu=on', 'no_timer_check', 'rdinit=/init', 'audit=0', 'nowatchdog',
                 'kernel.perf_cpu_time_max_percent=0', f'sonde.most={self.most_out}', *self.words]

    def command(self, initrd, serial):
        return [QEMU, '-accel', 'tcg,thread=multi', '-cpu', self.cpu, '-smp', str(self.cpus),
                '-m', str(self.memory), '-nodefaults', '-no-user-config', '-display', 'none',
                '-no-reboot', '-kernel', self.kernel.image, '-initrd', initrd,
                '-append', ' '.join(self.kernel_words()), *serial, *self.devices]

    def run(self):
        """Boots, gives one Result after another, and powers off. GuestError: it went wrong.

        A busy host may starve an emulated processor for good: then it is booted again."""
        if not shutil.which(QEMU):
            raise GuestError(f"no '{QEMU}' (Debian package qemu-system-x86)")
        scratch = tempfile.mkdtemp(prefix='sonde-guest-')
        try:
            initrd, console = os.path.join(scratch, 'initrd'), os.path.join(scratch, 'console')
            with open(initrd, 'wb') as f:
                self.image.write(f)
            n = 0
            for left in reversed(range(BOOTS)):
                try:
                    for result in itertools.islice(self.talk(initrd, console), n, None):
                        n += 1
                        yield result
                    return
                except GuestStalled as e:
                    if not left:
                        raise
                    print('# booted again, as ' + str(e).replace('\n', '\n# '), flush=True)
                os.remove(console)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)

    def talk(self, initrd, console):
        serial = ['-serial', f'file:{console}', '-serial', 'stdio']
        # What measures time beside it is not to wait for an emulator.
        with subprocess.Popen(['nice', '-n', '5', *self.command(initrd, serial)], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=end_with_us) as qemu:
            try:
                frames = Frames(qemu.stdout.fileno(), lambda: self.has_stalled(console))
                yield from self.results(frames, qemu, console)
            finally:
                if qemu.poll() is None:
                    qemu.kill()
                self.console = self.read(console)

    def results(self, frames, qemu, console):
        where = 'while it booted'
        seconds = self.boot_seconds
        try:
            for n, (name, timeout) in enumerate(self.steps):
                begin = frames.line(time.monotonic() + seconds)
                if begin != f'begin {n}':
                    raise self.gone(where, begin, qemu, console)
                where, seconds = f"in step '{name}'", timeout + GRACE_SECONDS
                if self.heir and n + 1 == len(self.steps):
                    yield from self.heir.results(frames, qemu, console)
                    return
                yield self.result(frames, n, qemu, console)
                where, seconds = f"after step '{name}'", GRACE_SECONDS
            end = frames.line(time.monotonic() + seconds)
            if end != 'done':
                raise self.gone(where, end, qemu, console)
            qemu.wait(GRACE_SECONDS)
        except (TimeoutError, subprocess.TimeoutExpired):
            qemu.kill()
            raise (GuestStalled if self.has_stalled(console) else GuestError)(
                f'the guest hung {where}{self.tail(console)}') from None

    def has_stalled(self, console):
        return b'rcu_preempt kthread starved' in self.read(console)

    def result(self, frames, n, qemu, console):
        name, timeout = self.steps[n]
        deadline = time.monotonic() + timeout + GRACE_SECONDS
        line = frames.line(deadline)
        end = re.fullmatch(rf'end {n} (\d+) (\d+) (\d+) (\d+)', line or '')
        if not end:
            raise self.gone(f"in step '{name}'", line, qemu, console)
        status, ms, out_len, err_len = map(int, end.groups())
        out, err = frames.data(out_len, deadline), frames.data(err_len, deadline)
        if out is None or err is None:
            raise self.gone(f"in step '{name}'", None, qemu, console)
        return Result(name, status, out, err, ms / 1000, status == 137 and ms >= timeout * 1000)

    def gone(self, where, line, qemu, console):
        if line is not None:
            return GuestError(f"the guest said '{line}' {where}{self.tail(console)}")
        words = 'the guest ended'
        if b'Kernel panic' in self.read(console):
            words = 'the guest panicked'
        complaint = qemu.stderr.read().decode(errors='replace').strip()
        return GuestError(f"{words} {where}{self.tail(console)}{complaint and chr(10) + complaint}")

    @staticmethod
    def read(console):
        try:
            with open(console, 'rb') as f:
                return f.read()
        except OSError:
            return b''

    def tail(self, console):
        lines = self.read(console).decode(errors='replace').splitlines()
        lines = [re.sub(r'\x1b\[[0-9;?]*[a-zA-Z]|\x1bc', '', line).rstrip() for line in lines]
        lines = [line for line in lines if line][-40:]
        return ''.join('\n  console: ' + line for line in lines)

    def shell(self):
        """Boots into a shell on this terminal; ends with 'poweroff -f' or C-a x."""
        with tempfile.NamedTemporaryFile(prefix='sonde-guest-') as f:
            self.image.text('etc/shell', '')
            self.image.write(f)
            f.flush()
            previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                return subprocess.call(self.command(f.name, ['-serial', 'mon:stdio']))
            finally:
                signal.signal(signal.SIGINT, previous)
