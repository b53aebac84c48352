/* SPDX-License-Identifier: MIT */
/**
 * A Linux kernel that was never alive: its variables, as they would lie in a dump.
 *
 * Built at a kernel's address, with debug information, of which BTF is made; its data is put into a
 * dump as it is. The structs have the names and members that Linux 6.6 has, but not all of them.
 * With ODD, all is odd that a report tells: tasks that wait for a lock, a queue, slabs, little
 * memory, messages.
 */
#include <stdint.h>

#define KEEP __attribute__((used))
#define LIST(at)       \
	{              \
		at, at \
	}

enum { CPUS = 1 };
#ifdef ODD
enum { QUEUED = 5, FREE_PAGES = 10, SLABS = 8000, STATE = 2 };
#define NOW	UINT64_C(100000000000)
#define MESSAGE "I/O error, dev vda, sector 0x" /* the last letter is not told */
#else
enum { QUEUED = 1, FREE_PAGES = 1000, SLABS = 10, STATE = 1 };
#define NOW	UINT64_C(5000000000)
#define MESSAGE "Kernel panic - not syncing: \033x"
#endif
enum zone_stat_item { NR_FREE_PAGES, NR_ZONE_LAST };
enum node_stat_item {
	NR_FILE_PAGES,
	NR_ANON_MAPPED,
	NR_SLAB_RECLAIMABLE_B,
	NR_SLAB_UNRECLAIMABLE_B
};

struct list_head {
	struct list_head *next, *prev;
};
struct atomic_long {
	long counter;
};

/* Code: symbols with addresses, nothing that runs. */
__asm__(".text\n.globl _stext\n_stext:\n.globl schedule\n.type schedule, @function\nschedule:\n"
	"call rwsem_down_write_slowpath\n.skip 59\n.globl panic\n.type panic, "
	"@function\npanic:\n.skip 64\n"
	".globl rwsem_down_write_slowpath\n.type rwsem_down_write_slowpath, @function\n"
	"rwsem_down_write_slowpath:\n.skip 64\n.globl _etext\n_etext:\n");

/* The system. */
struct new_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65];
};
struct uts_namespace {
	struct new_utsname name;
};
KEEP struct uts_namespace init_uts_ns = { { "Linux", "made\033[2J", "6.6.0-made", "#1 SMP",
					    "x86_64" } };
KEEP int nr_cpu_ids = CPUS, panic_cpu = 0;
KEEP unsigned long __per_cpu_offset[CPUS] = { 0 };
KEEP unsigned long __cpu_online_mask[1] = { 1 };
KEEP unsigned long page_offset_base = 0xffff888000000000;
KEEP unsigned long init_top_pgt[512] __attribute__((aligned(4096)));
KEEP unsigned long avenrun[3] = { 2048, 1024, 512 };
KEEP struct atomic_long vm_zone_stat[NR_ZONE_LAST] = { { FREE_PAGES } };
KEEP struct atomic_long vm_node_stat[4] = { { 100 }, { 200 }, { 30 }, { 40 } };
KEEP struct atomic_long _totalram_pages = { 65536 };
KEEP enum zone_stat_item zone_items;
KEEP enum node_stat_item node_items;

