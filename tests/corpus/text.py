#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares `sonde cat` with babeltrace2, byte for byte; prints TAP.

usage: text.py SONDE SCRATCH made      made-up traces (make_traces.py), against expected/
       text.py SONDE SCRATCH corpus    the archives in the folder $SONDE_CORPUS, against babeltrace2

expected/ holds what babeltrace2 2.0.4 printed (for long outputs the hash of it). UPDATE=1 writes it
anew, from babeltrace2. Where babeltrace2 is installed, made-up traces are compared with it too.

Two things are known and allowed:
- babeltrace2 2.0.4 shows, for an empty string, the string of an earlier event of that class.
- It stops where time steps back or a packet makes no sense; then all that it printed must be the
  beginning of ours.
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

HERE = os.path.dirname(os.path.abspath(__file__))
EXPECTED = os.path.join(HERE, "expected")
LONG = 16384  # bytes of output from which only the hash is kept
VERSION = "2.0.4"

# Options, and the time zone.
OPTIONS = {
    "default": ([], "UTC0"),
    "local": ([], "America/Montreal"),
    "seconds": (["--clock-seconds"], "UTC0"),
    "gmt-date": (["--clock-gmt", "--clock-date"], "America/Montreal"),
    "no-delta": (["--no-delta"], "UTC0"),
    "cycles": (["--clock-cycles"], "UTC0"),
    "names-all": (["-n", "all"], "UTC0"),
    "fields-all": (["-f", "all"], "UTC0"),
    "names-none": (["-n", "none", "-f", "trace,loglevel,emf"], "UTC0"),
    "names-header": (["--names=header,scope", "--fields=trace", "--clock-date"],
                     "America/Montreal"),
}
MADE = ["int-le", "int-be", "enums", "reals", "strings", "compounds", "levels", "no-clock", "lost",
        "lost-before-1970",
        "ties", "times/around-1970", "times/before-1970", "times/change", "times/far", "times/fast",
        "times/long-up", "times/mhz", "times/odd-freq", "times/one-before", "times/relative", "times/slow",
        "times/summer"]


def run(argv, zone, cwd):
    env = dict(os.environ, TZ=zone, LC_ALL="C", BABELTRACE_TERM_COLOR="never")
    done = subprocess.run(argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=300, check=False)
    return done.returncode, done.stdout, done.stderr


def peer_version():
    if not shutil.which("babeltrace2"):
        return None
    words = subprocess.run(["babeltrace2", "--version"], capture_output=True, text=True,
                           check=False).stdout.split()
    return next((w for w in words if re.match(r"\d+\.\d+", w)), None)


class Stale:
    """Takes lines that differ only in strings that are empty in ours, and were seen before."""

    def __init__(self):
        self.seen = set()
        self.n = 0

    STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')

    def line(self, ours, theirs):
        good = ours == theirs
        if not good:
            parts = [re.escape(p) for p in ours.split(b'""')]
            match = re.fullmatch(rb'("(?:[^"\\]|\\.)*")'.join(parts), theirs, re.S)
            good = bool(match) and all(g in self.seen for g in match.groups())
            self.n += good
        if b'"' in ours:
            self.seen.update(self.STRING.findall(ours))
            self.seen.add(b'""')
        return good


def compare(ours, theirs, status):
    """None, or what is wrong; and how many stale strings there were."""
    if ours == theirs:
        return None, 0
    stale = Stale()
    mine, other = ours.split(b"\n"), theirs.split(b"\n")
    if status and other and not other[-1]:
        mine = mine[:len(other) - 1] + [b""]
    for number, (a, b) in enumerate(zip(mine, other), 1):
        if not stale.line(a, b):
            return "line %d\n  ours   %r\n  theirs %r" % (number, a[:500], b[:500]), stale.n
    if len(mine) != len(other):
        return "%d lines, theirs are %d" % (len(mine), len(other)), stale.n
    return None, stale.n


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def result(self, name, wrong, note=""):
        self.n += 1
        self.failed += wrong is not None
        print("%sok %d - %s%s" % ("not " if wrong is not None else "", self.n, name, note))
        for line in (wrong or "").splitlines():
            print("#   " + line)
        sys.stdout.flush()

    def end(self):
        print("1..%d" % self.n)
        return 1 if self.failed else 0


