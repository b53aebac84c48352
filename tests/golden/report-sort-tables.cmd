# A key that only some of the tables have sorts these.
sonde report cpu --sort tid data/kernel
sonde report irq --sort vec data/kernel
