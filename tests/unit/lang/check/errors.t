Mistakes that the compiler tells.

== functions: how many arguments
BEGIN {
	exit(1, 2);
	time(1, 2);
	@ = lhist(1);
	print(strlen());
	@x[1] = 1;
	print(has_key(@x, 1, 2));
}
--
t.bt:2:2: error: exit() takes 0 to 1 arguments, not 2 [argument-count]
t.bt:3:2: error: time() takes 0 to 1 arguments, not 2 [argument-count]
t.bt:4:6: error: lhist() takes 4 arguments, not 1 [argument-count]
t.bt:5:8: error: strlen() takes 1 argument, not 0 [argument-count]
t.bt:7:8: error: has_key() takes 1 to 2 arguments, not 3 [argument-count]

== functions: unknown names
BEGIN {
	pritnf("x");
	frobnicate(1, $y, @z);
	@x = cuont();
}
--
t.bt:2:2: error: unknown function 'pritnf'; did you mean 'printf'? [unknown-function]
t.bt:3:2: error: unknown function 'frobnicate' [unknown-function]
t.bt:3:16: error: '$y' is used before it is set [undefined-variable]
t.bt:4:7: error: unknown function 'cuont'; did you mean 'count'? [unknown-function]

== functions: not as values
BEGIN {
	$x = count();
	print(sum(1));
	@y = 1 + max(2);
	count();
	@z[hist(1)] = 1;
	$p = printf("x");
	@q = print(1);
	$r = (1, exit());
}
--
t.bt:2:7: error: count() must be assigned to a map: @x = count(...) [no-map]
t.bt:3:8: error: sum() must be assigned to a map: @x = sum(...) [no-map]
t.bt:4:11: error: max() must be assigned to a map: @x = max(...) [no-map]
t.bt:5:2: error: count() must be assigned to a map: @x = count(...) [no-map]
t.bt:6:5: error: hist() must be assigned to a map: @x = hist(...) [no-map]
t.bt:7:7: error: this has no value that '$p' could hold [no-value]
t.bt:8:7: error: this has no value that map '@q' could hold [no-value]
t.bt:9:11: error: this has no value [no-value]

== functions: of aggregations
BEGIN {
	@a = hist(1, 9);
	@b = hist(1, -1);
	@c = hist(1, nsecs);
	@d = hist("x");
	@e = sum(comm);
	@f = count();
	@f += 1;
	@g += count();
	@g = count();
	@h = count();
	@h = 1;
	@i = 1;
	@i = count();
	@j = sum(1);
	@j = max(1);
	@k = hist(1);
	$k = @k;
	@l = @k;
	print(@k + 1);
	@k++;
	@m = sum(1);
	@m++;
	@n = @m;
}
--
t.bt:2:15: error: hist() takes 0 to 5 bits [bad-argument]
t.bt:3:15: error: hist() takes 0 to 5 bits [bad-argument]
t.bt:4:15: error: argument 2 of hist() must be a constant [not-constant]
t.bt:5:12: error: argument 1 of hist() must be a number [bad-argument]
t.bt:6:11: error: argument 1 of sum() must be a number [bad-argument]
t.bt:8:8: error: the value of @f is count elsewhere, but int64 here [type-mismatch]
t.bt:8:5: error: '@f' is an aggregation elsewhere: it can only be assigned by that function [bad-assignment]
t.bt:9:5: error: count() can only be assigned by '=' [bad-assignment]
t.bt:12:7: error: the value of @h is count elsewhere, but int64 here [type-mismatch]
t.bt:12:5: error: '@h' is an aggregation elsewhere: it can only be assigned by that function [bad-assignment]
t.bt:14:7: error: the value of @i is int64 elsewhere, but count here [type-mismatch]
t.bt:16:7: error: the value of @j is sum elsewhere, but max here [type-mismatch]
t.bt:18:7: error: the aggregation '@k' is no number [bad-operand]
t.bt:19:7: error: the aggregation '@k' is no number [bad-operand]
t.bt:20:8: error: the aggregation '@k' is no number [bad-operand]
t.bt:21:2: error: '@k' is no number [bad-operand]
t.bt:23:2: error: '@m' is no number [bad-operand]

== functions: of linear histograms
BEGIN {
	@a = lhist(1, 0, 10, 0);
	@b = lhist(1, 10, 0, 1);
	@c = lhist(1, -5, 10, 1);
	@d = lhist(1, 0, 100000, 1);
	@e = lhist(1, 0, nsecs, 1);
	@f = lhist(1, -9223372036854775807, 9223372036854775807, 1);
	@g = lhist(comm, 0, 10, 1);
	@h = lhist(1, 0, 10, 1);
	@h = lhist(1, 0, 20, 1);
}
--
t.bt:2:7: error: lhist() needs a step of 1 or more [bad-argument]
t.bt:3:7: error: lhist() needs a largest value above the smallest [bad-argument]
t.bt:4:7: error: lhist() begins at 0 or above [bad-argument]
t.bt:5:7: error: lhist() has too many buckets (more than 1000) [bad-argument]
t.bt:6:19: error: argument 3 of lhist() must be a constant [not-constant]
t.bt:7:7: error: lhist() begins at 0 or above [bad-argument]
t.bt:8:13: error: argument 1 of lhist() must be a number [bad-argument]
t.bt:10:7: error: the value of @h is lhist(0,10,1) elsewhere, but lhist(0,20,1) here [type-mismatch]