def made_case(tap, sonde, top, trace, name, update, peer):
    options, zone = OPTIONS[name]
    status, ours, words = run([sonde, "cat", *options, trace], zone, top)
    path = os.path.join(EXPECTED, trace.replace("/", "_") + "." + name)
    if status:
        return tap.result(f"{trace} {name}", f"exit status {status}: {words.decode()}")
    theirs = None
    if peer:
        status, theirs, words = run(["babeltrace2", *options, trace], zone, top)
        if status:
            return tap.result(f"{trace} {name}", f"babeltrace2 fails: {words[-500:].decode()}")
    if update:
        with open(path, "wb") as f:
            f.write(theirs if len(theirs) < LONG else
                    b"sha256 " + hashlib.sha256(theirs).hexdigest().encode() + b"\n")
    with open(path, "rb") as f:
        expected = f.read()
    if expected.startswith(b"sha256 "):
        got = b"sha256 " + hashlib.sha256(ours).hexdigest().encode() + b"\n"
    else:
        got = ours
    wrong, _ = compare(got, expected, 0)
    if wrong is None and theirs is not None:
        wrong, _ = compare(ours, theirs, 0)
    return tap.result(f"{trace} {name}", wrong)


def json_case(tap, sonde, top, trace, zone="UTC0"):
    """Each line is an object, and there are as many events as lines of text."""
    _, text, _ = run([sonde, "cat", trace], zone, top)
    status, lines, words = run([sonde, "cat", "--json", trace], zone, top)
    wrong = f"exit status {status}: {words.decode()}" if status else None
    n = 0
    for line in lines.splitlines():
        try:
            value = json.loads(line.decode("utf-8"))
        except ValueError as e:
            wrong = f"{e}: {line[:300]!r}"
            break
        n += isinstance(value.get("event"), str)
    if wrong is None and n != text.count(b"\n"):
        wrong = f"{n} objects for {text.count(chr(10).encode())} events"
    tap.result(f"{trace} json", wrong)


