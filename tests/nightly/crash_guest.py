# SPDX-License-Identifier: MIT
"""A guest with known processes, that tells what it sees of itself and is dumped at that moment.

Used by crash.py. What the guest says of itself are texts of its own kernel (/proc and the like),
in the order in which a shell asked for them; dumps are QEMU's, of the machine that stands still.
"""
import json
import os
import shutil
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, 'tests', 'guest'))
import guest  # noqa: E402

MODULES = ('dummy', 'loop', 'veth')
PORT = 4242
SECONDS = 900  # for what takes some seconds on a machine that does nothing else

# The same text runs in the guest and over its dumps.
TASKS = '''iter:task {
	$t = ctx->task;
	printf("%d %d %s %llx %llx %d %d %llx %llx %llu %d\\n", $t->pid, $t->tgid, $t->comm, $t, $t->signal,
	       $t->real_parent->tgid, $t->prio, $t->mm, $t->nsproxy, $t->start_time, $t->cred->uid.val);
}
'''

START = f'''
mkdir -p /tmp/a && mount -t tmpfs inner /tmp/a && mkdir /tmp/a/b && mount -t tmpfs innermost /tmp/a/b
ip link add dummy7 type dummy && ip addr add 10.9.8.7/24 dev dummy7 && ip link set dummy7 up mtu 1400
for i in 1 2 3; do setsid sleep 10000$i </dev/null >/dev/null 2>&1 & done
setsid sh -c 'exec 7</etc/hosts 8>>/tmp/a/b/notes; echo word >&8; exec sleep 100007' </dev/null >/dev/null 2>&1 &
setsid nc -l -p {PORT} </dev/null >/dev/null 2>&1 &
setsid sh -c 'sleep 100008 | cat' </dev/null >/dev/null 2>&1 &
setsid python3 /sockets.py </dev/null >/tmp/sockets 2>&1 &
head -c 3000000 /dev/zero >/tmp/a/b/file
echo 'sonde: a line of its own' >/dev/kmsg
for i in $(seq 60); do grep -q ready /tmp/sockets && break; sleep 1; done
cat /tmp/sockets
grep -q ready /tmp/sockets
'''

# Each part begins with "== NAME". One program for many files: each costs much under emulation.
TELL = r'''
part() { echo "== $*"; }
part 'slabs first'; cat /proc/slabinfo
part release; uname -r
part tasks; sonde run /tasks.bt
part states; grep -H '' /proc/[0-9]*/stat 2>/dev/null
part switches; grep -H ctxt_switches /proc/[0-9]*/status 2>/dev/null
part stacks; grep -H '' /proc/[0-9]*/stack 2>/dev/null
part mounts; cat /proc/1/mountinfo
part modules; cat /proc/modules
part interrupts; cat /proc/interrupts
part links; ip -o link; ip -o -4 addr
part files; ls -l /proc/[0-9]*/fd 2>/dev/null
part sockets
for f in tcp tcp6 udp udp6 raw raw6 unix netlink packet; do echo "= $f"; cat /proc/net/$f; done
part ss; ss -anpe -A inet,unix,netlink,packet
part slabs; cat /proc/slabinfo
part memory; cat /proc/meminfo
part symbols; grep -w -e init_task -e schedule -e vfs_read -e jiffies -e dummy_xmit -e loop_init /proc/kallsyms
part log; dmesg -r
part 'slabs last'; cat /proc/slabinfo
true
'''


class Qmp:
    """QEMU's monitor, over a socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(SECONDS)
        self.socket.connect(path)
        self.file = self.socket.makefile('rw', encoding='utf-8')
        self.file.readline()  # its greeting
        self.do('qmp_capabilities')

    def close(self):
        self.file.close()
        self.socket.close()

    def do(self, command, **arguments):
        self.file.write(json.dumps({'execute': command, 'arguments': arguments}) + '\n')
        self.file.flush()
        while True:
            answer = json.loads(self.file.readline())
            if 'error' in answer:
                raise guest.GuestError(f"QEMU: {command}: {answer['error']['desc']}")
            if 'return' in answer:
                return answer['return']

    def formats(self):
        """What this QEMU can write; 'paged' is an ELF file by virtual addresses, whose parts overlap."""
        known = self.do('query-dump-guest-memory-capability')['formats']
        return [kind for kind in known if kind != 'win-dmp'] + ['paged']

    def dump(self, kind, path):
        paged = kind == 'paged'
        more = {} if paged else {'format': kind}
        self.do('dump-guest-memory', paging=paged, protocol='file:' + path, **more)


def parts_of(text):
    """What TELL printed, by its parts' names."""
    parts, lines = {}, []
    for line in text.splitlines():
        if line.startswith('== '):
            lines = parts.setdefault(line[3:], [])
        else:
            lines.append(line)
    return parts


def image_of(sonde, kernel):
    image = guest.Image()
    image.program(sonde, '/usr/bin/sonde')
    for module in MODULES:
        image.module(kernel, module)
    image.text('/tasks.bt', TASKS)
    image.python(['os', 'socket', 'time'])
    image.file(os.path.join(HERE, 'sockets.py'), '/sockets.py')
    image.program(shutil.which('ss'), '/usr/bin/ss')
    image.text('/tell', TELL)
    return image


def dumped(sonde, kernel, folder, cpu=None):
    """Boots (on that CPU), and dumps into @folder as FORMAT.dump. Returns what it said before and after that."""
    path = os.path.join(folder, 'qmp')
    g = guest.Guest(image_of(sonde, kernel), kernel,
                    devices=['-qmp', f'unix:{path},server=on,wait=off'])
    g.cpu = cpu or g.cpu
    g.boot_seconds = SECONDS
    g.step('start', START, timeout=SECONDS)
    g.step('before', '. /tell', timeout=SECONDS)
    g.step('wait', 'sleep 3', timeout=SECONDS)
    g.step('after', '. /tell', timeout=SECONDS)
    said = {}
    for step in g.run():
        if step.status:
            raise guest.GuestError(f"step '{step.name}': status {step.status}: "
                                   f"{step.err.decode(errors='replace')}")
        if step.err:
            print(f'# {step.name}: ' + step.err.decode(errors='replace').strip().replace('\n', '\n# '))
        said[step.name] = parts_of(step.out.decode(errors='replace'))
        if step.name == 'before':
            q = Qmp(path)
            q.do('stop')
            for kind in q.formats():
                q.dump(kind, os.path.join(folder, kind + '.dump'))
            q.do('cont')
            q.close()
    return said['before'], said['after']
