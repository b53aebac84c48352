/* SPDX-License-Identifier: MIT */
/** Places whose arguments come from the running kernel's types. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "fake_tracefs.h"
#include "show_probe.h"
#include "sym/probe/kernel_funcs.h"
#include "test.h"

static struct ctypes *kernel(void)
{
	struct ctypes *types = NULL;

	if (ctypes_open_kernel(&types) < 0)
		test_skip("this kernel tells nothing of its types");
	return types;
}

static void expect(const struct live_options *opt, const char *attach,
		   const struct probe_wants *wants, const char *want)
{
	sonde_auto(mem_freep) char *got = show_attach(opt, attach, wants);

	EXPECT_STR(got, want);
}

/* The text begins so: what follows is another one on each kernel. */
static void expect_head(const struct live_options *opt, const char *attach,
			const struct probe_wants *wants, const char *want)
{
	sonde_auto(mem_freep) char *got = show_attach(opt, attach, wants);

	if (got && strlen(got) > strlen(want))
		got[strlen(want)] = '\0';
	EXPECT_STR(got, want);
}

static const struct probe_wants none, fields = { .fields = true }, regs = { .regs = true };

TEST(raw_tracepoints_with_types)
{
	sonde_auto(ctypes_freep) struct ctypes *types = kernel();
	const struct live_options opt = { .types = types };

	if (!types)
		return;
	expect(&opt, "rt:sched_switch", &none,
	       "rawtracepoint:sched_switch: raw, raw_tracepoint, raw_tp sched_switch\n");
	expect(&opt, "rt:vmlinux:sched_switch", &regs,
	       "rawtracepoint:sched_switch: raw, raw_tracepoint, raw_tp sched_switch\n");
	expect_head(&opt, "rt:sched_switch", &fields,
		    "rawtracepoint:sched_switch: typed, tracing, tp_btf sched_switch\n"
		    "\t_Bool preempt at 0, 1 bytes\n"
		    "\tstruct task_struct * prev at 1, 8 bytes\n"
		    "\tstruct task_struct * next at 2, 8 bytes\n");
	expect(&opt, "t:raw_syscalls:sys_exit", &fields,
	       "tracepoint:raw_syscalls:sys_exit: syscall exit, tracing, tp_btf sys_exit\n"
	       "\tlong id at 8, 8 bytes signed\n"
	       "\tlong ret at 16, 8 bytes signed\n");
	expect(&opt, "t:raw_syscalls:sys_enter", &fields,
	       "tracepoint:raw_syscalls:sys_enter: syscall, tracing, tp_btf sys_enter\n"
	       "\tlong id at 8, 8 bytes signed\n"
	       "\tunsigned long[6] args at 16, 48 bytes\n");
}

TEST(iterators)
{
	sonde_auto(ctypes_freep) struct ctypes *types = kernel();
	const struct live_options opt = { .types = types };

	if (!types)
		return;
	expect(&opt, "iter:task", &fields,
	       "iter:task: iter, tracing, iterator\n"
	       "\tstruct task_struct * task at 8, 8 bytes\n");
	expect(&opt, "it:task_file", &fields,
	       "iter:task_file: iter, tracing, iterator\n"
	       "\tstruct task_struct * task at 8, 8 bytes\n"
	       "\tunsigned int fd at 16, 4 bytes\n"
	       "\tstruct file * file at 24, 8 bytes\n");
	expect(&opt, "iter:task_vma", &fields,
	       "iter:task_vma: iter, tracing, iterator\n"
	       "\tstruct task_struct * task at 8, 8 bytes\n"
	       "\tstruct vm_area_struct * vma at 16, 8 bytes\n");
	expect(&opt, "iter:tsk", &fields,
	       "this kernel has no iterator 'tsk'; did you mean 'task'? [unknown-iterator]");
	expect(&opt, "iter:task:/sys/fs/bpf/x", &fields,
	       "'iter:task:/sys/fs/bpf/x': iterators are not pinned; their output goes to the "
	       "script's [bad-attach-point]");
}

static const char functions[] = "vfs_read\nvfs_write\nvfs_not_in_types\nnf_x [nf_tables]\n";

