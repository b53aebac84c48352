# SPDX-License-Identifier: MIT
"""Network namespaces of a test's own, with programs in them; all ends with the process that made them."""
import ctypes
import os
import signal
import subprocess

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


def own_network():
    """Gives this process a new, empty network."""
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'unshare')


class Network:
    """A network namespace; it lasts as long as its descriptor is open or a program is in it."""

    def __init__(self):
        """A new one, which this process is in from then on."""
        own_network()
        self.fd = os.open('/proc/self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
        self.path = f'/proc/{os.getpid()}/fd/{self.fd}'
        self.run('ip', 'link', 'set', 'lo', 'up')

    def _enter(self, uid, cpus, end_by):
        if libc.setns(self.fd, CLONE_NEWNET):
            os._exit(126)
        if cpus:
            os.sched_setaffinity(0, cpus)
        if uid is not None:
            os.setgroups([])
            os.setgid(uid[1])
            os.setuid(uid[0])
        libc.prctl(PR_SET_PDEATHSIG, int(end_by), 0, 0, 0)

    def start(self, args, uid=None, cpus=None, end_by=signal.SIGKILL, **more):
        """Starts a program in the namespace; it gets @end_by when this process ends."""
        return subprocess.Popen(args, preexec_fn=lambda: self._enter(uid, cpus, end_by), **more)

    def run(self, *args):
        """Runs a program there, which must succeed."""
        p = self.start(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        words = p.communicate()[0]
        if p.returncode:
            raise OSError(p.returncode, f"{' '.join(args)}: {words.strip()}")


def join(a, a_link, a_addr, b, b_link, b_addr):
    """A cable between two networks."""
    a.run('ip', 'link', 'add', a_link, 'type', 'veth', 'peer', 'name', b_link, 'netns', b.path)
    for net, link, addr in ((a, a_link, a_addr), (b, b_link, b_addr)):
        net.run('ip', 'addr', 'add', addr, 'dev', link)
        net.run('ip', 'link', 'set', link, 'up')


def receive_on(net, link, cpu, scratch):
    """What comes in by @link is handled on that processor, as if the sender were another machine."""
    net.run('unshare', '-m', 'sh', '-c',
            f'mount -t sysfs sysfs {scratch} && '
            f'echo {1 << cpu:x} >{scratch}/class/net/{link}/queues/rx-0/rps_cpus')
