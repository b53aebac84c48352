sonde cat --jsom data
