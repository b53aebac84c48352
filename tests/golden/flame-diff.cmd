printf 'main;read 10\nmain;write 5\n' >before
printf 'main;read 30\nmain;sync 5\n' >now
sonde flame --diff --folded before now
sonde flame --diff --folded --normalize before now
sonde flame --diff --folded before before
sonde flame --diff --folded --locks data/blocked data/blocked
sonde flame --diff --off-cpu --folded --to +5ms data/blocked data/blocked
sonde flame --diff --folded --off-cpu now data/blocked
sonde flame --diff -o diff.svg before now
grep -o '<g class="[a-z0-9]*"\|<title>[^<]*' diff.svg