== functions: of whole maps
BEGIN {
	@x[1] = 1;
	@s = 1;
	clear(@x[1]);
	zero(@x[1]);
	print(@x, -1);
	print(@x, nsecs);
	print(@x, 1, comm);
	clear(5);
	delete(5);
	print(5, 6);
	print(@x[1], 2);
	clear(@never);
	print(@nor);
	zero(@this);
	delete(@no[1]);
	print(len(@one));
	has_key(@two, 1);
	for ($kv : @three) { }
}
--
t.bt:4:8: error: clear() takes a whole map, without keys [bad-argument]
t.bt:5:7: error: zero() takes a whole map, without keys [bad-argument]
t.bt:6:12: error: print(@map, top, div) takes constants [bad-argument]
t.bt:7:12: error: print(@map, top, div) takes constants [bad-argument]
t.bt:8:15: error: print(@map, top, div) takes constants [bad-argument]
t.bt:9:2: error: clear() takes a map [bad-argument]
t.bt:10:2: error: delete() takes a map [bad-argument]
t.bt:11:11: error: only whole maps are printed with top and div [argument-count]
t.bt:12:15: error: only whole maps are printed with top and div [argument-count]
t.bt:13:8: error: '@never' is never set [undefined-map]
t.bt:14:8: error: '@nor' is never set [undefined-map]
t.bt:15:7: error: '@this' is never set [undefined-map]
t.bt:16:9: error: '@no' is never set [undefined-map]
t.bt:17:12: error: '@one' is never set [undefined-map]
t.bt:18:10: error: '@two' is never set [undefined-map]
t.bt:19:13: error: '@three' is never set [undefined-map]

== functions: keys of whole maps
BEGIN {
	@x[1] = 1;
	delete(@x["a"]);
	has_key(@x, "b");
	delete(@x);
	has_key(@x);
	@s = 1;
	delete(@s, 1);
	has_key(@s, 1);
	has_key(@s);
	@c = count();
	delete(@c);
}
--
t.bt:3:9: error: the key of @x is int64 elsewhere, but string[8] here [type-mismatch]
t.bt:4:10: error: the key of @x is int64 elsewhere, but string[8] here [type-mismatch]
t.bt:5:9: error: map '@x' is used with and without keys [key-mismatch]
t.bt:6:10: error: map '@x' is used with and without keys [key-mismatch]
t.bt:8:9: error: map '@s' is used with and without keys [key-mismatch]
t.bt:9:10: error: map '@s' is used with and without keys [key-mismatch]

== functions: of strings
BEGIN {
	print(str("a", comm));
	print(str((1, 2)));
	print(str(buf(0, 8)));
	print(strncmp(1, "a", 1));
	print(strncmp("a", 1, 1));
	print(strncmp("a", "b", nsecs));
	print(strncmp(comm, "a", 2000));
	print(strncmp(comm, "a", -1));
	print(strcontains(comm, 5));
	print(strcontains("a", 5));
	print(len(5));
	print(strlen((1, 2)));
}
--
t.bt:2:17: error: argument 2 of str() must be a number [bad-argument]
t.bt:3:12: error: str() takes an address [bad-argument]
t.bt:4:12: error: str() takes an address [bad-argument]
t.bt:5:16: error: argument 1 of strncmp() must be a string [bad-argument]
t.bt:6:21: error: argument 2 of strncmp() must be a string [bad-argument]
t.bt:7:26: error: argument 3 of strncmp() must be a constant [not-constant]
t.bt:8:27: error: strncmp() compares 0 to 1024 bytes [bad-argument]
t.bt:9:27: error: strncmp() compares 0 to 1024 bytes [bad-argument]
t.bt:10:26: error: argument 2 of strcontains() must be a string [bad-argument]
t.bt:11:25: error: argument 2 of strcontains() must be a string [bad-argument]
t.bt:12:12: error: len() takes a map, a string or a stack [bad-argument]
t.bt:13:15: error: strlen() takes a map, a string or a stack [bad-argument]

== functions: of memory
BEGIN {
	print(buf(5));
	print(buf((1, 2)));
	print(buf(nsecs, comm));
	print(macaddr(5));
	print(macaddr(pton("1.2.3.4")));
	print(ntop(comm));
	print(ntop((1, 2)));
	print(ntop("x", 5));
	print(pton("1.2.3"));
	print(pton(5));
	join("x");
	join(0, 5);
}
--
t.bt:2:8: error: buf() needs a length where it takes an address [argument-count]
t.bt:3:12: error: buf() takes an address or an array [bad-argument]
t.bt:4:19: error: argument 2 of buf() must be a number [bad-argument]
t.bt:5:16: error: macaddr() takes an array of 6 bytes [bad-argument]
t.bt:6:16: error: macaddr() takes an array of 6 bytes [bad-argument]
t.bt:8:13: error: ntop() takes a number, or an array of 4 or 16 bytes [bad-argument]
t.bt:9:13: error: argument 1 of ntop() must be a number [bad-argument]
t.bt:10:13: error: '1.2.3' is no IP address [bad-argument]
t.bt:11:13: error: argument 1 of pton() must be a text between quotes [not-constant]
t.bt:12:7: error: argument 1 of join() must be a number [bad-argument]
t.bt:13:10: error: argument 2 of join() must be a text between quotes [not-constant]

== functions: of addresses
BEGIN {
	print(kaddr("made_open"));
	print(kaddr("nothing"));
	print(uaddr("main"));
	print(kaddr(5));
	print(ksym("x"));
	print(usym(comm));
}
uprobe:/bin/x:f {
	print(uaddr("main"));
	print(uaddr("f"));
}
--
t.bt:3:14: error: no address is known of 'nothing' [unknown-symbol]
t.bt:4:8: error: uaddr() works in probes of programs only [no-program]
t.bt:5:14: error: argument 1 of kaddr() must be a text between quotes [not-constant]
t.bt:6:13: error: argument 1 of ksym() must be a number [bad-argument]
t.bt:7:13: error: argument 1 of usym() must be a number [bad-argument]
t.bt:11:14: error: no address is known of 'f'; only -p tells where a program is loaded [unknown-symbol]

== functions: of registers
BEGIN {
	print(reg("ip"));
}
kprobe:f {
	print(reg("nothing"));
	print(reg(5));
	print(reg("ip"));
}
--
t.bt:2:8: error: 'BEGIN' gives no registers [no-registers]
t.bt:5:12: error: this machine has no register 'nothing' [bad-argument]
t.bt:6:12: error: argument 1 of reg() must be a text between quotes [not-constant]

