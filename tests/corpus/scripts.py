#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares what scripts see of traces with what other verbs see of them; prints TAP.

usage: scripts.py SONDE SCRATCH made      made-up traces (make_traces.py), whole and damaged
       scripts.py SONDE SCRATCH corpus    the archives in the folder $SONDE_CORPUS

A script that counts all events must count what `sonde stats` counts, of each kind, say the same
of packets that make no sense, and refuse what it refuses; by both machines. A script that prints
all fields of all events, and what lies within them, must print what `sonde cat --json` shows.
"""
import json
import os
import random
import shutil
import subprocess
import sys
import tarfile

import make_traces

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


def many_classes(folder):
    """More kinds of events than a program can tell apart by their numbers."""
    n = 1100
    text = make_traces.prelude() + make_traces.STREAM.format(id=0, context="u32 cpu_id;", more="")
    for i in range(n):
        text += f'event {{ id = {i}; stream_id = 0; name = "kind{i}"; fields := struct {{ }}; }};\n'
    events = [(i, 10 * i + k, b"") for i in range(n) for k in range(1 + i % 3)]
    make_traces.write(folder, text, {"stream": make_traces.packet(
        events, context=make_traces.le("I", 0))})


# --- threads ---

# Whose a switch is, by the events before; the event says it, too.
SWITCHES = """event:sched_switch {
	@n = count();
	@by[args.prev_comm, args.prev_FIELD] = count();
	if (args.prev_FIELD != tid || args.prev_comm != comm) { @wrong = count(); }
}"""


def threads_case(sonde, paths):
    """Switches are of the right threads, but for the first one on each CPU; alone and together."""
    wrong, total, alone = [], {}, 0
    field = "pid" if paths[0] == EXAMPLE else "tid"
    script = SWITCHES.replace("FIELD", field)
    for some in [[p] for p in paths] + ([paths] if len(paths) > 1 else []):
        traces = [x for p in some for x in ("-t", p)]
        status, out, words = run(sonde, "run", "-f", "json", *traces, "-e", script)
        if status:
            return [words]
        maps = rows(out)
        if not maps.get("@n") or maps.get("@wrong", 0) > 8 * len(some):
            wrong.append(f"{some}: {maps.get('@wrong', 0)} of {maps.get('@n', 0)} are another's")
        if len(some) == 1:
            alone += maps.get("@n", 0)
            for key, n in maps.get("@by", {}).items():
                total[key] = total.get(key, 0) + n
        elif maps.get("@by") != total or maps.get("@n") != alone:
            wrong.append(f"together {maps.get('@n')}, alone {alone}")
    return wrong


# --- user events ---

# A trace, what binds to its events, and what each of them is called there.
PROBES = [
    ("cyg-profile/glxgears-cyg-profile", "usdt:lttng_ust_cyg_profile:func_entry",
     "lttng_ust_cyg_profile:func_entry", "comm", {"glxgears"}),
    ("cyg-profile/glxgears-cyg-profile", "usdt:/usr/bin/glxgears:func_exit",
     "lttng_ust_cyg_profile:func_exit", "comm", {"glxgears"}),
    ("cyg-profile/glxgears-cyg-profile-fast", "uprobe:glxgears:func_entry",
     "lttng_ust_cyg_profile_fast:func_entry", "comm", {"glxgears"}),
    ("mpi/mpi_gather", "usdt:mpi:Event_Enter", "Event_Enter", "args.locationID",
     {"0", "1", "2", "3"}),
    ("ctf-succeed/session-rotation/3/ust/pid", "usdt:*:tptest", "ust_tests_hello:tptest", "pid",
     {"10352", "10353"}),
]


def probe_case(sonde, path, probe, event, key, keys):
    status, out, words = run(sonde, "stats", "--json", path)
    got_status, got_out, got_words = run(sonde, "run", "-f", "json", "-t", path, "-e",
                                         f"{probe} {{ @n = count(); @by[{key}] = count(); }}")
    if status or got_status:
        return [words, got_words]
    want, got = json.loads(out)["classes"][event], rows(got_out)
    if got.get("@n") != want or set(got.get("@by", {})) != keys:
        return [f"{got}, wanted {want} by {keys}"]
    return []


# --- fields ---

EVENTS_MOST = 5000
TEXT_MOST = 1024
ABSENT = object()


class Real(str):
    """A number with a point or exponent, or none that is finite, as it is written."""


def real(v):
    return Real(v) if v in ("nan", "-nan", "inf", "-inf") else v


def shown(v):
    """What a script shows of a value as `sonde cat --json` has it."""
    if isinstance(v, dict) and set(v) == {"labels", "value"} and isinstance(v["labels"], list):
        return v["labels"][0] if v["labels"] else str(v["value"])
    if isinstance(v, dict):
        return "{ " + ", ".join(f".{k} = {shown(x)}" for k, x in v.items()) + " }"
    if isinstance(v, list):
        return "[" + ",".join(shown(x) for x in v) + "]"
    return str(v)


def conversion(values):
    there = [v for v in values if v is not ABSENT and v is not None]
    if not all(isinstance(v, int) for v in there):
        return "%s"
    return "%d" if min(there) < 0 else "%u"


def all_fields(event):
    """Of all scopes that scripts see; of two with one name the first one."""
    fields = {}
    for scope in ("fields", "context", "stream_context", "packet_context"):
        for name, value in event.get(scope, {}).items():
            fields.setdefault(name, value)
    return fields


def ways(value, way=(), indices=0):
    """What lies within a value, as tuples of names and numbers."""
    found = []
    if isinstance(value, dict) and "labels" not in value:
        inner = list(value.items())[:4]
    elif isinstance(value, list) and indices < 3:
        inner = [(i, value[i]) for i in sorted({0, len(value) - 1}) if 0 <= i < len(value)]
    else:
        return found
    for key, v in inner:
        found.append(way + (key,))
        found += ways(v, way + (key,), indices + isinstance(key, int))
    return found[:12]


def follow(value, way):
    for key in way:
        if isinstance(value, list) and key < len(value):
            value = value[key]
        elif isinstance(value, dict) and key in value:
            value = value[key]
        else:
            return ABSENT
    return value


def expression(name, way):
    return f"args.{name}" + "".join(f"[{k}]" if isinstance(k, int) else f".{k}" for k in way)


def same_kind(values):
    kinds = {type(real(v)) for v in values if v is not ABSENT and v is not None}
    return len(kinds) <= 1 or kinds == {int, Real}


def is_fine(sonde, path, name, columns, conv="%s"):
    """Whether a script may ask for it: what lies within the options of variants has other ways, and
    a real may look like an integer."""
    text = f"event:\"{name}\" {{ " + "".join(
        f"print({expression(*c)}); " if conv == "%s" else f'printf("{conv}", {expression(*c)});'
        for c in columns) + "}"
    return run(sonde, "run", "--dry-run", "-t", path, "-e", text)[0] == 0


def columns_of(sonde, path, name, events):
    """What a script is to print of events of one name: pairs of a field and a way in it."""
    each = [all_fields(e) for e in events]
    names = [n for n in each[0] if all(n in f for f in each)]
    columns = [(n, ()) for n in names]
    inner = []
    for n in names:
        found = {w: None for f in each[:20] for w in ways(f[n])}
        inner += [(n, w) for w in list(found)[:12]
                  if same_kind([follow(f[n], w) for f in each])]
    if inner and not is_fine(sonde, path, name, inner):
        inner = [c for c in inner if is_fine(sonde, path, name, [c])]
    # A variant is a text if one of its options is none of a number.
    return [c for c in columns if same_kind([f[c[0]] for f in each])] + inner


def cut(text):
    """As the script's strings end. What is not ASCII is shown in several ways: only its kind."""
    data = text.split("\0")[0].encode(errors="surrogateescape")[:TEXT_MOST]
    return data if data.isascii() and b"\\" not in data else None


