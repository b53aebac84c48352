#!/bin/sh
# SPDX-License-Identifier: MIT
# Samples of a program that is known: its names, their nesting, and never a wrong name; prints TAP.
# usage: samples.sh SONDE SPIN_FP SPIN_NOFP      (spin.c with and without frame pointers)
set -u
sonde=$(realpath "$1") fp=$(realpath "$2") nofp=$(realpath "$3")
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 99
n=0 bad=0

# Another run of this test at the same time would be in our samples under the same names.
exec 9>/tmp/sonde-live-samples.lock && flock 9 || exit 99

if ! "$sonde" record -o probe -e sched_switch -d 0.1 2>probe.err; then
	echo "1..0 # SKIP cannot record: $(grep -m 1 sonde probe.err)"
	exit 0
fi
if grep -q 'no samples' probe.err; then
	echo "1..0 # SKIP $(grep -m 1 'no samples' probe.err)"
	exit 0
fi

# result NAME STATUS FILE: the TAP line, with the end of FILE where it failed.
result() {
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		tail -n 30 "$3" | cut -c 1-300 | sed 's/^/# /'
		bad=1
	fi
}

# take TRACE [OPTION]... -- CMD...: records, folds into TRACE.folded
take() {
	out=$1
	shift
	"$sonde" record -o "$out" -e sched_switch "$@" 2>"$out.err" &&
		"$sonde" flame --folded "$out" >"$out.folded" 2>>"$out.err"
}

# share FILE PATTERN: samples of the lines that match, of all of the program 'spin*', in percent.
share() {
	awk -v p="$2" '/^spin/ { n += $NF; if ($0 ~ p) m += $NF } END { print n ? int(100 * m / n) : 0 }' "$1"
}

cp "$fp" spinfp && cp "$nofp" spinno || exit 99

take fp -- ./spinfp 0.5
[ "$(share fp.folded ';main;outer_one;middle_two;inner_three[ ;]')" -ge 90 ]
result 'frame pointers: names, and their nesting' $? fp.folded

babeltrace2 fp >fp.text 2>fp.bt2err && [ ! -s fp.bt2err ] && grep -q 'perf:sample:' fp.text
if command -v babeltrace2 >/dev/null; then
	result 'babeltrace2 reads it without a word' $? fp.bt2err
fi

take dwarf --call-graph dwarf -- ./spinno 3
[ "$(share dwarf.folded ';_start;.*;main;outer_one;middle_two;inner_three[ ;]')" -ge 90 ]
result 'DWARF: the same without frame pointers' $? dwarf.folded

# Stripped: there is a name for none of its functions, only where they begin.
strip -o spinstrip spinno
take stripped --call-graph dwarf -- ./spinstrip 0.5
[ "$(share stripped.folded ';spinstrip[+]0x[0-9a-f]+;spinstrip[+]0x[0-9a-f]+;spinstrip[+]0x[0-9a-f]+[ ;]')" -ge 90 ] &&
	! grep -qE 'inner_three|middle_two' stripped.folded
result 'stripped: file and offset' $? stripped.folded

# Deleted behind the recording, and even while it goes on.
rm spinfp
"$sonde" flame --folded fp >deleted.folded 2>deleted.err
[ "$(share deleted.folded ';main;outer_one;middle_two;inner_three[ ;]')" -ge 90 ]
result 'deleted after recording: names are in the trace' $? deleted.folded

cp "$fp" spingone
take gone -- sh -c './spingone 0.6 & sleep 0.1; rm spingone; wait'
[ "$(share gone.folded ';main;outer_one;middle_two;inner_three[ ;]')" -ge 90 ]
result 'deleted while it runs: names are in the trace' $? gone.folded

# Another program in its place, and no names in the trace: those of the other would be wrong.
cp -r fp replaced && rm -r replaced/sonde
cp "$nofp" spinfp
"$sonde" flame --folded replaced >replaced.folded 2>replaced.err
grep -q '^spinfp;.*spinfp[+]0x' replaced.folded && ! grep -qE 'inner_three|outer_one' replaced.folded
result 'replaced: no name of the other program' $? replaced.folded

# The very same program there again: by its build-id its names are right.
rm spinfp && cp "$fp" spinfp
"$sonde" flame --folded replaced >again.folded 2>again.err
[ "$(share again.folded ';main;outer_one;middle_two;inner_three[ ;]')" -ge 90 ]
result 'without the symbol folder: names by build-id' $? again.folded

# Only one process, running already.
"$nofp" 3 &
pid=$!
take one --call-graph dwarf -p $pid -d 0.5
kill $pid
wait $pid 2>/dev/null
[ "$(share one.folded ';main;outer_one;middle_two;inner_three[ ;]')" -ge 90 ] &&
	[ "$(cut -d';' -f1 one.folded | sort -u | wc -l)" = 1 ]
result 'one process only, which ran before' $? one.folded

# The window and the process choose samples.
"$sonde" flame --folded --from +0.1s --to +0.3s fp >window.folded 2>window.err
all=$(awk '{ n += $NF } END { print n }' fp.folded)
some=$(awk '{ n += $NF } END { print n + 0 }' window.folded)
[ "$some" -gt 0 ] && [ "$some" -lt "$((all * 6 / 10))" ]
result 'a window of the time' $? window.folded

"$sonde" flame -o fp.svg fp 2>svg.err && grep -q '<title>inner_three (' fp.svg &&
	{ ! command -v xmllint >/dev/null || xmllint --noout fp.svg 2>>svg.err; }
result 'a picture' $? svg.err

echo "1..$n"
exit $bad
