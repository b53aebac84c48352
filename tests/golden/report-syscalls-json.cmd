sonde report syscalls --per-thread --json -p 10 data/kernel
