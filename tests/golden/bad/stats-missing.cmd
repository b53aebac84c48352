sonde stats data/nothing
