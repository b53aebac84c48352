#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs scripts live and over a recording that was made for them, on one fixed load, at the same time:
both must print the same. Prints TAP.

usage: record_for.py SONDE FIXED     (FIXED: the program of tests/live/fixed.c)
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

WAIT = 60  # s; for a busy machine
MINE = 'strncmp(comm, "fixed", 5) == 0'

# Name, text, what the output must have. Times differ a little: of them only how many there are is
# printed, or compared.
SCRIPTS = [
    ('calls by thread', f'''
tracepoint:raw_syscalls:sys_enter / {MINE} / {{ @[comm, pid, tid] = count(); }}''',
     [r'^@\[fixed-thread, \d+, \d+\]: 7\d\d$', r'^@\[fixed, \d+, \d+\]: [34]\d\d\d$']),
    ('calls by name', f'''
tracepoint:raw_syscalls:sys_enter / {MINE} / {{ @all = count(); }}
tracepoint:syscalls:sys_enter_* / {MINE} / {{ @[probe] = count(); }}
tracepoint:syscalls:sys_exit_* / {MINE} && args.ret < 0 / {{ @failed[probe, args.ret] = count(); }}''',
     [r'^@\[tracepoint:syscalls:sys_enter_getppid\]: 3000$', r'^@\[tracepoint:syscalls:sys_enter_getuid\]: 500$',
      r'^@failed\[tracepoint:syscalls:sys_exit_read, -9\]: 1$']),
    ('sizes of reads', f'''
tracepoint:syscalls:sys_exit_read / {MINE} && args.ret > 0 / {{
	@sizes[comm] = hist(args.ret);
	@sum[comm] = sum(args.ret);
	@stats = stats(args.ret);
	@linear = lhist(args.ret, 0, 4096, 512);
}}''', [r'^\[2K, 4K\) +3 ', r'^@sum\[fixed-pong\]: 200$']),
    ('arguments', f'''
tracepoint:syscalls:sys_enter_read / {MINE} / {{ @asked[args.count] = count(); }}
tracepoint:syscalls:sys_enter_openat / {MINE} / {{ @flags[args.flags, args.mode] = count(); }}
tracepoint:syscalls:sys_exit_openat / {MINE} / {{ @errno[args.ret < 0 ? -args.ret : 0] = count(); }}''',
     [r'^@asked\[2048\]: 3$', r'^@errno\[2\]: 1$']),
    ('switches', '''
tracepoint:sched:sched_switch / strncmp(args.prev_comm, "fixed", 5) == 0 / {
	@off[args.prev_comm, args.prev_state & 0xf, cpu] = count(); // a dead one's may change meanwhile
	@[comm, pid] = count();
}
tracepoint:sched:sched_switch / strncmp(args.next_comm, "fixed", 5) == 0 / { @on[str(args.next_comm)] = count(); }''',
     [r'^@off\[fixed-pong, 1, \d\]: \d+$', r'^@on\[fixed-pong\]: \d+$']),
    ('processes', f'''
tracepoint:sched:sched_process_fork / {MINE} / {{ @forks[comm, args.parent_pid == tid] = count(); }}
tracepoint:sched:sched_process_exit / {MINE} / {{ @exits[comm, pid == tid] = count(); }}
tracepoint:sched:sched_process_exec / {MINE} / {{ @execs[comm, str(args.filename)] = count(); }}
tracepoint:task:task_newtask / {MINE} / {{ @new[(args.clone_flags & 0x10000) != 0] = count(); }}''',
     [r'^@forks\[fixed, 1\]: 8$', r'^@exits\[fixed-child, 1\]: 2$', r'^@exits\[fixed-thread, 0\]: 1$',
      r'^@new\[0\]: 7$', r'^@execs\[fixed, ']),
    ('latencies', f'''
tracepoint:raw_syscalls:sys_enter / {MINE} / {{ @begin[tid] = nsecs; @id[tid] = args.id; }}
tracepoint:raw_syscalls:sys_exit / @begin[tid] != 0 / {{
	@ns[comm] = hist(nsecs - @begin[tid]);
	@by_id[@id[tid]] = count();
	delete(@begin[tid]);
	delete(@id[tid]);
}}
END {{ clear(@begin); clear(@id); }}''', [r'^@ns\[fixed-thread\]']),
    ('stacks', f'''
tracepoint:sched:sched_switch / strncmp(args.prev_comm, "fixed", 5) == 0 && (args.prev_state & 0xf) / {{
	@switch[args.prev_comm, kstack(raw, 8)] = count();
}}
tracepoint:sched:sched_process_fork / {MINE} / {{ @fork[kstack(raw, 8), comm] = count(); }}
tracepoint:raw_syscalls:sys_exit / {MINE} && args.id == 104 / {{ @exit[kstack(raw, 8), len(ustack), args.ret] = count(); }}
tracepoint:syscalls:sys_enter_getuid / {MINE} / {{ @user[len(ustack), comm] = count(); }}''',
     [r'^@switch\[fixed-pong, $', r'^@user\[\d+, fixed-child\]: 200$']),
    ('strings of the program', f'''
tracepoint:syscalls:sys_enter_openat / {MINE} / {{ @path[tid] = args.filename; @flags[str(args.filename)] = args.flags; }}
tracepoint:syscalls:sys_exit_openat / @path[tid] / {{ @opened[comm, str(@path[tid]), args.ret < 0] = count(); delete(@path[tid]); }}
END {{ clear(@path); }}''',
     [r'^@opened\[fixed, /nonexistent/fixed, 1\]: 1$', r'^@opened\[fixed, /dev/zero, 0\]: 1$', r'^@flags\[/dev/zero\]: ']),
    ('arrays of strings', '''
tracepoint:syscalls:sys_enter_execve / comm == "fixed-exec" / { join(args.argv); join(args.argv, ","); }''',
     [r'^/nonexistent/fixed two words 0{79}7$', r'^/nonexistent/fixed,two words,0{79}7$']),
    ('what the system knows', f'''
tracepoint:sched:sched_process_exit / {MINE} / {{
	@who[comm, uid, gid, username, curtask->tgid == pid, curtask->flags & 4] = count();
	@parent[comm, curtask->real_parent->comm] = count();
	@status[curtask->exit_code >> 8] = count();
}}
tracepoint:syscalls:sys_enter_getuid / {MINE} && curtask->mm->map_count > 0 / {{
	$task = (struct task_struct *)curtask;
	$first = $task->group_leader;
	@calls[$first->comm, $first->pid == pid, (uint16)$task->signal->nr_threads] = count();
}}''', [r'^@who\[fixed-child, 0, 0, root, 1, 4\]: 2$', r'^@parent\[fixed-child, fixed\]: 2$', r'^@status\[4\]: 1$',
         r'^@calls\[fixed-child, 1, 1\]: 200$', r'^@calls\[fixed, 1, 1\]: 300$']),
    ('probes of programs', f'''
uprobe:libc:execv / comm == "fixed-exec" / {{ @path[str(arg0), func] = count(); @p[tid] = arg0; @second = *(uint64 *)arg1 == arg0; }}
uretprobe:libc:execv / @p[tid] / {{ @failed[str(@p[tid]), (int32)retval] = count(); printf("%d\\n", retval); delete(@p[tid]); }}
uprobe:libc:pipe* / {MINE} / {{ @pipes[comm, probe] = count(); }}
rawtracepoint:sched_process_fork / {MINE} / {{ @new[args.parent->comm, args.child->tgid == args.child->pid] = count(); }}''',
     [r'^@path\[/nonexistent/fixed, execv\]: 1$', r'^@failed\[/nonexistent/fixed, -1\]: 1$', r'^-1$', r'^@second: 1$',
      r'^@pipes\[fixed, uprobe:\S*:pipe\]: 2$', r'^@new\[fixed, 1\]: 7$', r'^@new\[fixed, 0\]: 1$']),
    ('who runs where', '''
tracepoint:sched:sched_wakeup / strncmp(args.comm, "fixed", 5) == 0 / { @woken[comm, str(args.comm)] = count(); }
rawtracepoint:sched_process_fork / strncmp(comm, "fixed", 5) == 0 / { @raw = count(); }''',
     [r'^@raw: 8$', r'^@woken\[']),
]

