#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs scripts in D, as DTrace's guide teaches them, with bpftrace's beside them on one fixed load at
the same time, and compares what both count. Prints TAP.

usage: d_compare.py SONDE [ROW]...

All rows are one script of each kind and one load, as starting bpftrace takes long. The load calls
itself 'dcmp', so that nothing else is counted.
"""
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

LOAD = r'''
$0 = "dcmp";
$| = 1;
getppid() for 1 .. 20000;
open my $zero, "<", "/dev/zero" or die;
for my $size (1, 2, 3, 100, 100, 5000) { sysread $zero, my $got, $size }
for my $name ("dcmp-a", "dcmp-b") {
    open my $out, ">", $name or die;
    print "fd ", fileno($out), " $name\n";
    syswrite $out, "x" x 10 for 1 .. ($name eq "dcmp-a" ? 7 : 3);
    push @kept, $out;
}
for (1 .. 10) { my $p = fork(); exit 0 unless $p; waitpid $p, 0 }
for (1 .. 5) { select undef, undef, undef, 0.01 }
$SIG{USR1} = sub { }; kill USR1 => $$ for 1 .. 3;
my $touched = "a" x 8000000;
do { ($user, $system) = times } while $user + $system < 0.7;
for my $n (1 .. 3) { my $p = fork(); exec "/bin/echo", "dcmp", $n unless $p; waitpid $p, 0 }
'''
DISK = 'dd if=/dev/zero of=dcmp-direct bs=8192 count=10 oflag=direct 2>/dev/null'
READY_D = 'profile:::tick-100ms { printf("ready\\n"); }'
READY_BT = 'interval:ms:100 { printf("ready\\n"); }'

# name: (D's clauses, which of its aggregations END prints with which keys ('=': as a table), bpftrace's, how
# they are compared)
ROWS = {
    'system calls: latency with self->ts': ('''
        syscall::getppid:entry / execname == "dcmp" / { self->ts = timestamp; }
        syscall::getppid:return / self->ts / {
            @latency[execname] = quantize(timestamp - self->ts); @calls[execname] = count(); self->ts = 0; }
        ''', ['calls|%s', 'latency='], '''
        tracepoint:syscalls:sys_enter_getppid /comm == "dcmp"/ { @start[tid] = nsecs; }
        tracepoint:syscalls:sys_exit_getppid /@start[tid]/ {
            @latency = hist(nsecs - @start[tid]); @calls[comm] = count(); delete(@start[tid]); }
        ''', 'latency'),
    'system calls: counts of all': ('''
        syscall:::entry / execname == "dcmp" / { @all[probefunc] = count(); }
        ''', ['all|%s'], '''
        tracepoint:raw_syscalls:sys_enter /comm == "dcmp"/ { @all[args->id] = count(); }
        ''', 'counts'),
    'what read() brings: all aggregations': ('''
        syscall::read:return / execname == "dcmp" / {
            @r_quantize = quantize(arg1); @r_sum = sum(arg1); @r_min = min(arg1); @r_max = max(arg1);
            @r_avg = avg(arg1); @r_lquantize = lquantize(arg1, 0, 200, 10); }
        ''', ['r_sum', 'r_min', 'r_max', 'r_avg', 'r_quantize=', 'r_lquantize='], '''
        tracepoint:syscalls:sys_exit_read /comm == "dcmp"/ {
            @r_quantize = hist(args->ret); @r_sum = sum(args->ret); @r_min = min(args->ret);
            @r_max = max(args->ret); @r_avg = avg(args->ret); @r_lquantize = lhist(args->ret, 0, 200, 10); }
        ''', 'same'),
    'fds[]: writes by file': ('''
        syscall::write:entry / execname == "dcmp" / { @fds[basename(fds[arg0].fi_pathname)] = sum(arg2); }
        ''', ['fds|%s'], '''
        tracepoint:syscalls:sys_enter_write /comm == "dcmp"/ { @fds[args->fd] = sum(args->count); }
        ''', 'files'),
    'proc: execs with arguments': ('''
        proc:::exec-success / execname == "echo" / { @execs[curpsinfo->pr_psargs] = count(); }
        ''', ['execs|%s'], '''
        tracepoint:syscalls:sys_enter_execve /comm == "dcmp"/ {
            @execs[str(args->argv[0]), str(args->argv[1]), str(args->argv[2])] = count(); }
        ''', 'words'),
    'proc: create, start, exit': ('''
        proc:::create / execname == "dcmp" / { @tasks["create"] = count(); }
        proc:::exit / execname == "dcmp" / { @tasks["exit"] = count(); }
        proc:::lwp-exit / execname == "dcmp" / { @tasks["lwp-exit"] = count(); }
        proc:::start / execname == "dcmp" / { @tasks["start"] = count(); }
        ''', ['tasks|%s'], '''
        tracepoint:sched:sched_process_fork /comm == "dcmp"/ { @tasks["create"] = count(); @tasks["start"] = count(); }
        tracepoint:sched:sched_process_exit /comm == "dcmp"/ { @tasks["exit"] = count(); @tasks["lwp-exit"] = count(); }
        ''', 'same'),
    'proc: signals': ('''
        proc:::signal-send / execname == "dcmp" / { @sent[args[2]] = count(); }
        proc:::signal-handle / execname == "dcmp" / { @handled[args[0]] = count(); }
        ''', ['sent|%d', 'handled|%d'], '''
        tracepoint:signal:signal_generate /comm == "dcmp"/ { @sent[args->sig] = count(); }
        tracepoint:signal:signal_deliver /comm == "dcmp" && args->sa_handler > 1/ { @handled[args->sig] = count(); }
        ''', 'same'),
    'sched: time on the CPU by sample': ('''
        BEGIN { begin = timestamp; }
        sched:::on-cpu / execname == "dcmp" / { self->on = timestamp; }
        sched:::off-cpu / self->on / {
            @on[(timestamp - begin) / 200000000] = sum(timestamp - self->on); @switches = count(); self->on = 0; }
        ''', ['on|%d', 'switches'], '''
        tracepoint:sched:sched_switch /args->prev_comm == "dcmp" && @on[args->prev_pid]/ {
            @ran = sum(nsecs - @on[args->prev_pid]); @switches = count(); delete(@on[args->prev_pid]); }
        tracepoint:sched:sched_switch /args->next_comm == "dcmp"/ { @on[args->next_pid] = nsecs; }
        ''', 'time'),
    'sched: wakeups': ('''
        sched:::wakeup / args[1]->pr_fname == "dcmp" / { @woken[args[1]->pr_fname] = count(); }
        ''', ['woken|%s'], '''
        tracepoint:sched:sched_wakeup,tracepoint:sched:sched_wakeup_new /args->comm == "dcmp"/ { @woken[args->comm] = count(); }
        ''', 'same'),
    'profile: samples': ('''
        profile:::profile-997 / execname == "dcmp" / { @samples[execname] = count(); }
        ''', ['samples|%s'], '''
        profile:hz:997 /comm == "dcmp"/ { @samples[comm] = count(); }
        ''', 'about'),
    'vminfo: page faults': ('''
        vminfo:::as_fault / execname == "dcmp" / { @faults[execname] = sum(arg0); }
        ''', ['faults|%s'], '''
        software:page-faults:1 /comm == "dcmp"/ { @faults[comm] = count(); }
        ''', 'about'),
    'io: requests by device and size': ('''
        io:::start / execname == "dd" / { @io[args[1]->dev_statname, args[0]->b_bcount] = count(); }
        ''', ['io|%s|%d'], '''
        tracepoint:block:block_rq_issue /comm == "dd"/ { @io[args->dev, args->bytes] = count(); }
        ''', 'disks'),
    'fbt: calls of a kernel function': ('''
        fbt::vfs_read:entry / execname == "dcmp" / { @vfs[probefunc] = count(); }
        ''', ['vfs|%s'], '''
        kprobe:vfs_read /comm == "dcmp"/ { @vfs[func] = count(); }
        ''', 'same'),
}
PROGRAM = r'''
__attribute__((noinline)) long twice(long n, const char *s) { return n * 2 + (s[0] == 0); }
static char text[5]; /* what was never touched is not there to read */
int main(void)
{
    long sum = 0;
    __builtin_memcpy(text, "text", 5);
    for (long i = 1; i <= 500; i++) {
        sum += twice(i, text);
        __asm__ __volatile__("990: nop\n.pushsection .note.stapsdt,\"\",%%note\n.balign 4\n"
            ".4byte 992f-991f, 994f-993f, 3\n991: .asciz \"stapsdt\"\n992: .balign 4\n"
            "993: .8byte 990b\n.8byte 0\n.8byte 0\n"
            ".asciz \"prov\"\n.asciz \"some__mark\"\n.asciz \"-8@%%rbx\"\n"
            "994: .balign 4\n.popsection" : : "b"(i) : "memory");
    }
    return sum == 0;
}
'''
PROGRAM_ROWS = {
    'pid$target: functions': ('''
        pid$target:a.out:twice:entry { @args[probefunc] = sum(arg0); @texts[copyinstr(arg1)] = count(); }
        pid$target:a.out:twice:return { @results[probefunc] = sum(arg1); }
        ''', ['args|%s', 'texts|%s', 'results|%s'], '''
        uprobe:./dcmp-prog:twice { @args["twice"] = sum(arg0); @texts[str(arg1)] = count(); }
        uretprobe:./dcmp-prog:twice { @results["twice"] = sum(retval); }
        ''', 'same'),
    'usdt: markers': ('''
        prov$target:::some-mark { @marks[probename] = sum(arg0); }
        ''', ['marks|%s'], '''
        usdt:./dcmp-prog:prov:some__mark { @marks["some-mark"] = sum(arg0); }
        ''', 'same'),
}


class Unequal(Exception):
    """The words say what differs."""


def bt_maps(text):
    """{map: {key: value}} of bpftrace's JSON; a map without keys has the key ''."""
    maps = {}
    for line in text.splitlines():
        try:
            said = json.loads(line)
        except ValueError:
            continue
        for name, data in said.get('data', {}).items() if said.get('type') in ('map', 'hist', 'stats') else ():
            if isinstance(data, list):
                data = {str(bucket.get('min', '<')): bucket['count'] for bucket in data if bucket['count']}
            maps[name.lstrip('@')] = data if isinstance(data, dict) else {'': data}
    return maps


