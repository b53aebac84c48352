sonde cat
