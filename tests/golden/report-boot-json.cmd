sonde report boot -p 10 --json data/kernel
