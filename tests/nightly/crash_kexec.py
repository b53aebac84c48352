#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Dumps that a second kernel writes of the one that has died before it, as kdump does; prints TAP.

usage: crash_kexec.py SONDE [--keep FOLDER] [--makedumpfile PROGRAM] [--crash] [KERNEL]...
  KERNEL: as crash.py has it. Default: the guest tests' own, also with five levels, and the newest.
  --crash: what Debian's crash says of each kernel's /proc/vmcore is compared too. Default: of the guest
    tests' own alone, where no KERNEL is named, as 300 MB of debug information are fetched for each.
  --keep: leaves the dumps, and what the kernels said, there.
  --makedumpfile: that one. Default: Debian 13's, which knows zstd, where tools/guest-kernel finds or
    fetches it, else the machine's. Debian builds it without snappy, which is then not tried; whatever
    else it does not write is a failure.

A guest says what it knows of itself, and then its kernel is made to panic on a known CPU. kexec boots
the second one, which copies /proc/vmcore and has makedumpfile write it in its formats, each to a disk
that is a file here. From each alone Sonde must say what the kernel said, and say the same as from
the others; of pages that makedumpfile left out it must say that. Some minutes; no rights are needed.
Packages: kexec-tools, makedumpfile.
"""
import argparse
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import crash
import crash_checks
import crash_guest
import crash_peer
from crash_guest import guest

DEFAULT = ('', crash.FIVE, 'newest')
CPU = 1          # that panics
RESERVED = 384   # megabytes for the second kernel
DISK = 2 << 30   # bytes of a disk, which has as many as were written

Form = collections.namedtuple('Form', 'name options parts')
FORMS = (
    Form('vmcore', None, 1),
    Form('elf-31', '-E -d 31', 1),
    Form('plain-31', '-d 31', 1),
    Form('zlib-31', '-c -d 31', 1),
    Form('lzo-31', '-l -d 31', 1),
    Form('snappy-31', '-p -d 31', 1),
    Form('zstd-31', '-z -d 31', 1),
    Form('flat-1', '-F -c -d 1', 1),
    Form('flat-31', '-F -l -d 31', 1),
    Form('flat-elf-31', '-F -E -d 31', 1),
    Form('split-31', '--split -l -d 31', 3),
)

PANIC = f'''
kexec -p /boot/kernel --initrd=/boot/initrd --command-line="$(cat /boot/words)"
[ "$(cat /sys/kernel/kexec_crash_loaded)" = 1 ] || exit 1
'''

# Of a disk that has the name, the way to it. What cannot be streamed fits into most of the memory.
WRITE = '''
mount -o remount,size=90% /tmp
disk() { echo /dev/$(basename $(dirname $(grep -lx "$1" /sys/block/*/serial))); }
copy() { dd if="$1" of=$(disk "$2") bs=1M iflag=fullblock conv=fsync 2>/dev/null && stat -c "$2 %s" "$1"; }
'''


def write_of(form):
    """A shell text that writes it, and prints the names of disks with what was written to them."""
    names = [f'{form.name}.{i}' for i in range(form.parts)]
    if not form.options:
        return WRITE + f'copy /proc/vmcore {names[0]}\n'
    if form.options.startswith('-F'):
        return WRITE + f'''
mkfifo /tmp/pipe
makedumpfile {form.options} /proc/vmcore 2>/tmp/err | tee /tmp/pipe | dd of=$(disk {names[0]}) bs=1M iflag=fullblock conv=fsync 2>/dev/null &
wc -c </tmp/pipe >/tmp/size
wait
grep -q Completed /tmp/err || {{ cat /tmp/err >&2; exit 1; }}
echo {names[0]} $(cat /tmp/size)
rm /tmp/pipe
'''
    files = ' '.join('/tmp/' + name for name in names)
    return WRITE + f'''
said=$(makedumpfile {form.options} /proc/vmcore {files} 2>&1) || {{ rm -f {files}; echo "$said" >&2; exit 1; }}
''' + ''.join(f'copy /tmp/{name} {name} && rm /tmp/{name}\n' for name in names)


def find_makedumpfile():
    """The newer one, if it runs here. None: there is none."""
    tool = os.path.join(crash_guest.TOP, 'tools', 'guest-kernel')
    run = subprocess.run([tool, '--program', 'makedumpfile', 'trixie'], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         stdin=subprocess.DEVNULL, text=True, check=False)
    newer = os.path.join(run.stdout.strip(), 'usr/bin/makedumpfile')
    if not run.returncode and subprocess.run([newer, '-v'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                             check=False).returncode == 0:
        return newer
    return shutil.which('makedumpfile')


def forms_of(makedumpfile):
    """What this makedumpfile can write."""
    run = subprocess.run([makedumpfile, '-v'], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    off = set(re.findall(r'^(\w+)\s+disabled$', run.stdout, re.M))
    forms = [form for form in FORMS if form.name.split('-')[0] not in off]
    for form in set(FORMS) - set(forms):
        name = f"'{makedumpfile}' can write {form.name}"
        if form.name.startswith('snappy'):
            print(f'ok {crash.count()} - {name} # SKIP it was built without')
        else:
            crash.result(name, ['it was built without'])
    return forms


def add_modules(image, kernel):
    """What drives the disks; some kernels have it built in."""
    with open(os.path.join(kernel.modules, 'modules.builtin'), encoding='utf-8') as f:
        builtin = {os.path.basename(line.strip()) for line in f}
    for name in ('virtio_pci', 'virtio_blk'):
        if name + '.ko' not in builtin:
            image.module(kernel, name)


def second(kernel, makedumpfile, forms):
    """The guest that writes the dumps."""
    image = guest.Image()
    image.program(makedumpfile, '/usr/bin/makedumpfile')
    add_modules(image, kernel)
    g = guest.Guest(image, kernel)
    g.boot_seconds = crash_guest.SECONDS
    g.words = ('nr_cpus=1', 'reset_devices', 'irqpoll')
    for form in forms:
        g.step(form.name, write_of(form), timeout=crash_guest.SECONDS)
    return g


def first(sonde, kernel, heir, devices):
    image = crash_guest.image_of(sonde, kernel)
    image.program(shutil.which('kexec'), '/usr/sbin/kexec')
    image.file(kernel.image, '/boot/kernel')
    image.text('boot/words', ' '.join(heir.kernel_words()))
    with tempfile.TemporaryFile() as f:
        heir.image.write(f)
        f.seek(0)
        image.entries['boot/initrd'] = (0o100644, f.read())
    g = guest.Guest(image, kernel, memory=RESERVED + 512, devices=devices)
    g.words = (f'crashkernel={RESERVED}M',)
    g.heir = heir
    g.boot_seconds = crash_guest.SECONDS
    g.step('start', crash_guest.START, timeout=crash_guest.SECONDS)
    g.step('kexec', PANIC, timeout=crash_guest.SECONDS)
    g.step('before', '. /tell', timeout=crash_guest.SECONDS)
    g.step('after', 'sleep 3; . /tell', timeout=crash_guest.SECONDS)
    g.step('panic', f"sync; taskset {1 << CPU:x} sh -c 'echo c >/proc/sysrq-trigger'",
           timeout=crash_guest.SECONDS)
    return g


def disks_of(forms, folder):
    """QEMU's words for a disk for each part."""
    devices = []
    for form in forms:
        for i in range(form.parts):
            name = f'{form.name}.{i}'
            path = os.path.join(folder, name)
            with open(path, 'wb') as f:
                f.truncate(DISK)
            devices += ['-drive', f'file={path},format=raw,if=none,id=d{len(devices)},cache=unsafe',
                        '-device', f'virtio-blk-pci,drive=d{len(devices)},serial={name}']
    return devices


