sonde report cpu --from 2030-01-01 data/kernel