== functions: of time
BEGIN {
	print(nsecs(soon));
	print(nsecs(5));
	print(strftime(5, 5));
	print(strftime("%H", "x"));
	time(5);
}
--
t.bt:2:8: error: nsecs() takes monotonic, boot, tai or sw_tai [bad-argument]
t.bt:3:8: error: nsecs() takes monotonic, boot, tai or sw_tai [bad-argument]
t.bt:4:17: error: argument 1 of strftime() must be a text between quotes [not-constant]
t.bt:5:23: error: argument 2 of strftime() must be a number [bad-argument]
t.bt:6:7: error: argument 1 of time() must be a text between quotes [not-constant]

== functions: of stacks
BEGIN {
	print(kstack(0));
	print(kstack(128));
	print(ustack(perf, 3, 4));
	print(kstack(nsecs));
	print(kstack(5, 6));
	print(ustack(raw));
}
--
t.bt:2:15: error: a stack has a mode (perf, bpftrace, raw) and 1 to 127 frames [bad-argument]
t.bt:3:15: error: a stack has a mode (perf, bpftrace, raw) and 1 to 127 frames [bad-argument]
t.bt:4:8: error: ustack() takes 0 to 2 arguments, not 3 [argument-count]
t.bt:5:15: error: a stack has a mode (perf, bpftrace, raw) and 1 to 127 frames [bad-argument]
t.bt:6:15: error: a stack has a mode (perf, bpftrace, raw) and 1 to 127 frames [bad-argument]

== functions: that change the system
BEGIN {
	signal("KILL");
	system("x");
}
--
t.bt:2:2: error: signal() changes the system; it needs --unsafe [unsafe]
t.bt:3:2: error: system() changes the system; it needs --unsafe [unsafe]

== functions: that change the system, allowed
! unsafe
BEGIN {
	signal("KILL");
	signal("SIGTERM");
	signal(9);
	signal(nsecs);
	signal("NONE");
	signal("MUCH_TOO_LONG_A_NAME");
	signal(comm);
	system("x");
	system(5);
	signal(65);
}
--
t.bt:6:9: error: unknown signal 'NONE' [bad-argument]
t.bt:7:9: error: unknown signal 'MUCH_TOO_LONG_A_NAME' [bad-argument]
t.bt:8:9: error: argument 1 of signal() must be a number [bad-argument]
t.bt:10:9: error: argument 1 of system() must be a text between quotes [not-constant]
t.bt:11:9: error: a signal is 1 to 64, not 65 [bad-argument]

== functions: of files and groups
BEGIN {
	print(cgroupid("/nothing/here"));
	print(cgroupid(5));
	print(cgroup_path(1));
	cat(5);
	path(5);
	path(curtask);
	skboutput("x", 1, 2, 3);
}
--
t.bt:2:17: error: there is no cgroup '/nothing/here' [bad-argument]
t.bt:3:17: error: argument 1 of cgroupid() must be a text between quotes [not-constant]
t.bt:4:8: error: cgroup_path() cannot be had: it is not made [not-here]
t.bt:5:6: error: argument 1 of cat() must be a text between quotes [not-constant]
t.bt:6:7: error: path() takes a struct path [bad-argument]
t.bt:6:2: error: the kernel gives path() to fentry, fexit and iter only [not-here]
t.bt:7:2: error: the kernel gives path() to fentry, fexit and iter only [not-here]
t.bt:8:2: error: skboutput() needs the kernel's type information (BTF) [not-here]

== functions: conditions and ends
BEGIN {
	assert(1, 5);
	assert((1, 2), "x");
	exit("x");
	exit(comm);
	print(strerror("x"));
	print(bswap("x"));
	print(kptr("x"));
}
--
t.bt:2:12: error: argument 2 of assert() must be a text between quotes [not-constant]
t.bt:3:9: error: a condition must be a number [bad-condition]
t.bt:4:7: error: argument 1 of exit() must be a number [bad-argument]
t.bt:5:7: error: argument 1 of exit() must be a number [bad-argument]
t.bt:6:17: error: argument 1 of strerror() must be a number [bad-argument]
t.bt:7:14: error: argument 1 of bswap() must be a number [bad-argument]
t.bt:8:13: error: argument 1 of kptr() must be a number [bad-argument]

== formats
BEGIN {
	printf("%d\n");
	printf("%d\n", 1, 2);
	printf("%d %s\n", comm, 5);
	printf("%q\n", 1);
	printf("%");
	printf("%5");
	printf(5);
	printf(comm);
	printf("%r\n", 5);
	printf("%s\n", print(1));
	printf("%d\n", (1, 2));
	printf("%d\n", kstack);
	printf("%d\n", buf(0, 8));
	printf("%d\n", macaddr(curtask.mac));
	printf("%%\n");
	printf("%s\n", curtask->tail);
	errorf("%d", comm);
	warnf("%d");
	cat("%d", comm);
}
--
t.bt:2:2: error: the format wants 1 argument, but 0 are given [format-count]
t.bt:3:2: error: the format wants 1 argument, but 2 are given [format-count]
t.bt:4:20: error: '%d' does not fit string[16] [format-mismatch]
t.bt:4:26: error: '%s' does not fit int64; str() reads a string at an address [format-mismatch]
t.bt:5:9: error: unknown conversion '%q' [bad-format]
t.bt:6:9: error: the format ends within a conversion [bad-format]
t.bt:7:9: error: the format ends within a conversion [bad-format]
t.bt:8:9: error: argument 1 of printf() must be a text between quotes [not-constant]
t.bt:9:9: error: argument 1 of printf() must be a text between quotes [not-constant]
t.bt:10:17: error: '%r' does not fit int64 [format-mismatch]
t.bt:11:17: error: '%s' does not fit none [format-mismatch]
t.bt:12:17: error: '%d' does not fit (int64,int64) [format-mismatch]
t.bt:13:17: error: '%d' does not fit kstack [format-mismatch]
t.bt:14:17: error: '%d' does not fit buffer [format-mismatch]
t.bt:15:17: error: '%d' does not fit mac address [format-mismatch]
t.bt:17:26: error: '%s' does not fit uint8[0] [format-mismatch]
t.bt:18:15: error: '%d' does not fit string[16] [format-mismatch]
t.bt:19:2: error: the format wants 1 argument, but 0 are given [format-count]
t.bt:20:12: error: '%d' does not fit string[16] [format-mismatch]

