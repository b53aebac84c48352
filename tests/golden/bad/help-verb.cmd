sonde help xyzzy
