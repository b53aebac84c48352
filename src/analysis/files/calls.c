/* SPDX-License-Identifier: MIT */
/** System calls that have to do with files: the table of them, and reading their arguments. */
#include "analysis/files/calls.h"

#include <stdlib.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/kernel.h"
#include "base/mem.h"
#include "model/field.h"

enum { A_FD, A_FD2, A_FLAGS, A_PATH, N_ARGS, NAMES_MOST = 3 };
enum { CLOEXEC = 0x80000 }; /* O_CLOEXEC, and what socket(), eventfd() ... call so */

/* An argument: the names that it has in events, and its place where they are only numbered. */
struct arg {
	const char *names[NAMES_MOST];
	uint8_t at1; /* place + 1; 0: the call has none */
};

struct fd_rule {
	const char *name, *also; /* the call's names; @also NULL: but one */
	enum fd_kind kind;
	const char *word;
	bool unsized;
	bool cloexec_always;
	uint32_t cloexec; /* bits of @flags; 0: it cannot ask for that */
	struct arg args[N_ARGS];
};

#define FD(at, ...)    [A_FD] = { { __VA_ARGS__ }, (at) + 1 }
#define FD2(at, ...)   [A_FD2] = { { __VA_ARGS__ }, (at) + 1 }
#define FLAGS(at, ...) [A_FLAGS] = { { __VA_ARGS__ }, (at) + 1 }
#define PATH(at, ...)  [A_PATH] = { { __VA_ARGS__ }, (at) + 1 }
#define MAKE(call, what, bits, ...)                                                           \
	{                                                                                     \
		.name = (call), .kind = FD_MAKE, .word = (what), .cloexec = (bits), .args = { \
			__VA_ARGS__                                                           \
		}                                                                             \
	}
#define READ(call)                                                       \
	{                                                                \
		.name = (call), .kind = FD_READ, .args = { FD(0, "fd") } \
	}
#define WRITE(call)                                                       \
	{                                                                 \
		.name = (call), .kind = FD_WRITE, .args = { FD(0, "fd") } \
	}
#define SYNC(call)                                                       \
	{                                                                \
		.name = (call), .kind = FD_SYNC, .args = { FD(0, "fd") } \
	}

