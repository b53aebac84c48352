#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The index that 'report states' keeps: damaged, stale, foreign or not to be written, it never
changes what is reported.

usage: kept.py SONDE
"""
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import reports
import trace

SIZE = 4000


def make(folder, seed, **more):
    trace.write_cpus(folder, trace.Machine(seed).run(SIZE), **more)


class Kept(reports.Checks):
    def states(self, *paths, cache=None, env=None):
        """What the report shows, and what it says about the index."""
        argv = ['report', 'states', '--json', *paths]
        status, out, err = self.run(*argv, *(['--cache', cache] if cache else []), env=env)
        return (status, out), err

    def fresh(self, *paths):
        """The report of copies that have no index."""
        copies = []
        for i, path in enumerate(paths):
            copies.append(os.path.join(self.scratch, 'fresh', str(i), os.path.basename(path)))
            shutil.copytree(os.path.join(self.scratch, path), copies[-1],
                            ignore=shutil.ignore_patterns('.sonde'))
        shown, _ = self.states(*copies)
        shutil.rmtree(os.path.join(self.scratch, 'fresh'))
        return shown

    def same(self, name, want, *paths, **more):
        shown, err = self.states(*paths, **more)
        self.result(name, shown == want, shown, want, err)
        return err

    def alone_and_together(self):
        make(os.path.join(self.scratch, 'a'), 1, host='a', uuid=trace.UUID.replace('0', 'a'))
        late = [[(at + 10 ** 9, e) for at, e in events] for events in trace.Machine(2).run(SIZE)]
        late[0].pop()
        trace.write(os.path.join(self.scratch, 'b'),
                    {'cpu_0': [trace.Packet(0, late[0][:900]),
                               trace.Packet(0, late[0][900:], discarded=7, seq=1)]}, host='b')
        alone = self.fresh('a'), self.fresh('b')
        both = self.fresh('a', 'b')
        self.same('two traces', both, 'a', 'b')
        self.same('one of two traces', alone[0], 'a')
        self.same('the other of two traces, with its own losses', alone[1], 'b')
        self.same('two traces from their indexes', both, 'a', 'b')

    def parts(self):
        cpus = trace.Machine(3).run(SIZE)
        for i in (0, 1):
            half = [e[:len(e) // 2] if i == 0 else e[len(e) // 2:] for e in cpus]
            trace.write_cpus(os.path.join(self.scratch, 'whole/part%d' % i), half)
        alone = [self.fresh('whole/part%d' % i) for i in (0, 1)]
        both = self.fresh('whole')
        self.result('parts differ from the whole', both not in alone and alone[0] != alone[1])
        for again in ('', ' again'):
            self.same('a recording of two folders' + again, both, 'whole')
            self.same('one of its folders' + again, alone[0], 'whole/part0')
            self.same('the other one' + again, alone[1], 'whole/part1')

    def damage(self):
        make(os.path.join(self.scratch, 'd'), 4)
        want, _ = self.states('d')
        index = os.path.join(self.scratch, 'd/.sonde/kernel')
        with open(index, 'rb') as f:
            good = f.read()
        r = random.Random(1)
        wrong = []
        for i in range(60):
            # The header and the tracks at the end are small; most is nodes.
            at = r.choice([r.randrange(300), r.randrange(len(good)),
                           len(good) - 1 - r.randrange(4000)])
            bad = bytearray(good)
            bad[at] ^= 1 << r.randrange(8)
            bad = bad[:r.randrange(len(bad))] if i % 5 == 0 else bad
            with open(index, 'wb') as f:
                f.write(bad)
            if self.states('d')[0] != want:
                wrong.append((at, len(bad)))
        self.result('damaged and cut indexes', not wrong, wrong)
        for name, text in (('empty', b''), ('of zeros', bytes(8192)), ('of text', b'sonde st' * 999)):
            with open(index, 'wb') as f:
                f.write(text)
            self.same('an index ' + name, want, 'd')
        os.unlink(index)
        os.mkdir(index)
        err = self.same('a folder where the index would be', want, 'd')
        self.result('.. is told', 'cannot be kept' in err, err)

    def changes(self):
        path = os.path.join(self.scratch, 'g')
        make(path, 5)
        before, _ = self.states('g')
        with open(os.path.join(path, 'cpu_0'), 'ab') as f:
            at = 10 ** 8
            f.write(trace.Packet(0, [(at, ('irq_handler_entry', 1, 'x')),
                                     (at + 5, ('irq_handler_exit', 1, 1))],
                                 seq=1).encode(trace.UUID))
        want = self.fresh('g')
        self.result('it has grown', want != before)
        self.same('a trace that has grown', want, 'g')
        os.unlink(os.path.join(path, 'cpu_1'))
        self.same('a trace that has lost a file', self.fresh('g'), 'g')

    def at_once(self):
        make(os.path.join(self.scratch, 'm'), 6)
        want = self.fresh('m')
        argv = [self.sonde, 'report', 'states', '--json', 'm']
        several = [subprocess.Popen(argv, cwd=self.scratch, stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE, text=True) for _ in range(6)]
        shown = [(p.communicate()[0], p.returncode) for p in several]
        self.result('six at once', all((status, out) == want for out, status in shown))
        self.result('.. leave one index', os.listdir(self.scratch + '/m/.sonde') == ['kernel'],
                    os.listdir(self.scratch + '/m/.sonde'))
        self.same('.. that is right', want, 'm')

    def killed(self):
        make(os.path.join(self.scratch, 'k'), 7)
        want = self.fresh('k')
        left = []
        for i in range(8):
            with subprocess.Popen([self.sonde, 'report', 'states', 'k'], cwd=self.scratch,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as p:
                time.sleep(i / 1000)
                p.send_signal(signal.SIGKILL)
            left += [f for f in os.listdir(self.scratch + '/k') if f.startswith('.')]
            cache = os.path.join(self.scratch, 'k/.sonde')
            left += os.listdir(cache) if os.path.isdir(cache) else []
        # Where a file system has no files without names, the begun one has this name.
        left = [f for f in left if not f.startswith('.index-')]
        self.result('nothing but the index is left by those that were killed',
                    set(left) <= {'.sonde', 'kernel'}, left)
        self.same('what they left does no harm', want, 'k')

    def nowhere(self):
        make(os.path.join(self.scratch, 'n'), 8)
        want = self.fresh('n')
        for name, cache in (('is a file', 'n/metadata'), ('cannot be made', '/proc/none/x')):
            err = self.same('a cache that ' + name, want, 'n', cache=cache)
            self.result('.. is told', 'cannot be kept' in err, err)
        err = self.same('a cache elsewhere', want, 'n', cache='elsewhere')
        self.result('.. keeps the trace clean', '.sonde' not in os.listdir(self.scratch + '/n') and
                    len(os.listdir(self.scratch + '/elsewhere')) == 1 and not err, err)
        self.same('.. and is used again', want, 'n', cache='elsewhere')

    def full(self):
        big = os.path.join(self.scratch, 'f')
        trace.write_cpus(big, trace.Machine(9, cpus=2).run(12 * SIZE))
        want = self.fresh('f')
        small = os.path.join(self.scratch, 'small')
        os.mkdir(small)
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=200k', 'tmpfs', small], check=False,
                          stderr=subprocess.DEVNULL).returncode:
            self.skip('a full disk', 'no tmpfs may be mounted')
            return
        try:
            for name, tmp in (('', '/tmp'), (' and no other place', small), (' nor TMPDIR', '/none')):
                err = self.same('a full disk' + name, want, 'f', cache='small',
                                env={'TMPDIR': tmp})
                self.result('.. is told', 'No space left' in err, err)
                self.result('.. and nothing is left', not os.listdir(small), os.listdir(small))
        finally:
            subprocess.run(['umount', small], check=True)


def main():
    with tempfile.TemporaryDirectory() as scratch:
        k = Kept(sys.argv[1], scratch)
        for part in (k.alone_and_together, k.parts, k.damage, k.changes, k.at_once, k.killed,
                     k.nowhere, k.full):
            part()
        k.done()


main()
