sonde stats --json data/kernel