== names
BEGIN {
	print(nothing);
	print(pdi);
	print(arg);
	print(arg01);
	print(arg100);
	print(ST_SLEEP);
	print(O_CREAT);
	print(NULL);
	print(numaid);
	print(sargs);
}
--
t.bt:2:8: error: unknown name 'nothing' [unknown-name]
t.bt:3:8: error: unknown name 'pdi'; did you mean 'pid'? [unknown-name]
t.bt:4:8: error: unknown name 'arg'; did you mean 'arg0'? [unknown-name]
t.bt:5:8: error: unknown name 'arg01'; did you mean 'arg0'? [unknown-name]
t.bt:6:8: error: 'BEGIN' gives no 'arg100' [no-argument]
t.bt:10:8: error: 'numaid' cannot be had: it is not made [not-here]
t.bt:11:8: error: unknown name 'sargs'; did you mean 'sarg0'? [unknown-name]

== memory that a world has not
! no-memory
profile:hz:99 {
	print(str(5));
	print(str(tid, 3));
	print(buf(5, 3));
	print(*(uint32 *)tid);
	print(((struct task_struct *)tid)->pid);
	$p = (uint8 *)tid;
	print($p[3]);
	print(str("text"));
	print(str($1));
	print(str(comm));
}
--
t.bt:2:12: error: what is at this address cannot be had: it is not made [not-here]
t.bt:3:12: error: what is at this address cannot be had: it is not made [not-here]
t.bt:4:12: error: what is at this address cannot be had: it is not made [not-here]
t.bt:5:8: error: what is at this address cannot be had: it is not made [not-here]
t.bt:6:37: error: what is at this address cannot be had: it is not made [not-here]
t.bt:8:10: error: what is at this address cannot be had: it is not made [not-here]

== arguments
BEGIN {
	print(arg0);
	print(retval);
	print(args.x);
	print(sarg0);
	print(func);
	print(args);
	print(1 + args);
}
--
t.bt:2:8: error: 'BEGIN' gives no 'arg0' [no-argument]
t.bt:3:8: error: 'BEGIN' gives no 'retval'; only the return of a function does [no-retval]
t.bt:4:13: error: nothing is known of the arguments of 'BEGIN' [no-arguments]
t.bt:5:8: error: 'BEGIN' gives no 'sarg0' [no-argument]
t.bt:6:8: error: 'BEGIN' is no function's probe [no-function]
t.bt:7:8: error: 'args' is no value; its fields are: args.NAME [no-value]
t.bt:8:12: error: 'args' is no value; its fields are: args.NAME [no-value]

== arguments of functions
kprobe:made_open {
	print(arg0);
	print(arg6);
	print(retval);
	print(args.flags);
	print(args.flag);
	print(args.nothing);
}
kretprobe:made_open {
	print(arg0);
	print(retval);
	print(sarg0);
	print(args.flags);
}
fentry:made_open {
	print(args.flags);
	print(arg0);
	print(arg12);
	print(retval);
	print(args.flagz);
}
fexit:made_open {
	print(args.flags);
	print(retval);
}
kprobe:made_real {
	print(args.count);
	print(args.ratio);
}
--
t.bt:3:8: error: 'arg6' is not in a register; 'sarg0' reads it from the stack [no-argument]
t.bt:4:8: error: 'kprobe:made_open' gives no 'retval'; only the return of a function does [no-retval]
t.bt:6:13: error: 'kprobe:made_open' has no argument 'flag'; did you mean 'flags'? [unknown-field]
t.bt:7:13: error: 'kprobe:made_open' has no argument 'nothing' [unknown-field]
t.bt:10:8: error: 'kretprobe:made_open' gives no 'arg0' [no-argument]
t.bt:12:8: error: 'kretprobe:made_open' gives no 'sarg0' [no-argument]
t.bt:13:13: error: nothing is known of the arguments of 'kretprobe:made_open' [no-arguments]
t.bt:18:8: error: 'fentry:made_open' gives no 'arg12' [no-argument]
t.bt:19:8: error: 'fentry:made_open' gives no 'retval'; only the return of a function does [no-retval]
t.bt:20:13: error: 'fentry:made_open' has no argument 'flagz'; did you mean 'flags'? [unknown-field]
t.bt:28:13: error: 'ratio' is an argument of 'kprobe:made_real', but no script can read it where it is [no-argument]

