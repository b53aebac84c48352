sonde report