static const struct fd_rule rules[] = {
	{ .name = "open",
	  .kind = FD_OPEN,
	  .cloexec = CLOEXEC,
	  .args = { PATH(0, "filename"), FLAGS(1, "flags") } },
	{ .name = "openat",
	  .kind = FD_OPEN,
	  .cloexec = CLOEXEC,
	  .args = { FD(0, "dfd"), PATH(1, "filename"), FLAGS(2, "flags") } },
	// Its flags lie behind a pointer; LTTng shows them, none at all tells no more.
	{ .name = "openat2",
	  .kind = FD_OPEN,
	  .cloexec = CLOEXEC,
	  .args = { FD(0, "dfd"), PATH(1, "filename"), [A_FLAGS] = { { "flags" }, 0 } } },
	{ .name = "creat", .kind = FD_OPEN, .args = { PATH(0, "pathname", "filename") } },
	{ .name = "open_by_handle_at",
	  .kind = FD_OPEN,
	  .cloexec = CLOEXEC,
	  .args = { FLAGS(2, "flags") } },
	{ .name = "mq_open",
	  .kind = FD_OPEN,
	  .cloexec = CLOEXEC,
	  .args = { PATH(0, "u_name", "name"), FLAGS(1, "oflag") } },

	MAKE("socket", "socket", CLOEXEC, FLAGS(1, "type")),
	MAKE("accept", "socket", 0, FD(0, "fd")),
	MAKE("accept4", "socket", CLOEXEC, FLAGS(3, "flags")),
	MAKE("epoll_create", "epoll", 0),
	MAKE("epoll_create1", "epoll", CLOEXEC, FLAGS(0, "flags")),
	MAKE("eventfd", "eventfd", 0),
	MAKE("eventfd2", "eventfd", CLOEXEC, FLAGS(1, "flags")),
	MAKE("signalfd", "signalfd", 0, FD(0, "ufd")),
	MAKE("signalfd4", "signalfd", CLOEXEC, FD(0, "ufd"), FLAGS(3, "flags")),
	MAKE("timerfd_create", "timerfd", CLOEXEC, FLAGS(1, "flags")),
	MAKE("inotify_init", "inotify", 0),
	MAKE("inotify_init1", "inotify", CLOEXEC, FLAGS(0, "flags")),
	MAKE("fanotify_init", "fanotify", 1, FLAGS(0, "flags")),
	MAKE("memfd_create", "memfd", 1, FLAGS(1, "flags")),
	MAKE("perf_event_open", "perf", 8, FLAGS(4, "flags")),
	MAKE("userfaultfd", "userfaultfd", CLOEXEC, FLAGS(0, "flags")),
	{ .name = "pidfd_open", .kind = FD_MAKE, .word = "pidfd", .cloexec_always = true },
	{ .name = "io_uring_setup", .kind = FD_MAKE, .word = "io_uring", .cloexec_always = true },
	{ .name = "pipe", .kind = FD_PAIR, .word = "pipe" },
	{ .name = "pipe2",
	  .kind = FD_PAIR,
	  .word = "pipe",
	  .cloexec = CLOEXEC,
	  .args = { FLAGS(1, "flags") } },
	{ .name = "socketpair",
	  .kind = FD_PAIR,
	  .word = "socket",
	  .cloexec = CLOEXEC,
	  .args = { FLAGS(1, "type") } },

	{ .name = "close", .kind = FD_CLOSE, .args = { FD(0, "fd") } },
	{ .name = "close_range",
	  .kind = FD_CLOSE_RANGE,
	  .args = { FD(0, "fd"), FD2(1, "max_fd"), FLAGS(2, "flags") } },
	{ .name = "dup", .kind = FD_DUP, .args = { FD(0, "fildes", "fd") } },
	{ .name = "dup2", .kind = FD_DUP_TO, .args = { FD(0, "oldfd"), FD2(1, "newfd") } },
	{ .name = "dup3",
	  .kind = FD_DUP_TO,
	  .cloexec = CLOEXEC,
	  .args = { FD(0, "oldfd"), FD2(1, "newfd"), FLAGS(2, "flags") } },
	{ .name = "fcntl",
	  .kind = FD_FCNTL,
	  .args = { FD(0, "fd"), FD2(1, "cmd"), FLAGS(2, "arg") } },
	{ .name = "fcntl64",
	  .kind = FD_FCNTL,
	  .args = { FD(0, "fd"), FD2(1, "cmd"), FLAGS(2, "arg") } },
	{ .name = "ioctl", .kind = FD_IOCTL, .args = { FD(0, "fd"), FD2(1, "cmd") } },

	READ("read"),
	READ("pread64"),
	READ("readv"),
	READ("preadv"),
	READ("preadv2"),
	READ("recv"),
	READ("recvfrom"),
	READ("recvmsg"),
	{ .name = "recvmmsg", .kind = FD_READ, .unsized = true, .args = { FD(0, "fd") } },
	WRITE("write"),
	WRITE("pwrite64"),
	WRITE("writev"),
	WRITE("pwritev"),
	WRITE("pwritev2"),
	WRITE("send"),
	WRITE("sendto"),
	WRITE("sendmsg"),
	{ .name = "sendmmsg", .kind = FD_WRITE, .unsized = true, .args = { FD(0, "fd") } },
	{ .name = "sendfile",
	  .also = "sendfile64",
	  .kind = FD_COPY,
	  .args = { FD2(0, "out_fd"), FD(1, "in_fd") } },
	{ .name = "copy_file_range",
	  .kind = FD_COPY,
	  .args = { FD(0, "fd_in"), FD2(2, "fd_out") } },
	{ .name = "splice", .kind = FD_COPY, .args = { FD(0, "fd_in"), FD2(2, "fd_out") } },
	{ .name = "tee", .kind = FD_COPY, .args = { FD(0, "fdin"), FD2(1, "fdout") } },
	SYNC("fsync"),
	SYNC("fdatasync"),
	SYNC("sync_file_range"),
	SYNC("syncfs"),

	{ .name = "clone", .kind = FD_FORK, .args = { FLAGS(0, "clone_flags", "flags") } },
	{ .name = "clone3", .kind = FD_FORK },
	{ .name = "fork", .kind = FD_FORK },
	{ .name = "vfork", .kind = FD_FORK },
	{ .name = "execve", .kind = FD_EXEC },
	{ .name = "execveat", .kind = FD_EXEC },
	{ .name = "exit_group", .kind = FD_EXIT },
	{ .name = "unshare", .kind = FD_UNSHARE, .args = { FLAGS(0, "unshare_flags") } },
	{ .name = "chdir", .kind = FD_CHDIR, .args = { PATH(0, "filename") } },
	{ .name = "fchdir", .kind = FD_FCHDIR, .args = { FD(0, "fd") } },
	{ .name = "io_uring_enter", .kind = FD_ASYNC },
	{ .name = "io_submit", .kind = FD_ASYNC },
};

/* Where one class of events has the arguments of its call. */
struct class_info {
	const struct fd_rule *rule;
	bool numbered; /* in the array of .args[0] */
	struct field_ref args[N_ARGS];
};

struct fd_calls {
	const struct fd_rule **by_call; /* owned, by call; NULL: none, or not yet looked for */
	bool *looked;			/* owned */
	size_t cap_call, cap_looked;
	struct class_info *classes; /* owned, by class index */
	size_t cap_classes;
};

int fd_calls_new(struct fd_calls **ret)
{
	struct fd_calls *c = calloc(1, sizeof(*c));

	if (!c)
		return sonde_fail(-ENOMEM, "out of memory for files");
	*ret = c;
	return 0;
}

void fd_calls_free(struct fd_calls *c)
{
	if (!c)
		return;
	free(c->by_call);
	free(c->looked);
	free(c->classes);
	free(c);
}

enum fd_kind fd_rule_kind(const struct fd_rule *rule)
{
	return rule ? rule->kind : FD_NONE;
}

