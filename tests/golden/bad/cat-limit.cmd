sonde cat --limit many data/kernel