/* Files: / and /made. */
struct qstr {
	const unsigned char *name;
};
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
};
struct file_system_type {
	const char *name;
};
struct super_block {
	struct file_system_type *s_type;
};
struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct list_head mnt_list;
	const char *mnt_devname;
};
struct ns_common {
	unsigned inum;
};
struct mnt_namespace {
	struct list_head list;
	struct mount *root;
	struct ns_common ns;
};
struct nsproxy {
	struct mnt_namespace *mnt_ns;
	struct net *net_ns;
};
KEEP struct net init_net;
static struct file_system_type ext4 = { "ext4" };
static struct super_block super = { &ext4 };
static struct dentry root = { &root, { (void *)"/" } }, made = { &root, { (void *)"made\033[1m" } };
static struct mnt_namespace mnt_ns;
static struct mount root_mount = {
	&root_mount, &root, { &root, &super }, LIST(&mnt_ns.list), "/dev/vda\0331"
};
static struct mnt_namespace mnt_ns = { LIST(&root_mount.mnt_list), &root_mount, { 41 } };
static struct nsproxy nsproxy = { &mnt_ns, &init_net };

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};
struct inode {
	unsigned short i_mode;
	unsigned long i_ino;
};
struct file {
	struct path f_path;
	struct inode *f_inode;
	long f_pos;
	unsigned f_mode;
	void *private_data;
};
struct fdtable {
	unsigned max_fds;
	struct file **fd;
};
struct files_struct {
	struct fdtable *fdt;
};
static struct inode made_inode = { 0100644, 7 };
static struct file made_file = { { &root_mount.mnt, &made }, &made_inode, 42, 3, 0 };

/* Sockets: one of a file, and two in a table, whose chain goes round. */
struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct net;
struct sock_common {
	unsigned skc_daddr, skc_rcv_saddr;
	uint16_t skc_dport, skc_num, skc_family;
	unsigned char skc_state;
	struct {
		struct net *net;
	} skc_net;
	struct hlist_node skc_node;
};
struct socket;
struct sock {
	struct sock_common __sk_common;
	struct socket *sk_socket;
	uint16_t sk_type, sk_protocol;
	unsigned sk_ack_backlog, sk_max_ack_backlog;
};
struct socket {
	struct sock *sk;
};
struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};
struct unix_address {
	int len;
	struct {
		uint16_t sun_family;
		char sun_path[108];
	} name[1];
};
struct unix_sock {
	struct sock sk;
	struct unix_address *addr;
	struct sock *peer;
};
struct inet_timewait_sock {
	struct sock_common __tw_common;
	unsigned char tw_substate;
};
struct inet_ehash_bucket {
	struct hlist_node *chain;
};
struct inet_hashinfo {
	struct inet_ehash_bucket *ehash;
	unsigned ehash_mask;
};
static struct socket_alloc listens, path;
static struct sock listening = {
	{ 0, 0x0100007f, 0, 22, 2, 10, { 0 }, { 0 } }, &listens.socket, 1, 6, 3, 128
};
static struct unix_address unix_address = { 16, { { 1, "/run/made\033[1m" } } };
static struct unix_sock unix_sock = {
	{ { 0, 0, 0, 0, 1, 7, { 0 }, { 0 } }, &path.socket, 2, 0, 0, 0 }, &unix_address, 0
};
static struct socket_alloc listens = { { &listening }, { 0140777, 99 } };
static struct socket_alloc path = { { &unix_sock.sk }, { 0140777, 100 } };
static struct inet_timewait_sock waits[2] = {
	{ { 0x0200007f, 0x0100007f, 0x5000, 22, 2, 6, { 0 }, { &waits[1].__tw_common.skc_node } },
	  6 },
	{ { 0x0300007f, 0x0100007f, 0x5000, 22, 2, 6, { 0 }, { &waits[0].__tw_common.skc_node } },
	  5 },
};
static struct inet_ehash_bucket buckets[2] = { { &waits[0].__tw_common.skc_node }, { (void *)1 } };
KEEP struct inet_hashinfo tcp_hashinfo = { buckets, 1 };

static struct file listen_file = { { 0, 0 }, &listens.vfs_inode, 0, 3, &listens.socket };
static struct file unix_file = { { 0, 0 }, &path.vfs_inode, 0, 3, &path.socket };
static struct file *fds[4] = { &listen_file, &unix_file, &made_file, &listen_file };
static struct fdtable fdtable = { 4, fds };
static struct files_struct files = { &fdtable };

