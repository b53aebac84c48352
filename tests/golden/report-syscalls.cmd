sonde report syscalls data/kernel