READS_D = '''#pragma D option quiet
syscall::read:entry / execname == "fixed" || execname == "fixed-pong" /
{
	@calls[execname, probefunc] = count();
	@sizes = quantize(arg2);
	self->ts = timestamp;
}
syscall::openat:entry / execname == "fixed" / { @opened[copyinstr(arg1)] = count(); }
syscall::read:return / self->ts /
{
	@sums[execname] = sum(arg1);
	@n["pairs"] = count();
	self->ts = 0;
}
'''

# What no recording gives: an error before it begins, which names the line.
BAD = [
    ('BEGIN { print(curtask); exit(); }', r"^bad0:1:15: error: 'curtask' cannot be had"),
    ('BEGIN { exit(); }\nEND { @[uid] = count(); }', r"^bad1:2:9: error: 'uid' cannot be had"),
    ('tracepoint:sched:sched_switch { @[curtask->nothing] = count(); }', r"^bad2:1:44: error: .*nothing"),
    ('profile:hz:99 { @ = count(); }\nprofile:hz:49 { @b = count(); }', r'^bad3:2:1: error: samples are recorded at one rate'),
    ('tracepoint:sched:sched_swatch { @ = count(); }', r"^sonde: this kernel has no event 'sched:sched_swatch'; did you mean 'sched:sched_switch'"),
    ('tracepoint:sched:sched_switch { @[args.nothing] = count(); }', r"^bad5:1:40: error: .*nothing"),
    ('uprobe:libc:no_such_one { @[arg0] = count(); }', r"^bad6:1:1: error: no function 'no_such_one'"),
    ('tracepoint:sched:sched_switch { @p = curtask; }\ntracepoint:sched:sched_wakeup { print(((struct task_struct *)@p)->pid); }',
     r"^bad7:2:\d+: error: "),
    ('tracepoint:sched:sched_switch { @ = count( }', r'^bad8:1:44: error: '),
]
n = failed = 0