def d_maps(text):
    """The same of what END has printed: 'name|key|key|value' lines, or a line 'name' and a table."""
    maps, name = {}, None
    for line in text.splitlines():
        words = line.split('|')
        table = re.match(r' *(<|>=)? *(-?\d+) +\|@* +(\d+) *$', line)
        if line.startswith('table '):
            name = line[6:]
        elif table and name and int(table.group(3)):
            key = '<' if table.group(1) == '<' else table.group(2)
            maps.setdefault(name, {})[key] = int(table.group(3))
        elif len(words) >= 2 and re.fullmatch(r'-?\d+', words[-1]):
            maps.setdefault(words[0], {})[','.join(words[1:-1])] = int(words[-1])
    return maps


def near(d, bt, part):
    if abs(d - bt) > 20 + part * max(d, bt):
        raise Unequal(f'{d} in D, {bt} in bpftrace')


def same(d, bt, names):
    for n in names:
        if not d.get(n) or d.get(n) != bt.get(n):
            raise Unequal(f'{n}: {d.get(n)} in D, {bt.get(n)} in bpftrace')


def latency(d, bt, names, _):
    same(d, bt, ['calls'])
    if sum(d['latency'].values()) != d['calls']['dcmp'] or d['calls']['dcmp'] != 20000:
        raise Unequal(f'{d["latency"]} are not {d["calls"]}')
    # Each reads the clock for itself.
    middle = [sorted(int(k) for k, n in m['latency'].items() for _ in range(n))[10000] for m in (d, bt)]
    if not 1 / 4 <= middle[0] / max(middle[1], 1) <= 4:
        raise Unequal(f'the middle latencies are {middle}')


