sonde report cpuu x
