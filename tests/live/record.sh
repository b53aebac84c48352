#!/bin/sh
# SPDX-License-Identifier: MIT
# sonde record on the running kernel: what it records, how it ends, what it says. Prints TAP.
# usage: record.sh SONDE CALLS   (CALLS: the program of tests/live/calls.c)
set -u
sonde=$(realpath "$1") calls=$(realpath "$2")
tracing=/sys/kernel/tracing
scratch=$(mktemp -d) || exit 99
trap 'umount "$scratch/small" 2>/dev/null; rm -rf "$scratch"' EXIT
cd "$scratch" || exit 99
n=0 bad=0

# A system call number that nobody else on this machine makes meanwhile.
number=$((1000000 + $$))

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

# skip NAME WHY
skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

# record ARG...: runs it; its words in err, its status in $status.
record() {
	"$sonde" record --no-samples "$@" >out 2>err
	status=$?
}

# readable DIR: babeltrace2, where it is there, and our reader read it without a word.
readable() {
	"$sonde" cat "$1" >cat.txt 2>cat.err && [ ! -s cat.err ] || return 1
	command -v babeltrace2 >/dev/null || return 0
	babeltrace2 "$1" >bt2.txt 2>bt2.err && [ ! -s bt2.err ] && cmp -s cat.txt bt2.txt
}

# readable_but DIR: the same where a busy machine may lose events, which both readers then tell.
readable_but() {
	"$sonde" cat "$1" >cat.txt 2>cat.all && ! grep -v 'events lost between' cat.all >cat.err || return 1
	command -v babeltrace2 >/dev/null || return 0
	babeltrace2 "$1" >bt2.txt 2>bt2.all && ! grep -v '[Tt]racer discarded' bt2.all >bt2.err && cmp -s cat.txt bt2.txt
}

# written DIR: waits until some packets are on the disk.
written() {
	for _ in $(seq 200); do
		[ "$(cat "$1"/kernel_* 2>/dev/null | head -c 100000 | wc -c)" = 100000 ] && return 0
		sleep 0.05
	done
	return 1
}

# closing: events and lost of the closing line, as two numbers.
closing() {
	sed -n 's/^recorded \([0-9,]*\) events (\([0-9,]*\) lost).*/\1 \2/p' err | tr -d ,
}

# background DIR ARG...: starts it; its process in $pid; waits until it records.
background() {
	dir=$1
	shift
	"$sonde" record --no-samples -o "$dir" "$@" >out 2>err &
	pid=$!
	for _ in $(seq 200); do
		# An instance begins with tracing on; by the metadata it was switched off.
		[ -e "$dir/metadata" ] && cat $tracing/instances/sonde-$pid-*/tracing_on 2>/dev/null | grep -q 1 && return 0
		sleep 0.05
	done
	return 1
}

# gone PID: its instance is not there any more.
gone() {
	! ls -d $tracing/instances/sonde-"$1"-* >/dev/null 2>&1
}

record -o probe -e raw_syscalls:sys_enter -- true
if [ $status != 0 ] && ! grep -q '^recorded' err; then
	echo "1..0 # SKIP $(head -n 1 err)"
	exit 0
fi

record -o plain -- true
[ $status = 0 ] && grep -q '^recorded [0-9,]* events (0 lost) in [0-9.]* s: plain (' err &&
	readable plain && [ "$(closing)" = "$(wc -l <cat.txt) 0" ] && grep -q sched_switch cat.txt &&
	grep -q 'sched_process_exec.*filename = ".*/true"' cat.txt
result 'the usual events, read alike by both readers' $? err cat.err bt2.err

# Reading a ring makes events; to read them in turn would never end.
background calm -e raw_syscalls:sys_enter
sleep 2
kill -INT $pid
wait $pid
"$sonde" cat calm >cat.txt 2>cat.err
own=$(grep -c "common_pid = $pid }" cat.txt)
# What others do meanwhile makes it read and write more; itself it would fill the trace.
[ -n "$(closing)" ] && [ "$own" -gt 0 ] && [ "$own" -lt $((4000 + $(wc -l <cat.txt) / 20)) ]
result 'the recorder does not record itself recording' $? err cat.err

