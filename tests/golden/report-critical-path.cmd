sonde report critical-path --tid 10 data/kernel
