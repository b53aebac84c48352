sonde cat -n payload,fields data/kernel
