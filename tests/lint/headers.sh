#!/bin/sh
# SPDX-License-Identifier: MIT
# Each header compiles alone: the public ones as C11 and C++11, those of src/ as gnu17.
# usage: headers.sh ROOT
set -u
cd "$1" || exit 99
warn="-Wall -Wextra -Werror -Wno-unused-function -fsyntax-only"
log=$(mktemp) || exit 99
trap 'rm -f "$log"' EXIT
bad=0

# alone HEADER COMPILER FLAGS...
alone() {
	header=$1
	shift
	if ! printf '#include "%s"\nextern int alone;\n' "$header" | "$@" - >"$log" 2>&1; then
		echo "$header:1: does not compile alone: $*"
		head -n 8 "$log"
		bad=1
	fi
}

for header in $(find include -name '*.h' | sort); do
	# shellcheck disable=SC2086
	alone "$header" cc -x c -std=c11 -pedantic -I. -Iinclude $warn
	# shellcheck disable=SC2086
	alone "$header" c++ -x c++ -std=c++11 -pedantic -I. -Iinclude $warn
done
for header in $(find src tests -name '*.h' | sort); do
	# shellcheck disable=SC2086
	alone "$header" cc -x c -std=gnu17 -D_GNU_SOURCE -I. -Iinclude -Isrc -Itests/unit $warn
done
exit $bad
