#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What verbs say of traces with a thread that reads ahead, and without; prints TAP.

usage: threads.py SONDE SCRATCH made      made-up traces (make_traces.py), whole and damaged
       threads.py SONDE SCRATCH corpus    the archives in the folder $SONDE_CORPUS

Results, words and exit status must be the same to the byte.
"""
import os
import random
import shutil
import subprocess
import sys
import tarfile

from scripts import EXAMPLE, HERE, Tap, damage, folders

SCRIPT = """event:* { @kind[probe] = count(); @who[comm, tid] = count(); @last = max(nsecs); }
interval:ms:5 { @ticks = count(); printf("%d\\n", nsecs); }"""
# Two threads may each run these over a part of the trace.
FREE = ("""event:* { @kind[probe] = count(); @who[comm, pid] = count(); @[tid, cpu] = hist(elapsed); }
BEGIN { printf("begin\\n"); @begun = nsecs; } END { printf("%d\\n", nsecs); }""",
        "event:* / cpu < 2 / { @kind[probe, cpu] = stats(nsecs); @[comm] = lhist(nsecs, 0, 9, 1); }",
        "event:sched* { @a = avg(nsecs); @s[pid] = sum(tid); @n[comm] = min(nsecs); }",
        "event:* { @kind[probe] = count(); @last = max(nsecs); @first = min(nsecs); }",
        "event:sched_switch { @[args.next_comm, str(args.prev_comm), args.prev_prio] = count(); }",
        "config = { max_map_keys = 40; } event:* { @[tid, nsecs % 64] = count(); }")
EXITS = "event:* { @n = count(); @first[probe] = min(nsecs); if (@m++ == 3000) { exit(); } }"
VERBS = (
    ("cat", "TRACE"),
    ("cat", "--json", "--from=+2ms", "TRACE"),
    ("stats", "--json", "TRACE"),
    ("run", "-t", "TRACE", "-e", SCRIPT),
    ("run", "-t", "TRACE", "-e", EXITS),
    *(("run", "-t", "TRACE", "-e", script) for script in FREE),
)
REPORTS = (("report", "cpu", "TRACE"), ("report", "sched", "TRACE"),
           ("report", "syscalls", "--from=-30ms", "TRACE"), ("flame", "--folded", "TRACE"))
DAMAGES = 30


def say(sonde, threads, verb, traces):
    argv = [sonde]
    for word in verb:
        for trace in traces if word == "TRACE" else [word]:
            argv += ["-t", trace] if word == "TRACE" and argv[-1] != "-t" and verb[0] == "run" \
                else [trace]
    env = dict(os.environ, TZ="UTC0", LC_ALL="C", SONDE_THREADS=str(threads))
    done = subprocess.run(argv, env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=300,
                          check=False)
    return done.returncode, done.stdout, done.stderr


def differences(sonde, traces, verbs=VERBS):
    """As lines."""
    wrong = []
    for verb in verbs:
        alone, ahead = (say(sonde, n, verb, traces) for n in (1, 2))
        if alone != ahead:
            wrong.append(f"{' '.join(verb)} {traces}: {alone[0]}, {len(alone[1])} bytes, "
                         f"{alone[2][-200:]!r}; ahead: {ahead[0]}, {len(ahead[1])} bytes, "
                         f"{ahead[2][-200:]!r}")
    return wrong


def case(tap, sonde, name, traces, verbs=VERBS):
    tap.result(name, differences(sonde, traces, verbs))


def refused(sonde):
    status, out, words = say(sonde, "some", ("stats", "TRACE"), [EXAMPLE])
    return [] if status == 2 and not out and b"SONDE_THREADS" in words else [repr((status, words))]


def made(sonde, scratch):
    top = os.path.join(scratch, "threads-made")
    shutil.rmtree(top, ignore_errors=True)
    subprocess.run([sys.executable, os.path.join(HERE, "make_traces.py"), top], check=True)
    tap = Tap()
    tap.result("a number of threads that is none", refused(sonde))
    case(tap, sonde, "the example", [EXAMPLE], VERBS + REPORTS)
    case(tap, sonde, "the same twice", [EXAMPLE, EXAMPLE])
    traces = folders(top)
    for trace in traces:
        case(tap, sonde, trace, [os.path.join(top, trace)])
    case(tap, sonde, "all together", [os.path.join(top, t) for t in traces])
    seed = int(os.environ.get("SEED", "1"))
    rng, wrong = random.Random(seed), []
    sources = [EXAMPLE] + [os.path.join(top, t) for t in traces
                           if os.path.isfile(os.path.join(top, t, "metadata"))]
    for i in range(DAMAGES):
        source, to = sources[i % len(sources)], os.path.join(scratch, "threads-damaged")
        damage(rng, source, to)
        wrong += [f"seed {seed}, damage {i} of {source}: {line}"
                  for line in differences(sonde, [to])]
    tap.result(f"{DAMAGES} damaged traces", wrong)
    return tap.end()


def corpus(sonde, scratch):
    folder = os.environ.get("SONDE_CORPUS")
    if not folder:
        print("1..0 # SKIP SONDE_CORPUS names no folder")
        return 0
    top = os.path.join(scratch, "threads-corpus")
    for name in sorted(os.listdir(folder)):
        if name.endswith(".tar.xz") and not os.path.isdir(os.path.join(top, name[:-7])):
            with tarfile.open(os.path.join(folder, name)) as t:
                t.extractall(top)
    tap = Tap()
    for trace in folders(top):
        kernel = trace.startswith("kernel")
        case(tap, sonde, trace, [os.path.join(top, trace)], VERBS + (REPORTS if kernel else ()))
    return tap.end()


def main():
    sonde, scratch, what = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]
    os.makedirs(scratch, exist_ok=True)
    return made(sonde, scratch) if what == "made" else corpus(sonde, scratch)


if __name__ == "__main__":
    sys.exit(main())
