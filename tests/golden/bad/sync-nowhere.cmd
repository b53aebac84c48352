sonde sync data/kernel
