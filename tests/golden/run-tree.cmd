cat >script.bt <<'END'
#!/usr/bin/env -S sonde run
// what it is
BEGIN { @x[1, "a"] = 2; if ($1 > 3) { exit(); } }
tracepoint:sched:sched_switch /pid == 1/ { @["n"] = count(); }
END
sonde run -d ast script.bt 5
