sonde report cpu --from 1800000000 data/kernel