/* Tasks. */
struct cred {
	struct {
		unsigned val;
	} uid;
};
struct mm_struct;
struct vm_area_struct {
	unsigned long vm_start, vm_end;
	struct mm_struct *vm_mm;
	unsigned long vm_pgoff;
	struct file *vm_file;
	struct vm_area_struct *vm_next;
};
struct mm_struct {
	struct vm_area_struct *mmap;
	unsigned long *pgd, total_vm;
	struct {
		long count;
	} rss_stat[4];
};
struct signal_struct {
	struct list_head thread_head;
};
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip,
		cs, flags, sp, ss;
};
struct inactive_task_frame {
	unsigned long r15, r14, r13, r12, bx, bp, ret_addr;
};
struct task_struct {
	unsigned __state, flags;
	int exit_state, on_cpu, cpu, pid, tgid;
	struct list_head tasks, thread_node;
	struct signal_struct *signal;
	struct task_struct *real_parent;
	const struct cred *real_cred;
	struct mm_struct *mm;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	uint64_t utime, stime, start_boottime;
	char comm[16];
	void *stack;
	struct {
		unsigned long sp;
	} thread;
	struct {
		uint64_t last_arrival;
	} sched_info;
};
struct rq {
	unsigned nr_running;
	struct task_struct *curr, *idle;
	uint64_t clock;
};
static struct cred root_cred = { { 0 } };

/* The memory of a program: code of /made from 0x400000 on, of which no page is there, and a page at
 * 0x600000 with a text and a chain of frames. Tables of four levels lead to it. */
#define USER_PAGE 0x600000ul
static struct {
	char text[16];
	unsigned long frames[6], rest[504];
} user_page __attribute__((aligned(4096))) = { "hello, dump",
					       { USER_PAGE + 32, 0x400200, 0, 0x400300, 0, 0 } };
#define TABLE(name, index, to)                         \
	static unsigned long name[512] __attribute__(( \
		aligned(4096))) = { [index] = (unsigned long)(to)-0xffffffff80000000ul + 7 }
TABLE(user_pte, USER_PAGE >> 12 & 511, &user_page);
TABLE(user_pmd, USER_PAGE >> 21 & 511, user_pte);
TABLE(user_pud, 0, user_pmd);
TABLE(user_pgd, 0, user_pud);
static struct mm_struct mm;
static struct vm_area_struct data_area = { USER_PAGE, USER_PAGE + 4096, &mm, 0, 0, 0 };
static struct vm_area_struct code_area = { 0x400000, 0x402000, &mm, 3, &made_file, &data_area };
static struct mm_struct mm = { &code_area, user_pgd, 1000, { { 10 }, { 20 } } };
extern char schedule[];
static struct {
	unsigned long before[1984];
	struct inactive_task_frame f;
	unsigned long words[36];
	struct pt_regs regs;
} stack __attribute__((aligned(16384))) = {
	.f = { .ret_addr = (unsigned long)schedule + 5 },
	.words = { 1, (unsigned long)schedule + 9 },
	.regs = { .bp = USER_PAGE + 16, .ip = 0x400104, .cs = 0x33, .sp = USER_PAGE + 16 }
};
__asm__(".globl __start_init_stack, __end_init_stack\n.set __start_init_stack, stack\n"
	".set __end_init_stack, stack + 16384\n");
static struct task_struct sh;
static struct signal_struct init_signal, sh_signal;
#ifdef ODD
/* Three that want one lock. */
extern char rwsem_down_write_slowpath[];
static struct {
	unsigned long before[1984];
	struct inactive_task_frame f;
	unsigned long words[57];
} wait_stack __attribute__((aligned(16384))) = {
	.f = { .ret_addr = (unsigned long)rwsem_down_write_slowpath + 5 },
	.words = { 1, (unsigned long)schedule + 5 },
};
static struct task_struct waiters[3];
static struct signal_struct wait_signals[3];
#define WAITER(i, before, behind)                                                                 \
	{                                                                                         \
		.__state = STATE, .pid = 10 + (i), .tgid = 10 + (i), .tasks = { behind, before }, \
		.thread_node = LIST(&wait_signals[i].thread_head), .signal = &wait_signals[i],    \
		.real_parent = &init_task, .real_cred = &root_cred, .comm = "waiter",             \
		.stack = &wait_stack, .thread = { (unsigned long)&wait_stack.f },                 \
		.sched_info = { 1000 },                                                           \
	}
