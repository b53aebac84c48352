#!/bin/sh
# SPDX-License-Identifier: MIT
# Every verb has a man page, and mandoc finds no fault with it. usage: man.sh SONDE FOLDER
set -u
sonde=$1 folder=$2
if ! command -v mandoc >/dev/null 2>&1; then
	echo 'mandoc is not there'
	exit 77
fi
bad=0
for page in sonde $("$sonde" help --verbs | sed 's/^/sonde-/'); do
	if [ ! -s "$folder/$page.1" ]; then
		echo "$page.1 is missing: name its verb in man_verbs"
		bad=1
	elif ! mandoc -T lint -W error "$folder/$page.1"; then
		bad=1
	fi
done
exit $bad
