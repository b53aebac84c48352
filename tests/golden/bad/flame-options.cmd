printf 'main 1\nmain\n' >bad.folded
sonde flame --diff --folded bad.folded bad.folded
sonde flame --diff data/blocked
sonde flame --off-cpu --locks data/blocked
sonde flame --wakeup -e '*' data/blocked
sonde flame --normalize data/blocked
sonde flame --off-cpu -C x data/blocked
sonde flame --off-cpu -o - data/kernel
sonde flame --off-cpu -o - data/samples
sonde flame --locks -o - data/kernel
sonde flame --locks -o - data/samples
sonde flame --off-cpu -p 7 -o - data/blocked
sonde report locks data/samples
