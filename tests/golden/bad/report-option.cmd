sonde report cpu --per-thread data/kernel
