# Lists that are the same on each kernel.
sonde list 'software:*'
sonde list 's:*faults'
sonde list 'interval:*'
sonde list 'profile'
sonde list --json 'software:cpu-*'
sonde list uprobe