const char *fd_rule_word(const struct fd_rule *rule)
{
	return rule->word;
}

bool fd_rule_sized(const struct fd_rule *rule)
{
	return !rule->unsized;
}

int fd_rule_cloexec(const struct fd_rule *rule, bool has_flags, uint64_t flags)
{
	if (rule->cloexec_always)
		return 1;
	if (!rule->cloexec)
		return 0;
	return has_flags ? (flags & rule->cloexec) != 0 : -1;
}

int fd_calls_rule(struct fd_calls *c, const struct kernel *k, uint32_t call,
		  const struct fd_rule **ret)
{
	const size_t old = c->cap_looked;
	const size_t old_rules = c->cap_call;

	if (call >= old) {
		if (mem_grow(&c->by_call, &c->cap_call, (size_t)call + 1) < 0 ||
		    mem_grow(&c->looked, &c->cap_looked, (size_t)call + 1) < 0)
			return -ENOMEM;
		memset(c->by_call + old_rules, 0, (c->cap_call - old_rules) * sizeof(*c->by_call));
		memset(c->looked + old, 0, (c->cap_looked - old) * sizeof(*c->looked));
	}
	if (!c->looked[call]) {
		const char *name = kernel_call_name(k, call);

		for (size_t i = 0; i < MEM_LEN(rules); i++) {
			if (!strcmp(name, rules[i].name) ||
			    (rules[i].also && !strcmp(name, rules[i].also)))
				c->by_call[call] = &rules[i];
		}
		c->looked[call] = true;
	}
	*ret = c->by_call[call];
	return *ret ? 1 : 0;
}

static void resolve(const struct fd_rule *rule, const struct sonde_event_class *cls,
		    struct class_info *ret)
{
	*ret = (struct class_info){ .rule = rule };
	ret->numbered = field_find(cls, SONDE_SCOPE_PAYLOAD, "args", &ret->args[0]) &&
			field_find(cls, SONDE_SCOPE_PAYLOAD, "id", &ret->args[1]);
	for (size_t a = 0; a < N_ARGS && !ret->numbered; a++) {
		const char *const *names = rule->args[a].names;
		bool found = false;

		for (size_t n = 0; n < NAMES_MOST && names[n] && !found; n++)
			found = field_find(cls, SONDE_SCOPE_PAYLOAD, names[n], &ret->args[a]);
	}
}

/* The argument's value. */
static bool take(const struct class_info *i, const struct fd_rule *rule,
		 const struct sonde_event *e, unsigned arg, int64_t *ret)
{
	const struct sonde_int *type;
	struct sonde_span all;
	size_t n;

	if (!i->numbered)
		return field_int(e, &i->args[arg], ret);
	if (!rule->args[arg].at1 || !field_ints(e, &i->args[0], &all, &type, &n) ||
	    rule->args[arg].at1 > n)
		return false;
	*ret = field_ints_at(all, type, rule->args[arg].at1 - 1U);
	return true;
}

int fd_calls_read(struct fd_calls *c, const struct fd_rule *rule, const struct sonde_event *e,
		  struct fd_call *ret)
{
	const size_t old = c->cap_classes;
	const uint32_t at = e->cls->index;
	int64_t v;

	if (at >= old) {
		if (mem_grow(&c->classes, &c->cap_classes, (size_t)at + 1) < 0)
			return -ENOMEM;
		memset(c->classes + old, 0, (c->cap_classes - old) * sizeof(*c->classes));
	}
	struct class_info *i = &c->classes[at];
	if (!i->rule)
		resolve(rule, e->cls, i);
	*ret = (struct fd_call){ .rule = rule };
	ret->has_fd = take(i, rule, e, A_FD, &v);
	if (ret->has_fd)
		ret->fd = (int32_t)v;
	ret->has_fd2 = take(i, rule, e, A_FD2, &v);
	if (ret->has_fd2)
		ret->fd2 = (int32_t)v;
	ret->has_flags = take(i, rule, e, A_FLAGS, &v);
	if (ret->has_flags)
		ret->flags = (uint64_t)v;
	if (i->numbered || !field_text(e, &i->args[A_PATH], &ret->path))
		ret->path = (struct sonde_span){ .data = NULL };
	return 0;
}

bool fd_calls_pair(const struct sonde_event *e, int32_t ret[2])
{
	static const char *const names[] = { "fildes", "socket", "usockvec" };
	const struct sonde_int *type;
	struct field_ref f;
	struct sonde_span all;
	size_t n;

	// Pairs are rare: their field is looked for each time.
	for (size_t i = 0; i < MEM_LEN(names); i++) {
		if (!field_find(e->cls, SONDE_SCOPE_PAYLOAD, names[i], &f) ||
		    !field_ints(e, &f, &all, &type, &n) || n != 2)
			continue;
		ret[0] = (int32_t)field_ints_at(all, type, 0);
		ret[1] = (int32_t)field_ints_at(all, type, 1);
		return ret[0] >= 0 && ret[1] >= 0;
	}
	return false;
}
