#!/bin/sh
# SPDX-License-Identifier: MIT
# make demo: records where that is allowed, shows the shipped trace where not; prints TAP.
# usage: demo.sh BUILD
set -u
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$1
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
n=0 bad=0

# result NAME STATUS: the TAP line of one test, with what the demo said if it failed.
result() {
	n=$((n + 1))
	if [ "$2" = 0 ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		sed 's/^/# /' "$scratch/out" | tail -n 60
		bad=1
	fi
}

# skip NAME WHY
skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

# all_shown: the screens of the demo are there, and the picture.
all_shown() {
	for heading in '^== sonde stats' '^== sonde report cpu' '^== sonde report syscalls' \
		'^== sonde flame' '^== Next'; do
		grep -q "$heading" "$scratch/out" || { echo "no '$heading'" >>"$scratch/out"; return 1; }
	done
	grep -q '<svg' "$1"/flame.svg
}

if ! "$build/sonde" help --verbs | grep -q '^flame$'; then
	echo '1..0 # SKIP not all verbs of the demo are built in'
	exit 0
fi

mkdir "$scratch/here" && cd "$scratch/here" || exit 99
"$top/tools/demo" "$build" libsonde.a.p/src_base_out.c.o libsonde.a.p/src_base_table.c.o \
	>"$scratch/out" 2>&1 </dev/null
status=$?
if grep -q '^== The kernel could not be traced' "$scratch/out"; then
	skip 'demo records' "$(grep -m 1 '^sonde' "$scratch/out")"
else
	grep -q '^recorded [0-9,]* events' "$scratch/out" && all_shown . && [ $status = 0 ]
	result 'demo records' $?
fi

# As a user who may trace nothing.
chmod 755 "$scratch"
mkdir -m 777 "$scratch/nobody" && cd "$scratch/nobody" || exit 99
user=
[ "$(id -u)" != 0 ] || user="setpriv --reuid=65534 --regid=65534 --clear-groups"
if ! $user test -x "$build/sonde"; then
	skip 'demo without rights' 'nobody may not read the build folder'
elif [ ! -d "$top/examples/sonde-trace" ]; then
	skip 'demo without rights' 'there is no examples/sonde-trace'
else
	$user "$top/tools/demo" "$build" >"$scratch/out" 2>&1 </dev/null &&
		grep -q 'recorded elsewhere' "$scratch/out" && all_shown .
	result 'demo without rights' $?
fi
echo "1..$n"
exit $bad
