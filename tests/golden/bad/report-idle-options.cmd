# No option is taken that would do nothing.
sonde report sync --sort name data/kernel
sonde report sync --pid 3 data/kernel
sonde report syscalls --per-process --per-thread data/kernel
sonde report boot --json --svg - data/kernel
sonde report boot --svg - --xml - data/kernel
sonde report irq --sort size data/kernel
