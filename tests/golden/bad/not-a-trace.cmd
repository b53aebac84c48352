mkdir empty; sonde cat empty