== arguments of others
usdt:/bin/x:m {
	print(arg0);
	print(arg4);
	print(args.x);
	print(arg3);
}
tracepoint:made:all {
	print(args.u9);
	print(args.xyzzy);
	print(arg0);
	print(retval);
	print(args.u8.x);
	print(args + 1);
	@x = args;
	$y = args;
	@z[args] = 1;
	print((1, args));
	print(func);
}
tracepoint:made:none {
	print(args.x);
}
interval:s:1 {
	print(arg0);
	print(func);
}
iter:task {
	print(ctx);
	print(ctx.task);
	print(ctx.nothing);
	print(arg0);
}
--
t.bt:3:8: error: 'usdt:/bin/x:m' has 4 arguments, no 'arg4' [no-argument]
t.bt:4:13: error: nothing is known of the arguments of 'usdt:/bin/x:m' [no-arguments]
t.bt:5:8: error: 'usdt:/bin/x:m' keeps 'arg3' where no probe can read it [no-argument]
t.bt:8:13: error: 'tracepoint:made:all' has no argument 'u9'; did you mean 'u8'? [unknown-field]
t.bt:9:13: error: 'tracepoint:made:all' has no argument 'xyzzy' [unknown-field]
t.bt:10:8: error: 'tracepoint:made:all' gives no 'arg0' [no-argument]
t.bt:11:8: error: 'tracepoint:made:all' gives no 'retval'; only the return of a function does [no-retval]
t.bt:12:16: error: this has no fields, so no 'x'; a cast makes it a struct [no-struct]
t.bt:13:8: error: 'args' is no value; its fields are: args.NAME [no-value]
t.bt:14:7: error: 'args' is no value; its fields are: args.NAME [no-value]
t.bt:15:7: error: 'args' is no value; its fields are: args.NAME [no-value]
t.bt:16:5: error: 'args' is no value; its fields are: args.NAME [no-value]
t.bt:17:12: error: 'args' is no value; its fields are: args.NAME [no-value]
t.bt:18:8: error: 'tracepoint:made:all' is no function's probe [no-function]
t.bt:21:13: error: nothing is known of the arguments of 'tracepoint:made:none' [no-arguments]
t.bt:24:8: error: 'interval:s:1' gives no 'arg0' [no-argument]
t.bt:28:8: error: 'ctx' is no value; its fields are: ctx.NAME [no-value]
t.bt:30:12: error: 'iter:task' has no argument 'nothing' [unknown-field]
t.bt:31:8: error: 'iter:task' gives no 'arg0' [no-argument]

== members
BEGIN {
	print(curtask->nothing);
	print(curtask->pid.x);
	print(curtask->pdi);
	$x = 5;
	print($x.y);
	print($x->y);
	print((1, 2).2);
	$t = (1, 2);
	print($t.x);
	print($t.5);
	print(comm.x);
	print(curtask->secret->x);
	print(((uint8 *)5)->x);
}
--
t.bt:2:17: error: 'struct task_struct' has no field 'nothing' [unknown-field]
t.bt:3:21: error: this has no fields, so no 'x'; a cast makes it a struct [no-struct]
t.bt:4:17: error: 'struct task_struct' has no field 'pdi'; did you mean 'pid'? [unknown-field]
t.bt:6:11: error: this has no fields, so no 'y'; a cast makes it a struct [no-struct]
t.bt:7:12: error: this has no fields, so no 'y'; a cast makes it a struct [no-struct]
t.bt:8:15: error: a tuple of 2 has no part '2' [unknown-field]
t.bt:10:11: error: a tuple of 2 has no part 'x' [unknown-field]
t.bt:11:11: error: a tuple of 2 has no part '5' [unknown-field]
t.bt:12:13: error: this has no fields, so no 'x'; a cast makes it a struct [no-struct]
t.bt:13:25: error: of 'struct hidden' only the name is known here, and no field 'x' [unknown-field]
t.bt:14:22: error: 'uint8_t' has no fields, so no 'x' [no-struct]

== elements
BEGIN {
	print(curtask->words[4]);
	print(curtask->words[-1]);
	print(curtask->words["x"]);
	print(comm[16]);
	print(comm[0]);
	print(5[0]);
	$t = (1, 2);
	print($t[0]);
	print(curtask->any[0]);
	print(*curtask->any);
	print(*comm);
	print(curtask->tail);
	print(curtask->tail[5]);
}
--
t.bt:2:23: error: index 4 is outside of the array's 4 elements [bad-index]
t.bt:3:23: error: index -1 is outside of the array's 4 elements [bad-index]
t.bt:4:23: error: an index must be a number [bad-index]
t.bt:5:13: error: index 16 is outside of the string's 16 bytes [bad-index]
t.bt:7:9: error: this has no elements [bad-operand]
t.bt:9:10: error: this has no elements [bad-operand]
t.bt:10:20: error: this has no elements [bad-operand]
t.bt:11:8: error: a pointer to void cannot be followed [bad-operand]
t.bt:12:8: error: only pointers can be followed [bad-operand]
t.bt:13:17: error: this has no value that could be printed [no-value]

== variables
BEGIN {
	print($x);
	$y += 1;
	$z++;
	$a = 1;
	$a = "x";
	$b = "x";
	$b = 1;
	$b++;
	$b += 1;
	let $c;
	let $c;
	$d = clear(@x);
	@x = 1;
	$e = (1, 2);
	$e = (1, "x");
	$f += "x";
	&$a;
}
--
t.bt:2:8: error: '$x' is used before it is set [undefined-variable]
t.bt:3:2: error: '$y' is changed before it is set [undefined-variable]
t.bt:4:2: error: '$z' is used before it is set [undefined-variable]
t.bt:6:7: error: the variable $a is int64 elsewhere, but string[8] here [type-mismatch]
t.bt:8:7: error: the variable $b is string[8] elsewhere, but int64 here [type-mismatch]
t.bt:9:2: error: '$b' is no number [bad-operand]
t.bt:10:5: error: only numbers can be changed so [bad-operand]
t.bt:12:6: error: '$c' is declared already [redeclared]
t.bt:13:7: error: this has no value that '$d' could hold [no-value]
t.bt:16:7: error: the variable $e is (int64,int64) elsewhere, but (int64,string[8]) here [type-mismatch]
t.bt:17:2: error: '$f' is changed before it is set [undefined-variable]
t.bt:17:5: error: only numbers can be changed so [bad-operand]
t.bt:18:2: error: only of what is behind a pointer can the address be taken [not-supported]

== variables whose type nothing tells
BEGIN {
	let $g;
	print($g);
}
--
t.bt:3:8: error: nothing tells of which type '$g' is [unknown-type]

== variables in their blocks
BEGIN {
	if (1) { let $x = 1; print($x); }
	print($x);
	for ($i : 0..3) { }
	print($i);
	@m[1] = 1;
	for ($kv : @m) { }
	print($kv);
}
--
t.bt:3:8: error: '$x' is used before it is set [undefined-variable]
t.bt:5:8: error: '$i' is used before it is set [undefined-variable]
t.bt:8:8: error: '$kv' is used before it is set [undefined-variable]