def dumped(sonde, kernel, five, makedumpfile, folder):
    """Returns what the guest said twice, and (form, its files) of what was written."""
    forms = forms_of(makedumpfile)
    heir = second(kernel, makedumpfile, forms)
    g = first(sonde, kernel, heir, disks_of(forms, folder))
    g.cpu = 'qemu64,+rdrand,+la57' if five else g.cpu
    said, dumps = {}, []
    for step in g.run():
        form = next((f for f in forms if f.name == step.name), None)
        err = step.err.decode(errors='replace').strip()
        if err:
            print(f'# {step.name}: ' + err.replace('\n', '\n# '))
        if step.status and (not form or not form.options):
            raise guest.GuestError(f"step '{step.name}': status {step.status}: {err}")
        if not form:
            said[step.name] = crash_guest.parts_of(step.out.decode(errors='replace'))
            continue
        files = []
        for name, size in re.findall(r'^(\S+) (\d+)$', step.out.decode(), re.M):
            files.append(os.path.join(folder, name))
            os.truncate(files[-1], int(size))
        whole = not step.status and len(files) == form.parts and all(map(os.path.getsize, files))
        crash.result(f'{kernel.release}, {form.name}: makedumpfile writes it',
                     [] if whole else [f'status {step.status}: {step.out.decode(errors="replace").strip()} {err}'])
        if whole:
            dumps.append((form, files))
    return said['before'], said['after'], dumps


