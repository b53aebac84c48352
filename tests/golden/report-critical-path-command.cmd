# The recorded command's path, if no other is asked for; and it goes before others that fit.
for pid in 11 12 20; do
	cp -r data/kernel $pid
	sed "s/^env {/& command_pid = $pid;/" data/kernel/metadata >$pid/metadata
done
sonde report critical-path --limit 2 11
sonde report critical-path --comm 'a process with ' --limit 2 12 | head -1
sonde report critical-path --comm sh --limit 2 11 | head -1
sonde report critical-path --comm sh --limit 2 20 | head -1
