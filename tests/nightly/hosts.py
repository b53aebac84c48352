# SPDX-License-Identifier: MIT
"""Virtual machines on virtual cables, each with recordings of its own, and what is asked of those.

    def prepare(site):
        a, b = site.machine('a'), site.machine('b')
        site.cable(a, '10.0.0.1', b, '10.0.0.2')
        a.record('ask', 'trace', 'sh -c ...', 60)

    test(sonde, None, prepare, {'trace': [check]})

Under emulation all run Debian's kernel with clocks of their own. No rights are needed.
"""
import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import threading

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, 'tests', 'guest'))
import guest  # noqa: E402

MOST_TRACE = 64 << 20
BOOT_SECONDS = 400   # several at once on a machine that may be busy
RECORD = 'sonde record --net --no-samples -o /tmp/{} -- '
# A web server until somebody asks for 'stop'; what else it answers, others say.
SERVE = '''#!/bin/sh
rm -f /tmp/stop
httpd -f -p 80 -h /www &
while [ ! -e /tmp/stop ]; do sleep 1; done
kill $!'''
STOP = '''#!/bin/sh
touch /tmp/stop
echo Content-Type: text/plain
echo
'''
DISK = 'mkdir /disk && mke2fs /dev/vda >/dev/null 2>&1 && mount -t ext4 /dev/vda /disk'


class Machine:
    """One of them: its image, its links; each step goes to all boots alike."""

    def __init__(self, sonde, kernel, number, name, disk=None):
        self.kernel, self.number, self.name = kernel, number, name
        self.image = guest.Image()
        self.image.program(sonde, '/usr/bin/sonde')
        self.modules('virtio_pci', 'virtio_net', 'virtio_blk')
        self.image.text('/serve', SERVE)
        self.image.text('/www/cgi-bin/stop', STOP, 0o755)
        self.devices, self.network = [], [f'hostname {name}']
        self.links, self.steps = 0, []
        if disk:
            with open(disk, 'wb') as f:
                f.truncate(32 << 20)
            self.devices += ['-drive', f'file={disk},format=raw,if=none,id=d,cache=none',
                             '-device', 'virtio-blk-pci,drive=d']
            self.network.append(DISK)

    def modules(self, *names):
        for name in names:
            self.image.module(self.kernel, name)

    def link(self, mine, other, addr):
        """A network card at the end @mine of a cable."""
        n = self.links
        self.links += 1
        self.devices += ['-netdev', f'dgram,id=n{n},local.type=unix,local.path={mine},'
                         f'remote.type=unix,remote.path={other}', '-device',
                         f'virtio-net-pci,netdev=n{n},mac=52:54:00:00:{self.number:02x}:0{n}']
        self.network.append(f'ip link set eth{n} up && ip addr add {addr}/24 dev eth{n}')

    def step(self, name, shell, timeout):
        self.steps.append((name, shell, timeout))

    def record(self, name, trace, shell, timeout):
        """A step that is recorded, and one that hands over the trace."""
        self.step(name, RECORD.format(trace) + shell, timeout)
        self.step('copy ' + trace, f'tar -C /tmp -cf - {trace}', 600)

    def wait_for(self, url, timeout):
        self.step('wait', f'until wget -q -O /dev/null {url} 2>/dev/null; do sleep 0.3; done', timeout)

    def boot(self, ret):
        """Runs it to its end, or to the first failure; what the steps wrote goes to @ret."""
        g = guest.Guest(self.image, self.kernel, devices=self.devices, most_out=MOST_TRACE,
                        boot_seconds=BOOT_SECONDS)
        g.step('network', ' && '.join(self.network))
        for step in self.steps:
            g.step(*step)
        try:
            for step in g.run():
                ret.append(step)
                words = step.err.decode(errors='replace').strip()
                print(f'# {self.name}: {step.name}: status {step.status}, {step.seconds:.1f} s'
                      f"{words and '; ' + words}".replace('\n', '\n# '), flush=True)
                if step.status:
                    return
        except (guest.GuestError, OSError) as e:
            print(f'# {self.name}: ' + str(e).replace('\n', '\n# '), flush=True)


class Site:
    def __init__(self, sonde, scratch):
        """guest.GuestError: it cannot be had here, which is no failure."""
        self.sonde, self.scratch = sonde, scratch
        self.kernel = guest.find_kernel()
        self.machines, self.cables = [], 0

    def machine(self, name, disk=False):
        path = os.path.join(self.scratch, 'disk-' + name) if disk else None
        m = Machine(self.sonde, self.kernel, len(self.machines), name, path)
        self.machines.append(m)
        return m

    def cable(self, a, a_addr, b, b_addr):
        ends = [os.path.join(self.scratch, f'cable{self.cables}{end}') for end in 'ab']
        self.cables += 1
        a.link(*ends, a_addr)
        b.link(*ends[::-1], b_addr)

    def run(self):
        """Boots all of them at once; yields each with its steps' results."""
        results = [[] for _ in self.machines]
        threads = [threading.Thread(target=m.boot, args=(ret,))
                   for m, ret in zip(self.machines, results)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return zip(self.machines, results)


class Checks:
    """Prints TAP."""

    def __init__(self):
        self.n = self.failed = 0

    def result(self, name, ok, words=''):
        self.n += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.n} - {name}{'' if ok else ': ' + str(words)}",
              flush=True)

    def end(self):
        print(f'1..{self.n}')
        return self.failed > 0


def unpack(machine, steps, folder):
    """The traces that it sent, as FOLDER/TRACE/NAME; False: it did not get so far."""
    for step in steps:
        if step.status or not step.name.startswith('copy '):
            continue
        trace = os.path.join(folder, step.name.split()[1])
        with tarfile.open(fileobj=io.BytesIO(step.out)) as tar:
            tar.extractall(os.path.join(folder, 'new'))
        os.makedirs(trace, exist_ok=True)
        os.rename(os.path.join(folder, 'new', step.name.split()[1]),
                  os.path.join(trace, machine.name))
    return len(steps) == len(machine.steps) + 1 and not steps[-1].status


def report(sonde, folder, *args):
    """What 'sonde report ... --json' says, and its notes."""
    p = subprocess.run([sonde, 'report', *args, '--json'], cwd=folder, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, check=False)
    print('# ' + p.stderr.strip().replace('\n', '\n# '))
    return (json.loads(p.stdout) if p.returncode == 0 else {}), p.stderr


def adds_up(path):
    return path['adds_up'] and path['segments_ns'] + path['hops_ns'] == path['duration_ns'] and \
        sum(s['ns'] for s in path['path']) == path['duration_ns']


def hops_of(path):
    """The hops between hosts, in their order."""
    return [(s['from_host'], s['host']) for s in path['path']
            if s['kind'] == 'hop' and s['from_host'] != s['host']]


def test(sonde, keep, prepare, checks_of):
    """Boots the machines and checks what they recorded: {trace: functions(Checks, sonde, folder)}."""
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix='sonde-hosts-') as scratch:
        folder = os.path.abspath(keep) if keep else scratch
        os.makedirs(folder, exist_ok=True)
        try:
            site = Site(sonde, scratch)
            prepare(site)
        except guest.GuestError as e:
            print(f'1..0 # SKIP {e}')
            return 0
        for machine, steps in site.run():
            checks.result(f'{machine.name}: records', unpack(machine, steps, folder))
        if not checks.failed:
            for trace, functions in checks_of.items():
                for check in functions:
                    check(checks, sonde, os.path.join(folder, trace))
    return checks.end()
