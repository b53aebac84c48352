sonde help >/dev/full
sonde cat --help >/dev/full
sonde --version >&-
sonde cat data/kernel >&-
mkfifo pipe
cat pipe >picture &
sonde flame --off-cpu -o pipe data/blocked
wait
head -c 4 picture
test -p pipe && echo ' is still written to a pipe'
sonde flame --off-cpu -o nowhere/picture data/blocked
sonde --vesion
sonde --json cat
