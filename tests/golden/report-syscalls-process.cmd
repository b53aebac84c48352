sonde report syscalls --per-process data/kernel
