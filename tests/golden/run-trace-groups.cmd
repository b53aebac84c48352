# A group and a pattern: of a trace that tells no groups, names do; of LTTng's names, too.
for t in examples/sonde-trace data/kernel; do
	for group in sched irq block syscalls raw_syscalls 'sys*' nosuch '*'; do
		echo "-- $t $group"
		timeout 20 sonde run -t $t -e "tracepoint:$group:* { @ = count(); }" 2>&1 | grep -v '^$'
	done
done
timeout 20 sonde run -t examples/sonde-trace -e 'tracepoint:sched:sched_process_* { @[probe] = count(); } t:other:sched_switch { @other = count(); }'
timeout 20 sonde run -t examples/sonde-trace -e 't:syscalls:*_openat { @[probe] = count(); }'
# Where the trace tells the probe, that counts.
mkdir told
cat >told/metadata <<'EOF'
/* CTF 1.8 */
typealias integer { size = 8; align = 8; } := u8;
trace { major = 1; minor = 8; byte_order = le; };
env { domain = "kernel"; };
stream { event.header := struct { u8 id; }; };
event { name = "thing"; id = 0; model.emf.uri = "tracepoint:sched:thing"; fields := struct { u8 x; }; };
event { name = "sched_odd"; id = 1; model.emf.uri = "tracepoint:other:sched_odd"; fields := struct { u8 x; }; };
event { name = "irq:softirq_entry"; id = 2; fields := struct { u8 x; }; };
EOF
printf '\0\1\1\1\1\2\2\3\2\4\2\5' >told/stream
timeout 20 sonde run -t told -e 't:sched:* { @sched[probe] = count(); } t:*:* { @all[probe] = count(); } t:irq:softirq_entry { @irq[probe, args.x] = count(); } t:i*:* { @i = count(); } t:sched:sched_odd { @odd = count(); }'
