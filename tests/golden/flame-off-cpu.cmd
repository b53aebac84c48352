sonde flame --off-cpu --folded data/blocked
sonde flame --wakeup --folded data/blocked
sonde flame --locks --folded data/blocked
sonde flame --off-cpu --folded --from +2ms --to +5ms data/blocked
sonde flame --off-cpu --folded -C 1 data/blocked
sonde flame --off-cpu data/blocked
grep -o '<title>[^<]*' flame.svg
grep -o 'class="sub"[^<]*' flame.svg
