sonde cat --from yesterday examples/sonde-trace