def result(name, wrong):
    global n, failed
    n += 1
    failed += bool(wrong)
    print(f"{'not ok' if wrong else 'ok'} {n} - {name}", flush=True)
    for line in '\n'.join(wrong).splitlines():
        print(f'# {line}')


class Live:
    """A script that runs on the kernel."""

    def __init__(self, sonde, path):
        self.out = open(path + '.live', 'w+', encoding='utf-8')
        self.process = subprocess.Popen([sonde, 'run', path], stdin=subprocess.DEVNULL, stdout=self.out,
                                        stderr=subprocess.PIPE, text=True)

    def text(self):
        self.out.seek(0)
        return self.out.read()

    def attached(self, deadline):
        while 'Attaching' not in self.text() and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        try:
            _, err = self.process.communicate(timeout=WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return '', 'it does not end'
        return self.text(), err


def lines(text, times):
    """The maps; where @times, of histograms only how many values they have."""
    # The kernel's calls of several programs at one tracepoint come and go with them.
    kept = [line for line in text.splitlines() if line and not re.match('Attaching|    __traceiter_', line)]
    if not times:
        return sorted(kept)
    out, values = [], 0
    for line in kept + ['@']:
        bar = re.match(r'[\[(].*[\])] +(\d+) \|', line)
        if bar:
            values += int(bar.group(1))
            continue
        if values:
            out.append(f'values: {values}')
        values = 0
        out.append(line)
    return sorted(out)


def compare(name, live, err, trace, trace_err, wanted):
    wrong = [f'not found: {w}' for w in wanted if not re.search(w, trace, re.M)]
    if re.search('came while a probe ran', err):
        print(f'# {name}: numbers are not compared, as it missed events live')
        return wrong + ([trace_err] if trace_err else [])
    a, b = lines(live, name == 'latencies'), lines(trace, name == 'latencies')
    if a != b:
        wrong += [f'live only: {x}' for x in a if x not in b] + [f'trace only: {x}' for x in b if x not in a]
    if err or trace_err:
        wrong.append(f'words: {err} {trace_err}')
    return wrong


def run(sonde, *args):
    return subprocess.run([sonde, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False, timeout=4 * WAIT)


def same(sonde, fixed):
    paths = []
    for i, (_, text, _) in enumerate(SCRIPTS):
        paths.append(f'script{i}.bt')
        with open(paths[-1], 'w', encoding='utf-8') as f:
            f.write(text)
    lives = [Live(sonde, path) for path in paths]
    deadline = time.monotonic() + WAIT
    for live in lives:
        live.attached(deadline)
    time.sleep(0.3)
    p = run(sonde, 'record', '-o', 'trace', '--buffer', '64M', *[a for path in paths for a in ('--for', path)], '--', fixed)
    outputs = [live.end() for live in lives]
    result('recorded for all scripts at once', [] if p.returncode == 0 and '(0 lost)' in p.stderr else [p.stderr])
    if p.returncode:
        return
    for (name, _, wanted), path, (live, err) in zip(SCRIPTS, paths, outputs):
        p = run(sonde, 'run', '-t', 'trace', path)
        result(name, compare(name, live, err, p.stdout, p.stderr, wanted))


def same_d(sonde, fixed):
    """One after the other: the numbers of this load are the same each time."""
    with open('reads.d', 'w', encoding='utf-8') as f:
        f.write(READS_D)
    live = run(sonde, 'run', '-c', fixed, '-s', 'reads.d')
    p = run(sonde, 'record', '-o', 'trace-d', '--for', 'reads.d', '--', fixed)
    trace = run(sonde, 'run', '-t', 'trace-d', '-s', 'reads.d')
    wrong = [p.stderr] if p.returncode else []
    if live.stdout != trace.stdout or not re.search(r'^ +fixed-pong +read +200$', live.stdout, re.M) or '/nonexistent/fixed' not in live.stdout:
        wrong += ['-- live', live.stdout, live.stderr, '-- trace', trace.stdout, trace.stderr]
    result('a script in D', wrong)


def refused(sonde):
    for i, (text, words) in enumerate(BAD):
        with open(f'bad{i}', 'w', encoding='utf-8') as f:
            f.write(text)
        p = run(sonde, 'record', '-o', 'not-made', '--for', f'./bad{i}', '--', 'true')
        wrong = [] if p.returncode == 1 and re.search(words, p.stderr, re.M) else [f'{p.returncode} {p.stderr}']
        if os.path.exists('not-made'):
            wrong.append('a trace was made')
        result(f'refused: {text.splitlines()[-1]}', wrong)


def main():
    if os.geteuid() != 0:
        print('1..0 # SKIP recordings need root')
        return 0
    sonde, fixed = (os.path.abspath(p) for p in sys.argv[1:3])
    with tempfile.TemporaryDirectory(prefix='sonde-for-') as scratch:
        os.chdir(scratch)
        same(sonde, fixed)
        same_d(sonde, fixed)
        refused(sonde)
        os.chdir('/')
    print(f'1..{n}')
    return 1 if failed else 0


sys.exit(main())
