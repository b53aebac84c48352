What the compiler finds out of types: of maps, and of what is sent to the reader.

== numbers
BEGIN {
	@a = 1;
	@b = (uint8)1;
	@c = pid;
	@d = nsecs;
	@e = -1;
	@f = 18446744073709551615;
	@g = (int8)1 + (uint64)2;
	@h = (uint64)1 + (uint64)2;
	@i = (uint64)1 + 2;
	@j = 1 < 2;
	@k = !pid;
	@l = ~(uint8)1;
	@m = (uint32)1 << 2;
	@n = -pid;
	@o = 1 ? (uint64)1 : 2;
	@p = 1 ? -1 : (uint64)2;
	@q = sizeof(int);
	@r = 18446744073709551615 - 1;
	print((uint8)1);
	print((int16)pid);
	print(~(uint8)1);
	print((uint8)1 + 1);
	print(true);
	print(pid == 1);
}
--
map @a: int64
map @b: uint64
map @c: uint64
map @d: uint64
map @e: int64
map @f: uint64
map @g: uint64
map @h: uint64
map @i: uint64
map @j: int64
map @k: int64
map @l: uint64
map @m: uint64
map @n: int64
map @o: uint64
map @p: int64
map @q: uint64
map @r: uint64
20:2 print: uint8
21:2 print: int16
22:2 print: uint8
23:2 print: uint64
24:2 print: int64
25:2 print: int64

== the first sign stays
BEGIN {
	@a = -1;
	@a = (uint64)1;
	@b = (uint64)1;
	@b = -1;
	$x = (uint64)5;
	$x = -5;
	print($x);
}
--
map @a: int64
map @b: uint64
8:2 print: uint64

== maps that are only calculated with
BEGIN {
	@a = @a + 1;
	@b[tid] = 2 * @b[tid] - 1;
	@c = @d + @e;
	@d = @c;
	@e = (uint64)1;
	@f = @f + @g;
	@g = nsecs;
}
--
map @a: int64
map @b[uint64]: int64
map @c: uint64
map @d: uint64
map @e: uint64
map @f: uint64
map @g: uint64

== strings grow
BEGIN {
	@a = "a";
	@a = "a longer one";
	@b[1] = comm;
	@b[2] = "more than sixteen bytes";
	@c["x"] = 1;
	@c["a key of some length"] = 1;
	@c[comm] = 1;
	$s = "";
	$s = comm;
	print($s);
	print(1 ? "a" : "abcdefghijkl");
	print(str(0));
	print(str(0, 5));
	print(str(0, 500));
	print(str("abc"));
	print(comm);
	print("abc");
}
--
map @a: string[16]
map @b[int64]: string[24]
map @c[string[24]]: int64
11:2 print: string[16]
12:2 print: string[13]
13:2 print: string[64]
14:2 print: string[8]
15:2 print: string[64]
16:2 print: string[8]
17:2 print: string[16]
18:2 print: string[4]

== strings grow from probe to probe
BEGIN {
	@a = @b;
}
END {
	@b = @c;
}
interval:s:1 {
	@c = "more than eight bytes";
}
--
map @a: string[24]
map @b: string[24]
map @c: string[24]

== strings that grow along a chain
BEGIN {
	$a = "";
	$b = "";
	$c = "";
	$d = "";
	$e = "";
	$f = "";
	$g = "";
	$h = "";
	$i = "";
	$j = "";
	$k = "";
	$n = 0;
	while ($n < 20) {
		$a = $b;
		$b = $c;
		$c = $d;
		$d = $e;
		$e = $f;
		$f = $g;
		$g = $h;
		$h = $i;
		$i = $j;
		$j = $k;
		$k = "a text of more than thirty bytes";
		$n++;
	}
	@ = $a;
}
--
map @: string[40]

== maps along a chain, the other way round
BEGIN {
	@a = @b;
	@b = @c;
	@c = @d;
	@d = @e;
	@e = @f;
	@f = @g;
	@g = @h;
	@h = @i;
	@i = @j;
	@j = (1, "text");
}
--
map @a: (int64,string[8])
map @b: (int64,string[8])
map @c: (int64,string[8])
map @d: (int64,string[8])
map @e: (int64,string[8])
map @f: (int64,string[8])
map @g: (int64,string[8])
map @h: (int64,string[8])
map @i: (int64,string[8])
map @j: (int64,string[8])

== tuples
BEGIN {
	@a = (1, "x");
	@a = (2, "longer than eight");
	@b = (comm, (1, (2, "y")), nsecs);
	@c = @b.1.1.1;
	@d[1, comm, (2, 3)] = @a;
	@e = @d[1, comm, (2, 3)].1;
	$t = (1, pid);
	print($t);
	print($t.1);
	print((1,));
}
--
map @a: (int64,string[24])
map @b: (string[16],(int64,(int64,string[8])),uint64)
map @c: string[8]
map @d[(int64,string[16],(int64,int64))]: (int64,string[24])
map @e: string[24]
9:2 print: (int64,uint64)
10:2 print: uint64
11:2 print: (int64)