TEST(functions_of_the_kernel)
{
	sonde_auto(ctypes_freep) struct ctypes *types = kernel();
	sonde_auto(kernel_funcs_freep) struct kernel_funcs *funcs = NULL;
	const char *dir = fake_tracefs();
	char devices[256];

	EXPECT_EQ(kernel_funcs_parse(functions, sizeof(functions) - 1, &funcs), 0);
	(void)snprintf(devices, sizeof(devices), "%s/devices", dir);
	struct live_options opt = { .types = types, .funcs = funcs, .devices = devices };
	if (!types) {
		fake_tracefs_remove();
		return;
	}
	// Nothing of tracefs says that functions can be traced, and no kprobes are there.
	expect(&opt, "kprobe:vfs_read", &none,
	       "this kernel has no 'kprobe' probes: it was built without CONFIG_KPROBE_EVENTS, and "
	       "it was built without CONFIG_DYNAMIC_FTRACE [no-function-probes]");
	expect(&opt, "fentry:vfs_read", &none,
	       "this kernel has no 'fentry' probes: it was built without CONFIG_DYNAMIC_FTRACE "
	       "[no-function-probes]");
	fake_file("", "available_filter_functions", functions);
	expect(&opt, "kprobe:vfs_read", &none,
	       "kprobe:vfs_read: typed, tracing, fentry vfs_read\n");
	expect(&opt, "kprobe:vfs_read+4", &none,
	       "this kernel has no 'kprobe' probes: it was built without CONFIG_KPROBE_EVENTS "
	       "[no-function-probes]");
	expect_head(&opt, "f:vfs_read", &fields,
		    "fentry:vfs_read: typed, tracing, fentry vfs_read\n"
		    "\tstruct file * file at 0, 8 bytes\n"
		    "\tchar * buf at 1, 8 bytes\n");
	expect(&opt, "kretfunc:vfs_*", &none,
	       "kretfunc:vfs_read: typed return, tracing, fexit vfs_read\n"
	       "kretfunc:vfs_write: typed return, tracing, fexit vfs_write\n");
	fake_file("devices/kprobe", "type", "8\n");
	expect(&opt, "k:vfs_read+0x4", &none,
	       "kprobe:vfs_read+4: regs, kprobe, kprobe vfs_read+4\n");
	expect(&opt, "k:vfs_*", &regs,
	       "kprobe:vfs_not_in_types: regs, kprobe, kprobe vfs_not_in_types+0\n"
	       "+ kprobe:vfs_read: regs, kprobe, kprobe vfs_read+0\n"
	       "+ kprobe:vfs_write: regs, kprobe, kprobe vfs_write+0\n");
	expect(&opt, "kr:vmlinux:vfs_r*", &none,
	       "kretprobe:vmlinux:vfs_read: regs return, kprobe, kretprobe vfs_read\n");
	expect(&opt, "k:nf_tables:nf_x", &none,
	       "kprobe:nf_tables:nf_x: regs, kprobe, kprobe nf_tables:nf_x+0\n");
	expect_head(&opt, "k:vfs_read", &fields,
		    "kprobe:vfs_read: regs, kprobe, kprobe vfs_read+0\n"
		    "\tstruct file * file at 0, 8 bytes\n");
	expect(&opt, "k:vfs_raed", &none,
	       "no function 'vfs_raed' in the kernel; did you mean 'vfs_read'? "
	       "[unknown-function]");
	expect(&opt, "k:x*", &none, "no function of the kernel matches 'x*' [no-match]");
	expect(&opt, "kr:vfs_read+4", &none,
	       "'kr:vfs_read+4': an offset needs the entry of one function [bad-attach-point]");
	expect(&opt, "k:vfs_read+x", &none, "'x' is no offset [bad-attach-point]");
	fake_tracefs_remove();
}

TEST(what_helpers_a_kernel_has)
{
	struct world *w = NULL;

	EXPECT_EQ(live_world_new(&(struct live_options){ 0 }, &w), 0);
	if (!w)
		return;
	EXPECT(w->ops->has_helper(w, 1 /* map_lookup_elem */));
	EXPECT(!w->ops->has_helper(w, 1 << 20));
	EXPECT(!w->ops->lacks(w, NULL, "comm"));
	EXPECT_EQ(w->ops->address(w, NULL, "no_such_symbol_anywhere"), 0);
	world_free(w);
}