def check_panic(case):
    text = case.crash('report')
    words = ('sysrq triggered crash', 'sysrq_handle_crash', case.before['release'][0])
    wrong = [f"no '{word}'" for word in words if word not in text]
    return wrong + ([text] if wrong else [])


def check_crashed(case):
    """The stack of the CPU that panicked, and who did it."""
    tasks = [t for t in json.loads(case.crash('bt', '--running', '--json'))
             if any(f['symbol'] == 'sysrq_handle_crash' for f in t['frames'])]
    if len(tasks) != 1:
        return [f'{len(tasks)} tasks have crashed']
    names = [re.sub(r'\..*', '', f['symbol'] or '?') for f in tasks[0]['frames']]  # without .cold
    want = ['sysrq_handle_crash', '__handle_sysrq', 'write_sysrq_trigger']
    at = names.index(want[0])
    wrong = [] if names[at:at + 3] == want else [f'{names}']
    if tasks[0].get('cpu') != CPU or tasks[0]['comm'] != 'sh':
        wrong.append(f"{tasks[0]['comm']} on CPU {tasks[0].get('cpu')}")
    return wrong


def sleepers(case):
    """Where the words are that each of START's sleeps was called with, by its pid."""
    found = {}
    for line in case.before['states']:
        words = line.rpartition(')')[2].split()
        if '(sleep)' in line and len(words) > 46:
            found[re.match(r'/proc/(\d+)/', line)[1]] = words[45]
    return found


def check_users(case, form):
    """Memory of programs is read, or said to be left out; never read as zeros."""
    left_out, read, wrong = 0, 0, []
    for pid, at in sleepers(case).items():
        status, said = case.tried('read', at, '16', '--pid', pid)
        left_out += bool(status) and 'was left out when the dump was written' in said
        read += not status and 'sleep.10' in said
    n = len(sleepers(case))
    # Of an ELF core makedumpfile leaves out only what is many pages long.
    if n < 4 or left_out + read != n or read != (0 if is_packed(form) else n if not is_filtered(form) else read):
        wrong.append(f'{n} programs: {read} could be read, {left_out} were left out')
    return wrong


USERS = 'iter:task { if (comm == "sleep") { printf("%d [%s]\\n", pid, str(ctx->task->mm->arg_start)); } }\n'


def check_users_by_script(case, form):
    """A script sees what was left out as an empty text, and is told how often."""
    run = subprocess.run([case.sonde, 'run', *(word for dump in case.dumps for word in ('--core', dump)), '-e', USERS],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, timeout=600)
    read, empty = run.stdout.count('[sleep]'), run.stdout.count('[]')
    told = re.search(r'(\d+) reads gave 0 or no text.* was left out when the dump was written', run.stderr)
    if read + empty != len(sleepers(case)) or (int(told[1]) if told else 0) != empty or \
            (empty and not is_filtered(form)) or (read and is_packed(form)):
        return [f'{read} read, {empty} empty: {run.stderr}']
    return []


def is_filtered(form):
    """Whether pages were left out that were no zeros."""
    return bool(form.options) and '31' in form.options


def is_packed(form):
    return is_filtered(form) and '-E' not in form.options


def check_head(case, form):
    """How many pages were left out, and by which level."""
    head = next(line for line in case.crash('report').splitlines() if line.startswith('Dump'))
    some = re.search(r'(\d+) more were left out when it was written', head)
    wrong = bool(some) != is_filtered(form) or (some and int(some[1]) < 1000) or \
        ('(level 31)' in head) != is_packed(form)
    return [head] if wrong else []


# Some parts of memory by the direct map, where pages of all kinds lie.
PARTS = [((i * 97 + 13) % ((RESERVED + 512) * 4)) * (256 << 10) for i in range(10)]


def words_at(case, base, at):
    """Lines of memory by their address, and whether some are said to be left out."""
    status, said = case.tried('read', hex(base + at), hex(256 << 10))
    lines = dict(line.split('  ', 1) for line in said.splitlines() if re.match(r'[0-9a-f]{16}  ', line))
    if status and lines:
        raise crash_checks.Wrong(said[-400:])
    return lines, 'was left out when the dump was written' in said