== C types
BEGIN {
	@a = curtask;
	@b = curtask->comm;
	@c = curtask->real_parent;
	@d = curtask->words;
	@e = curtask->words[1];
	@f = curtask->in;
	@g = curtask->pair;
	@h = curtask->pair[1].s;
	@i = curtask->mac;
	@j = curtask->state;
	@k = curtask->low;
	@l = curtask->signed_bits;
	@m = curtask->name;
	@n = str(curtask->name);
	@o = curtask->half[0];
	@p = curtask->flag;
	@q = *curtask;
	@r = curtask->secret;
	@s = curtask->call;
	@t = curtask->any;
	@u = (struct task_struct *)5;
	@v = (struct task_struct)5;
	@w = (task_struct *)5;
	@x = (uint8 *)5;
	@y = (char **)5;
	@z = (uint8[4])5;
	print(*(int16 *)5);
	print(curtask + 1);
	print(curtask->user_name);
	print(curtask->i8);
	print(curtask->tail[3]);
	print(@q.comm);
}
--
map @a: struct task_struct *
map @b: string[16]
map @c: struct task_struct *
map @d: uint64[4]
map @e: uint64
map @f: struct inner
map @g: struct inner[2]
map @h: int64
map @i: uint8[6]
map @j: enum state
map @k: uint64
map @l: int64
map @m: char *
map @n: string[64]
map @o: uint64
map @p: uint64
map @q: struct task_struct
map @r: struct hidden *
map @s: long int(int) *
map @t: void *
map @u: struct task_struct *
map @v: struct task_struct *
map @w: struct task_struct *
map @x: uint8_t *
map @y: char **
map @z: uint8[4]
28:2 print: int16
29:2 print: struct task_struct *
30:2 print: char *
31:2 print: int8
32:2 print: uint8
33:2 print: string[16]

== functions
BEGIN {
	@a = kstack;
	@b = kstack(3);
	@c = ustack(perf, 5);
	@d = ksym(5);
	@e = usym(5);
	@f = ntop(5);
	@g = pton("::1");
	@h = macaddr(curtask->mac);
	@i = buf(0, 10);
	@j = buf(curtask->mac);
	@k = strftime("%H", nsecs);
	@l = username;
	@m = probe;
	@n = strerror(2);
	@o = bswap((uint16)1);
	@p = strncmp("a", "b", 1);
	@q = strcontains("a", "b");
	@r = kaddr("made_open");
	@s = kptr(5);
	@t = uptr(curtask);
	@u = nsecs(tai);
	@v = len("abc");
	@w = elapsed;
	@x = cgroup;
	@y = pcomm;
}
kprobe:made_open {
	print(func);
	print(reg("ip"));
}
--
map @a: kstack
map @b: kstack(bpftrace,3)
map @c: ustack(perf,5)
map @d: ksym
map @e: usym
map @f: inet
map @g: uint8[16]
map @h: mac address
map @i: buffer
map @j: buffer
map @k: timestamp
map @l: username
map @m: probe
map @n: strerror
map @o: uint64
map @p: uint64
map @q: int64
map @r: uint64
map @s: void *
map @t: struct task_struct *
map @u: uint64
map @v: int64
map @w: uint64
map @x: uint64
map @y: string[16]
29:2 print: string[16]
30:2 print: uint64

== aggregations
BEGIN {
	@a = count();
	@b = sum(pid);
	@c = sum(-1);
	@d = min(1);
	@e = max((uint64)1);
	@f = avg(1);
	@g = stats(1);
	@h = hist(1);
	@i = hist(1, 3);
	@j = lhist(1, 0, 10, 2);
	@k[comm, 1] = count();
	@l = @a + 1;
	@m = @f;
	@n = @e;
	print(@b);
	print(@k);
	print(@k[comm, 1]);
}
--
map @a: count
map @b: sum
map @c: sum
map @d: min
map @e: max
map @f: avg
map @g: stats
map @h: hist
map @i: hist(3)
map @j: lhist(0,10,2)
map @k[(string[16],int64)]: count
map @l: uint64
map @m: int64
map @n: uint64
16:2 print: uint32
17:2 print: uint32
18:2 print: (string[16],int64), uint64

== arguments of a record
tracepoint:made:all {
	print(args.u8);
	print(args.i16);
	print(args.flag);
	print(args.comm);
	print(args.mac);
	print(args.words);
	print(args.str);
	print(args.nums);
	print(args.rel);
	print(args.ptr);
	print(args.path);
	print(str(args.path));
	print(args.task);
	print(args.task->pid);
	print(args.state);
	print(args.in);
	print(args.odd);
	print(args.nums[2]);
}
--
2:2 print: uint8
3:2 print: int16
4:2 print: uint8
5:2 print: string[16]
6:2 print: uint8[6]
7:2 print: uint64[4]
8:2 print: string[64]
9:2 print: u32 *
10:2 print: string[64]
11:2 print: void *
12:2 print: char *
13:2 print: string[64]
14:2 print: struct task_struct *
15:2 print: int32
16:2 print: enum state
17:2 print: struct inner
18:2 print: uint32
19:2 print: uint32

