# The begin, the end and the middle of a trace, in the ways of printing it.
sonde cat --limit 2 data/kernel
sonde cat --clock-gmt --clock-date --no-delta --limit 1 data/kernel
sonde cat -n all -f all --limit 1 data/kernel
sonde cat --clock-seconds -e '*switch' --limit 1 data/kernel
sonde cat --json --limit 1 data/kernel
sonde cat --json --from=-1ns data/kernel
sonde cat --quiet data/kernel
cp -r data/kernel here
sonde cat --limit 1