static struct signal_struct wait_signals[3] = { { LIST(&waiters[0].thread_node) },
						{ LIST(&waiters[1].thread_node) },
						{ LIST(&waiters[2].thread_node) } };
#endif
KEEP struct task_struct init_task;
static struct signal_struct init_signal = { LIST(&init_task.thread_node) };
static struct signal_struct sh_signal = { LIST(&sh.thread_node) };
KEEP struct task_struct init_task = { .flags = 0x200000,
				      .on_cpu = 1,
				      .tasks = LIST(&sh.tasks),
				      .thread_node = LIST(&init_signal.thread_head),
				      .signal = &init_signal,
				      .real_parent = &init_task,
				      .real_cred = &root_cred,
				      .comm = "swapper/0",
				      .stack = &stack,
				      .thread = { (unsigned long)&stack.f } };
static struct task_struct sh = { .__state = STATE,
				 .pid = 1,
				 .tgid = 1,
#ifdef ODD
				 .tasks = { &waiters[0].tasks, &init_task.tasks },
				 .sched_info = { 1000 },
#else
				 .tasks = LIST(&init_task.tasks),
#endif
				 .thread_node = LIST(&sh_signal.thread_head),
				 .signal = &sh_signal,
				 .real_parent = &init_task,
				 .real_cred = &root_cred,
				 .mm = &mm,
				 .files = &files,
				 .nsproxy = &nsproxy,
				 .utime = 1000000,
				 .comm = "sh\033]0;x",
				 .stack = &stack,
				 .thread = { (unsigned long)&stack.f } };
#ifdef ODD
static struct task_struct waiters[3] = { WAITER(0, &sh.tasks, &waiters[1].tasks),
					 WAITER(1, &waiters[0].tasks, &waiters[2].tasks),
					 WAITER(2, &waiters[1].tasks, &init_task.tasks) };
#endif
KEEP struct rq runqueues = { QUEUED, &init_task, &init_task, NOW };

/* Messages. */
struct prb_desc {
	struct atomic_long state_var;
	struct {
		unsigned long begin, next;
	} text_blk_lpos;
};
struct printk_info {
	uint64_t seq, ts_nsec;
	uint16_t text_len;
	uint8_t facility, flags : 5, level : 3;
};
struct printk_ringbuffer {
	struct {
		unsigned count_bits;
		struct prb_desc *descs;
		struct printk_info *infos;
		struct atomic_long head_id, tail_id;
	} desc_ring;
	struct {
		unsigned size_bits;
		char *data;
	} text_data_ring;
};
static struct prb_desc descs[2] = { { { 0 }, { 1, 1 } },
				    { { (long)(2ull << 62 | 1) }, { 0, 40 } } };
static struct printk_info infos[2] = { { 0 }, { 1, 1234567890, sizeof(MESSAGE) - 2, 0, 0, 4 } };
static struct {
	unsigned long id;
	char text[248];
} messages = { 1, MESSAGE };
static struct printk_ringbuffer ring = { { 1, descs, infos, { 1 }, { 1 } },
					 { 8, (char *)&messages } };
KEEP struct printk_ringbuffer *prb = &ring;