def counts(d, bt, names, _):
    if sorted(d['all'].values()) != sorted(bt['all'].values()) or d['all'].get('getppid') != 20000:
        raise Unequal(f'{d["all"]} in D, {bt["all"]} in bpftrace')


def files(d, bt, names, load):
    by_file = dict(re.findall(r'^fd (\d+) (.*)$', load, re.M))
    wanted = {name: bt['fds'].get(fd) for fd, name in by_file.items()}
    found = {name: d['fds'].get(name) for name in wanted}
    if found != wanted or found != {'dcmp-a': 70, 'dcmp-b': 30}:
        raise Unequal(f'{d["fds"]} in D, {bt["fds"]} in bpftrace, {by_file}')


def words(d, bt, names, _):
    wanted = {k.replace(',', ' '): n for k, n in bt['execs'].items()}
    if d['execs'] != wanted or d['execs'].get('/bin/echo dcmp 3') != 1:
        raise Unequal(f'{d["execs"]} in D, {wanted} in bpftrace')


def on_cpu(d, bt, names, _):
    near(d['switches'][''], bt['switches'][''], 0)
    near(sum(d['on'].values()), bt['ran'][''], 0.02)
    if len(d['on']) < 2 or sum(d['on'].values()) < 3e8:
        raise Unequal(f'{d["on"]} is too little')