== maps
BEGIN {
	print(@x);
	@y[1] = 1;
	@y["a"] = 1;
	@y = 1;
	@z = 1;
	@z[1] = 1;
	@v = 1;
	@v = "x";
	@w = "x";
	@w++;
	@w += 1;
	@u = (1, 2);
	@u = (1, "x");
	@u = (1, 2, 3);
	@t = 1;
	@t += "x";
	@s[1] = 1;
	@s[1, 2] = 1;
	@r = print(1);
	@q[print(1)] = 1;
	@p = kstack(3);
	@p = kstack(5);
}
--
t.bt:2:8: error: '@x' is never set [undefined-map]
t.bt:4:2: error: the key of @y is int64 elsewhere, but string[8] here [type-mismatch]
t.bt:5:2: error: map '@y' is used with and without keys [key-mismatch]
t.bt:7:2: error: map '@z' is used with and without keys [key-mismatch]
t.bt:9:7: error: the value of @v is int64 elsewhere, but string[8] here [type-mismatch]
t.bt:11:2: error: '@w' is no number [bad-operand]
t.bt:12:8: error: the value of @w is string[8] elsewhere, but int64 here [type-mismatch]
t.bt:14:7: error: the value of @u is (int64,int64) elsewhere, but (int64,string[8]) here [type-mismatch]
t.bt:15:7: error: the value of @u is (int64,int64) elsewhere, but (int64,int64,int64) here [type-mismatch]
t.bt:17:5: error: '@t' can only be changed by a number [bad-operand]
t.bt:19:2: error: the key of @s is int64 elsewhere, but (int64,int64) here [type-mismatch]
t.bt:20:7: error: this has no value that map '@r' could hold [no-value]
t.bt:21:5: error: this has no value that could be a key [bad-key]
t.bt:23:7: error: the value of @p is kstack(bpftrace,3) elsewhere, but kstack(bpftrace,5) here [type-mismatch]

== maps whose type nothing tells
BEGIN {
	@a = @b;
	@b = @a;
	if (@a) { print(1); }
}
--
t.bt:2:7: error: nothing tells of which type '@b' is [unknown-type]

== a program over which no jump leads
BEGIN {
	unroll(100) {
		unroll(40) {
			@a[pid] = count();
		}
	}
}
--
t.bt:1:1: error: this probe's program is too large: line 4: a jump over 116038 instructions, 32767 is the most [too-large]

== maps: more keys than there can be
BEGIN {
	@x[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1] = 1;
	$t = (1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1);
}
--
t.bt:2:133: error: more than 64 keys [too-many-keys]
t.bt:3:136: error: more than 64 parts in a tuple [too-large]

== maps: keys and values that are too large
config = { max_strlen = 1024 }
struct large { char x[40000]; };
BEGIN {
	@x[str(0)] = 1;
	@y[1, (1, str(0, 500))] = 2;
	@fine[str(0, 500)] = 1;
	@z = *(struct large *)5;
}
--
t.bt:4:2: error: the key of '@x' has 1024 bytes; the kernel takes 512 [key-too-large]
t.bt:5:2: error: the key of '@y' has 520 bytes; the kernel takes 512 [key-too-large]
t.bt:7:2: error: a value of '@z' has 40000 bytes; the most is 32768 [value-too-large]

== a probe needs too much memory
struct large { char x[20000]; };
BEGIN {
	$a = *(struct large *)5;
	$b = *(struct large *)6;
}
--
t.bt:2:1: error: this probe needs 40000 bytes of memory; the most is 32768 [too-large]

== operators
BEGIN {
	print(comm < "x");
	print(comm == 5);
	print(5 == comm);
	print(comm + 1);
	print(1 + (1, 2));
	print(-comm);
	print(!comm);
	print(~(1, 2));
	print(1 / 0);
	print(5 % (1 - 1));
	print(kstack == 5);
	print(kstack && 1);
	print((1, 2) || 0);
	print(&5);
	print(@h + 1);
	@h = hist(1);
	print(*5);
	print(macaddr(curtask->mac) == 1);
}
--
t.bt:2:13: error: strings can only be compared by == and != [bad-operand]
t.bt:3:13: error: a string is compared with something else [type-mismatch]
t.bt:4:10: error: a string is compared with something else [type-mismatch]
t.bt:5:13: error: strings can only be compared by == and != [bad-operand]
t.bt:6:12: error: (int64,int64) cannot be calculated with [bad-operand]
t.bt:7:9: error: this is no number [bad-operand]
t.bt:8:9: error: this is no number [bad-operand]
t.bt:9:9: error: this is no number [bad-operand]
t.bt:10:12: error: division by 0 [division-by-zero]
t.bt:11:15: error: division by 0 [division-by-zero]
t.bt:12:8: error: kstack cannot be calculated with [bad-operand]
t.bt:13:8: error: kstack cannot be calculated with [bad-operand]
t.bt:14:8: error: (int64,int64) cannot be calculated with [bad-operand]
t.bt:15:8: error: only of what is behind a pointer can the address be taken [not-supported]
t.bt:16:8: error: the aggregation '@h' is no number [bad-operand]
t.bt:19:8: error: mac address cannot be calculated with [bad-operand]

