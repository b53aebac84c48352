sonde report locks data/blocked
sonde report locks --json --tid 100 data/blocked
sonde report locks --sort waiters -n 1 --to +4.5ms data/blocked
sonde report locks --json --to +3ms data/blocked
