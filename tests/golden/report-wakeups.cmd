sonde report wakeups data/kernel; sonde report wakeups --json --pid 11 data/kernel
