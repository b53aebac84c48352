sonde report critical-path data/kernel
