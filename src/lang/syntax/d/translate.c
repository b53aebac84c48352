/* SPDX-License-Identifier: MIT */
/** Members of D's translated types: what they are made of, as texts in bt. */
#include <string.h>

#include "base/mem.h"
#include "base/near.h"
#include "lang/syntax/d/lower.h"

/* $_ is what the value is made of. */
static const struct member {
	const char *type, *from, *name, *expr;
} members[] = {
	/* a process */
	{ "psinfo_t", "task", "pr_pid", "task_pid($_)" },
	{ "psinfo_t", "task", "pr_ppid", "task_pid($_->real_parent)" },
	{ "psinfo_t", "task", "pr_pgid", "$_->signal->pids[PIDTYPE_PGID]->numbers[0].nr" },
	{ "psinfo_t", "task", "pr_sid", "$_->signal->pids[PIDTYPE_SID]->numbers[0].nr" },
	{ "psinfo_t", "task", "pr_uid", "$_->cred->uid.val" },
	{ "psinfo_t", "task", "pr_euid", "$_->cred->euid.val" },
	{ "psinfo_t", "task", "pr_gid", "$_->cred->gid.val" },
	{ "psinfo_t", "task", "pr_egid", "$_->cred->egid.val" },
	{ "psinfo_t", "task", "pr_nlwp", "$_->signal->nr_threads" },
	{ "psinfo_t", "task", "pr_addr", "(uint64)$_" },
	{ "psinfo_t", "task", "pr_size", "$_->mm->total_vm * 4" },
	{ "psinfo_t", "task", "pr_start", "$_->start_boottime" },
	{ "psinfo_t", "task", "pr_fname", "str($_->group_leader->comm)" },
	{ "psinfo_t", "task", "pr_psargs", "psargs($_)" },
	{ "psinfo_t", "current", "pr_pid", "pid" },
	{ "psinfo_t", "current", "pr_ppid", "ppid" },
	{ "psinfo_t", "current", "pr_fname", "comm" },
	{ "psinfo_t", "current", "pr_psargs", "comm" },
	{ "psinfo_t", "next", "pr_pid", "args.next_pid" },
	{ "psinfo_t", "next", "pr_fname", "args.next_comm" },
	{ "psinfo_t", "next", "pr_psargs", "args.next_comm" },
	{ "psinfo_t", "image", "pr_pid", "pid" },
	{ "psinfo_t", "image", "pr_fname", "basename(str(args.filename))" },
	{ "psinfo_t", "image", "pr_psargs", "str(args.filename)" },
	{ "psinfo_t", "child", "pr_pid", "args.child_pid" },
	{ "psinfo_t", "child", "pr_ppid", "pid" },
	{ "psinfo_t", "child", "pr_fname", "args.child_comm" },
	{ "psinfo_t", "child", "pr_psargs", "args.child_comm" },
	{ "psinfo_t", "peer", "pr_pid", "args.pid" },
	{ "psinfo_t", "peer", "pr_fname", "args.comm" },
	{ "psinfo_t", "peer", "pr_psargs", "args.comm" },
	/* a thread */
	{ "lwpsinfo_t", "task", "pr_lwpid", "task_tid($_)" },
	{ "lwpsinfo_t", "task", "pr_flag", "$_->flags" },
	{ "lwpsinfo_t", "task", "pr_addr", "(uint64)$_" },
	{ "lwpsinfo_t", "task", "pr_pri", "$_->prio" },
	// What is not runnable sleeps, but for what is stopped or traced, or ends.
	{ "lwpsinfo_t", "task", "pr_state",
	  "$_->__state == 0 ? 2 : ($_->__state & 0x0c) != 0 ? 4 : "
	  "($_->__state & 0xb0) != 0 ? 3 : 1" },
	{ "lwpsinfo_t", "task", "pr_clname",
	  "$_->policy == 0 ? \"TS\" : $_->policy == 1 ? \"FF\" : $_->policy == 2 ? \"RR\" : "
	  "$_->policy == 3 ? \"B\" : $_->policy == 5 ? \"IDL\" : $_->policy == 6 ? \"DLN\" : "
	  "\"?\"" },
	{ "lwpsinfo_t", "task", "pr_onpro", "task_cpu($_)" },
	{ "lwpsinfo_t", "task", "pr_name", "str($_->comm)" },
	{ "lwpsinfo_t", "task", "pr_stype", "0" },
	{ "lwpsinfo_t", "current", "pr_lwpid", "tid" },
	{ "lwpsinfo_t", "current", "pr_name", "comm" },
	{ "lwpsinfo_t", "next", "pr_lwpid", "args.next_pid" },
	{ "lwpsinfo_t", "next", "pr_pri", "args.next_prio" },
	{ "lwpsinfo_t", "next", "pr_name", "args.next_comm" },
	{ "lwpsinfo_t", "image", "pr_lwpid", "tid" },
	{ "lwpsinfo_t", "image", "pr_name", "basename(str(args.filename))" },
	{ "lwpsinfo_t", "peer", "pr_lwpid", "args.pid" },
	{ "lwpsinfo_t", "peer", "pr_pri", "args.prio" },
	{ "lwpsinfo_t", "peer", "pr_name", "args.comm" },
	/* a CPU */
	{ "cpuinfo_t", "here", "cpu_id", "cpu" },
	{ "cpuinfo_t", "task", "cpu_id", "task_cpu($_)" },
	{ "cpuinfo_t", "peer", "cpu_id", "args.target_cpu" },
	/* an open file */
	{ "fileinfo_t", "file", "fi_name", "str($_->f_path.dentry->d_name.name)" },
	{ "fileinfo_t", "file", "fi_pathname", "file_path($_)" },
	{ "fileinfo_t", "file", "fi_dirname", "dirname(file_path($_))" },
	{ "fileinfo_t", "file", "fi_mount", "file_mount($_)" },
	{ "fileinfo_t", "file", "fi_offset", "$_->f_pos" },
	{ "fileinfo_t", "file", "fi_fs", "str($_->f_inode->i_sb->s_type->name)" },
	{ "fileinfo_t", "file", "fi_oflags", "$_->f_flags" },
	{ "fileinfo_t", "request", "fi_name", "\"<none>\"" },
	{ "fileinfo_t", "request", "fi_pathname", "\"<none>\"" },
	{ "fileinfo_t", "request", "fi_dirname", "\"<none>\"" },
	{ "fileinfo_t", "request", "fi_offset", "-1" },
	{ "fileinfo_t", "request", "fi_fs", "\"<none>\"" },
	{ "fileinfo_t", "request", "fi_mount", "\"<none>\"" },
	/* a request to a device */
	{ "bufinfo_t", "request", "b_bcount", "(uint64)$_->__data_len" },
	{ "bufinfo_t", "request", "b_bufsize", "(uint64)$_->__data_len" },
	{ "bufinfo_t", "request", "b_blkno", "$_->__sector" },
	{ "bufinfo_t", "request", "b_lblkno", "$_->__sector" },
	// B_WRITE is 1, B_READ is 2; of the kernel's operations the odd ones write.
	{ "bufinfo_t", "request", "b_flags", "($_->cmd_flags & 1) != 0 ? 1 : 2" },
	{ "bufinfo_t", "request", "b_addr", "(uint64)$_->bio" },
	{ "bufinfo_t", "request", "b_edev", "(uint64)$_->part->bd_dev" },
	{ "bufinfo_t", "request", "b_resid", "0" },
	{ "bufinfo_t", "request", "b_error", "0" },
	{ "bufinfo_t", "issued", "b_bcount", "(uint64)args.bytes" },
	{ "bufinfo_t", "issued", "b_bufsize", "(uint64)args.bytes" },
	{ "bufinfo_t", "issued", "b_blkno", "args.sector" },
	{ "bufinfo_t", "issued", "b_lblkno", "args.sector" },
	{ "bufinfo_t", "issued", "b_flags", "rwbs_writes(args.rwbs, \"W\") != 0 ? 1 : 2" },
	{ "bufinfo_t", "issued", "b_edev", "(uint64)args.dev" },
	{ "bufinfo_t", "done", "b_bcount", "(uint64)args.nr_sector * 512" },
	{ "bufinfo_t", "done", "b_bufsize", "(uint64)args.nr_sector * 512" },
	{ "bufinfo_t", "done", "b_blkno", "args.sector" },
	{ "bufinfo_t", "done", "b_lblkno", "args.sector" },
	{ "bufinfo_t", "done", "b_flags", "rwbs_writes(args.rwbs, \"W\") != 0 ? 1 : 2" },
	{ "bufinfo_t", "done", "b_edev", "(uint64)args.dev" },
	{ "bufinfo_t", "done", "b_error", "-args.error" },
	{ "devinfo_t", "number", "dev_major", "args.dev >> 20" },
	{ "devinfo_t", "number", "dev_minor", "args.dev & 0xfffff" },
	{ "devinfo_t", "number", "dev_instance", "args.dev & 0xfffff" },
	// A trace has no names of disks.
	{ "devinfo_t", "number", "dev_name", "lltostr(args.dev >> 20)" },
	{ "devinfo_t", "number", "dev_statname",
	  "strjoin(strjoin(lltostr(args.dev >> 20), \":\"), lltostr(args.dev & 0xfffff))" },
	{ "devinfo_t", "number", "dev_pathname",
	  "strjoin(strjoin(lltostr(args.dev >> 20), \":\"), lltostr(args.dev & 0xfffff))" },
	{ "devinfo_t", "request", "dev_major", "$_->part->bd_dev >> 20" },
	{ "devinfo_t", "request", "dev_minor", "$_->part->bd_dev & 0xfffff" },
	{ "devinfo_t", "request", "dev_instance", "$_->part->bd_dev & 0xfffff" },
	{ "devinfo_t", "request", "dev_name", "str($_->q->disk->disk_name)" },
	{ "devinfo_t", "request", "dev_statname", "str($_->q->disk->disk_name)" },
	{ "devinfo_t", "request", "dev_pathname",
	  "strjoin(\"/dev/\", str($_->q->disk->disk_name))" },
};

