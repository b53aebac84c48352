sonde report block data/kernel
