sonde report critical-path --exec late --to +5ms data/hidden
