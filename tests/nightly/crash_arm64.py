#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Dumps of arm64 virtual machines against what their own kernels say at that moment; prints TAP.

usage: crash_arm64.py SONDE [--keep FOLDER] [--cpu CPU]... [KERNEL]...
  KERNEL: a version with a flavour (6.12-cloud-arm64, 6.12-arm64-16k), that tools/guest-kernel finds
    or fetches, or an image with its modules in lib/modules beside boot/. Default: Debian's of three
    releases, of which those before 13 tell no symbols of data, and one with pages of 16 KiB.
  --cpu:  what QEMU emulates: cortex-a72 (addresses of 48 bits), max (52, signed ones). Default: both
    for one kernel, and for the others the one that can run them.
  --keep: leaves the dumps, and what the kernels said, there.

Busybox of arm64 comes with the kernels. Needs qemu-system-aarch64 (Debian package qemu-system-arm);
no rights. A minute or two for each kernel and CPU.
"""
import argparse
import glob
import json
import lzma
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import crash
import crash_checks
import crash_guest
from crash_guest import guest

QEMU = 'qemu-system-aarch64'
CACHE = os.path.join(os.environ.get('XDG_CACHE_HOME') or os.path.expanduser('~/.cache'), 'sonde', 'guest-arm64')
# The one for pages of 16 KiB is not the machine that the others are for.
CPUS = ('cortex-a72', 'max')
DEFAULT = (('5.10-cloud-arm64', 'cortex-a72'), ('6.1-cloud-arm64', 'max'), ('6.12-cloud-arm64', 'cortex-a72'),
           ('6.12-cloud-arm64', 'max'), ('6.12-arm64-16k', 'max'))
MODULES = ('dummy', 'loop', 'nf_defrag_ipv4')  # that need no others

# Without a script, and with symbols looked for at once: there are many, and they are told once.
TELL = crash_guest.TELL.replace('sonde run /tasks.bt', 'true').partition('part symbols')[0] + 'part log; dmesg -r\n'
SYMBOLS = "part symbols; grep -E ' (init_task|schedule|vfs_read|jiffies|dummy_xmit)' /proc/kallsyms | grep -wE \
	'init_task|schedule|vfs_read|jiffies|dummy_xmit'\n"

# Neither Python nor ss is there for arm64.
START = re.sub(r'.*/sockets.*\n', '', crash_guest.START)

# It tells all twice; in between it stands still, and is dumped.
INIT = f'''#!/bin/sh
export PATH=/usr/bin HOME=/root
mount -t devtmpfs dev /dev; mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs tmp /tmp
exec </dev/console >/dev/console 2>&1
for kind in devpts debugfs tracefs bpf cgroup2 ramfs; do mkdir -p /mnt/$kind && mount -t $kind $kind /mnt/$kind; done
hostname guest
ip link set lo up
echo 0 >/proc/sys/kernel/kptr_restrict
for m in /modules/*.ko; do insmod $m; done
{START}
dd if=/dev/zero of=/dev/null bs=1M &
{TELL}{SYMBOLS}echo "== before"
sleep 10
{TELL}echo "== after"
while :; do sleep 1000; done
'''


class Image(guest.Image):
    """With busybox of arm64, and modules out of their packing."""

    def busybox(self):
        path = next(iter(glob.glob(os.path.join(CACHE, '*', '**', 'bin', 'busybox'), recursive=True)), None)
        if not path:
            raise guest.GuestError(f"no busybox of arm64 in '{CACHE}'")
        self.file(path, 'usr/bin/busybox', 0o755)
        mine = shutil.which('busybox')
        if not mine:
            raise guest.GuestError("no 'busybox' (Debian package busybox-static)")
        run = subprocess.run([mine, '--list'], stdout=subprocess.PIPE, text=True, check=True)
        for name in run.stdout.split():
            if name != 'busybox':
                self.link('usr/bin/' + name, 'busybox')

    def modules(self, folder):
        self.folder('modules')
        for name in MODULES:
            for path in glob.glob(os.path.join(folder, '**', name + '.ko*'), recursive=True):
                with (lzma.open if path.endswith('.xz') else open)(path, 'rb') as f:
                    self.entries[f'modules/{name}.ko'] = (0o100644, f.read())


def wait_for(qemu, console, word):
    """Until the console has the line."""
    end = time.monotonic() + crash_guest.SECONDS
    text = ''
    while time.monotonic() < end:
        time.sleep(0.2)
        if os.path.exists(console):
            with open(console, encoding='utf-8', errors='replace') as f:
                text = f.read().replace('\r', '')
        if f'\n{word}\n' in text:
            return text
        if qemu.poll() is not None:
            raise guest.GuestError(f'QEMU has ended: {text[-400:]}')
    raise guest.GuestError(f"no '{word}' after {crash_guest.SECONDS} s: {text[-400:]}")


def dumped(kernel, cpu, folder):
    """Boots, and dumps into @folder as FORMAT.dump. Returns what it said before and after that."""
    image = Image()
    image.text('init', INIT, 0o755)
    image.modules(kernel.modules)
    initrd, console, qmp = (os.path.join(folder, name) for name in ('initrd', 'console', 'qmp'))
    with open(initrd, 'wb') as f:
        image.write(f)
    # Signing addresses as processors do costs an emulator more than all else.
    emulated = 'max,pauth-impdef=on' if cpu == 'max' else cpu
    command = ['nice', '-n', '5', QEMU, '-M', 'virt', '-cpu', emulated, '-smp', '2', '-m', '512', '-accel',
               'tcg,thread=multi', '-nodefaults', '-display', 'none', '-no-reboot', '-kernel', kernel.image,
               '-initrd', initrd, '-append', 'console=ttyAMA0 quiet loglevel=1 panic=-1 audit=0 nowatchdog '
               'rdinit=/init', '-serial', f'file:{console}', '-qmp', f'unix:{qmp},server=on,wait=off']
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=guest.end_with_us) as qemu:
        try:
            wait_for(qemu, console, '== before')
            q = crash_guest.Qmp(qmp)
            q.do('stop')
            for kind in ('elf', 'kdump-zlib'):
                q.dump(kind, os.path.join(folder, kind + '.dump'))
            q.do('cont')
            text = wait_for(qemu, console, '== after')
            q.close()
        finally:
            qemu.kill()
    before, _, after = text.partition('\n== before\n')
    return crash_guest.parts_of(before), crash_guest.parts_of(after)


def tasks_of(lines):
    """/proc/PID/stat: name, as long as scripts see it, and parent by pid."""
    found = (re.match(r'/proc/(\d+)/stat:\d+ \((.*)\) \S+ (\d+)', line) for line in lines)
    return {m[1]: (m[2][:15], m[3]) for m in found if m}


def check_tasks(case):
    lines = case.over_core().splitlines()
    have = {w[0]: (w[2], w[1]) for w in (line.split(' ', 2) for line in lines) if len(w) == 3}
    # Workers of the kernel call themselves by what they do, to /proc alone.
    want = {pid: v for pid, v in case.steady('states', tasks_of).items() if not v[0].startswith('kworker')}
    return crash_checks.differences(want, have, 30)


def check_stacks(case):
    """Kernels before 5.16 begin their own with the switch, and leave out what called that."""
    def left_out(said):
        return {**said, 'stacks': [line for line in said['stacks'] if '] __switch_to+' not in line]}
    return crash_checks.check_stacks(crash_checks.Case(case.sonde, case.script, case.dumps, left_out(case.before),
                                                       left_out(case.after)))


def check_user_memory(case):
    """Words that three programs were called with, where the kernel said that they are."""
    found = []
    for line in case.before['states']:
        words = line.rpartition(')')[2].split()
        if '(sleep)' in line and len(words) > 46:
            pid, at = re.match(r'/proc/(\d+)/', line)[1], words[45]
            found.append(case.crash('read', at, '32', '--pid', pid))
    right = [t for t in found if 'sleep.10000' in t]
    return [] if len(right) >= 3 else [f'{len(right)} of {len(found)}'] + found


def is_code_alone(case):
    """Whether the kernel tells of code alone, as those before Debian 13 do."""
    return not any(line.endswith(' init_task') for line in case.before['symbols'])


def check_interrupts(case):
    """Without the chip's name: some of arm64 have none in memory."""
    if is_code_alone(case):
        try:
            return [case.crash('irq')]
        except crash_checks.Wrong as e:
            return [] if 'CONFIG_KALLSYMS_ALL' in str(e) else [e]
    have = {i['irq']: (i['count'], i['actions']) for i in case.table('irq', 'irqs')}
    before, after = (crash_checks.interrupts_of(said['interrupts']) for said in (case.before, case.after))
    wrong = [f'{irq}: {v}, read as {have.get(irq)}' for irq, v in before.items()
             if not v[0] <= have.get(irq, (-1, ''))[0] <= after[irq][0] or have[irq][1] not in v[2]]
    return wrong + ([] if len(before) >= 3 else ['too few'])


