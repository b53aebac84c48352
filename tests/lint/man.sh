#!/bin/sh
# SPDX-License-Identifier: MIT
# Every verb and the script language has a man page, and mandoc finds no fault with it.
# usage: man.sh SONDE FOLDER
set -u
sonde=$1 folder=$2
if ! command -v mandoc >/dev/null 2>&1; then
	echo 'mandoc is not there'
	exit 77
fi
bad=0
for page in sonde.1 $("$sonde" help --verbs | sed 's/.*/sonde-&.1/') sonde-script.7; do
	if [ ! -s "$folder/$page" ]; then
		echo "$page is missing: name its verb in man_verbs"
		bad=1
	elif ! mandoc -T lint -W error "$folder/$page"; then
		bad=1
	fi
done
exit $bad
