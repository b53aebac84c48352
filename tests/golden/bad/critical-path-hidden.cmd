sonde report critical-path --exec late data/hidden