def window_case(tap, sonde, top, trace):
    """A window, a name and a limit choose the same lines as we do from the whole text."""
    base = [sonde, "cat", "--no-delta", "--clock-seconds"]
    _, whole, _ = run([*base, trace], "UTC0", top)
    lines = whole.splitlines()
    times = [int(line[1:line.index(b"]")].replace(b".", b"")) for line in lines]
    wrong = None
    picks = sorted(set(times))[:: max(1, len(set(times)) // 6)]
    windows = [(a, b) for a in picks for b in picks if a <= b]
    for low, high in windows:
        want = [line for line, t in zip(lines, times) if low <= t <= high]
        last = times[-1]
        for options in (["--from", "%d.%09d" % divmod(low, 10**9), "--to", str(high)],
                        ["--from=-%dns" % (last - low), "--to=-%dns" % (last - high)]):
            status, got, words = run([*base, *options, trace], "UTC0", top)
            if status or got.splitlines() != want:
                wrong = "%s: %d lines, wanted %d: %s" % (
                    options, got.count(b"\n"), len(want), words.decode())
    name = lines[0].split()[-1 if b"{" not in lines[0] else 2].rstrip(b":").decode()
    some = [line for line in lines if line.split()[2] == name.encode() + b":"]
    for options, want in ((["-e", name], some), (["-e", name, "--limit=2"], some[:2]),
                          (["--limit", "3"], lines[:3]), (["-e", "no*such"], [])):
        status, got, words = run([*base, *options, trace], "UTC0", top)
        if status or got.splitlines() != want:
            wrong = "%s: %r, wanted %r" % (options, got[:300], want[:2])
    tap.result("%s windows (%d)" % (trace, len(windows)), wrong)


def made(sonde, scratch):
    top = os.path.join(scratch, "made")
    shutil.rmtree(top, ignore_errors=True)
    subprocess.run([sys.executable, os.path.join(HERE, "make_traces.py"), top], check=True)
    peer = peer_version() == VERSION
    update = os.environ.get("UPDATE") == "1"
    if update and not peer:
        sys.exit("expected outputs are written by babeltrace2 %s, which is not installed" % VERSION)
    os.makedirs(EXPECTED, exist_ok=True)
    tap = Tap()
    print("# babeltrace2 %s is %s" % (VERSION, "compared with too" if peer else "not installed"))
    for trace in MADE:
        # The time zone and the names matter little to most; these see all options.
        full = trace in ("levels", "compounds", "no-clock", "ties") or "times/" in trace
        for name in OPTIONS if full else ("default", "names-none"):
            made_case(tap, sonde, top, trace, name, update, peer)
        json_case(tap, sonde, top, trace)
    for trace in ("ties", "lost", "times/summer", "compounds"):
        window_case(tap, sonde, top, trace)
    return tap.end()


def unpack(corpus, scratch):
    """Unpacks each archive once. Gives the folders that hold a trace, or several."""
    top = os.path.join(scratch, "corpus")
    os.makedirs(top, exist_ok=True)
    for name in sorted(os.listdir(corpus)):
        folder = os.path.join(top, name.split(".")[0])
        if name.endswith(".tar.xz") and not os.path.exists(folder + ".done"):
            with tarfile.open(os.path.join(corpus, name)) as tar:
                tar.extractall(top)
            open(folder + ".done", "w", encoding="utf-8").close()
    found = set()
    for folder, _, files in os.walk(top):
        if "metadata" in files and os.path.getsize(os.path.join(folder, "metadata")):
            found.add(os.path.relpath(folder, top))
    # babeltrace2 prints nothing of a description that has no data files; ours looks below it.
    found -= {f for f in found if any(other.startswith(f + "/") for other in found) and not
              any(os.path.getsize(os.path.join(top, f, name)) for name in
                  os.listdir(os.path.join(top, f)) if name != "metadata" and
                  os.path.isfile(os.path.join(top, f, name)))}
    several = {f for f in ("ctf-succeed/multi-domains", "ctf-succeed/session-rotation", "mpi",
                           "cyg-profile") if os.path.isdir(os.path.join(top, f))}
    return top, sorted(f for f in found if not f.startswith("ctf-fail")) + sorted(several)


def corpus_case(tap, sonde, top, trace, name):
    options, zone = OPTIONS[name]
    status, theirs, _ = run(["babeltrace2", *options, trace], zone, top)
    if status and not theirs:
        return status
    ours_status, ours, words = run([sonde, "cat", *options, trace], zone, top)
    wrong, stale = compare(ours, theirs, status)
    if ours_status and wrong is None:
        wrong = f"exit status {ours_status}: {words[-500:].decode()}"
    note = " (%d lines)" % theirs.count(b"\n")
    if status:
        note += " as far as babeltrace2 gets"
    if stale:
        note += ", %d with a stale string in babeltrace2's" % stale
    tap.result(f"{trace} {name}", wrong, note)
    return 0


def corpus(sonde, scratch):
    folder = os.environ.get("SONDE_CORPUS")
    if not folder:
        print("1..0 # SKIP SONDE_CORPUS names no folder")
        return 0
    if peer_version() != VERSION:
        print("1..0 # SKIP babeltrace2 %s is not installed" % VERSION)
        return 0
    top, traces = unpack(folder, scratch)
    tap = Tap()
    for trace in traces:
        small = sum(os.path.getsize(os.path.join(top, trace, f))
                    for f in os.listdir(os.path.join(top, trace))
                    if os.path.isfile(os.path.join(top, trace, f))) < 2000000
        for name in OPTIONS if small else ("default", "gmt-date", "names-all"):
            if corpus_case(tap, sonde, top, trace, name):
                print(f"# babeltrace2 cannot read {trace}")
                break
        json_case(tap, sonde, top, trace)
    return tap.end()


def main():
    sonde, scratch, what = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]
    os.makedirs(scratch, exist_ok=True)
    return made(sonde, scratch) if what == "made" else corpus(sonde, scratch)


if __name__ == "__main__":
    sys.exit(main())