const char *d_translated_type(const char *name)
{
	static const char *const types[] = { "psinfo_t",   "lwpsinfo_t", "cpuinfo_t",
					     "fileinfo_t", "bufinfo_t",	 "devinfo_t" };

	if (!strncmp(name, "struct ", 7))
		name += 7;
	for (size_t i = 0; i < MEM_LEN(types); i++)
		if (!strcmp(types[i], name))
			return types[i];
	return NULL;
}

struct ast *d_translate(struct d_lower *l, struct pos pos, const char *type, const char *from,
			const struct ast *subject, const char *name)
{
	const char *near = NULL;
	unsigned least = NEAR_NOT;
	bool elsewhere = false;

	for (size_t i = 0; i < MEM_LEN(members); i++) {
		const struct member *m = &members[i];

		if (strcmp(m->type, type) != 0)
			continue;
		if (!strcmp(m->name, name) && !strcmp(m->from, from))
			return d_snippet(l, pos, m->expr, subject);
		elsewhere = elsewhere || !strcmp(m->name, name);
		const unsigned d = near_distance(name, m->name);
		if (d < least) {
			least = d;
			near = m->name;
		}
	}
	if (elsewhere)
		d_error(l, pos, "not-here", "'%s' of %s cannot be had here", name, type);
	else
		d_error(l, pos, "D_TYPE_MEMBER", "%s has no member '%s'%s%s%s", type, name,
			near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	return NULL;
}