def about(d, bt, names, _):
    for n in names:
        near(d[n]['dcmp'], bt[n]['dcmp'], 0.15)
        if d[n]['dcmp'] < 200:
            raise Unequal(f'{d[n]} is too little')


def disks(d, bt, names, _):
    wanted = {}
    for key, n in bt['io'].items():
        dev, size = key.split(',')
        wanted[f'{int(dev) >> 20}:{int(dev) & 0xfffff},{size}'] = n
    found = {}
    for key, n in d['io'].items():
        name, size = key.split(',')
        with open(f'/sys/block/{name}/dev', encoding='ascii') as f:
            found[f'{f.read().strip()},{size}'] = n
    if found != wanted or sum(found.values()) < 10:
        raise Unequal(f'{found} in D, {wanted} in bpftrace')


JUDGES = {'latency': latency, 'counts': counts, 'files': files, 'words': words,
          'time': on_cpu, 'about': about, 'disks': disks,
          'same': lambda d, bt, names, _: same(d, bt, names)}


def texts(rows):
    """D's and bpftrace's script."""
    d = ''.join(r[0] for r in rows.values()) + 'END {'
    for show in (show for r in rows.values() for show in r[1]):
        name = re.match(r'\w+', show).group()
        d += (f' printf("table {name}\\n"); printa(@{name});' if show.endswith('=') else
              f' printa("{show}|%@d\\n", @{name});')
    return d + ' }', ''.join(r[2] for r in rows.values())


def wait_ready(process, seconds=60):
    """Reads until the line 'ready' comes; what was read."""
    got, end = b'', time.monotonic() + seconds
    while b'ready' not in got:
        if not select.select([process.stdout], [], [], max(0, end - time.monotonic()))[0]:
            raise TimeoutError
        more = os.read(process.stdout.fileno(), 1 << 16)
        if not more:
            break
        got += more
    return got


def stop(process):
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    return out.decode(errors='replace'), err.decode(errors='replace')


