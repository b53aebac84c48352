#!/bin/sh
# SPDX-License-Identifier: MIT
# The machine's compiler for aarch64: built by a cross compiler, run by an emulator of processes.
# usage: arm64.sh BUILD-FOLDER
# Random functions do what they do by hand, and each program of the fuzzer's corpus leaves the same
# whether it is interpreted or compiled.
set -u
top=$(cd "$(dirname "$0")/../../../.." && pwd) || exit 99
out=$1/arm64
cc=aarch64-linux-gnu-gcc
run=
for name in qemu-aarch64-static qemu-aarch64; do
	command -v $name >/dev/null && run=$name && break
done

skip() {
	echo "1..0 # SKIP $1"
	exit 0
}
[ -n "$run" ] || skip 'needs qemu-user-static'
command -v $cc >/dev/null || skip 'needs gcc-aarch64-linux-gnu'
echo 'int main(void) { return 0; }' | $cc -static -x c - -o /dev/null 2>/dev/null ||
	skip 'needs libc6-dev-arm64-cross'

rm -rf "$out" && mkdir -p "$out" && cd "$top" || exit 99
flags="-O1 -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -Iinclude -Isrc -Itests/unit -Itests/unit/bpf"
for file in src/base/*.c src/bpf/fn/*.c src/bpf/machine/*.c src/bpf/machine/verify/*.c \
	src/bpf/machine/jit/jit.c src/bpf/machine/jit/a64.c src/bpf/machine/jit/arm64.c; do
	# shellcheck disable=SC2086
	$cc $flags -c "$file" -o "$out/$(echo "$file" | tr / _).o" || exit 1
done
# shellcheck disable=SC2086
$cc -static $flags -o "$out/random" tests/unit/bpf/machine/test_machine_random.c \
	tests/unit/bpf/fn_random.c tests/unit/test.c "$out"/*.o -lm -lpthread \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup || exit 1
# shellcheck disable=SC2086
$cc -static $flags -o "$out/replay" tests/fuzz/fuzz_machine.c tests/fuzz/replay.c "$out"/*.o \
	-lm -lpthread || exit 1

echo 1..2
$run "$out/random" >"$out/random.log" 2>&1 && echo 'ok 1 - random functions' ||
	{ sed 's/^/# /' "$out/random.log"; echo 'not ok 1 - random functions'; }
$run "$out/replay" tests/fuzz/corpus/machine >"$out/replay.log" 2>&1 && echo 'ok 2 - corpus' ||
	{ tail -n 20 "$out/replay.log" | sed 's/^/# /'; echo 'not ok 2 - corpus'; }
rm -rf "$out"
