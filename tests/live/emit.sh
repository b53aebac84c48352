#!/bin/sh
# SPDX-License-Identifier: MIT
# sonde record --script on the running kernel: the events of emit() in the trace. Prints TAP.
# usage: emit.sh SONDE CALLS   (CALLS: the program of tests/live/calls.c)
set -u
export LC_ALL=C
sonde=$(realpath "$1") calls=$(realpath "$2")
scratch=$(mktemp -d) || exit 99
trap 'umount "$scratch/small" 2>/dev/null; rm -rf "$scratch"' EXIT
cd "$scratch" || exit 99
n=0 bad=0

# A system call number that nobody else on this machine makes meanwhile.
number=$((2000000 + $$))

# result NAME STATUS [FILE...]: the TAP line of one test, with the files' text if it failed.
result() {
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n - $1"
		return
	fi
	echo "not ok $n - $1"
	shift 2
	for f in "$@"; do sed 's/^/# /' "$f" | head -n 30; done
	bad=1
}

skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

# record ARG...: runs it without samples; its words in err, its status in $status.
record() {
	timeout 100 "$sonde" record --no-samples "$@" >out 2>err
	status=$?
}

# readable DIR: babeltrace2, where it is there, and our reader read it alike and without a word.
readable() {
	"$sonde" cat "$1" >cat.txt 2>cat.err && [ ! -s cat.err ] || return 1
	command -v babeltrace2 >/dev/null || return 0
	babeltrace2 "$1" >bt2.txt 2>bt2.err && [ ! -s bt2.err ] && cmp -s cat.txt bt2.txt
}

# closing: events and lost of the closing line, as two numbers.
closing() {
	sed -n 's/^recorded \([0-9,]*\) events* (\([0-9,]*\) lost).*/\1 \2/p' err | tr -d ,
}

# background DIR PROBE ARG...: starts it without kernel events; its process in $pid; waits until
# the programs run.
background() {
	dir=$1
	shift
	timeout 100 "$sonde" record --no-samples --no-events -o "$dir" "$@" \
		-E 'self:signal:SIGUSR1 { printf("ready\n"); }' >out 2>err &
	waiter=$!
	for _ in $(seq 200); do
		sleep 0.05
		[ -e "$dir/metadata" ] || continue
		pid=$(pgrep -P $waiter sonde) && kill -USR1 "$pid"
		grep -q ready out && return 0
	done
	return 1
}

cat >calls.bt <<END
rawtracepoint:sys_enter / arg1 == $number / {
	@n++;
	emit("test:call", n = (uint64)@n, nr = arg1, small = (int8)-2, comm, text = "a \"text\"");
}
END
sed -i 's/comm, text/name = comm, text/' calls.bt

record -o probe -E 'BEGIN { emit("begin"); exit(); }'
if [ $status != 0 ] && ! grep -q '^recorded' err; then
	echo "1..0 # SKIP $(head -n 1 err)"
	exit 0
fi

record -o exact --no-events --script calls.bt -- "$calls" $number 100000
[ $status = 0 ] && [ "$(closing)" = '100000 0' ] && readable exact &&
	[ "$(grep -c 'test:call: .*comm = "calls" }, .*nr = '$number', small = -2, name = "calls", text = "a \\"text\\"" }' cat.txt)" = 100000 ] &&
	grep -qx '@n: 100000' out
result 'each of 100000 events is there, read alike by both readers' $? err out cat.err bt2.err

"$sonde" run -t exact -e 'event:test:call { @n = count(); @sum = sum(args.n); @most = max(args.n); @who[args.name, comm, pid == tid] = count(); }' >run.txt 2>err
grep -qx '@n: 100000' run.txt && grep -qx '@sum: 5000050000' run.txt &&
	grep -qx '@most: 100000' run.txt && grep -qx '@who\[calls, calls, 1\]: 100000' run.txt
result 'a script over the trace sees them with their fields' $? run.txt err

record -o merged -e "raw_syscalls:*:id == $number" --script calls.bt -- "$calls" $number 5000
readable merged && awk '
	/ test:call: / { emits++ }
	/ sys_exit: / { exits++; if (emits != 1) bad++; emits = 0 }
	END { exit !(exits == 5000 && !bad) }' cat.txt
result 'they stand among the events of the kernel by their times' $? err cat.err bt2.err

