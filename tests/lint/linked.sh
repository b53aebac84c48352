#!/bin/sh
# SPDX-License-Identifier: MIT
# What is loaded at each start, by every user: what only some need is opened by those (base/library.h).
set -eu
sonde=$1
allowed='ld-linux.*|libc|libm|libelf|libbpf|libtracefs|libtraceevent|lib[a-z]*san|libgcc_s|libstdc\+\+|libresolv|libpthread'
more=$(readelf -d "$sonde" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -Evx "($allowed)\.so.*" || true)
[ -z "$more" ] && exit 0
echo "$sonde is linked with more than start-up needs:" "$more"
exit 1