def check_symbols(case):
    return crash_checks.check_symbols(case, 3 if is_code_alone(case) else 4)


def check_running(case):
    """What each CPU did, from where its stack begins."""
    ends = ('el0t_64_sync', 'el0t_64_irq', 'el0_sync', 'el0_irq', 'ret_from_fork', '__primary_switched',
            'start_kernel', '__secondary_switched')  # before 5.12 nothing calls start_kernel
    wrong = []
    tasks = json.loads(case.crash('bt', '--running', '--json'))
    for task in tasks:
        names = [f['symbol'] for f in task['frames']]
        if names and (None in names or names[-1] not in ends):
            wrong.append(f"{task['pid']}: {names}")
    return wrong + ([] if len(tasks) == 2 else [f'{len(tasks)} of 2 CPUs'])


CHECKS = {**{k: v for k, v in crash_checks.ALL.items() if k != 'sockets'}, 'tasks': check_tasks, 'symbols': check_symbols, 'stacks': check_stacks, 'interrupts': check_interrupts,
          'memory of processes': check_user_memory, 'CPUs': check_running}
SCRIPT = 'iter:task { printf("%d %d %s\\n", ctx->task->pid, ctx->task->real_parent->tgid, ctx->task->comm); }\n'


def one(sonde, kernel, cpu, folder):
    before, after = dumped(kernel, cpu, folder)
    script = os.path.join(folder, 'tasks.bt')
    with open(script, 'w', encoding='utf-8') as f:
        f.write(SCRIPT)
    for path in sorted(glob.glob(os.path.join(folder, '*.dump'))):
        case = crash_checks.Case(sonde, script, [path], before, after)
        crash.check(case, f'{kernel.release}, {cpu}, {os.path.basename(path)[:-5]}', CHECKS)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('sonde')
    p.add_argument('--keep')
    p.add_argument('--cpu', action='append')
    p.add_argument('kernels', nargs='*', metavar='KERNEL')
    args = p.parse_intermixed_args()
    if not shutil.which(QEMU):
        print(f"1..0 # SKIP no '{QEMU}'")
        return 0
    wanted = [(word, cpu) for word in args.kernels for cpu in args.cpu or CPUS] or \
        [(word, cpu) for word, cpu in DEFAULT if cpu in (args.cpu or CPUS)]
    for word, cpu in wanted:
        try:
            kernel = crash.kernel_of(word)
        except guest.GuestError as e:
            if args.kernels:
                crash.result(f'{word}: there is such a kernel', [e])
            else:
                print(f'ok {crash.count()} - {word} # SKIP {str(e).splitlines()[-1]}')
            continue
        with tempfile.TemporaryDirectory(prefix='sonde-crash-') as scratch:
            folder = os.path.join(os.path.abspath(args.keep), f'{kernel.release}-{cpu}') if args.keep else scratch
            os.makedirs(folder, exist_ok=True)
            try:
                one(os.path.abspath(args.sonde), kernel, cpu, folder)
            except guest.GuestError as e:
                crash.result(f'{kernel.release} on {cpu}: the guest runs and is dumped', [e])
    print(f'1..{crash.n}')
    return crash.failed > 0


if __name__ == '__main__':
    sys.exit(main())
