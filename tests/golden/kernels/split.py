#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""No report depends on how a trace was cut into packets, files and folders, nor on batches.

usage: split.py SONDE     (SEED=N SEEDS=N tries others than the usual ones)
"""
import os
import shutil
import sys
import tempfile

import reports
import trace


def packets(events, cpu, size):
    """Of so many events each; equal times are not torn apart."""
    out, part = [], []
    for e in events:
        if len(part) >= size and e[0] != part[-1][0]:
            out.append(trace.Packet(cpu, part, begin=0 if not out else None, seq=len(out)))
            part = []
        part.append(e)
    if part:
        out.append(trace.Packet(cpu, part, begin=0 if not out else None, seq=len(out)))
    return out


def whole(folder, cpus):
    trace.write_cpus(folder, cpus)
    return [folder]


def small_packets(folder, cpus):
    trace.write(folder, {'cpu_%d' % c: packets(e, c, 2) for c, e in enumerate(cpus) if e})
    return [folder]


def many_files(folder, cpus):
    """A file a packet: many streams, so that batches are small."""
    trace.write(folder, {'cpu_%d_%d' % (c, i): [p] for c, e in enumerate(cpus)
                         for i, p in enumerate(packets(e, c, 7))})
    return [folder]


def rotated(folder, cpus):
    """Folders one behind the other in time, below the one that is named."""
    last = max(e[-1][0] for e in cpus if e)
    parts = [{} for _ in range(3)]
    for c, events in enumerate(cpus):
        for p in packets(events, c, 5):
            # A packet is of the part that it begins in.
            part = parts[min(2, p.events[0][0] * 3 // (last + 1))]
            part.setdefault('cpu_%d' % c, []).append(p)
    for i, files in enumerate(parts):
        trace.write(os.path.join(folder, 'part-%d' % i), files)
    return [folder]


def rotated_named(folder, cpus):
    """The same, each named by itself, in any order."""
    rotated(folder, cpus)
    return [os.path.join(folder, 'part-%d' % i) for i in (1, 2, 0)]


WAYS = {f.__name__: f for f in (small_packets, many_files, rotated, rotated_named)}


def shown(checks, name, paths):
    """All that a report says; the paths in it may differ."""
    status, out, err = checks.report(name, *paths)
    return status, out, sorted(line for line in err.splitlines() if 'index' not in line)


def compare(checks, kind, seed, cpus):
    want = {}
    base = os.path.join(checks.scratch, '%s-%d' % (kind, seed))
    for name in checks.names:
        want[name] = shown(checks, name, whole(os.path.join(base, name), cpus))
    for way, make in WAYS.items():
        paths = make(os.path.join(base, way), cpus)
        wrong = []
        for name in checks.names:
            got = shown(checks, name, paths)
            if got != want[name]:
                wrong.append('%s: %s\nwanted: %s' % (name, got, want[name]))
        checks.result('%s %d: %s' % (kind, seed, way), not wrong, *wrong)
    shutil.rmtree(base)
    return want


def main():
    with tempfile.TemporaryDirectory() as scratch:
        checks = reports.Checks(sys.argv[1], scratch)
        first = int(os.environ.get('SEED', '1'))
        said = 0
        for seed in range(first, first + int(os.environ.get('SEEDS', '1'))):
            want = compare(checks, 'machine', seed, trace.Machine(seed).run(1500))
            said += sum(status == 0 for status, *_ in want.values())
            compare(checks, 'nonsense', seed, trace.nonsense(seed, 800))
        checks.result('reports of a machine have something to say', said > 4, said)
        checks.done()


main()
