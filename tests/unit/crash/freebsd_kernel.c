/* SPDX-License-Identifier: MIT */
/**
 * A FreeBSD kernel that was never alive: its variables, as they would lie in a dump.
 *
 * Built at a kernel's address, with debug information; its data is put into a dump as it is. The
 * structs have the names and members that FreeBSD 14 has, but not all of them.
 */
#include "freebsd_kernel.h"

/* Numbers of the system. */
KEEP char version[] = "FreeBSD 14.0-RELEASE #0: made\n    root@build:/usr/obj\n";
KEEP char compiler_version[] = "clang version 16";
KEEP char machine[] = "amd64";
KEEP int osreldate = 1400097;
KEEP volatile int64_t time_second = 1700000100, time_uptime = 100;
KEEP int mp_ncpus = CPUS;
KEEP unsigned mp_maxid = CPUS - 1;
KEEP uint64_t all_cpus[4] = { 3 };
KEEP long physmem = 262144;
KEEP struct loadavg {
	uint32_t ldavg[3];
	long fscale;
} averunnable = { { 1024, 2048, 3072 }, 2048 };
KEEP int nprocs = 2, maxproc = 1000, openfiles = 7, maxfiles = 5000;
KEEP unsigned long numvnodes = 123;
KEEP int desiredvnodes = 4567;
KEEP const char panic_text[] = "page fault \033[31m";
KEEP const char *panicstr = panic_text;

struct prison {
	int pr_id;
	char pr_hostname[256];
};
KEEP struct prison prison0 = { 0, "bsd.example" };

/* What each CPU has, and what it is found by. */
KEEP struct pcpu cpu_0 = { 0, { 100, 10, 50, 5, 800 } };
KEEP struct pcpu cpu_1 = { 1, { 20, 0, 10, 5, 1000 } };
KEEP struct pcpu *__pcpu = (struct pcpu *)CPU_BASE;
KEEP struct pcpu *cpuid_to_pcpu[4] = { &cpu_0, &cpu_1 };

COUNTER(c_swtch, 1000, 234);
COUNTER(c_trap, 5, 6);

struct vmmeter {
	uint64_t *v_swtch;
	uint64_t *v_trap;
	unsigned v_page_size, v_page_count;
};
KEEP struct vmmeter vm_cnt = { COUNTER_OF(c_swtch), COUNTER_OF(c_trap), PAGE, 262144 };

struct vm_pagequeue {
	int pq_cnt;
};
struct vm_domain {
	struct vm_pagequeue vmd_pagequeues[4];
	unsigned vmd_free_count;
};
KEEP struct vm_domain vm_dom[2] = { { { { 10 }, { 20 }, { 30 }, { 0 } }, 1000 },
				    { { { 1 }, { 2 }, { 3 }, { 0 } }, 500 } };
KEEP int vm_ndomains = 2;

/* malloc(9). */
struct malloc_type_stats {
	uint64_t mts_memalloced, mts_memfreed, mts_numallocs, mts_numfrees, mts_size, reserved[3];
};
struct malloc_type_internal {
	uint32_t mti_probes[2];
	unsigned char mti_zone;
	struct malloc_type_stats *mti_stats;
	unsigned long mti_spare[8];
};
struct malloc_type {
	struct malloc_type *ks_next;
	unsigned long ks_version;
	const char *ks_shortdesc;
	struct malloc_type_internal ks_mti;
};
static struct zpcpu m_devbuf[CPUS] __attribute__((aligned(4096))) = {
	{ { 70000, 1000, 10, 1, 64 } },
	{ { 1000, 500, 4, 2, 32 } },
};
static struct zpcpu m_temp[CPUS] __attribute__((aligned(4096))) = { { { 0 } } };
static struct malloc_type type_temp = {
	0, 2020110501, "temp", { .mti_stats = (void *)COUNTER_OF(m_temp) }
};
static struct malloc_type type_devbuf = {
	&type_temp, 2020110501, "dev\033[2Jbuf", { .mti_stats = (void *)COUNTER_OF(m_devbuf) }
};
KEEP struct malloc_type *kmemstatistics = &type_devbuf;

/* UMA. */
COUNTER(z_allocs, 100, 50);
COUNTER(z_frees, 40, 10);
COUNTER(z_fails, 0, 3);

struct uma_cache_bucket {
	void *ucb_bucket;
	int16_t ucb_cnt, ucb_entries;
	uint32_t ucb_spare;
};
struct uma_cache {
	struct uma_cache_bucket uc_freebucket, uc_allocbucket;
	uint64_t uc_allocs, uc_frees;
};
struct uma_zone_domain {
	long uzd_nitems;
};
struct uma_domain {
	unsigned ud_free_items;
};
struct uma_zone;
struct uma_keg {
	LIST_HEAD(, uma_zone) uk_zones;
	unsigned uk_size;
	LIST_ENTRY(uma_keg) uk_link;
	struct uma_domain uk_domain[];
};
struct uma_zone {
	unsigned uz_size;
	uint64_t uz_max_items;
	const char *uz_name;
	struct uma_keg *uz_keg;
	uint64_t *uz_allocs, *uz_frees, *uz_fails;
	LIST_ENTRY(uma_zone) uz_link;
	struct uma_cache uz_cpu[];
};
static struct {
	struct uma_zone z;
	struct uma_cache cpu[CPUS];
	struct uma_zone_domain domain[2];
} zone = { { .uz_size = 256,
	     .uz_max_items = 1024,
	     .uz_name = "mbuf",
	     .uz_allocs = COUNTER_OF(z_allocs),
	     .uz_frees = COUNTER_OF(z_frees),
	     .uz_fails = COUNTER_OF(z_fails) },
	   { { { .ucb_cnt = 2 }, { .ucb_cnt = 3 }, 7, 2 }, { .uc_allocs = 5 } },
	   { { 10 }, { 20 } } };
