Scripts in D: their mistakes, with D's tags, and the types of what is fine.

== syntax
! d
BEGIN { x = ; }
BEGIN { trace(1 }
BEGIN /1 { }
BEGIN { while (1) { } }
BEGIN
--
t.bt:1:13: error: an expression expected, not ';' [D_SYNTAX]
t.bt:2:17: error: ')' expected behind the list, not '}' [D_SYNTAX]
t.bt:3:10: error: '/' expected behind the predicate, not '{' [D_SYNTAX]
t.bt:4:9: error: D has no 'while' [D_SYNTAX]
t.bt:5:6: error: a predicate or '{' expected, not the end of the script [D_SYNTAX]

== a predicate or a block is wanted
! d
BEGIN;
int x; struct foo { int a };
END { trace(x) }
--
t.bt:1:6: error: a predicate or '{' expected, not ';' [D_SYNTAX]

== texts and numbers
! d
BEGIN { trace(99999999999999999999); trace('x'); }
BEGIN { trace("abc); }
--
t.bt:1:15: error: this number does not fit into 64 bits [D_INT_OFLOW]
t.bt:2:15: error: this string has no end on its line [D_STR_NL]
t.bt:2:23: error: ')' expected behind the list, not the end of the script [D_SYNTAX]
t.bt:2:23: error: '}' expected behind the statements, not the end of the script [D_SYNTAX]

== pragmas and options
! d
#pragma D option quiet
#pragma D option bufsize=4m
#pragma D option strsize=32
#pragma D option aggsortrev
#pragma D option stackframes=3
#pragma D option quite
#pragma D option strsize=x
#pragma D option aggsortpos=x
#pragma D option bufsize
#pragma D option ustackframes=1000
#pragma D attributes Stable/Stable/Common provider x provider
#pragma D nonsense
#pragma ident "x"
BEGIN { }
--
t.bt:6:1: error: unknown option 'quite'; did you mean 'quiet'? [D_PRAGMA_OPTSET]
t.bt:7:1: error: option 'strsize' cannot be 'x' [D_PRAGMA_OPTSET]
t.bt:8:1: error: option 'aggsortpos' cannot be 'x' [D_PRAGMA_OPTSET]
t.bt:9:1: error: option 'bufsize' cannot be '' [D_PRAGMA_OPTSET]
t.bt:10:1: error: option 'ustackframes' cannot be '1000' [D_PRAGMA_OPTSET]
t.bt:12:1: error: unknown pragma 'D nonsense' [D_PRAGMA_INVAL]

== probes
! d
a:b:c:d:e { }
BEGIN, { }
, { }
BEGIN( { }
--
t.bt:1:1: error: a probe has four parts at most: provider:module:function:name [D_PDESC_INVAL]
t.bt:3:1: error: a probe is missing, as in 'syscall::read:entry' [D_PDESC_INVAL]

== probes that are not there
! d
foo:::bar { }
tick-0s { }
tick-5parsecs { }
syscall::read:entr { }
proc:::nothing { }
tracepoint:made:all { }
pid1:a.out:made:nothing { }
sched:::tick, io:::start, proc:::create { }
--
t.bt:1:1: error: 'foo:::bar' matches no probe [D_PDESC_ZERO]
t.bt:2:1: error: 'tick-0s' is no rate, as in 'tick-10ms' and 'profile-997' [D_PDESC_INVAL]
t.bt:3:1: error: 'tick-5parsecs' is no rate, as in 'tick-10ms' and 'profile-997' [D_PDESC_INVAL]
t.bt:4:1: error: 'syscall::read:entr' matches no probe [D_PDESC_ZERO]
t.bt:5:1: error: 'proc:::nothing' matches no probe [D_PDESC_ZERO]
t.bt:6:1: error: 'tracepoint:made:all' matches no probe [D_PDESC_ZERO]
t.bt:7:1: error: there is no process 1 [D_PROC_GRAB]

== probes that may not be there
! d
#pragma D option zdefs
foo:::bar { }
BEGIN { }
--

== macro variables
! d
! params 5 word
BEGIN { trace($1); trace($$1); trace($$2); trace(pid == $1); }
BEGIN { trace($3); }
BEGIN { trace($target); trace($nonsense); trace($pid == 0); }
--
t.bt:2:15: error: this wants parameter $3, but 2 were given [D_MACRO_UNDEF]
t.bt:3:15: error: there is no $target without -c or -p [D_MACRO_UNDEF]
t.bt:3:31: error: there is no macro variable 'nonsense' [D_MACRO_UNDEF]

== variables and their types
! d
BEGIN { x = 1; y[1, "a"] = timestamp; self->s = "text"; this->t = execname; }
END { trace(x); trace(y[2, "b"]); trace(self->s); trace(unknown); trace(self->never); }
END { this->t = 5; z = x; z = "a"; }
END { w = 0; v = 0; v = "a"; u[1] = 0; }
END { y[1] = 1; }
--
t.bt:2:57: error: unknown name 'unknown' [D_IDENT_UNDEF]
t.bt:2:73: error: 'self->never' is never set [D_IDENT_UNDEF]
t.bt:3:31: error: the value of z is int64 elsewhere, but string[8] here [D_OP_INCOMPAT]
t.bt:5:7: error: the key of y is (int64,string[8]) elsewhere, but int64 here [D_OP_INCOMPAT]

== this-> lives over clauses of one probe
! d
tick-1s { this->a = pid; }
tick-1s { trace(this->a); }
tick-2s { trace(this->a); }
tick-1s { this->s = execname; this->s = "x"; }
--
2:11 trace: uint64
3:11 trace: uint64

== this-> that nothing sets
! d
tick-1s { trace(this->b); }
--
t.bt:1:17: error: 'this->b' is used before it is set [D_IDENT_UNDEF]

== what cannot be set
! d
tick-1s { this->c[1] = 2; trace(5 = 3); trace(pid++); 5 = 3; pid = 3; @a[1]++; }
--
t.bt:1:11: error: 'this->c' cannot be an array [D_ARR_LOCAL]
t.bt:1:33: error: only variables can be set [D_OP_LVAL]
t.bt:1:47: error: only variables can be stepped [D_OP_LVAL]
t.bt:1:55: error: only variables can be set [D_OP_LVAL]
t.bt:1:62: error: only variables can be set [D_OP_LVAL]
t.bt:1:71: error: only variables can be stepped [D_OP_LVAL]

== functions
! d
BEGIN { cuont(); trace(); trace(1, 2); @a = trace(1); x = count(); x = printf("a"); }
BEGIN { @ = nothing(); count(); @b; trace(@b); @c = 5; @c += count(); }
BEGIN { panic(); chill(1); alloca(5); jstack(); copyout(1, 2, 3); cleanpath("a"); msgsize(1); msgdsize(1); }
BEGIN { system("ls"); raise(9); freopen("x"); }
--
t.bt:1:9: error: unknown function 'cuont'; did you mean 'count'? [D_FUNC_UNDEF]
t.bt:1:18: error: trace() takes 1 argument, not 0 [D_PROTO_LEN]
t.bt:1:27: error: trace() takes 1 argument, not 2 [D_PROTO_LEN]
t.bt:1:45: error: trace() is no aggregating function [D_AGG_FUNC]
t.bt:1:59: error: count() is set to an aggregation: @x = count(...) [D_AGG_NULL]
t.bt:1:72: error: printf() is an action and gives no value [D_OP_ACT]
t.bt:2:13: error: unknown function 'nothing' [D_FUNC_UNDEF]
t.bt:2:24: error: count() is set to an aggregation: @x = count(...) [D_AGG_NULL]
t.bt:2:33: error: the aggregation '@b' is no value [D_AGG_NULL]
t.bt:2:43: error: the aggregation '@b' is no value [D_AGG_NULL]
t.bt:2:51: error: an aggregation is set by a function, as in '@c = count()' [D_AGG_FUNC]
t.bt:2:59: error: an aggregation is set by a function, as in '@c = count()' [D_AGG_FUNC]
t.bt:3:9: error: panic() is not supported: it would stop the machine [not-supported]
t.bt:3:18: error: chill() is not supported: it would hold the whole CPU [not-supported]
t.bt:3:28: error: alloca() is not supported: there is no memory to copy to [not-supported]
t.bt:3:39: error: jstack() is not supported: no frames of Java are known [not-supported]
t.bt:3:49: error: copyout() is not supported: the memory of programs is not written to [not-supported]
t.bt:3:67: error: cleanpath() is not supported: paths are shown as they are [not-supported]
t.bt:3:83: error: msgsize() is not supported: there are no STREAMS [not-supported]
t.bt:3:95: error: msgdsize() is not supported: there are no STREAMS [not-supported]
t.bt:4:9: error: system() changes the system; it needs -w, or the option 'destructive' [D_ACT_DESTRUCTIVE]
t.bt:4:23: error: raise() changes the system; it needs -w, or the option 'destructive' [D_ACT_DESTRUCTIVE]
t.bt:4:33: error: freopen() changes the system; it needs -w, or the option 'destructive' [D_ACT_DESTRUCTIVE]

== destructive functions, allowed
! d
! unsafe
BEGIN { system("ls %d", 1); raise(9); freopen("x"); freopen(execname); }
--
t.bt:1:61: error: argument 1 of freopen() must be a text between quotes [D_FREOPEN_INVALID]

== aggregations
! d
BEGIN { @c[pid] = sum(1); printa("%d"); printa(5); printa(@c[1]); clear(5); }
--
t.bt:1:27: error: printa() wants an aggregation [D_PRINTA_PROTO]
t.bt:1:48: error: printa() wants an aggregation without keys here [D_CLEAR_AGGARG]
t.bt:1:59: error: printa() wants an aggregation without keys here [D_CLEAR_AGGARG]
t.bt:1:73: error: clear() wants an aggregation without keys here [D_CLEAR_AGGARG]

== aggregations and their types
! d
BEGIN { @a[pid] = count(); @a[pid] = sum(1); @b = quantize(1); @b = lquantize(1, 0, 10); }
BEGIN { @c[pid] = sum(1); @d[execname] = sum(2); printa(@c, @d); printa(@never); }
BEGIN { trunc(@c, "a"); normalize(@c, "b"); trunc(@x); denormalize(@c); trunc(@c, 5); }
--
t.bt:1:38: error: the value of @a is count elsewhere, but sum here [D_OP_INCOMPAT]
t.bt:1:69: error: the value of @b is hist elsewhere, but lhist(0,10,1) here [D_OP_INCOMPAT]
t.bt:2:61: error: '@d' has other keys than '@c' [D_PRINTA_AGGKEY]
t.bt:2:73: error: the aggregation '@never' is never set [D_PRINTA_AGGBAD]
t.bt:3:19: error: trunc() wants a number [D_TRUNC_SCALAR]
t.bt:3:39: error: normalize() wants a number [D_NORMALIZE_SCALAR]
t.bt:3:51: error: the aggregation '@x' is never set [D_PRINTA_AGGBAD]

== all aggregating functions
! d
BEGIN {
	@a = count(); @b = sum(1); @c = min(1); @d = max(1); @e = avg(1); @f = stddev(pid);
	@g = quantize(-1); @h = lquantize(5, -10, 10, 2); @i = llquantize(5, 10, 0, 3, 20);
	@g = quantize(-1, 5);
}
--
map @a: count
map @b: sum
map @c: min
map @d: max
map @e: avg
map @f: stddev
map @g: hist
map @h: lhist(-10,10,2)
map @i: llhist

== levels
! d
BEGIN {
	@a = lquantize(1, 5000000000, 5); @b = lquantize(1, 0, 5000000000);
	@c = lquantize(1, 10, 0); @d = lquantize(1, 0, 10, 0); @e = lquantize(1, 0, 10, 20);
	@f = lquantize(1, 0, 100000, 1); @g = lquantize(1, pid, 1); @h = lquantize(1, 0, pid);
	@i = lquantize(1, 0, 10, pid); @j = lquantize("a", 0, 10); @k = stddev("a"); @l = quantize("a");
}
--
t.bt:2:7: error: lquantize() has a lower end beyond 32 bits [D_LQUANT_BASEVAL]
t.bt:2:41: error: lquantize() has an upper end beyond 32 bits [D_LQUANT_LIMVAL]
t.bt:3:7: error: lquantize() begins above its end [D_LQUANT_MISMATCH]
t.bt:3:33: error: lquantize() has a step of 1 to 65535 [D_LQUANT_STEPVAL]
t.bt:3:62: error: lquantize() has a step wider than all of it [D_LQUANT_STEPLARGE]
t.bt:4:7: error: lquantize() has more than 1000 steps [D_LQUANT_STEPSMALL]
t.bt:4:53: error: argument 2 of lquantize() must be a constant [D_LQUANT_BASETYPE]
t.bt:4:83: error: argument 3 of lquantize() must be a constant [D_LQUANT_LIMTYPE]
t.bt:5:27: error: argument 4 of lquantize() must be a constant [D_LQUANT_STEPTYPE]
t.bt:5:48: error: argument 1 of lquantize() must be a number [D_PROTO_ARG]
t.bt:5:73: error: argument 1 of stddev() must be a number [D_PROTO_ARG]
t.bt:5:93: error: argument 1 of quantize() must be a number [D_PROTO_ARG]

== levels of llquantize
! d
BEGIN {
	@a = llquantize(1, 1, 0, 3, 20); @b = llquantize(1, 10, 70, 3, 20);
	@c = llquantize(1, 10, 3, 2, 20); @d = llquantize(1, 10, 0, 30, 20);
	@e = llquantize(1, 10, 0, 3, 15); @f = llquantize(1, 10, 0, 3, 70);
	@g = llquantize(1, 10, 0, 18, 100); @h = llquantize(1, pid, 0, 3, 20);
	@i = llquantize(1, 10, pid, 3, 20); @j = llquantize(1, 10, 0, pid, 20);
	@k = llquantize(1, 10, 0, 3, pid); @l = llquantize("a", 10, 0, 3, 20);
}
--
t.bt:2:7: error: llquantize() has a factor of 2 to 1000 [D_LLQUANT_FACTORVAL]
t.bt:2:40: error: llquantize() has a lowest power of 0 to 62 [D_LLQUANT_LMAGVAL]
t.bt:3:7: error: llquantize() has a highest power that is not below the lowest, up to 62 [D_LLQUANT_HMAGVAL]
t.bt:3:41: error: llquantize() goes beyond 64 bits [D_LLQUANT_HMAGVAL]
t.bt:4:7: error: llquantize() has a number of steps that is a multiple of the factor, up to 1000 [D_LLQUANT_STEPVAL]
t.bt:5:7: error: llquantize() goes beyond 64 bits [D_LLQUANT_HMAGVAL]
t.bt:5:57: error: argument 2 of llquantize() must be a constant [D_LLQUANT_FACTORTYPE]
t.bt:6:25: error: argument 3 of llquantize() must be a constant [D_LLQUANT_LMAGTYPE]
t.bt:6:64: error: argument 4 of llquantize() must be a constant [D_LLQUANT_HMAGTYPE]
t.bt:7:31: error: argument 5 of llquantize() must be a constant [D_LLQUANT_STEPTYPE]
t.bt:7:53: error: argument 1 of llquantize() must be a number [D_PROTO_ARG]

== formats
! d
BEGIN {
	printf("%d %s %Y %a %S %c %x %p\n", pid, execname, walltimestamp, caller, "a", 65, 66, 67);
	printf("%s", 5); printf("%d", "a"); printf("%q", 5); printf("%"); printf("%d"); printf("%d", 1, 2);
	printf("%@d", 5); printf("%*d", "a", 5); printf("%*d", 3, 5); printf("%k", 5); printf(execname);
}
--
t.bt:3:15: error: '%s' does not fit int64; stringof() and copyinstr() read strings at addresses [D_PRINTF_ARG_TYPE]
t.bt:3:32: error: '%d' does not fit string[2] [D_PRINTF_ARG_TYPE]
t.bt:3:45: error: the format ends within a conversion [D_PRINTF_ARG_FMT]
t.bt:3:62: error: the format ends within a conversion [D_PRINTF_ARG_FMT]
t.bt:3:68: error: the format wants 1 argument, but 0 are given [D_PRINTF_ARG_PROTO]
t.bt:3:82: error: the format wants 1 argument, but 2 are given [D_PRINTF_ARG_EXTRA]
t.bt:4:9: error: '%@d' is for printa() [D_PRINTF_AGG_CONV]
t.bt:4:34: error: a width must be a number [D_PRINTF_DYN_TYPE]
t.bt:4:77: error: '%k' does not fit int64 [D_PRINTF_ARG_TYPE]
t.bt:4:88: error: argument 1 of printf() must be a text between quotes [D_PROTO_ARG]

== formats of printa
! d
BEGIN {
	@a[pid, execname] = count(); @b[pid, execname] = sum(1);
	printa("%d %s %@d %@d\n", @a, @b); printa("%s %d %@d\n", @a); printa("%d %s %d %@d\n", @a);
	printa("%d %s %@d %@d\n", @a); printa("%*d %s %@d\n", @a); printa("%y", @a); printa("%", @a);
}
--
t.bt:3:44: error: '%s' does not fit uint64; stringof() and copyinstr() read strings at addresses [D_PRINTF_ARG_TYPE]
t.bt:3:44: error: '%d' does not fit string[16] [D_PRINTF_ARG_TYPE]
t.bt:3:71: error: the format wants 3 keys, but '@a' has 2 [D_PRINTF_ARG_PROTO]
t.bt:4:40: error: printa() has no '*' [D_PRINTF_DYN_PROTO]
t.bt:4:68: error: unknown conversion '%y' [D_PRINTF_ARG_FMT]
t.bt:4:86: error: the format ends within a conversion [D_PRINTF_ARG_FMT]

== strings
! d
BEGIN {
	trace(strlen("abc")); trace(strjoin("a", execname)); trace(substr(execname, 1, 2));
	trace(index("abc", "b")); trace(strchr("abc", 'b')); trace(strstr("abc", "b"));
	trace(basename("/a/b")); trace(lltostr(5)); trace(stringof("a")); trace(rindex("abc", "b"));
	trace(strjoin(1, "a")); trace(substr(1, 2)); trace(index("a", 1)); trace(lltostr("a"));
	trace(lltostr(5, 3)); trace(substr("a", "b"));
	trace(execname == "a" || execname != NULL || execname == 0);
}
--
t.bt:5:16: error: argument 1 of strjoin() must be a string [D_PROTO_ARG]
t.bt:5:39: error: argument 1 of substr() must be a string [D_PROTO_ARG]
t.bt:5:64: error: argument 2 of index() must be a string [D_PROTO_ARG]
t.bt:5:83: error: argument 1 of lltostr() must be a number [D_PROTO_ARG]
t.bt:6:42: error: argument 2 of substr() must be a number [D_PROTO_ARG]

== memory
! d
syscall::read:entry {
	trace(arg0); trace(args[1]); trace(copyinstr(arg1)); trace(*(int *)copyin(arg1, 4));
	tracemem(arg1, 16); tracemem(arg1, 5000); tracemem(arg1, arg2); tracemem("a", 16); trace(arg9);
	trace((string)arg1); trace(*arg1); trace(arg1->x); trace(curthread->comm); trace(curthread->nothing);
}
--
t.bt:3:22: error: tracemem() shows 1 to 1024 bytes [D_TRACEMEM_SIZE]
t.bt:3:59: error: argument 2 of tracemem() must be a constant [D_TRACEMEM_SIZE]
t.bt:3:75: error: argument 1 of tracemem() must be a number [D_PROTO_ARG]
t.bt:3:91: error: 'tracepoint:syscalls:sys_enter_read' gives no 'arg9' [D_ARGS_IDX]
t.bt:4:43: error: this has no fields, so no 'x'; a cast makes it a struct [D_OP_SOU]
t.bt:4:83: error: 'struct task_struct' has no field 'nothing' [D_TYPE_MEMBER]

== what a probe gives
! d
syscall::read:return { trace(arg0); trace(errno); trace(arg5); trace(args[0]); }
tick-1s { trace(arg0); trace(arg1); trace(args[0]); trace(arg2); trace(errno); }
BEGIN { trace(arg0); trace(probeprov); trace(probefunc); trace(probename == "BEGIN"); trace(id); trace(epid); }
BEGIN { trace(comm); trace(nsecs); trace(zonename); trace(ipl); }
--
t.bt:1:57: error: this probe has no 'arg5' [D_ARGS_IDX]
t.bt:2:43: error: this probe has no such args[] [D_ARGS_NONE]
t.bt:2:59: error: this probe has no 'arg2' [D_ARGS_IDX]
t.bt:3:15: error: this probe has no 'arg0' [D_ARGS_IDX]
t.bt:4:15: error: unknown variable 'comm' [D_IDENT_UNDEF]
t.bt:4:28: error: unknown variable 'nsecs' [D_IDENT_UNDEF]

== translators
! d
BEGIN { trace(curpsinfo->pr_pid); trace(curpsinfo->pr_psargz); trace(curlwpsinfo->pr_lwpid); }
BEGIN { trace(xlate<psinfo_t *>(curthread)->pr_ppid); trace(xlate<int>(curthread)->x); trace(curpsinfo); }
--
t.bt:1:41: error: psinfo_t has no member 'pr_psargz'; did you mean 'pr_psargs'? [D_TYPE_MEMBER]
t.bt:2:61: error: there is no translator to 'int' [D_XLATE_NONE]

== inlines, comma, conditions
! d
inline int LIMIT = 10;
inline int TWICE = LIMIT * 2;
inline int LOOP = LOOP + 1;
BEGIN / LIMIT > 5 ^^ TWICE < 3 / {
	trace(TWICE); a = 1, b = 2; c = d = 3; trace(a ? "x" : "y"); pid == 1 ? trace(1) : trace(2);
	if (a) trace(1); else if (b) { trace(2); } else trace(3);
	trace(a && (b = 5)); trace(LOOP); trace(a / 0);
}
--
t.bt:7:16: error: an assignment inside of a condition is not supported; it can be a statement before it [not-supported]
t.bt:3:19: error: 'LOOP' goes through itself [too-deep]

== what is not there
! d
translator int < int x > { };
provider foo { };
--
t.bt:1:1: error: 'translator' is not supported [not-supported]
t.bt:2:1: error: 'provider' is not supported [not-supported]

== values that make no sense
! d
BEGIN { trace(`made_open); trace(`nothing); trace(sizeof (int)); trace(sizeof(struct nothing)); }
BEGIN { trace(trunc); trace(stringof(stack())); trace(-execname); trace(!execname); }
BEGIN { trace(curthread && 1); trace(*(struct task_struct *)curthread); trace(stringof(*curthread)); }
BEGIN / execname / { }
BEGIN / stack() / { }
BEGIN { trace(&pid); trace(-"a"); trace(execname < "a"); }
fbt::made_open:entry { trace(args[0]); trace(args[9]); trace(arg0); }
--
t.bt:1:34: error: no address is known of 'nothing' [D_IDENT_UNDEF]
t.bt:1:79: error: unknown type 'struct nothing' [D_TYPE_ERR]
t.bt:2:15: error: unknown name 'trunc' [D_IDENT_UNDEF]
t.bt:2:38: error: this can be made no string [D_STRINGOF_TYPE]
t.bt:2:56: error: this is no number [D_OP_INT]
t.bt:3:88: error: this can be made no string [D_STRINGOF_TYPE]
t.bt:5:9: error: a predicate must be a number [D_PRED_SCALAR]
t.bt:6:15: error: only of what is behind a pointer can the address be taken [not-supported]
t.bt:6:29: error: this is no number [D_OP_INT]
t.bt:7:46: error: 'fentry:made_open' has no args[9] [D_ARGS_IDX]

== names of probes are strings in variables
! d
BEGIN { this->n = probename; n = probefunc; trace(strjoin(this->n, n)); a["x"] = 1; a[probename] = 2; }
BEGIN { trace(pid > 0 ? probename : "none"); trace(strlen(pid > 0 ? probename : probefunc)); @[probename] = count(); }
--
map @.n: string[64]
map @.a[string[64]]: int64
map @[probe]: count
1:45 trace: string[128]
2:9 trace: string[64]
2:46 trace: int64

== speculations
! d
#pragma D option nspec=4
#pragma D option specsize=64k
BEGIN { self->s = speculation(); self->n = 7; }
BEGIN / self->s / { speculate(self->s); printf("%d", self->n); trace("a"); }
BEGIN / self->s / { speculate(self->s); }
BEGIN { if (self->n == 7) { commit(self->s); } else { discard(self->s); } self->s = 0; }
BEGIN { commit(0); discard(0); @[self->n] = count(); }
--
t.bt:7:43: error: an aggregation may not come behind commit() in a clause [D_AGG_COMM]

== options of speculations
! d
#pragma D option nspec=0
#pragma D option nspec=5000
#pragma D option specsize
BEGIN { }
--
t.bt:1:1: error: option 'nspec' cannot be '0' [D_PRAGMA_OPTSET]
t.bt:2:1: error: option 'nspec' cannot be '5000' [D_PRAGMA_OPTSET]
t.bt:3:1: error: option 'specsize' cannot be '' [D_PRAGMA_OPTSET]

== what may not come behind what in a clause that speculates
! d
#pragma D option destructive
BEGIN { @a = count(); speculate(1); @a = count(); }
BEGIN { speculate(1); speculate(2); }
BEGIN { speculate(1); exit(0); }
BEGIN { speculate(1); system("ls"); printa(@a); raise(1); }
BEGIN { trace(1); speculate(1); }
BEGIN { commit(1); speculate(1); }
BEGIN { commit(1); commit(2); }
BEGIN { trace(1); commit(1); }
BEGIN { commit(1); trace(1); }
BEGIN { if (cpu) { commit(1); } else { trace(1); } stack(); }
BEGIN { x = commit(1); speculate("x"); speculation(1); }
--
t.bt:2:40: error: an aggregation may not come behind speculate() in a clause [D_AGG_SPEC]
t.bt:3:23: error: speculate() may not come behind speculate() in a clause [D_SPEC_SPEC]
t.bt:4:23: error: exit() may not come behind speculate() in a clause [D_EXIT_SPEC]
t.bt:5:23: error: an action that changes the system may not come behind speculate() in a clause [D_ACT_SPEC]
t.bt:5:37: error: an action about aggregations may not come behind speculate() in a clause [D_AGG_SPEC]
t.bt:5:49: error: an action that changes the system may not come behind speculate() in a clause [D_ACT_SPEC]
t.bt:6:19: error: speculate() may not come behind what is printed in a clause [D_SPEC_DREC]
t.bt:7:20: error: speculate() may not come behind commit() in a clause [D_SPEC_COMM]
t.bt:8:20: error: commit() may not come behind commit() in a clause [D_COMM_COMM]
t.bt:9:19: error: commit() may not come behind what is printed in a clause [D_COMM_DREC]
t.bt:10:20: error: what prints may not come behind commit() in a clause [D_DREC_COMM]
t.bt:11:52: error: what prints may not come behind commit() in a clause [D_DREC_COMM]
t.bt:12:13: error: commit() is an action and gives no value [D_OP_ACT]
t.bt:12:40: error: speculation() takes 0 arguments, not 1 [D_PROTO_LEN]

== what is declared and never set
! d
self int x, a[int]; this string s; self string t[string]; struct s { int a; }; self struct s r;
self struct task_struct *task; int n; self uint8_t small;
BEGIN { trace(self->x + self->a[1]); printf("%s%s%d", this->s, self->t["a"], self->r.a); trace(self->task->pid); }
BEGIN { n = 5; self->small = 300; trace(self->small); trace(self->none); trace(this->none); }
--
t.bt:4:61: error: 'self->none' is never set [D_IDENT_UNDEF]
t.bt:4:80: error: 'this->none' is used before it is set [D_IDENT_UNDEF]

== strings in order, in parts and as numbers
! d
BEGIN { x = "a" < execname; y = strtok("a b", " "); z = strtok(NULL, " "); n = strtoll("12", 8) + strtoll(y); u = toupper(y); l = tolower(u); }
BEGIN { trace(lltostr(5, 36)); trace(lltostr(5, 37)); trace(strtoll("1", 1)); trace(strtoll(5)); trace(toupper(1)); }
BEGIN { trace(strtok("a", execname)); trace(strtok("a", "")); trace(strtok(1, " ")); }
--
t.bt:2:38: error: lltostr() has a base of 2 to 36 [D_PROTO_ARG]
t.bt:2:61: error: strtoll() has a base of 2 to 36 [D_PROTO_ARG]
t.bt:2:93: error: argument 1 of strtoll() must be a string [D_PROTO_ARG]
t.bt:2:112: error: argument 1 of toupper() must be a string [D_PROTO_ARG]
t.bt:3:15: error: argument 2 of strtok() must be a text between quotes, of up to 32 bytes [D_PROTO_ARG]
t.bt:3:45: error: argument 2 of strtok() must be a text between quotes, of up to 32 bytes [D_PROTO_ARG]
t.bt:3:76: error: argument 1 of strtok() must be a string [D_PROTO_ARG]

== addresses by their kind
! d
BEGIN { trace(inet_ntop(AF_INET, 0)); trace(inet_ntop(10, 0)); trace(inet_ntop(7, 0)); }
--
t.bt:1:80: error: inet_ntop() wants AF_INET or AF_INET6 [D_PROTO_ARG]

== addresses of what is behind pointers
! d
BEGIN { p = &curthread->pid; x = *p + p[1]; q = &curthread->comm[1]; tracemem(curthread->comm, 8); y = &x; tracemem("a", 8); }
BEGIN { print(curcpu->cpu_id); trace(&curthread); }
--
t.bt:1:104: error: only of what is behind a pointer can the address be taken [not-supported]
t.bt:1:117: error: argument 1 of tracemem() must be a number [D_PROTO_ARG]
t.bt:2:38: error: only of what is behind a pointer can the address be taken [not-supported]

== arrays of this->
! d
this int a[4]; this string s[2]; this int i;
BEGIN { this->a[1] = 5; this->s[0] = "x"; trace(this->a[1]); trace(this->s[0]); trace(this->a[this->i]); this->b[1] = 3; }
--
t.bt:2:87: error: the index of 'this->a' must be a number that is written there [D_ARR_LOCAL]
t.bt:2:106: error: 'this->b' cannot be an array [D_ARR_LOCAL]

== registers of the program
! d
BEGIN { trace(uregs[R_PC]); trace(uregs[R_NONE]); trace(uregs[R_]); trace(uregs[R_VERY_LONG_NAME_OF_ONE]); }
--
t.bt:1:35: error: this machine has no register 'R_NONE' [D_REGS_IDX]
t.bt:1:57: error: this machine has no register 'R_' [D_REGS_IDX]
t.bt:1:75: error: this machine has no register 'R_VERY_LONG_NAME_OF_ONE' [D_REGS_IDX]

== registers have names, and are not set
! d
BEGIN { trace(uregs[3]); }
BEGIN { uregs[R_SP] = 1; cwd = "x"; }
--
t.bt:1:21: error: the index of uregs[] is the name of a register, as R_PC or R_SP [D_REGS_IDX]
t.bt:2:9: error: only variables can be set [D_OP_LVAL]
t.bt:2:26: error: only variables can be set [D_OP_LVAL]

== errors while a script runs
! d
ERROR { trace(arg1); trace(arg4); trace(arg5); trace(probename); trace(id); }
ERROR / arg5 / { e++; trace(arg0); trace(arg9); }
BEGIN { trace(copyinstr(1)); }
END { trace(1 / e); trace(faultkind); }
--
t.bt:2:29: error: this probe has no 'arg0' [D_ARGS_IDX]
t.bt:2:42: error: this probe has no 'arg9' [D_ARGS_IDX]
t.bt:4:27: error: unknown variable 'faultkind' [D_IDENT_UNDEF]

== one error probe alone
! d
dtrace:::ERROR { trace(wrong); }
BEGIN { exit(0); }
--
t.bt:1:24: error: unknown name 'wrong' [D_IDENT_UNDEF]
