sonde cat --from +2s --to +1s data/kernel
