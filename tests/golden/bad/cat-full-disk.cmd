sonde cat data/kernel >/dev/full