== conditions
BEGIN {
	if ((1, 2)) { }
	if (kstack) { }
	if (print(1)) { }
	while ((1, 2)) { break; }
	print((1, 2) ? 1 : 2);
	print(print(1) ? 1 : 2);
	print(1 ? 2 : "x");
	print(1 ? (1, 2) : (1, "x"));
	if (comm) { }
	if (curtask) { }
	if (curtask->in) { }
	@x = 1 ? exit() : 2;
}
--
t.bt:2:6: error: a condition must be a number [bad-condition]
t.bt:3:6: error: a condition must be a number [bad-condition]
t.bt:4:6: error: a condition must be a number [bad-condition]
t.bt:5:9: error: a condition must be a number [bad-condition]
t.bt:6:8: error: a condition must be a number [bad-condition]
t.bt:7:8: error: a condition must be a number [bad-condition]
t.bt:8:10: error: both sides of ':' must be of one type [type-mismatch]
t.bt:9:10: error: both sides of ':' must be of one type [type-mismatch]
t.bt:12:15: error: a condition must be a number [bad-condition]
t.bt:13:9: error: this has no value that map '@x' could hold [no-value]

== predicates
BEGIN / (1, 2) / { }
END / comm / { }
interval:s:1 / kstack / { }
interval:s:2 / print(1) / { }
--
t.bt:1:9: error: a predicate must be a number [bad-predicate]
t.bt:3:16: error: a predicate must be a number [bad-predicate]
t.bt:4:16: error: a predicate must be a number [bad-predicate]

== casts
BEGIN {
	print((nothing)5);
	print((uint64)comm);
	print((uint64)(1, 2));
	print((struct inner)5);
	print((string[5])comm);
	print((string[0])comm);
	print((string[2000])comm);
	print((uint8[4])5);
	print((uint8[16])5);
	print((uint8[0])5);
	print((uint16[2])pton("1.2.3.4"));
	print((uint32)pton("1.2.3.4"));
	print((uint64)pton("::1"));
	print((uint64)kstack);
	print((uint64)macaddr(curtask->mac));
	print((struct inner)comm);
	print((uint64[1000000])5);
}
--
t.bt:2:9: error: unknown type 'nothing' [unknown-type]
t.bt:3:8: error: string[16] cannot be made uint64 [bad-cast]
t.bt:4:8: error: (int64,int64) cannot be made uint64 [bad-cast]
t.bt:7:9: error: a string has 1 to 1024 bytes [bad-size]
t.bt:8:9: error: a string has 1 to 1024 bytes [bad-size]
t.bt:10:8: error: int64 cannot be made uint8[16] [bad-cast]
t.bt:11:8: error: int64 cannot be made uint8[0] [bad-cast]
t.bt:14:8: error: uint8[16] cannot be made uint64 [bad-cast]
t.bt:15:8: error: kstack cannot be made uint64 [bad-cast]
t.bt:16:8: error: mac address cannot be made uint64 [bad-cast]
t.bt:17:8: error: string[16] cannot be made struct inner [bad-cast]
t.bt:18:9: error: an array of more than 1048576 bytes [too-large]

== sizes and offsets
BEGIN {
	print(sizeof(struct nothing));
	print(sizeof(struct task_struct));
	print(sizeof(uint8));
	print(sizeof(comm));
	print(offsetof(struct task_struct, nothing));
	print(offsetof(struct task_struct, in.c));
	print(offsetof(struct task_struct, in.nothing));
	print(offsetof(curtask->in, c));
	print(offsetof(5, x));
	print(offsetof(struct nothing, x));
}
--
t.bt:2:15: error: unknown type 'struct nothing' [unknown-type]
t.bt:6:8: error: 'task_struct' has no field 'nothing' [unknown-field]
t.bt:8:8: error: 'inner' has no field 'nothing' [unknown-field]
t.bt:10:17: error: this has no fields [no-struct]
t.bt:11:17: error: unknown type 'struct nothing' [unknown-type]

== loops
BEGIN {
	break;
	continue;
	unroll(0) { }
	unroll(1001) { }
	unroll(nsecs) { }
	unroll(3) { break; }
	while (1) { }
	while (1) { $x = 1; }
	while (1) { if (0) { break; } }
	for ($i : 0.."x") { }
	for ($i : comm..5) { }
	@s = 1;
	for ($kv : @s) { }
}
--
t.bt:2:2: error: 'break' outside of a loop [outside-loop]
t.bt:3:2: error: 'continue' outside of a loop [outside-loop]
t.bt:4:9: error: 'unroll' takes 1 to 1000 rounds, not 0 [bad-count]
t.bt:5:9: error: 'unroll' takes 1 to 1000 rounds, not 1001 [bad-count]
t.bt:6:9: error: the count of 'unroll' must be a constant [not-constant]
t.bt:7:14: error: 'break' outside of a loop [outside-loop]
t.bt:8:2: error: this loop never ends: its condition is always true, and it has no 'break' [endless-loop]
t.bt:9:2: error: this loop never ends: its condition is always true, and it has no 'break' [endless-loop]
t.bt:11:2: error: a range goes from a number to a number [bad-range]
t.bt:12:2: error: a range goes from a number to a number [bad-range]
t.bt:14:13: error: map '@s' has no keys to loop over [no-keys]

== own types
struct a { struct a x; };
struct b { struct c x; };
struct c { struct b x[2]; };
struct d { int x : 40; };
struct e { nothing x; };
typedef f g;
typedef g f;
struct h { char x[2000000]; };
BEGIN {
	print(sizeof(struct a));
	print(sizeof(struct b));
	print(sizeof(struct d));
	print(sizeof(struct e));
	print(sizeof(f));
	print(sizeof(struct h));
}
--
t.bt:1:1: error: 'a' cannot be laid out: it is too large, or holds itself [bad-struct]
t.bt:3:1: error: 'c' cannot be laid out: it is too large, or holds itself [bad-struct]
t.bt:4:16: error: 'x' has more bits than its type [bad-struct]
t.bt:5:12: error: unknown type 'nothing' [unknown-type]
t.bt:8:12: error: an array of more than 1048576 bytes [too-large]
t.bt:6:9: error: more than 64 types within each other [too-deep]