record -o sites -e hrtimer_expire_entry -- sleep 0.2
[ $status = 0 ] && grep -q '^f [0-9a-f]* [0-9a-f]* hrtimer_wakeup$' sites/sonde/kernel
result 'functions that events name are named beside the trace' $? err sites/sonde/kernel

for ring in map read; do
	SONDE_RING=$ring record -o exact-$ring -e "raw_syscalls:sys_enter:id == $number" -- \
		"$calls" $number 200000
	[ $status = 0 ] && [ "$(closing)" = '200000 0' ] && readable exact-$ring &&
		[ "$(grep -c "id = $number," cat.txt)" = 200000 ]
	result "every one of 200000 calls is there ($ring)" $? err cat.err bt2.err
done

# The recorder sleeps while its small ring overflows.
for ring in map read; do
	SONDE_RING=$ring background lost-$ring --buffer 64K -e "raw_syscalls:sys_enter:id == $number"
	result "recording begins ($ring)" $? err
	kill -STOP $pid
	"$calls" $number 100000
	kill -CONT $pid
	"$calls" $number 1
	kill -INT $pid
	wait $pid
	set -- $(closing)
	[ "$1" -gt 100 ] && [ "$2" -gt 100 ] && [ $(($1 + $2)) = 100001 ] &&
		grep -q 'take larger rings (--buffer)' err &&
		"$sonde" cat lost-$ring 2>cat.err | grep -c "id = $number," | grep -qx "$1"
	result "events and losses add up ($ring)" $? err cat.err
	"$sonde" stats --json lost-$ring >stats.json 2>&1
	grep -Eq "\"lost_events\": *$2\b" stats.json
	result "the trace tells as many losses ($ring)" $? err stats.json
done

for signal in INT TERM HUP; do
	background by-$signal -e sched:sched_switch && sleep 0.2
	kill -$signal $pid
	wait $pid
	[ $? = 0 ] && gone $pid && readable by-$signal && grep -q sched_switch cat.txt
	result "SIG$signal ends a recording well" $? err cat.err bt2.err
done

# Killed while it writes as fast as it can: its guard cuts the torn end and removes the instance.
"$calls" $number 2000000000 &
load=$!
failed=0
for i in 1 2 3; do
	background killed$i -e 'raw_syscalls:*' && written killed$i && sleep 0.$((i + 2))
	kill -KILL $pid
	wait $pid 2>/dev/null
	for _ in $(seq 400); do gone $pid && break; sleep 0.05; done
	gone $pid && readable_but killed$i && [ "$(wc -l <cat.txt)" -gt 100 ] || { failed=$i; break; }
done
kill $load
[ $failed = 0 ]
result 'what killed recorders leave can be read; their instances go' $? cat.err bt2.err err

# The guard is killed too: what is left of the instance is for the next recorder, which may be
# somebody else's: they share the kernel. Nobody is always first.
left=1 removed=1
for i in 1 2 3 4 5; do
	background both$i -e sched:sched_switch
	kill -KILL $(pgrep -P $pid) $pid
	wait $pid 2>/dev/null
	! gone $pid && left=0
	stale=$pid
	record -o after$i -e sched:sched_switch -- true
	[ $status = 0 ] && gone $stale && grep -q 'removed [0-9]* tracing instance' err && removed=0 && break
done
result 'an instance is left when the guard is killed too' $left
[ $removed = 0 ]
result 'the next recorder removes it' $? err

record -o status -e sched:sched_switch -- sh -c 'exit 7'
[ $status = 7 ]
result 'the status of the command is passed on' $? err
record -o status --force -e sched:sched_switch -- sh -c 'kill -9 $$'
[ $status = 137 ]
result 'also that of a signal' $? err
record -o none -e sched:sched_switch -- /no/such/command
[ $status = 127 ] && grep -q "cannot run '/no/such/command'" err && [ ! -e none ]
result 'a command that is not there' $? err

