sonde report sched data/kernel