def check_pages(cases, n_least):
    """What a dump has of memory is what the first one has, with all pages; and what it has not is told."""
    base = int(cases[0][1].crash('read', 'page_offset_base', '8').split()[1], 16)
    wrong, compared, left = [], 0, 0
    for at in PARTS:
        full, _ = words_at(cases[0][1], base, at)
        for name, case in cases[1:]:
            some, told = words_at(case, base, at)
            bad = [f'{name}: {k}: {v}, in full: {full.get(k)}' for k, v in some.items() if full.get(k) != v]
            if len(some) < len(full) and not told:
                bad.append(f'{name}: {len(full) - len(some)} lines at {base + at:x} are missing without a word')
            wrong += bad[:2]
            compared, left = compared + len(some), left + len(full) - len(some)
    return wrong + ([] if compared > n_least and left > n_least else [f'only {compared} lines and {left} left out'])


# What changes between what was said and the panic is left to crash.py.
CHECKS = {**{k: v for k, v in crash_checks.ALL.items() if k not in ('interrupts', 'slabs', 'memory', 'report')},
          'panic': check_panic, 'crashed': check_crashed}
LEFT_OUT = {'how much was left out': check_head, 'memory of programs': check_users,
            'memory of programs by script': check_users_by_script}
# All that a dump without pages of users and caches must still tell.
SAME = (('ps',), ('ps', '--tree'), ('bt',), ('bt', '--unique'), ('log',), ('mods',), ('irq',), ('mount',), ('net',),
        ('files',), ('mem', '--json'), ('sym', 'schedule'), ('print', 'task_struct', 'init_task'))


def check_same(cases, words):
    """Whether the text is that of the first one, with all pages."""
    want, wrong = cases[0][1].crash(*words), []
    for name, case in cases[1:]:
        have = case.crash(*words)
        if have != want:
            lines = [f'{name}: {a!r} is {b!r}' for a, b in zip(want.splitlines(), have.splitlines()) if a != b]
            wrong += lines[:3] or [f'{name}: {len(want)} bytes are {len(have)}']
    return wrong


def check_peer(kernel, case, folder):
    version = re.match(r'\d+\.\d+', kernel.release)[0]
    try:
        checks = crash_peer.checks(version, case.dumps[0], folder)
    except guest.GuestError as e:
        print(f"ok {crash.count()} - {kernel.release}: as crash # SKIP {str(e).splitlines()[-1]}")
        return
    crash.check(case, f'{kernel.release}, as crash', checks)


def one_kernel(sonde, kernel, five, makedumpfile, folder, peer):
    name = kernel.release + (crash.FIVE if five else '')
    before, after, dumps = dumped(sonde, kernel, five, makedumpfile, folder)
    with open(os.path.join(folder, 'said.json'), 'w', encoding='utf-8') as f:
        json.dump([before, after], f, indent=1)
    script = os.path.join(folder, 'tasks.bt')
    with open(script, 'w', encoding='utf-8') as f:
        f.write(crash_guest.TASKS)
    cases = []
    for form, files in dumps:
        case = crash_checks.Case(sonde, script, files, before, after)
        cases.append((form.name, case))
        crash.check(case, f'{name}, {form.name}', {**CHECKS, **({'five levels': crash.check_five} if five else {}), **{
            what: lambda c, f=f, form=form: f(c, form) for what, f in LEFT_OUT.items()}})
    if peer and cases and cases[0][0] == 'vmcore':
        check_peer(kernel, cases[0][1], folder)
    crash.check(cases, f'{name}, all formats', {'memory': lambda c: check_pages(c, 10000)})
    for words in SAME:
        crash.check(cases, f'{name}, all formats', {' '.join(words): lambda c, w=words: check_same(c, w)})


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('sonde')
    p.add_argument('--keep')
    p.add_argument('--makedumpfile')
    p.add_argument('--crash', action='store_true')
    p.add_argument('kernels', nargs='*', metavar='KERNEL')
    args = p.parse_intermixed_args()
    makedumpfile = args.makedumpfile or find_makedumpfile()
    if not shutil.which('kexec') or not makedumpfile:
        print("1..0 # SKIP no 'kexec' or 'makedumpfile' (Debian packages kexec-tools, makedumpfile)")
        return 0

    def with_kernel(kernel, five, folder):
        peer = args.crash or (not args.kernels and not five and kernel.release.startswith('6.1.'))
        one_kernel(os.path.abspath(args.sonde), kernel, five, makedumpfile, folder, peer)

    crash.each_kernel(args.kernels, args.keep, with_kernel, DEFAULT)
    print(f'1..{crash.n}')
    return crash.failed > 0


if __name__ == '__main__':
    sys.exit(main())
