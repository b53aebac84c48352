sonde report cpu --sort wait_max_ns --limit 2 data/kernel
