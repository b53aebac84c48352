cat >wrong.bt <<'END'
BEGIN { @x = cuont(); }
END { printf("%d\n" }
END
sonde run wrong.bt
echo "status $?"
sonde run -e 'BEGIN { exit( }'
echo "status $?"
sonde run -e ''
echo "status $?"
head -c 1000 /dev/zero | sonde run -
echo "status $?"
head -c 2000000 /dev/zero | tr "\0" " " | sonde run -