static struct {
	struct uma_keg k;
	struct uma_domain domain[2];
} keg = { { .uk_zones = { &zone.z }, .uk_size = 256 }, { { 100 }, { 200 } } };
KEEP LIST_HEAD(kegs, uma_keg) uma_kegs = { &keg.k };

/* Interrupts. */
static unsigned long counts[3] = { 12345, 0, 400 };
static char names[] = "irq1: atkbd0       \0irq9: acpi0        \0cpu0:timer         ";
KEEP unsigned long *intrcnt = counts;
KEEP char *intrnames = names;
KEEP uint64_t sintrcnt = sizeof(counts), sintrnames = sizeof(names);

/* Swap. */
struct cdev {
	int si_flags;
	char si_name[64];
};
struct mount;
struct namecache;
struct vnode {
	int v_type;
	unsigned v_vflag;
	struct mount *v_mount;
	struct {
		struct namecache *tqh_first;
	} v_cache_dst;
	union {
		void *v_mountedhere;
		struct cdev *v_rdev;
	};
};
struct swdevt {
	int sw_flags, sw_nblks, sw_used;
	struct vnode *sw_vp;
	struct {
		struct swdevt *tqe_next;
		struct swdevt **tqe_prev;
	} sw_list;
};
static struct cdev swap_dev = { 0, "ada0p3" };
static struct vnode swap_vnode = { .v_type = 3, .v_rdev = &swap_dev };
static struct swdevt swap = { 0, 524288, 1024, &swap_vnode, { 0, 0 } };
KEEP struct swdevt *swtailq = &swap;
KEEP int nswapdev = 1;

/* Text. */
KEEP __attribute__((section("kern_conf"))) char kernconfstring[] = "options SCHED_ULE\ndevice em\n";
static char captured[] = "db> show all\n\033]0;owned\007end\n";
KEEP char *db_capture_buf = captured;
KEEP unsigned db_capture_bufoff = sizeof(captured) - 1;

static char message_text[64] = "panic: page fault\ncpuid = 1\nx\033[1m\302\2332J\n";
struct msgbuf {
	char *msg_ptr;
	unsigned msg_magic, msg_size, msg_wseq, msg_rseq;
};
static struct msgbuf messages = { message_text, 0x063062, sizeof(message_text), 38, 0 };
KEEP struct msgbuf *msgbufp = &messages;

/* Processes. */
struct pcb {
	uint64_t pcb_r15, pcb_r14, pcb_r13, pcb_r12, pcb_rbp, pcb_rsp, pcb_rbx, pcb_rip;
	uint64_t rest[32];
};
/* Files: /, on which /usr is mounted, in which there is bin/sh. */
struct statfs {
	char f_mntonname[64];
};
struct mount {
	struct vnode *mnt_vnodecovered;
	struct statfs mnt_stat;
};
struct namecache {
	struct vnode *nc_dvp;
	unsigned char nc_nlen;
	char nc_name[8];
};
static struct vnode v_root, v_usr_covered, v_usr, v_bin;
static struct namecache n_usr = { &v_root, 3, "usr" }, n_bin = { &v_usr, 3, "bin" },
			n_sh = { &v_bin, 2, "sh" };
static struct mount m_root, m_usr = { &v_usr_covered, { "/usr" } };
static struct vnode v_root = { .v_vflag = 1, .v_mount = &m_root };
static struct vnode v_usr_covered = { .v_mount = &m_root, .v_cache_dst = { &n_usr } };
static struct vnode v_usr = { .v_vflag = 1, .v_mount = &m_usr };
static struct vnode v_bin = { .v_mount = &m_usr, .v_cache_dst = { &n_bin } };
static struct vnode v_sh = { .v_mount = &m_usr, .v_cache_dst = { &n_sh } };
static struct vnode v_lost = { .v_mount = &m_usr };

struct file {
	void *f_data;
	struct vnode *f_vnode;
	int f_flag;
	short f_type;
};
struct filedescent {
	struct file *fde_file;
	int fde_flags;
};
struct fdescenttbl {
	int fdt_nfiles;
	struct filedescent fdt_ofiles[];
};
struct filedesc {
	struct fdescenttbl *fd_files;
};
static struct file f_sh = { 0, &v_sh, 1, 1 }, f_lost = { 0, &v_lost, 3, 1 },
		   f_socket = { 0, 0, 3, 2 };