"$sonde" record --no-samples -o term -e sched:sched_switch -- sleep 60 >out 2>err &
pid=$!
for _ in $(seq 100); do pgrep -P $pid sleep >/dev/null && break; sleep 0.05; done
kill -TERM $pid
wait $pid
[ $? = 143 ] && gone $pid
result 'a signal is passed on to the command' $? err

record -d 0.3 -o short -e sched:sched_switch
[ $status = 0 ] && grep -q 'in 0\.[345] s' err
result 'a duration' $? err

record -o status -e sched:sched_switch -- true
[ $status = 1 ] && grep -q "'status' exists; --force replaces it" err
result 'a trace that exists is kept' $? err
mkdir other && touch other/file
record --force -o other -e sched:sched_switch -- true
[ $status = 1 ] && grep -q 'is no trace: not replaced' err && [ -e other/file ]
result 'what is no trace is kept even with --force' $? err

record -o none -e sched_swich -- true
[ $status = 2 ] && grep -q "no event 'sched_swich'; did you mean 'sched:sched_switch'" err &&
	[ ! -e none ]
result 'an unknown event' $? err
record -o none -e 'sched_switch:no_such_field == 1' -- true
[ $status = 2 ] && grep -q 'Field not found' err && [ ! -e none ]
result 'a wrong filter, in the words of the kernel' $? err
record -o none -p 99999999 -e sched_switch
[ $status != 0 ] && grep -q 'no process 99999999' err && [ ! -e none ]
result 'a process that is not there' $? err

sh -c 'until [ -e go ]; do sleep 0.05; done; exec "$@"' sh "$calls" $number 1000 &
other=$!
background one -p $other -e "raw_syscalls:sys_enter:id == $number"
"$calls" $number 10
touch go
wait $other
kill -INT $pid 2>/dev/null
wait $pid
[ "$(closing)" = '1000 0' ] && readable one && ! grep "id = $number," cat.txt | grep -vq "common_pid = $other "
result 'one process only' $? err

mkdir small
if mount -t tmpfs -o size=300k tmpfs small 2>/dev/null; then
	record -o small/t -e "raw_syscalls:sys_enter:id == $number" -- "$calls" $number 200000
	[ $status = 1 ] && grep -q 'No space left' err &&
		"$sonde" cat small/t >cat.txt 2>cat.err && [ "$(wc -l <cat.txt)" -gt 100 ] &&
		"$sonde" stats --json small/t >stats.json 2>>cat.err &&
		closing | { read -r events lost && [ "$events" = "$(wc -l <cat.txt)" ] &&
			# A CPU that has no packet on the disk yet has no place to tell its losses.
			[ "$lost" -gt 0 ] && told=$(grep -o '"lost_events": *[0-9]*' stats.json | head -n 1) && told=${told##*[: ]} &&
			[ "$told" -gt 0 ] && [ "$told" -le "$lost" ]; }
	result 'a full disk ends it; what is there can be read' $? err cat.err
	umount small
else
	skip 'a full disk ends it; what is there can be read' 'no tmpfs may be mounted'
fi

record -o every -e '*:*' -- true
[ $status = 0 ] && readable_but every && ! grep -q undescribed cat.txt
result 'every event that this kernel has is described' $? err cat.err bt2.err

if command -v setpriv >/dev/null; then
	chmod 755 . && mkdir -m 777 nobody
	setpriv --reuid=65534 --regid=65534 --clear-groups "$sonde" record -o nobody/t -- true 2>err
	[ $? = 1 ] && grep -q 'sudo' err && [ ! -e nobody/t ]
	result 'without rights it says what to run' $? err
else
	skip 'without rights it says what to run' 'no setpriv'
fi

echo "1..$n"
exit $bad
