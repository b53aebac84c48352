# Three events, the last ones at the last moment that a number of nanoseconds since 1970 can name.
mkdir late
cat >late/metadata <<'EOF'
/* CTF 1.8 */
typealias integer { size = 64; align = 8; } := u64;
trace { major = 1; minor = 8; byte_order = le; };
clock { name = "c"; freq = 1000000000; offset_s = 9223372036; offset = 854770000; };
typealias integer { size = 64; align = 8; map = clock.c.value; } := time;
stream { event.header := struct { time timestamp; }; };
event { name = "e"; fields := struct { u64 x; }; };
EOF
{
	printf '\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0'
	printf '\0\0\1\0\0\0\0\0\2\0\0\0\0\0\0\0'
	printf '\0\0\2\0\0\0\0\0\3\0\0\0\0\0\0\0'
} >late/stream
timeout 20 sonde run -t late -e 'event:e { @n = count(); @last = max(nsecs); } interval:us:1 { @us = count(); } interval:s:9 { @s = count(); }'
