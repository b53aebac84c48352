sonde report boot data/kernel
