# The index is made once, beside the trace, and asked from then on; other readers pass over it.
cp -r data/kernel trace && cp -r trace plain
sonde report states trace
ls -A trace/.sonde
sonde report states --json --from=-5ms trace >indexed
rm -r trace/.sonde
sonde report states --json --from=-5ms trace 2>/dev/null | cmp - indexed
reader=$(command -v babeltrace2 || command -v sonde)
[ "${reader##*/}" = sonde ] && reader='sonde cat'
$reader plain >before 2>/dev/null && $reader trace 2>/dev/null | cmp - before && sonde cat --quiet trace
# A trace that changed is read anew, and so is one whose index is damaged.
touch -d @1 trace/metadata
sonde report states trace 2>/dev/null | sed -n 5,6p
size=$(stat -c %s trace/.sonde/kernel)
printf x | dd of=trace/.sonde/kernel bs=1 seek=$((size - 100)) conv=notrunc status=none
sonde report states --pid 11 trace
sonde report states --cache kept data/kernel >/dev/null 2>&1; ls kept | sed 's/^[0-9a-f]*[.]/SUM./'
mkdir -p ro && cp -r plain/. ro && touch ro/.sonde
sonde report states --limit 1 ro | tail -2
# Why not is said, of the folder too; the report is made all the same.
sonde report states --limit 1 --cache none/below plain | tail -2