def start(words_, folder):
    return subprocess.Popen(words_, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def beside(sonde, rows, folder, settle):
    """Both over the load: D's maps, bpftrace's maps, what the load said, what was on stderr."""
    d_text, bt_text = texts(rows)
    d = start([sonde, 'run', '-q', '-n', d_text + READY_D], folder)
    bt = start(['bpftrace', '-f', 'json', '-e', bt_text + READY_BT], folder)
    try:
        wait_ready(d)
        wait_ready(bt)
        time.sleep(settle)
        load = subprocess.run(['perl', '-e', LOAD], cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
        if 'io' in str(rows):
            subprocess.run(DISK, shell=True, cwd=folder, check=False)
        time.sleep(0.5)
    finally:
        (d_out, d_err), (bt_out, bt_err) = stop(d), stop(bt)
    return d_maps(d_out), bt_maps(bt_out), load.stdout, d_err + bt_err


def beside_program(sonde, rows, folder, settle):
    """The same over the program, which sonde itself starts."""
    d_text, bt_text = texts(rows)
    bt = start(['bpftrace', '-f', 'json', '-e', bt_text + READY_BT], folder)
    try:
        wait_ready(bt)
        time.sleep(settle)
        d = subprocess.run([sonde, 'run', '-q', '-c', './dcmp-prog', '-n', d_text], cwd=folder, text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        time.sleep(0.5)
    finally:
        bt_out, bt_err = stop(bt)
    return d_maps(d.stdout), bt_maps(bt_out), '', d.stderr + bt_err


def compare(rows, run, sonde, folder):
    """{row: what is wrong, or None}. Once more with what was unequal: bpftrace does not tell when all
    of it is attached."""
    verdicts = dict.fromkeys(rows)
    left = dict(rows)
    for settle in (1, 4, 8):
        d, bt, load, err = run(sonde, left, folder, settle)
        for name, (_, shows, _, judge) in list(left.items()):
            try:
                JUDGES[judge](d, bt, [re.match(r'\w+', show).group() for show in shows], load)
                verdicts[name] = None
                del left[name]
            except (Unequal, KeyError, IndexError) as e:
                verdicts[name] = f'{type(e).__name__}: {e}\n{err}'
        if not left:
            break
    return verdicts


def has_kprobe():
    import lang  # beside this file
    return lang.has_kprobe()


def on_disk(folder):
    """Whether writes to the folder go to a disk that block events tell of."""
    dev = os.stat(folder).st_dev
    return os.path.exists(f'/sys/dev/block/{os.major(dev)}:{os.minor(dev)}')


def chosen(rows, names):
    return {k: v for k, v in rows.items() if not names or any(n in k for n in names)}


def main():
    if os.geteuid() != 0 or not shutil.which('bpftrace'):
        print('1..0 # SKIP ' + ('root only' if os.geteuid() else 'no bpftrace here'))
        return 0
    sonde, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    skipped, verdicts = {}, {}
    with tempfile.TemporaryDirectory(prefix='sonde-dcmp-', dir='/var/tmp') as folder:
        rows = chosen(ROWS, names)
        for word, can, why in (('fbt', has_kprobe(), 'no kernel functions can be probed here'),
                               ('io', on_disk(folder), 'no disk here')):
            for name in [n for n in rows if n.startswith(word + ':') and not can]:
                skipped[name] = why
                del rows[name]
        program = chosen(PROGRAM_ROWS, names)
        if shutil.which('cc'):
            with open(os.path.join(folder, 'prog.c'), 'w', encoding='utf-8') as f:
                f.write(PROGRAM)
            subprocess.run(['cc', '-O1', '-o', 'dcmp-prog', 'prog.c'], cwd=folder, check=True)
        else:
            skipped |= dict.fromkeys(program, 'no cc here')
            program = {}
        if rows:
            verdicts |= compare(rows, beside, sonde, folder)
        if program:
            verdicts |= compare(program, beside_program, sonde, folder)
    print(f'1..{len(verdicts) + len(skipped)}')
    for n, name in enumerate([*verdicts, *skipped], 1):
        wrong = verdicts.get(name)
        print(f'{"not ok" if wrong else "ok"} {n} - {name}' + (f' # SKIP {skipped[name]}' if name in skipped else ''))
        if wrong:
            print('# ' + wrong.rstrip().replace('\n', '\n# '))
    return 1 if any(verdicts.values()) else 0


if __name__ == '__main__':
    sys.exit(main())