cat >values.bt <<'END'
struct inner { int a; char name[6]; };
struct made { uint8_t low:3; uint8_t high:5; uint16_t w; struct inner in[2]; uint64_t *p; };
BEGIN {
	emit("empty", a = "", b = "x");
	emit("empty", a = "x", b = "");
	emit("numbers", a = (int8)-1, b = (uint8)255, c = (int16)-1, d = (uint16)65535,
	     e = (int32)-1, f = (uint32)4294967295, g = -1, h = (uint64)18446744073709551615,
	     i = true, j = (uint64 *)0x1234);
	emit("texts", a = macaddr(pton("::1")), b = ntop(0x0100007f), c = strerror(2), d = probe,
	     e = buf("abc", 3));
	emit("tuple", t = (1, "two", (3, (uint8)4)), after = 5);
	emit("array", a = pton("1.2.3.4"));
	emit("struct", s = *(struct made *)kaddr("vfs_read"), after = 7);
	emit("stacks", k = kstack(2), u = ustack);
	emit("none");
	exit(5);
}
END { emit("end", x = 1); @left = 3; }
END
record -o values --no-events --script values.bt
[ $status = 5 ] && readable values && [ "$(closing)" = '10 0' ] && grep -qx '@left: 3' out &&
	grep -q ' numbers: .*{ a = -1, b = 255, c = -1, d = 65535, e = -1, f = 4294967295, g = -1, h = 18446744073709551615, i = 1, j = 0x1234 }' cat.txt &&
	grep -q ' texts: .*{ a = "00:00:00:00:00:00", b = "127.0.0.1", c = "No such file or directory", d = "BEGIN", e_length = 3, e = \[ \[0\] = 0x61, \[1\] = 0x62, \[2\] = 0x63 \] }' cat.txt &&
	grep -q ' tuple: .*{ t = { 0 = 1, 1 = "two", 2 = { 0 = 3, 1 = 4 } }, after = 5 }' cat.txt &&
	grep -q ' array: .*{ a = \[ \[0\] = 1, \[1\] = 2, \[2\] = 3, \[3\] = 4 \] }' cat.txt &&
	grep -q ' struct: .*{ s = { low = [0-9]*, high = .*in = \[ \[0\] = { a = .*after = 7 }' cat.txt &&
	grep -q ' stacks: .*k_length = 2, k = \[ \[0\] = 0xFFFFFFFF' cat.txt &&
	grep -q ' none: .*{ }$' cat.txt
result 'values of all kinds; exit() ends it' $? err out cat.err cat.txt bt2.err

record -o stacks --no-events -E "rawtracepoint:sys_enter / arg1 == $number / { emit(\"s\", kstack = kstack, ustack = ustack); }" \
	-- "$calls" $number 100
[ $status = 0 ] && "$sonde" flame --folded -e s stacks >flame.txt 2>err &&
	grep -q '^calls;.*syscall;.*entry_SYSCALL_64' flame.txt &&
	"$sonde" run -t stacks -e 'event:s { @[kstack(1)] = count(); @u[ustack(1)] = count(); }' >run.txt 2>>err &&
	grep -q '^\]: 100$' run.txt
result 'stacks are named, and scripts over the trace have them' $? flame.txt run.txt err

# The recorder sleeps while its small ring overflows.
background lost --buffer 64K --script calls.bt
result 'recording begins' $? err out
kill -STOP "$pid"
"$calls" $number 50000
kill -CONT "$pid"
"$calls" $number 1
kill -INT "$pid"
wait $waiter
set -- $(closing)
[ "$1" -gt 100 ] && [ "$2" -gt 100 ] && [ $(($1 + $2)) = 50001 ] && grep -qx '@n: 50001' out &&
	readable_lost=$("$sonde" cat lost 2>cat.err | grep -c test:call) && [ "$readable_lost" = "$1" ]
result 'events and losses add up' $? err cat.err out
"$sonde" stats --json lost >stats.json 2>&1
grep -Eq "\"lost_events\": *$2\b" stats.json
result 'the trace tells as many losses' $? err stats.json

