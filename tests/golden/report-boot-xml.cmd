sonde report boot -p 10 --xml - data/kernel