== arguments of functions
kprobe:made_open {
	print(arg0);
	print(args.task);
	print(args.name);
	print(args.flags);
	print(sarg1);
}
fentry:made_open {
	print(args.mode);
}
fexit:made_find {
	print(retval);
	print(retval->comm);
}
kretprobe:made_open {
	print(retval);
}
usdt:/bin/x:m {
	print(arg0);
	print(arg1);
	print(arg2);
}
tracepoint:syscalls:sys_enter_made {
	print(args.fd);
	print(args.buf);
}
iter:task {
	print(ctx.task);
}
uprobe:/bin/x:f {
	print((struct task_struct *)arg0);
	print(str(arg0));
}
--
2:2 print: uint64
3:2 print: struct task_struct *
4:2 print: char *
5:2 print: int32
6:2 print: uint64
9:2 print: uint16
12:2 print: struct task_struct *
13:2 print: string[16]
16:2 print: uint64
19:2 print: uint32
20:2 print: int32
21:2 print: uint64
24:2 print: uint32
25:2 print: char *
28:2 print: struct task_struct *
31:2 print: struct task_struct *
32:2 print: string[64]

== a point's own types
tracepoint:made:* {
	print(args.v);
}
--
2:2 print: int32
2:2 print: string[8]

== loops
BEGIN {
	@a[1, comm] = nsecs;
	for ($kv : @a) {
		print($kv);
		print($kv.0.1);
	}
	for (($k, $v) : @a) {
		print($k);
		print($v);
	}
	for ($i : 0..10) {
		print($i);
	}
	@c[1] = hist(5);
	@d["x"] = count();
	for ($kv : @d) {
		print($kv);
	}
}
--
map @a[(int64,string[16])]: uint64
map @c[int64]: hist
map @d[string[8]]: count
4:3 print: ((int64,string[16]),uint64)
5:3 print: string[16]
8:3 print: (int64,string[16])
9:3 print: uint64
12:3 print: int64
17:3 print: (string[8],int64)

== own types
struct a { int x; char name[8]; struct a *next; unsigned f : 3; };
typedef struct a *ap;
enum e { NEGATIVE = -1 };
enum p { POSITIVE = 1 };
BEGIN {
	$a = (ap)5;
	@a = $a;
	@b = *$a;
	@c = $a->name;
	@d = $a->next->f;
	@e = @b.x;
	@f = NEGATIVE;
	@g = (enum e)1;
	@h = (enum p)1;
}
--
map @a: struct a *
map @b: struct a
map @c: string[8]
map @d: uint64
map @e: int64
map @f: int64
map @g: enum e
map @h: enum p

== own types, without that cast
struct a { int x; };
BEGIN {
	@ = ((struct a *)5)[2];
	@x = ((struct a *)5)[2].x;
}
--
map @: struct a
map @x: int64

== settings
config = {
	max_strlen = 200;
	stack_mode = raw;
	max_map_keys = 10;
}
BEGIN {
	@a = str(0);
	@b = kstack;
	@c = kstack(perf);
	@d = ustack(5);
}
--
map @a: string[200]
map @b: kstack(raw,127)
map @c: kstack(perf,127)
map @d: ustack(raw,5)

== settings by their names in the environment
config = {
	BPFTRACE_MAX_STRLEN = 100;
	BPFTRACE_STACK_MODE = perf;
	log_size = 5;
}
BEGIN {
	@a = str(0);
	@b = kstack;
}
--
map @a: string[104]
map @b: kstack(perf,127)

== positional parameters
! params 12 text -5 0x1f
BEGIN {
	@a = $1;
	@b = $2;
	@c = $3;
	@d = $4;
	@e = $5;
	@f = str($1);
	@g = str($5);
	@h = $#;
	@i = lhist(1, 0, $1, $#);
	@j = hist(1, $# - 1);
	@k = str(0, $1);
}
--
map @a: int64
map @b: string[8]
map @c: int64
map @d: int64
map @e: int64
map @f: string[8]
map @g: string[8]
map @h: int64
map @i: lhist(0,12,4)
map @j: hist(3)
map @k: string[16]

== declared variables
BEGIN {
	let $a;
	$a = comm;
	let $b = 5;
	let $c: uint8;
	let $d: string[10] = "x";
	let $e: struct task_struct *;
	@a = $a;
	@b = $b;
	@c = $c;
	@d = $d;
	@e = $e->pid;
}
--
map @a: string[16]
map @b: int64
map @c: uint64
map @d: string[16]
map @e: int64

== a map that is only removed from and looked at
BEGIN {
	@a[1] = 1;
	delete(@a[2]);
	@b = has_key(@a, 3);
	@c = len(@a);
	clear(@a);
}
--
map @a[int64]: int64
map @b: int64
map @c: int64
6:2 clear: uint32

== values written as calls
BEGIN {
	@a = pid();
	@b = comm();
	print(nsecs() > 0);
}
--
map @a: uint64
map @b: string[16]
4:2 print: int64
