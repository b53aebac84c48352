sonde stats data/kernel
