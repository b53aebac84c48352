# What there is nothing of says so, and whether that is for the window.
sonde report irq --to 1700000000.000001 data/kernel
sonde report wakeups --pid 77 data/kernel
sonde report syscalls --per-thread --to 1700000000.000001 data/kernel
