sonde report cpu --sort size data/kernel