def is_same(got, value, conv):
    if value is ABSENT:
        return got in ("", "0")
    if value is None:
        return True  # no number, of which JSON has no text
    want = shown(value)
    if conv != "%s":
        return (int(got) - value) % 2**64 == 0
    if (got, value) == ("-0", 0):
        return True  # which JSON's reader has as 0
    return got.encode(errors="surrogateescape") == cut(want) or cut(want) is None


def script_of(names, columns):
    text = "config = { max_strlen = 1024; }\n"
    for i, name in enumerate(names):
        text += f"event:\"{name}\" {{\n"
        for k, (column, conv) in enumerate(columns[name]):
            text += f'printf("{i} {k} {conv}", {expression(*column)});\n'
        text += f"@n++; if (@n >= {EVENTS_MOST}) {{ exit(); }}\n}}\n"
    return text


def field_case(sonde, path, scratch):
    """What is wrong, as lines; and how many values were compared."""
    status, out, words = run(sonde, "cat", "--json", "--limit", str(EVENTS_MOST), path)
    if status:
        return [words], 0
    events = [json.loads(x, parse_float=Real) for x in out.splitlines()]
    events = [e for e in events if "event" in e]
    by_name = {}
    for e in events:
        by_name.setdefault(e["event"], []).append(e)
    names = [n for n in by_name if n and not any(c in n for c in '*?["\\')]
    columns = {}
    for name in names:
        of_name = by_name[name]
        columns[name] = [(c, conversion(values))
                         for c, values in ((c, [follow(all_fields(e)[c[0]], c[1]) for e in of_name])
                                           for c in columns_of(sonde, path, name, of_name))]
        numbers = [c for c, conv in columns[name] if conv != "%s"]
        if numbers and not is_fine(sonde, path, name, numbers, "%d"):
            reals = [c for c in numbers if not is_fine(sonde, path, name, [c], "%d")]
            columns[name] = [(c, "%s" if c in reals else conv) for c, conv in columns[name]]
    if not names:
        return [], 0
    script = os.path.join(scratch, "fields.bt")
    with open(script, "w", encoding="utf-8") as f:
        f.write(script_of(names, columns))
    if len(names) < len(by_name):
        events = [e for e in events if e["event"] in columns]
    status, out, words = run(sonde, "run", "-f", "json", "-t", path, script)
    if status:
        return [words], 0
    lines = [x["data"] for x in map(json.loads, out.splitlines()) if x["type"] == "printf"]
    wrong, at = [], 0
    for e in events:
        for k, (column, conv) in enumerate(columns[e["event"]]):
            want = follow(all_fields(e)[column[0]], column[1])
            head = f"{names.index(e['event'])} {k} "
            got = lines[at] if at < len(lines) else "nothing"
            at += 1
            if not got.startswith(head) or not is_same(got[len(head):], want, conv):
                wrong.append(f"{e['event']} {expression(*column)} at {e.get('ts_ns')}: '{got}', wanted "
                             f"'{want if want is ABSENT else shown(want)}'")
    return wrong, at


