sonde report anomalies data/kernel
