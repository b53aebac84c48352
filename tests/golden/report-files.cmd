sonde report files data/kernel; sonde report files --json --pid 11 --from 22:13:20.002 data/kernel
