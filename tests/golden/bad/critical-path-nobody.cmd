sonde report critical-path --comm nobody data/kernel