def field_cases(tap, sonde, top, trace, scratch):
    wrong, n = field_case(sonde, os.path.join(top, trace), scratch)
    tap.result(f"{n} values of {trace}", wrong)


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
    many_classes(os.path.join(top, "many-classes"))
    tap = Tap()
    tap.result("threads of the example", threads_case(sonde, [EXAMPLE]))
    traces = folders(top)
    for trace in traces:
        count_cases(tap, sonde, top, trace)
        field_cases(tap, sonde, top, trace, scratch)
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
    for traces in (["kernel-6.2"], ["kernel-4.4"], ["bug446190"], ["scp/scp_src", "scp/scp_dest"]):
        paths = [os.path.join(top, t) for t in traces]
        if all(os.path.isdir(p) for p in paths):
            tap.result(f"threads of {' and '.join(traces)}", threads_case(sonde, paths))
    for trace, *probe in PROBES:
        if os.path.isdir(os.path.join(top, trace)):
            tap.result(f"{probe[0]} of {trace}", probe_case(sonde, os.path.join(top, trace), *probe))
    for trace in folders(top):
        count_cases(tap, sonde, top, trace)
        if not trace.startswith("ctf-fail"):
            field_cases(tap, sonde, top, trace, scratch)
    return tap.end()


def main():
    sonde, scratch, what = os.path.abspath(sys.argv[1]), sys.argv[2], sys.argv[3]
    os.makedirs(scratch, exist_ok=True)
    return made(sonde, scratch) if what == "made" else corpus(sonde, scratch)


if __name__ == "__main__":
    sys.exit(main())
