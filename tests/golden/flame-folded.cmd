sonde flame --folded data/samples
sonde flame --folded --from +60ms data/samples | awk '{ n += $NF } END { print n, "samples in the window" }'
sonde flame --folded -p 17109 data/samples | wc -l
