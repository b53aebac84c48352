# Streams without a clock have no times, also beside those that have; and times may be far apart.
describe() {
	mkdir -p "$1"
	cat >"$1/metadata" <<TSDL
/* CTF 1.8 */
trace { major = 1; minor = 8; byte_order = le; };
$2
stream { event.header := struct { integer { size = 64; align = 8; $3 } at; }; };
event { name = tick; fields := struct { integer { size = 8; } v; }; };
TSDL
}
describe both/plain '' ''
printf '\1\0\0\0\0\0\0\0\1\2\0\0\0\0\0\0\0\2' >both/plain/stream
sonde stats both/plain | grep events
cp -r data/kernel both
sonde stats --json both | grep '^  "[a-z]*_*\(events\|ns\)"'
describe far 'clock { name = c; freq = 1; offset_s = -1000; };' 'map = clock.c.value;'
printf '\1\0\0\0\0\0\0\0\1\0\0\0\0\0\1\0\0\2' >far/stream
sonde stats far | sed -n '/events/,/end/p'
sonde cat --from 0001-01-01 --to 1970-01-01 --clock-seconds far
