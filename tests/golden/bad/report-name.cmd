sonde report sycalls data/kernel
