sonde report irq data/kernel
