sonde report cpu --json data/kernel
