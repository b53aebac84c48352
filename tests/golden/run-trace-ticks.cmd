# Samples 10 ms apart: each tick of 200 ms has exactly 20, and is there though nothing happens at it.
for how in "" --interpreter; do
timeout 20 sonde run $how -t data/ticks -e 'profile:hz:100 { @ = count(); } interval:ms:200 { print(@); clear(@); }'
done
timeout 20 sonde run -t data/ticks --d -q -e 'profile-100 { @n["count"] = count(); } tick-200ms { printa(@n); clear(@n); }'
timeout 20 sonde run -t data/ticks -e '
BEGIN { @t = nsecs; printf("%s\n", strftime("%H:%M:%S.%f", nsecs)); }
interval:ms:7 { @sevens = count(); }
interval:s:1 { printf("%d ms, %d, %d\n", elapsed / 1000000, nsecs - @t, @sevens); clear(@sevens); @t = nsecs; }
profile:hz:100 { @last = elapsed / 1000000; @who[comm, pid, tid] = count(); @k[kstack] = count(); }
interval:hz:2 { @halves++; }
END { clear(@t); printf("END at %d ms\n", elapsed / 1000000); }'
# Several traces: all events, by their times.
timeout 20 sonde run -t data/ticks -t data/shapes -e 'event:* { @[probe] = count(); @first[probe] = min(elapsed); } interval:ms:10 { @ticks++; if (@ticks == 1) { print(@); } }'
timeout 20 sonde run -t data/shapes -t data/samples -t data/kernel -e 'event:* { if (nsecs < @last) { @back = count(); } @last = nsecs; @n = count(); } END { clear(@last); }'
