# A description without data files hides no trace below it, and shows what it is where there is none.
mkdir -p above/far
cp data/kernel/metadata above
sonde stats --json above | grep '^  "events"'
cp -r data/kernel above/far
sonde stats --json above | grep '^  "events"'
sonde cat -f trace --limit 1 above
# Where a trace has data, folders in it are none of its concern.
mkdir inside
cp -r data/kernel/* inside
mkdir inside/kernel
echo 'trace { major = 1 };' >inside/kernel/metadata
sonde stats --json inside | grep '^  "events"'
# A host without a name has its place in the trace's name, as in babeltrace2.
sed -i 's/hostname = "box"/hostname = ""/' above/far/kernel/metadata
sonde cat -f trace -n none --limit 1 above