== own types that are fine
struct a { int x; struct a *next; };
struct b { char c; struct a a; short s : 3, : 0, t : 4; union { int p; long q; }; };
typedef struct b *bp;
enum e { ONE = 1, TWO };
struct p { char c; int i; } __attribute__((packed));
BEGIN {
	$b = (bp)5;
	print($b->a.next->next->x);
	print(sizeof(struct b));
	print(offsetof(struct b, t));
	print(offsetof(struct b, q));
	print(TWO);
	print(sizeof(struct p));
	print(sizeof(enum e));
	print($b->t);
}
--
8:2 print: int32
9:2 print: uint64
10:2 print: uint64
11:2 print: uint64
12:2 print: int64
13:2 print: uint64
14:2 print: uint64
15:2 print: int16

== settings
config = {
	max_strlen = 0;
	max_map_keys = many;
	stack_mode = upside_down;
	print_maps_on_exit = perhaps;
	ring_len = 1000;
	max_strlne = 5;
	xyzzy = 5;
}
BEGIN { }
--
t.bt:2:2: error: 'max_strlen' must be 1 to 1024, not '0' [bad-setting]
t.bt:3:2: error: 'max_map_keys' must be 1 to 16777216, not 'many' [bad-setting]
t.bt:4:2: error: 'stack_mode' must be bpftrace, perf or raw, not 'upside_down' [bad-setting]
t.bt:5:2: error: 'print_maps_on_exit' must be true or false, not 'perhaps' [bad-setting]
t.bt:6:2: error: 'ring_len' must be a power of two of 65536 bytes or more, not '1000' [bad-setting]
t.bt:7:2: error: unknown setting 'max_strlne'; did you mean 'max_strlen'? [unknown-setting]
t.bt:8:2: error: unknown setting 'xyzzy' [unknown-setting]

== probes
nothing:here { }
tracepoint:made:nothing { }
tracepoint:made:one, nothing:here { }
--
t.bt:1:1: error: there is no 'nothing:here' [unknown-probe]
t.bt:2:1: error: there is no 'tracepoint:made:nothing' [unknown-probe]
t.bt:3:22: error: there is no 'nothing:here' [unknown-probe]

== probes: all of several are missing
nothing:here, nothing:there { }
kprobe:missing, kretprobe:missing { }
kprobe:missing { }
--
t.bt:1:1: error: there is no 'nothing:here' [unknown-probe]
t.bt:1:15: error: there is no 'nothing:there' [unknown-probe]
t.bt:2:1: warning: no function 'missing' [unknown-function]
t.bt:2:17: warning: no function 'missing' [unknown-function]
t.bt:2:1: error: none of these points is there [no-probes]
t.bt:3:1: error: no function 'missing' [unknown-function]

== probes: one of several is enough
kprobe:missing, kprobe:made_open {
	@x = arg0;
}
--
t.bt:1:1: warning: no function 'missing' [unknown-function]
map @x: uint64

== probes: none
#include <linux/sched.h>
--
t.bt:1:1: error: there are no probes [no-probes]

== nothing is known of types
! no-types
BEGIN {
	print(curtask);
	print(curtask->pid);
	print(sizeof(struct task_struct));
	print((struct task_struct *)5);
	print(sizeof(int));
	print(nothing);
}
--
t.bt:3:17: error: this has no fields, so no 'pid'; a cast makes it a struct [no-struct]
t.bt:4:15: error: unknown type 'struct task_struct'; this kernel has no type information (BTF) [unknown-type]
t.bt:5:9: error: unknown type 'struct task_struct'; this kernel has no type information (BTF) [unknown-type]
t.bt:7:8: error: unknown name 'nothing' [unknown-name]

== positional parameters
! params one 2 -3 0x10 99999999999999999999
BEGIN {
	print($1);
	print($1 + 1);
	print($2 + 1);
	print($3);
	print($4);
	print($5);
	print($6);
	print($6 + 1);
	print(str($1));
	print(str($6));
	print($#);
	@x = lhist(1, 0, $2, 1);
	@y = lhist(1, 0, $1, 1);
	unroll($3) { }
}
--
t.bt:3:11: error: strings can only be compared by == and != [bad-operand]
t.bt:14:19: error: argument 3 of lhist() must be a constant [not-constant]
t.bt:15:9: error: 'unroll' takes 1 to 1000 rounds, not -3 [bad-count]

== strcontains of two that are long
config = { max_strlen = 65 }
kprobe:made_open {
	print(strcontains(str(arg0), str(arg1)));
}
--
3:2 print: int64

== loops: too many within each other
BEGIN {
	@x[1] = 1;
	for ($a : 0..2) { for ($b : 0..2) { for ($c : 0..2) { while ($c < 1) { for ($e : 0..2) { for ($kv : @x) { for ($g : 0..2) { for ($h : 0..2) { print($h); } } } } } } } }
}
--
t.bt:3:126: error: more than 7 loops within each other [too-deep]

== loops: unrolled for ever
BEGIN {
	unroll(1000) { unroll(1000) { unroll(1000) { @x = 1; } } }
}
END {
	unroll(1000) { unroll(1000) { unroll(1000) { 1; } } }
}
--
t.bt:2:45: error: more than 10000 statements with all rounds of 'unroll' [too-large]
t.bt:5:45: error: more than 10000 statements with all rounds of 'unroll' [too-large]

== the name of a probe in a variable, among other strings
BEGIN { $p = probe; @x["a"] = 1; @x[probe] = 2; @x[$p] = 3; }
--
t.bt:1:52: error: the name of a probe in a variable cannot become another string [not-supported]

== nothing lies behind addresses
! no-memory
! params 5 text
BEGIN {
	$p = 5;
	print(str($p));
	print(str($p, 7));
	print(buf($p, 7));
	print(str(comm));
	print(str("text"));
	print(str($1));
	print(str($2));
	join($p);
	exit();
}
--
t.bt:3:12: error: what is at this address cannot be had: it is not made [not-here]
t.bt:4:12: error: what is at this address cannot be had: it is not made [not-here]
t.bt:5:12: error: what is at this address cannot be had: it is not made [not-here]
t.bt:10:7: error: join() cannot read here: a trace has the address, not what was there [not-here]
