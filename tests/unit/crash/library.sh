#!/bin/sh
# SPDX-License-Identifier: MIT
## The library as its users have it: what is installed is enough to build the example, as C11 and as
## C++11, and that reads dumps.
set -u
build=$1 source=$2 make_dumps=$3 kernel=$4 cc=$5

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
command -v pkg-config >/dev/null || { echo '1..0 # SKIP no pkg-config' && exit 0; }
DESTDIR=$root meson install -C "$build" --no-rebuild --quiet >/dev/null || exit 1
"$make_dumps" "$root/freebsd.dump" "$root/linux.dump" || exit 1

pc=$(find "$root" -name sonde.pc)
export PKG_CONFIG_PATH="${pc%/*}"
# What was installed lies below $root, other libraries where they always do.
prefix=$(pkg-config --variable=prefix sonde)
flags=$(pkg-config --cflags --libs sonde | sed "s,-\([IL]\)$prefix/,-\1$root$prefix/,g")

n=0
echo 1..2
# $1: what it is built as; then the compiler and its options.
try()
{
	as=$1
	shift
	n=$((n + 1))
	# shellcheck disable=SC2086 # several words
	if "$@" -Wall -Wextra -Werror -x "$as" "$source/examples/crash-tasks.c" -x none \
		-o "$root/example" $flags >"$root/log" 2>&1 &&
		"$root/example" "$root/freebsd.dump" "$kernel" >>"$root/log" 2>&1 &&
		"$root/example" "$root/linux.dump" >>"$root/log" 2>&1 &&
		! "$root/example" "$source/LICENSE" >>"$root/log" 2>&1 &&
		grep -q '^FreeBSD minidump v1, x86-64, ' "$root/log" &&
		grep -q '^FreeBSD 14.0-RELEASE #0: made' "$root/log" &&
		grep -q '^       1     1000 pages  sh' "$root/log" &&
		grep -q 'LICENSE.*is no dump that is known here' "$root/log"; then
		echo "ok $n - $as"
	else
		sed 's/^/# /' "$root/log"
		echo "not ok $n - $as"
	fi
}
try c "$cc" -std=c11
if command -v c++ >/dev/null; then
	try c++ c++ -std=c++11
else
	echo 'ok 2 - c++ # SKIP no C++ compiler'
fi