static struct {
	struct fdescenttbl t;
	struct filedescent e[4];
} open_files = { { 4 }, { { &f_sh }, { 0 }, { &f_socket }, { &f_lost } } };
static struct filedesc filedesc = { &open_files.t };

/* System V IPC. */
struct ipc_perm {
	unsigned cuid, cgid, uid, gid;
	uint16_t mode, seq;
	long key;
};
struct shmid_ds {
	struct ipc_perm shm_perm;
	uint64_t shm_segsz;
};
struct shmid_kernel {
	struct shmid_ds u;
	void *object;
};
static struct shmid_kernel segments[2] = {
	{ { { .mode = 0x200 }, 0 }, 0 },
	{ { { .uid = 70, .mode = 0x800 | 0600, .key = 0x52e2c1 }, 65536 }, 0 },
};
KEEP struct shmid_kernel *shmsegs = segments;
KEEP int shmalloced = 2;
KEEP struct shminfo {
	unsigned long shmmax, shmmin, shmmni, shmseg, shmall;
} shminfo = { 536870912, 1, 192, 128, 131072 };

/* Disks. */
struct bintime {
	int64_t sec;
	uint64_t frac;
};
struct devstat {
	struct {
		struct devstat *stqe_next;
	} dev_links;
	char device_name[16];
	int unit_number;
	uint64_t bytes[4], operations[4];
	struct bintime busy_time;
};
static struct devstat cd0 = { { 0 }, "cd", 0 };
static struct devstat ada0 = { { &cd0 },	"ada\033[m",	  1, { 0, 1 << 20, 2 << 20 },
			       { 0, 300, 200 }, { 3, 1ull << 63 } };
KEEP struct {
	struct devstat *stqh_first;
} device_statq = { &ada0 };
KEEP unsigned long tty_nin = 44, tty_nout = 5555;

struct ucred {
	int cr_ref;
	unsigned cr_uid;
};
struct vm_map {
	uint64_t size;
};
struct pmap {
	struct {
		long resident_count;
	} pm_stats;
};
struct vmspace {
	struct vm_map vm_map;
	struct pmap vm_pmap;
};
struct rusage_ext {
	uint64_t rux_runtime, rux_uticks, rux_sticks, rux_iticks;
};
struct pstats {
	struct {
		int64_t tv_sec, tv_usec;
	} p_start;
};
KEEP uint64_t cpu_tick_frequency = 1000000000;
static struct ucred cred = { 1, 1001 };
static struct vmspace space = { { 1 << 20 }, { { 16 } } };
static struct pstats stats = { { 12, 500000 } };

struct thread;
struct proc {
	LIST_ENTRY(proc) p_list;
	LIST_HEAD(, thread) p_threads;
	int p_pid;
	char p_comm[20];
	struct proc *p_pptr;
	struct ucred *p_ucred;
	int p_flag, p_state;
	struct vmspace *p_vmspace;
	struct rusage_ext p_rux;
	struct pstats *p_stats;
	struct filedesc *p_fd;
};
struct thread {
	struct proc *td_proc;
	struct thread *td_plist_next;
	int td_tid, td_oncpu;
	char td_name[20];
	struct pcb *td_pcb;
	int td_state, td_inhibitors, td_flags;
	const char *td_wmesg;
};
static uint64_t frames[2][2];
void panic(void);
KEEP void panic(void)
{
}
KEEP struct pcb dumppcb = { .pcb_rbp = (uint64_t)frames[0], .pcb_rip = (uint64_t)panic };
KEEP struct pcb stoppcbs[CPUS];
static struct proc init, sh;
static struct thread init_thread = { &init, 0, 100001, -1, "init", &dumppcb, 1, 2, 8, "wait" };
static struct thread sh_thread = { &sh, 0, 100002, 1, "sh\033[7m", &dumppcb, 4, 0, 0, 0 };
static struct proc init = { { 0, 0 }, { &init_thread }, 1, "init" };
static struct proc sh = { .p_list = { &init, 0 },
			  .p_threads = { &sh_thread },
			  .p_pid = 2,
			  .p_comm = "sh\033[7m",
			  .p_pptr = &init,
			  .p_ucred = &cred,
			  .p_vmspace = &space,
			  .p_rux = { 4000000000, 30, 10, 0 },
			  .p_stats = &stats,
			  .p_fd = &filedesc };
KEEP struct proc *allproc = &sh;
KEEP int dumptid = 100002;
#define OFFSET(name, s, m) KEEP int name = __builtin_offsetof(struct s, m)
OFFSET(proc_off_p_pid, proc, p_pid);
OFFSET(proc_off_p_comm, proc, p_comm);
OFFSET(proc_off_p_list, proc, p_list);
OFFSET(proc_off_p_threads, proc, p_threads);
OFFSET(thread_off_td_tid, thread, td_tid);
OFFSET(thread_off_td_name, thread, td_name);
OFFSET(thread_off_td_oncpu, thread, td_oncpu);
OFFSET(thread_off_td_pcb, thread, td_pcb);
OFFSET(thread_off_td_plist, thread, td_plist_next);
KEEP int pcb_size = sizeof(struct pcb);
