/* SPDX-License-Identifier: MIT */
/** The compiler without memory: whichever allocation fails, it tells so and leaks nothing. */
#include <errno.h>
#include <stdio.h>

#include <sonde/err.h>

#include "base/mem.h"
#include "base/strbuf.h"
#include "made_world.h"
#include "test.h"

/* Something of all that there is. */
static const char script[] =
	"config = { max_strlen = 200; stack_mode = perf }\n"
	"let @lru = lruhash(10);\n"
	"struct own { int a; char text[8]; struct own *next; unsigned b : 3; union { int c; }; };\n"
	"typedef struct own own_t;\n"
	"enum level { LOW = 1, HIGH };\n"
	"BEGIN { @x = 1; $t = (1, \"a\", (2, comm)); print($t.2.1); @h = hist(5, 2);\n"
	"  @l = lhist(3, 0, 10, 2); @s = stats(1); @t[$t] = $t; @lru[1] = LOW; let $n = 5;\n"
	"  unroll (3) { $n += 1; } for ($i : 0..3) { $n++; for (($k, $v) : @lru) { $n += $v; } }\n"
	"  while ($n < 30) { $n++; if ($n == 20) { continue; } else if ($n > 25) { break; } } }\n"
	"tracepoint:made:all / args.i32 > 1 && args.words[2] == 3 /\n"
	"{ @c[args.comm, str(args.path), args.task->pid] = count(); @m = macaddr(args.mac);\n"
	"  printf(\"%d %s %r %s\\n\", args.u8, args.comm, buf(args.addr6), ntop(args.addr4));\n"
	"  @st = args.str; @n = args.nums[1]; @r = *args.task; @in = args.in; }\n"
	"tracepoint:made:* { print(args.v); }\n"
	"tracepoint:syscalls:sys_enter_made { @fd[args.fd] = sum(args.count); }\n"
	"tracepoint:syscalls:sys_exit_made / args.ret < 0 / { @e[args.ret] = max(args.ret); }\n"
	"rawtracepoint:typed { @task = args.task->comm; @flags = arg2; }\n"
	"kprobe:made_open { @start[tid] = nsecs; $o = (own_t *)arg0; @o = $o->next->text;\n"
	"  print($o->b); print(kstack(3)); @sarg = sarg0; @k[func] = count(); }\n"
	"kretprobe:made_open / @start[tid] / { @us = avg(nsecs - @start[tid]);\n"
	"  delete(@start[tid]); @ret[retval] = min(retval); }\n"
	"fentry:made_open { @ff[args.flags] = count(); @fc = curtask->real_parent->comm; }\n"
	"fexit:made_find { @fr = retval; print(path((struct path *)retval)); }\n"
	"uprobe:/bin/made:main { @b = buf(arg0, 8); printf(\"%s\\n\", usym(arg2)); @u = ustack;\n"
	"  @ua = uaddr(\"main\"); join(arg1); }\n"
	"usdt:/bin/made:m { @d[arg0, arg1, (uint8)arg2] = count(); print(reg(\"ip\")); }\n"
	"interval:s:1 { print(@h); clear(@h); zero(@s); print(len(@start)); time(); print(@c, 5); "
	"}\n"
	"iter:task { printf(\"%d %s\\n\", ctx.task->pid, ctx.task->comm); }\n"
	"END { errorf(\"%s\\n\", str($1)); assert(@x, \"x\"); print(strftime(\"%H\", nsecs));\n"
	"  signal(\"KILL\"); system(\"%s\", \"x\"); cat(\"x\"); print(strncmp(comm, \"ab\", 2));\n"
	"  print(strcontains(comm, \"b\")); print(kaddr(\"made_open\")); print(ksym(5));\n"
	"  print(@x == 1 ? \"one\" : \"other\"); print(-(int8)@x / 3 % 2 >> 1 << 2 ^ ~pid & 7);\n"
	"  print(offsetof(struct own, c) + sizeof(own_t)); print(pton(\"::1\")); print(probe);\n"
	"  print((username, ppid, cgroup, elapsed, rand, jiffies, ncpus, cpid, pcomm));\n"
	"  print(has_key(@start, 1)); print(bswap(@x)); print(strerror(2)); print(HIGH);\n"
	"  if (comm == @st) { exit(2); } }\n";

/* Where blocks of memory end moves with it. */
static unsigned padding;

static int compile(void)
{
	static const char *const params[] = { "one" };
	const struct compile_options how = { .params = params, .n_params = 1, .unsafe = true };
	sonde_auto(world_freep) struct world *w = NULL;
	struct strbuf text = { 0 }, types = { 0 };
	struct made m;

	int r = made_world_new(true, &w);
	if (r < 0)
		return r;
	strbuf_str(&text, script);
	strbuf_str(&text, "END {");
	for (unsigned i = 0; i < padding; i++)
		strbuf_fmt(&text, " @p%u[%u, comm] = (%u, comm);", i, i, i);
	strbuf_str(&text, " }\n");
	r = strbuf_ok(&text);
	if (!r) {
		made_compile(&m, w, strbuf_text(&text), &how);
		r = m.r;
		if (r == -EINVAL) // with no memory for the words, too
			printf("# %s\n", strbuf_text(&m.diag.out));
		if (m.script)
			script_print_types(m.script, &types);
		made_fini(&m);
	}
	strbuf_fini(&text);
	strbuf_fini(&types);
	return r;
}

TEST(each_allocation_fails)
{
	for (padding = 0; padding < 1; padding++)
		test_oom(compile);
}
