sonde xyzzy
