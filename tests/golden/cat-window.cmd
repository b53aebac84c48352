# What a window holds is the same whether all is read or not.
describe() {
	mkdir "$1"
	cat >"$1/metadata" <<TSDL
/* CTF 1.8 */
trace { major = 1; minor = 8; byte_order = le; };
clock { name = c; freq = 1; };
typealias integer { size = 8; map = clock.c.value; } := time;
typealias integer { size = 8; } := u8;
$2
event { name = tick; fields := struct { u8 v; }; };
TSDL
}
# A stream that steps back in time.
describe back 'stream { event.header := struct {
	integer { size = 64; align = 8; map = clock.c.value; } timestamp; }; };'
printf '\5\0\0\0\0\0\0\0a\11\0\0\0\0\0\0\0b\3\0\0\0\0\0\0\0c\4\0\0\0\0\0\0\0d' >back/stream
sonde cat --clock-seconds back
sonde cat --clock-seconds --to 3.0 back
# No packet says when it begins.
sonde cat --clock-seconds --from=-1s back
# Times of packets that begin anew at 256.
describe wrap 'stream { event.header := struct { time timestamp; };
	packet.context := struct { time timestamp_begin; time timestamp_end;
		u8 content_size; u8 packet_size; }; };'
printf '\372\377``\372a\377b\4\11``\4c\11d\16\23``\16e\23f' | tr '`' '@' >wrap/stream
sonde cat --clock-seconds wrap
sonde cat --clock-seconds --from 260.0 --to 265.0 wrap
sonde cat --clock-seconds --from=-5s wrap
# The first packet may begin long before the first event: times after the begin are from that one.
describe late 'stream { event.header := struct { time timestamp; };
	packet.context := struct { time timestamp_begin; time timestamp_end;
		u8 content_size; u8 packet_size; }; };'
printf '\12\144``\132a\144b' | tr '`' '@' >late/stream
sonde cat --clock-seconds --from 5s late
sonde cat --clock-seconds --to 5s late
sonde cat --clock-seconds --from=-5s --to 2s late
sonde cat --clock-seconds --from 100.0 --to 20s late
