#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what scripts see of traces with what other verbs see of them; prints TAP.

usage: scripts.py SONDE SCRATCH made      made-up traces (make_traces.py), whole and damaged
       scripts.py SONDE SCRATCH corpus    the archives in the folder $SONDE_CORPUS

A script that counts all events must count what `sonde stats` counts, of each kind, say the same
of packets that make no sense, and refuse what it refuses; by both machines.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
EXAMPLE = os.path.join(HERE, "..", "..", "examples", "sonde-trace")
COUNT = "event:* { @kind[probe] = count(); @all = count(); }"
DAMAGES = 40


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def result(self, name, wrong):
        self.n += 1
        self.failed += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {self.n} - {name}")
        for line in wrong[:20]:
            print("#", line.replace("\n", "\n# "))

    def end(self):
        print(f"1..{self.n}")
        return self.failed > 0


def run(*argv):
    env = dict(os.environ, TZ="UTC0", LC_ALL="C")
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=300,
                          check=False)
    return done.returncode, done.stdout.decode(errors="surrogateescape"), done.stderr.decode(
        errors="surrogateescape")


def rows(out):
    """Maps of a run's JSON by name."""
    maps = {}
    for line in out.splitlines():
        one = json.loads(line)
        if one["type"] == "map":
            maps.update(one["data"])
    return maps


def cuts(words):
    return sorted(line for line in words.splitlines() if "is left out" in line)


def count_case(sonde, trace, how):
    """What is wrong, as lines."""
    status, out, words = run(sonde, "stats", "--json", trace)
    got_status, got_out, got_words = run(sonde, "run", *how, "-f", "json", "-t", trace, "-e", COUNT)
    if status != got_status:
        return [f"exit status {got_status}, of stats {status}: {got_words or words}"]
    if status:
        return [] if got_words.replace("sonde run", "sonde stats") == words else [got_words, words]
    want, got, wrong = json.loads(out), rows(got_out), []
    kinds = {name: n for name, n in want["classes"].items() if n}
    if got.get("@kind", {}) != kinds:
        wrong.append(f"{got.get('@kind')}, wanted {kinds}")
    if got.get("@all", 0) != want["events"]:
        wrong.append(f"{got.get('@all')} events, wanted {want['events']}")
    for key, text in (("lost_events", "events were lost while"), ("lost_packets", "packets of the "),
                      ("backward", "streams of the trace step back")):
        line = next((x for x in got_words.splitlines() if text in x), "sonde: 0 ")
        if int(line.split()[1]) != want[key]:
            wrong.append(f"'{line}', wanted {want[key]}")
    if cuts(got_words) != cuts(words):
        wrong += [got_words, words]
    return wrong


def count_cases(tap, sonde, top, trace):
    for how in ([], ["--interpreter"]):
        tap.result(f"counts of {trace}{' interpreted' if how else ''}",
                   count_case(sonde, os.path.join(top, trace), how))


def folders(top):
    """Traces below @top, and folders of several."""
    found = {os.path.relpath(folder, top) for folder, _, files in os.walk(top)
             if "metadata" in files}
    parents = {os.path.dirname(f) for f in found} - {""}
    several = {p for p in parents if sum(f.startswith(p + "/") for f in found) < 4}
    return sorted(found | several)


def damage(rng, source, to):
    """A copy of a trace, with a stream cut or some of its bytes changed."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(source, to)
    shutil.rmtree(os.path.join(to, "index"), ignore_errors=True)
    names = [n for n in sorted(os.listdir(to)) if n != "metadata" and
             os.path.isfile(os.path.join(to, n)) and os.path.getsize(os.path.join(to, n))]
    if not names:
        return
    path = os.path.join(to, rng.choice(names))
    with open(path, "rb") as f:
        data = bytearray(f.read())
    if rng.random() < 0.4:
        del data[rng.randrange(len(data)):]
    else:
        for _ in range(rng.randrange(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
    with open(path, "wb") as f:
        f.write(data)


def made(sonde, scratch):
    top = os.path.join(scratch, "scripts-made")
    shutil.rmtree(top, ignore_errors=True)
    subprocess.run([sys.executable, os.path.join(HERE, "make_traces.py"), top], check=True)
    tap = Tap()
    traces = folders(top)
    for trace in traces:
        count_cases(tap, sonde, top, trace)
    seed = int(os.environ.get("SEED", "1"))
    rng, wrong = random.Random(seed), []
    sources = [EXAMPLE] + [os.path.join(top, t) for t in traces
                           if os.path.isfile(os.path.join(top, t, "metadata"))]
    for i in range(DAMAGES):
        source, to = sources[i % len(sources)], os.path.join(scratch, "scripts-damaged")
        damage(rng, source, to)
        wrong += [f"seed {seed}, damage {i} of {source}: {line}"
                  for line in count_case(sonde, to, [])]
    tap.result(f"counts of {DAMAGES} damaged traces", wrong)
    return tap.end()


def corpus(sonde, scratch):
    folder = os.environ.get("SONDE_CORPUS")
    if not folder:
        print("1..0 # SKIP SONDE_CORPUS names no folder")
        return 0
    top = os.path.join(scratch, "scripts-corpus")
    for name in sorted(os.listdir(folder)):
        if name.endswith(".tar.xz") and not os.path.isdir(os.path.join(top, name[:-7])):
            with tarfile.open(os.path.join(folder, name)) as t:
                t.extractall(top)
    tap = Tap()
    for trace in folders(top):
        count_cases(tap, sonde, top, trace)
    return tap.end()


def main():
    sonde, scratch, what = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]
    os.makedirs(scratch, exist_ok=True)
    return made(sonde, scratch) if what == "made" else corpus(sonde, scratch)


if __name__ == "__main__":
    sys.exit(main())
