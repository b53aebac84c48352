sonde report critical-path --exec tool data/hidden