record -o two --no-events -E 'BEGIN { emit("e", a = 1); }' -E 'BEGIN { emit("e", a = 2); exit(); }'
[ $status = 0 ] && readable two && [ "$(grep -c ' e: ' cat.txt)" = 2 ]
result 'two scripts may make the same event' $? err cat.err bt2.err
record -o other --no-events -E 'BEGIN { emit("e", a = 1); }' -E 'BEGIN { emit("e", b = 2); }'
[ $status = 1 ] && grep -q "event 'e' has other fields in another script" err && [ ! -e other ]
result 'but with the same fields' $? err
record -o other --no-events -E 'BEGIN { emit("e", a = 1, a = 2); }'
[ $status = 1 ] && grep -q "field 'a' is there already \[duplicate-field\]" err && [ ! -e other ]
result 'what is wrong with a script is told in its words' $? err

"$sonde" run -q -e 'BEGIN { emit("e", a = 1, b = "x y"); exit(); }' >out 2>err
grep -qx 'e: { a = 1, b = "x y" }' out
result 'without a trace events are printed' $? out err
"$sonde" run -q -f json -e 'BEGIN { emit("e", a = 1, b = "x\"y", t = (1, "z")); exit(); }' >out 2>err
grep -qxF '{"type": "event", "data": {"name": "e", "fields": {"a": 1, "b": "x\"y", "t": [1,"z"]}}}' out
result 'in JSON they are objects' $? out err
record -o tasks --no-events -d 0.5 -E 'iter:task { emit("task", tid = ctx.task->pid, name = ctx.task->comm); }' \
	-E 'interval:ms:100 { emit("tick"); }'
[ $status = 0 ] && readable tasks && grep -q ' task: .*{ tid = [0-9]*, name = "sonde" }' cat.txt && grep -q ' tick: ' cat.txt
result 'of each task, and at each tick' $? err cat.err bt2.err
"$sonde" run -t exact -e 'event:test:call / args.n == 7 / { emit("e", a = args.n); exit(); }' >out 2>err
grep -qx 'e: { a = 7 }' out
result 'over a trace, too' $? out err

record -o status --no-events -E 'BEGIN { emit("e"); }' -- sh -c 'exit 7'
[ $status = 7 ]
result 'the status of the command is passed on' $? err

# A process that is there, what it forks, and what that forks; and one beside.
sh -c 'until [ -e go ]; do sleep 0.05; done; "$@"; sh -c "\"\$@\"; true" sh "$@"' sh "$calls" $number 1000 &
other=$!
background one -p $other --script calls.bt -E 'interval:ms:10 { emit("tick"); }'
"$calls" $number 500
touch go
wait $other
sleep 0.5
kill -INT "$pid"
wait $waiter
status=$?
[ $status = 0 ] && readable one && [ "$(grep -c test:call cat.txt)" = 2000 ] &&
	[ "$(grep -c ' tick: ' cat.txt)" -gt 10 ] && ! grep -q __sonde out
result 'one process and what it forks only' $? err out cat.err

# Nothing else on this machine has a program of that name.
running() {
	grep -c 'bpf_prog_[0-9a-f]*_sched_process_h' /proc/kallsyms
}
before=$(running)
background killed -E 'tracepoint:sched:sched_process_hang { emit("hang"); }' --script calls.bt
during=$(running)
"$calls" $number 1000 && sleep 1.5
kill -KILL "$pid"
wait $waiter 2>/dev/null
for _ in $(seq 100); do [ "$(running)" = "$before" ] && break; sleep 0.05; done
if [ "$during" = "$before" ]; then
	skip 'a killed recorder leaves nothing attached, and what it wrote' 'programs have no names here'
else
	[ "$(running)" = "$before" ] && readable killed && [ "$(grep -c test:call cat.txt)" = 1000 ]
	result 'a killed recorder leaves nothing attached, and what it wrote' $? err cat.err bt2.err
fi

mkdir small
if mount -t tmpfs -o size=300k tmpfs small 2>/dev/null; then
	record -o small/t --no-events --script calls.bt -- "$calls" $number 100000
	[ $status = 1 ] && grep -q 'No space left' err &&
		"$sonde" cat small/t >cat.txt 2>cat.err && closing | { read -r events lost &&
			[ "$events" = "$(wc -l <cat.txt)" ] && grep -qx "@n: $((events + lost))" out; }
	result 'a full disk ends it; what is there can be read, the rest is counted' $? err cat.err out
	umount small
else
	skip 'a full disk ends it; what is there can be read, the rest is counted' 'no tmpfs may be mounted'
fi

echo "1..$n"
exit $bad
