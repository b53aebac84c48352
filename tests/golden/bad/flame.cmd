sonde flame -p 1 data/samples; echo "$?"
ls
sonde flame -p x data/samples; echo "$?"
sonde flame -o /nonexistent/f.svg data/samples; echo "$?"
cp -r data/samples damaged
echo 'sonde user 9' > damaged/sonde/user
sonde flame --folded damaged >/dev/null; echo "$?"
