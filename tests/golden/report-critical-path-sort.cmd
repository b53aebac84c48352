# Programs and threads are sorted by any of their times, and the path by that of its parts.
sonde report critical-path --tid 10 --sort waiting_ns data/kernel | sed -n '/^By thread/,/^$/p'
sonde report critical-path --tid 10 --sort ns --limit 3 data/kernel | sed -n '/^Path/,$p'