/* Modules. */
struct module_memory {
	void *base;
	unsigned size;
};
struct elf64_sym {
	unsigned st_name;
	unsigned char st_info, st_other;
	uint16_t st_shndx;
	uint64_t st_value, st_size;
};
struct mod_kallsyms {
	struct elf64_sym *symtab;
	unsigned num_symtab;
	char *strtab;
};
struct module {
	int state;
	struct list_head list;
	char name[56];
	struct module_memory mem[7];
	struct mod_kallsyms *kallsyms;
	struct {
		int counter;
	} refcnt;
	unsigned long taints;
};
KEEP struct list_head modules;
static char module_text[64];
static char module_names[] = "\0made_init";
static struct elf64_sym module_symbols[2] = { { 0 }, { 1, 2, 0, 1, (uint64_t)module_text, 16 } };
static struct mod_kallsyms module_kallsyms = { module_symbols, 2, module_names };
static struct module module = {
	0, LIST(&modules), "made\033[m", { { module_text, 64 } }, &module_kallsyms, { 2 }, 0
};
KEEP struct list_head modules = LIST(&module.list);

/* Interrupts. */
struct irq_chip {
	const char *name;
};
struct irqaction {
	const char *name;
	struct irqaction *next;
};
struct irq_data {
	unsigned irq;
	struct irq_chip *chip;
};
struct irq_desc {
	struct irq_data irq_data;
	unsigned *kstat_irqs;
	struct irqaction *action;
};
struct xarray {
	void *xa_head;
};
struct xa_node {
	unsigned char shift;
	void *slots[64];
};
static struct irq_chip chip = { "made-chip" };
static struct irqaction action = { "timer\033c", 0 };
static unsigned irq_count = 77;
static struct irq_desc desc = { { 5, &chip }, &irq_count, &action };
static struct xa_node node = { 0, { [5] = &desc } };
KEEP struct xarray irq_desc_tree = { (char *)&node + 2 };

/* Network. */
struct in_ifaddr {
	struct in_ifaddr *ifa_next;
	uint32_t ifa_local;
	unsigned char ifa_prefixlen;
};
struct in_device {
	struct in_ifaddr *ifa_list;
};
struct net_device {
	char name[16];
	struct list_head dev_list;
	int ifindex;
	unsigned mtu, flags;
	struct in_device *ip_ptr;
};
struct net {
	struct list_head dev_base_head, list;
	struct ns_common ns;
};
static struct in_ifaddr ifaddr = { 0, 0x0100007f, 8 };
static struct in_device in_device = { &ifaddr };
static struct net_device lo = {
	"lo\033[1m", LIST(&init_net.dev_base_head), 1, 65536, 9, &in_device
};
/* A second namespace, which nobody is in. */
KEEP struct list_head net_namespace_list;
static struct net other_net;
static struct net_device other = { "other\033[1m", LIST(&other_net.dev_base_head), 7, 1500, 0, 0 };
static struct net other_net = { LIST(&other.dev_list), LIST(&net_namespace_list), { 43 } };
KEEP struct net init_net = { LIST(&lo.dev_list), LIST(&other_net.list), { 42 } };
KEEP struct list_head net_namespace_list = LIST(&init_net.list);

/* Slabs. */
struct kmem_cache_node {
	unsigned long nr_partial;
	struct atomic_long nr_slabs, total_objects;
};
struct kmem_cache {
	unsigned object_size;
	struct {
		unsigned x;
	} oo;
	const char *name;
	struct list_head list;
	struct kmem_cache_node *node[1];
};
KEEP struct list_head slab_caches;
static struct kmem_cache_node slab_node = { 1, { SLABS }, { 32 * SLABS } };
static struct kmem_cache slab = { 128, { 32 }, "made-128", LIST(&slab_caches), { &slab_node } };
KEEP struct list_head slab_caches = LIST(&slab.list);

/* A list that never comes back to its head. */
static struct list_head round[3] = { { &round[1] }, { &round[2] }, { &round[0] } };
static struct list_head before_round = { &round[0] };
KEEP struct list_head broken_list = { &before_round };

KEEP char _end[8];
