sonde report cpu data/kernel
