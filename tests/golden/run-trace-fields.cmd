# Fields of all shapes: structures, arrays, sequences, variants, bits, by both machines.
for how in "" --interpreter; do
timeout 20 sonde run $how -t data/shapes -e '
event:compounds / args.one[0] == 42 && args.three[2] < 100 && args.bits[1] == 30 / {
	printf("%s %s %d %d\n", args.nested, args.kind, args.kind, args.nested.mid.deep.c);
	printf("%s %s %d\n", args.grid, args.grid[1], args.grid[1][2]);
	printf("%s %d, %d of %s\n", args.points, args.points[1].x, args.list[1], args.list);
	for ($i : 0..args.len) { printf("  %d %s\n", args.seq[$i].v, args.seq[$i].name); }
	@word[args.words[0]] = count(); @name[args.seq[args.len - 1].name] = sum(args.points[0].y);
	print((args.seq[9].v, args.seq[9].name, args.three[1]));
}
event:tagged {
	printf("%s: %s %d; num %d, str %s, pt %s %d\n", args.tag, args.value, args.by_sign,
		args.value.num, args.value.str, args.value.pt, args.value.pt.y);
	printf("%r %r %d\n", buf(args.list), buf(args.list, 2), args.value.many.v[1]);
}'
done
timeout 20 sonde run -f json -t data/shapes -e 'event:tagged { print(args.value); @[args.tag] = count(); }'
timeout 20 sonde run -t data/shapes -e 'event:compounds { print(args.nested.midd); print(args.one[1]); print(args.words.x); print(args.grid[0][0][0]); print(args.nested[0]); }'
timeout 20 sonde run -t data/shapes -e 'event:tagged { print(args.value.real); printf("%d", args.value); print(args.vpid.x); }'
# Events of programs by their names alone, and whose they are by the trace.
timeout 20 sonde run -t data/shapes -e 'usdt:/bin/prog:tagged { @[comm, pid, probe] = count(); } uprobe:prog:bare { @bare[probe] = count(); } usdt:prog:nothing { }'
timeout 20 sonde run -t data/shapes -e 'usdt:/bin/prog:tagged { @[comm, (int32)pid, probe] = count(); } uprobe:prog:bare { @bare[probe] = count(); }'
