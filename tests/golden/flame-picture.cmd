sonde flame data/samples
grep -o '<title>[^<]*' flame.svg
grep -o 'class="sub"[^<]*' flame.svg
sonde flame --title 'A <title>' -o - data/samples | grep 'class="title"'
