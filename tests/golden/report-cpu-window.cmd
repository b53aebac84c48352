sonde report cpu --from 1700000000.005 --to 1700000000.025 --intervals 4 --tid 11 --tid 10 data/kernel
