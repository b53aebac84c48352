/* SPDX-License-Identifier: MIT */
/** Types out of BTF: made with libbpf, the running kernel's against libbpf, and broken ones. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sonde/err.h>

#include "base/strbuf.h"
#include "sym/ctype.h"
#include "test.h"

static const char *text(const struct ctype *t)
{
	static char out[256];
	struct strbuf b = { 0 };

	ctype_print(t, &b);
	(void)snprintf(out, sizeof(out), "%s", strbuf_text(&b));
	strbuf_fini(&b);
	return out;
}

static struct ctypes *open_made(struct btf *b)
{
	struct ctypes *db = NULL;
	uint32_t len = 0;
	const void *raw = btf__raw_data(b, &len);

	EXPECT(raw);
	EXPECT_EQ(ctypes_open_btf(raw, len, &db), 0);
	return db;
}

static const struct ctype *find(struct ctypes *db, const char *name)
{
	const struct ctype *t = NULL;
	int r = ctypes_find(db, name, &t);

	if (r < 0)
		printf("# '%s': %s\n", name, sonde_err_str());
	EXPECT_EQ(r, 0);
	return t;
}

static struct cmember member(const struct ctype *t, const char *name)
{
	struct cmember m = { .name = "" };

	EXPECT(ctype_member(t, name, &m));
	return m;
}

/*
 * struct s { int a; const volatile u32_t *p; struct { char c[16]; int b : 3, d : 5; }; };
 * enum e { MINUS = -1, BIG = 7 }; enum { HUGE = 1 << 40 }; int f(struct s *s, int n, ...);
 */
static struct btf *make(void)
{
	struct btf *b = btf__new_empty();
	int i = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	int u = btf__add_int(b, "unsigned int", 4, 0);
	int c = btf__add_int(b, "char", 1, BTF_INT_SIGNED);
	int u32 = btf__add_typedef(b, "u32_t", u);
	int ptr = btf__add_ptr(b, btf__add_const(b, btf__add_volatile(b, u32)));
	int arr = btf__add_array(b, i, c, 16);
	int fwd = btf__add_fwd(b, "s", BTF_FWD_STRUCT);

	btf__add_fwd(b, "hidden", BTF_FWD_UNION);
	int in = btf__add_struct(b, "", 20);
	btf__add_field(b, "c", arr, 0, 0);
	btf__add_field(b, "b", i, 128, 3);
	btf__add_field(b, "d", i, 131, 5);
	btf__add_struct(b, "s", 40);
	btf__add_field(b, "a", i, 0, 0);
	btf__add_field(b, "p", ptr, 64, 0);
	btf__add_field(b, "", in, 128, 0);
	btf__add_enum(b, "e", 4);
	btf__add_enum_value(b, "MINUS", -1);
	btf__add_enum_value(b, "BIG", 7);
	btf__add_enum64(b, "", 8, false);
	btf__add_enum64_value(b, "HUGE", 1ull << 40);
	int to_s = btf__add_ptr(b, fwd);
	int proto = btf__add_func_proto(b, i);
	btf__add_func_param(b, "s", to_s);
	btf__add_func_param(b, "n", i);
	btf__add_func_param(b, NULL, 0);
	btf__add_func(b, "f", BTF_FUNC_GLOBAL, proto);
	btf__add_typedef(b, "callback_t", btf__add_ptr(b, proto));
	btf__add_var(b, "counter", BTF_VAR_GLOBAL_ALLOCATED, u32);
	btf__add_ptr(b, btf__add_type_tag(b, "user", c));
	return b;
}

TEST(structs_and_what_they_are_made_of)
{
	struct btf *b = make();
	struct ctypes *db = open_made(b);
	const struct ctype *s = find(db, "struct s");

	EXPECT_EQ(s->kind, CT_STRUCT);
	EXPECT_EQ(s->size, 40);
	EXPECT(!s->is_forward);
	EXPECT(s == find(db, "s"));
	EXPECT_STR(text(member(s, "a").type), "int");
	EXPECT(member(s, "a").type->is_signed);
	EXPECT_STR(text(member(s, "p").type), "unsigned int *");
	EXPECT_EQ(member(s, "p").bit_off, 64);
	EXPECT_STR(text(member(s, "c").type), "char[16]");
	EXPECT(ctype_elem(member(s, "c").type)->is_char);
	EXPECT_EQ(member(s, "c").bit_off, 128);
	EXPECT_EQ(member(s, "c").type->size, 16);
	EXPECT_EQ(member(s, "d").bit_off, 128 + 131);
	EXPECT_EQ(member(s, "d").bit_size, 5);
	EXPECT_EQ(member(s, "b").bit_size, 3);
	EXPECT_EQ(member(s, "a").bit_size, 0);
	EXPECT_STR(ctype_member_near(s, "aa"), "a");
	EXPECT(find(db, "union hidden")->is_forward);
	EXPECT_STR(text(find(db, "callback_t")), "int (*)(struct s *, int)");
	EXPECT(find(db, "u32_t") == find(db, "u32_t"));
	ctypes_free(db);
	btf__free(b);
}

TEST(enums_functions_variables)
{
	struct btf *b = make();
	struct ctypes *db = open_made(b);
	const struct ctype *t = find(db, "enum e");
	int64_t v = 0;

	EXPECT_EQ(t->kind, CT_ENUM);
	EXPECT(t->is_signed);
	EXPECT_EQ(member(t, "MINUS").value, -1);
	EXPECT(ctypes_enumerator(db, "BIG", &v));
	EXPECT_EQ(v, 7);
	EXPECT(ctypes_enumerator(db, "HUGE", &v));
	EXPECT_EQ(v, 1ll << 40);
	EXPECT(!ctypes_enumerator(db, "SMALL", &v));
	EXPECT_EQ(ctypes_func(db, "f", &t), 0);
	size_t n = 0;
	const struct cmember *m = ctype_members(t, &n);
	EXPECT_EQ(n, 2);
	EXPECT_STR(m[0].name, "s");
	EXPECT_STR(text(m[0].type), "struct s *");
	EXPECT_EQ(ctype_elem(m[0].type)->size, 40); // the forward's whole struct
	EXPECT_STR(text(ctype_elem(t)), "int");
	EXPECT_EQ(t->id, btf__find_by_name_kind(b, "f", BTF_KIND_FUNC));
	EXPECT_EQ(ctypes_var(db, "counter", &t), 0);
	EXPECT_STR(text(t), "unsigned int");
	EXPECT_EQ(ctypes_by_id(db, btf__type_cnt(b) - 1, &t), 0);
	EXPECT(t->is_user);
	EXPECT_EQ(ctypes_by_id(db, btf__type_cnt(b), &t), -ENOENT);
	EXPECT_EQ(ctypes_by_id(db, 1ull << 32, &t), -ENOENT);
	EXPECT_EQ(ctypes_func(db, "g", &t), -ENOENT);
	EXPECT_STR(sonde_err_str(), "there is no function 'g'");
	EXPECT_EQ(ctypes_find(db, "struct g", &t), -ENOENT);
	EXPECT_STR(sonde_err_str(), "there is no type 'struct g'");
	ctypes_free(db);
	btf__free(b);
}

TEST(places_of_variables_of_each_cpu)
{
	struct btf *b = make();
	int u = btf__find_by_name(b, "unsigned int");
	int near = btf__add_var(b, "near", BTF_VAR_GLOBAL_ALLOCATED, u);
	int far = btf__add_var(b, "far", BTF_VAR_STATIC, u);
	int other = btf__add_var(b, "other", BTF_VAR_STATIC, u);
	uint64_t off = 0;

	btf__add_datasec(b, ".data..percpu", 8192);
	btf__add_datasec_var_info(b, near, 64, 4);
	btf__add_datasec_var_info(b, far, 4096, 4);
	btf__add_datasec(b, ".bss", 8192);
	btf__add_datasec_var_info(b, other, 8, 4);
	struct ctypes *db = open_made(b);

	EXPECT(ctypes_percpu(db, "near", &off));
	EXPECT_EQ(off, 64);
	EXPECT(ctypes_percpu(db, "far", &off));
	EXPECT_EQ(off, 4096);
	EXPECT(!ctypes_percpu(db, "other", &off));
	EXPECT(!ctypes_percpu(db, "counter", &off));
	EXPECT(!ctypes_percpu(db, "s", &off));
	EXPECT(!ctypes_percpu(db, "none", &off));
	EXPECT_EQ(off, 4096);
	ctypes_free(db);
	btf__free(b);
}

TEST(bit_fields_of_old_kernels)
{
	struct btf *b = btf__new_empty();
	int u = btf__add_int(b, "unsigned int", 4, 0);
	int bits = btf__add_int(b, "unsigned int", 4, 0);

	btf__add_struct(b, "old", 4);
	btf__add_field(b, "x", u, 0, 0);
	btf__add_field(b, "y", bits, 8, 0);
	// What libbpf has no call for: 5 bits, 3 bits from where the member is.
	struct btf_type *t = (struct btf_type *)(uintptr_t)btf__type_by_id(b, bits);
	*(uint32_t *)(t + 1) = 3 << 16 | 5;
	struct ctypes *db = open_made(b);
	const struct ctype *s = find(db, "struct old");
	EXPECT_EQ(member(s, "y").bit_off, 11);
	EXPECT_EQ(member(s, "y").bit_size, 5);
	EXPECT_EQ(member(s, "x").bit_size, 0);
	ctypes_free(db);
	btf__free(b);
}

TEST(of_equal_tags_the_one_with_members)
{
	struct btf *b = btf__new_empty();
	int i = btf__add_int(b, "int", 4, BTF_INT_SIGNED);

	btf__add_fwd(b, "x", BTF_FWD_STRUCT);
	btf__add_struct(b, "x", 0);
	btf__add_struct(b, "x", 4);
	btf__add_field(b, "a", i, 0, 0);
	btf__add_struct(b, "x", 8);
	btf__add_field(b, "b", i, 0, 0);
	struct ctypes *db = open_made(b);
	for (int k = 0; k < 40; k++) // searched first, then by the table
		EXPECT_EQ(find(db, "struct x")->size, 4);
	ctypes_free(db);
	btf__free(b);
}

TEST(tracepoints)
{
	struct btf *b = btf__new_empty();
	int i = btf__add_int(b, "int", 4, BTF_INT_SIGNED);
	int data = btf__add_ptr(b, 0);
	int proto = btf__add_func_proto(b, 0);

	btf__add_func_param(b, NULL, data);
	btf__add_func_param(b, NULL, i);
	int id = btf__add_typedef(b, "btf_trace_wake", btf__add_ptr(b, proto));
	btf__add_typedef(b, "btf_trace_bad", i);
	proto = btf__add_func_proto(b, i);
	btf__add_func_param(b, "__data", data);
	btf__add_func_param(b, "pid", i);
	btf__add_func(b, "__traceiter_wake", BTF_FUNC_GLOBAL, proto);
	struct ctypes *db = open_made(b);
	const struct ctype *f = NULL;
	uint32_t btf_id = 0;
	size_t n = 0;

	EXPECT_EQ(ctypes_tracepoint(db, "wake", &btf_id, &f), 0);
	EXPECT_EQ(btf_id, id);
	const struct cmember *m = ctype_members(f, &n);
	EXPECT_EQ(n, 1);
	EXPECT_STR(m[0].name, "pid");
	EXPECT_STR(text(m[0].type), "int");
	EXPECT_EQ(ctypes_tracepoint(db, "bad", &btf_id, &f), -ENOENT);
	EXPECT_EQ(ctypes_tracepoint(db, "none", &btf_id, &f), -ENOENT);
	ctypes_free(db);
	btf__free(b);
}

TEST(types_that_go_round)
{
	struct btf *b = btf__new_empty();

	btf__add_typedef(b, "a", 2);
	btf__add_typedef(b, "b", 1);
	btf__add_array(b, 3, 3, 2);
	btf__add_array(b, 3, 5, 1u << 31);
	btf__add_array(b, 3, 6, 1u << 31);
	btf__add_array(b, 3, 7, 1u << 31);
	btf__add_int(b, "int", 4, 0);
	btf__add_ptr(b, 8);
	btf__add_struct(b, "s", 4);
	btf__add_field(b, "x", 3, 0, 0);
	btf__add_field(b, "y", 10, 0, 0);
	btf__add_const(b, 99);
	struct ctypes *db = open_made(b);
	const struct ctype *t = NULL;

	EXPECT_EQ(ctypes_find(db, "a", &t), 0);
	EXPECT_EQ(t->kind, CT_VOID);
	EXPECT_EQ(ctypes_by_id(db, 3, &t), -EBADMSG);
	EXPECT_EQ(ctypes_by_id(db, 4, &t), -EBADMSG);
	EXPECT_EQ(ctypes_by_id(db, 8, &t), 0);
	EXPECT(ctype_elem(t) == t);
	t = find(db, "struct s");
	EXPECT_EQ(member(t, "x").type->kind, CT_VOID);
	EXPECT_EQ(member(t, "y").type->kind, CT_VOID);
	ctypes_free(db);
	btf__free(b);
}

/* Each byte of a good one changed, and each beginning of it: nothing but failures or types. */
TEST(broken_bytes)
{
	struct btf *b = make();
	uint32_t len = 0;
	const uint8_t *raw = btf__raw_data(b, &len);
	uint8_t *copy = malloc(len);
	struct ctypes *db = NULL;

	for (uint32_t i = 0; i < len; i++) {
		EXPECT_EQ(ctypes_open_btf(raw, i, &db), -EBADMSG);
		memcpy(copy, raw, len);
		copy[i] = (uint8_t)~copy[i];
		if (ctypes_open_btf(copy, len, &db) < 0)
			continue;
		for (uint64_t id = 0; id < 32; id++) {
			const struct ctype *t = NULL;
			size_t n;

			if (!ctypes_by_id(db, id, &t))
				(void)ctype_members(t, &n);
		}
		ctypes_free(db);
	}
	free(copy);
	btf__free(b);
}

static int open_and_use(void)
{
	static uint8_t raw[4096];
	static uint32_t len;
	struct ctypes *db = NULL;
	const struct ctype *t = NULL;
	size_t n;

	if (!len) {
		struct btf *b = make();
		const void *made = btf__raw_data(b, &len);

		EXPECT(len <= sizeof(raw));
		memcpy(raw, made, len);
		btf__free(b);
	}
	int r = ctypes_open_btf(raw, len, &db);
	for (int i = 0; !r && i < 40; i++)
		r = ctypes_find(db, "struct s", &t);
	if (!r) {
		(void)ctype_members(t, &n);
		r = t->done ? 0 : -ENOMEM;
	}
	ctypes_free(db);
	return r;
}

TEST(out_of_memory)
{
	EXPECT_EQ(open_and_use(), 0);
	test_oom(open_and_use);
}

/** BTF that comes page by page. */
struct home {
	const uint8_t *bytes;
	size_t len, bad, reads;
};

static int read_home(void *arg, size_t off, void *ret, size_t n)
{
	struct home *h = arg;

	h->reads++;
	if (h->bad >= off && h->bad < off + n)
		return -EIO;
	memcpy(ret, h->bytes + off, n);
	return 0;
}

static struct ctypes *open_paged(struct home *h)
{
	const struct paged_from from = { .len = h->len, .in_page = 4, .read = read_home, .arg = h };
	struct ctypes *db = NULL;

	EXPECT_EQ(ctypes_open_btf_paged(&from, &db), 0);
	return db;
}

/* Types in the order in which they are told, with what they are made of. */
static bool same_members(const struct ctype *a, const struct ctype *b)
{
	size_t n, n_b;
	const struct cmember *m = ctype_members(a, &n), *m_b = ctype_members(b, &n_b);
	bool same = n == n_b && a->kind == b->kind && a->size == b->size;

	for (size_t i = 0; same && i < n; i++) {
		same = !strcmp(m[i].name, m_b[i].name) && m[i].bit_off == m_b[i].bit_off &&
		       m[i].bit_size == m_b[i].bit_size && m[i].value == m_b[i].value &&
		       m[i].type->id == m_b[i].type->id;
	}
	return same;
}

static unsigned compare_paged(const void *raw, uint32_t len, uint32_t first, uint32_t n)
{
	struct home h = { .bytes = raw, .len = len, .bad = SIZE_MAX };
	struct ctypes *whole = NULL, *paged = open_paged(&h);
	unsigned bad = 0;

	EXPECT_EQ(ctypes_open_btf(raw, len, &whole), 0);
	for (uint32_t i = 0; i < n; i++) {
		const uint32_t id = (first + i) % n; // not in order
		const struct ctype *a = NULL, *b = NULL;
		int r = ctypes_by_id(whole, id, &a);

		bad += ctypes_by_id(paged, id, &b) != r;
		if (r == 0 && b)
			bad += strcmp(a->name, b->name) != 0 || !same_members(a, b);
	}
	EXPECT(!ctypes_broken(paged));
	EXPECT(!ctypes_broken(whole));
	ctypes_free(paged);
	ctypes_free(whole);
	return bad;
}

TEST(page_by_page)
{
	struct btf *b = make(), *kernel = btf__parse_raw("/sys/kernel/btf/vmlinux");
	uint32_t len = 0;
	const void *raw = btf__raw_data(b, &len);

	EXPECT_EQ(compare_paged(raw, len, 5, btf__type_cnt(b) + 2), 0);
	if (kernel) {
		raw = btf__raw_data(kernel, &len);
		EXPECT_EQ(compare_paged(raw, len, 50000, btf__type_cnt(kernel)), 0);
		struct home h = { .bytes = raw, .len = len, .bad = SIZE_MAX };
		struct ctypes *db = open_paged(&h);
		EXPECT_EQ(find(db, "int")->size, 4);
		EXPECT(h.reads < len / 4096 / 4); // it is among the first
		EXPECT(find(db, "struct task_struct")->size > 1000);
		const struct ctype *t = NULL;
		EXPECT_EQ(ctypes_find(db, "struct of no such name", &t), -ENOENT);
		ctypes_free(db);
	}
	btf__free(kernel);
	btf__free(b);
}

/* What makes no sense or cannot be read is told when it is come upon. */
TEST(broken_pages)
{
	struct btf *b = make();
	uint32_t len = 0;
	const struct ctype *t = NULL;

	for (int i = 0; i < 5000; i++) { // for more than one page
		char name[16];

		(void)snprintf(name, sizeof(name), "t%d", i);
		btf__add_typedef(b, name, 1);
	}
	const void *raw = btf__raw_data(b, &len);
	struct home h = { .bytes = raw, .len = len, .bad = 12 * 4096 };
	struct ctypes *db = open_paged(&h);
	EXPECT_EQ(find(db, "t5")->size, 4);
	EXPECT(!ctypes_broken(db));
	EXPECT_EQ(ctypes_find(db, "t4999", &t), -EBADMSG);
	EXPECT(ctypes_broken(db));
	EXPECT_EQ(find(db, "t5")->size, 4);
	ctypes_free(db);

	uint8_t *copy = malloc(len);
	memcpy(copy, raw, len);
	memset(copy + 8 * 4096, 0, 4096); // of no kind
	h = (struct home){ .bytes = copy, .len = len, .bad = SIZE_MAX };
	db = open_paged(&h);
	EXPECT_EQ(find(db, "t5")->size, 4);
	EXPECT_EQ(ctypes_find(db, "t4999", &t), -EBADMSG);
	EXPECT(ctypes_broken(db));
	ctypes_free(db);
	free(copy);
	btf__free(b);
}

TEST(a_module_over_the_kernel)
{
	struct ctypes *kernel = NULL, *db = NULL;

	if (ctypes_open_kernel(&kernel) < 0) {
		test_skip("this kernel has no BTF");
		return;
	}
	EXPECT_EQ(ctypes_open_module(kernel, "no_such_module", &db), -ENOENT);
	EXPECT_EQ(ctypes_open_module(kernel, "../vmlinux", &db), -ENOENT);
	ctypes_free(kernel);
}

TEST(types_over_others)
{
	struct btf *b = make(), *m = btf__new_empty_split(b);
	struct ctypes *db = open_made(b), *over = NULL;
	const struct ctype *t = NULL;
	uint32_t len = 0;
	int64_t v = 0;
	size_t n = 0;

	// Pointers to what the kernel has and what it only declares; a function of its own.
	btf__add_fwd(m, "s", BTF_FWD_STRUCT);
	int to_s = btf__add_ptr(m, (int)btf__type_cnt(m) - 1);
	btf__add_struct(m, "own", 8);
	btf__add_field(m, "link", to_s, 0, 0);
	int proto = btf__add_func_proto(m, btf__find_by_name(b, "u32_t"));
	btf__add_func_param(m, "who", to_s);
	int func = btf__add_func(m, "module_f", BTF_FUNC_STATIC, proto);
	const void *raw = btf__raw_data(m, &len);
	EXPECT_EQ(ctypes_open_btf_over(db, raw, len, &over), 0);
	const struct ctype *own = find(over, "struct own");
	EXPECT(own->db == over);
	const struct ctype *s = ctype_elem(member(own, "link").type);
	EXPECT(s == find(db, "struct s"));
	EXPECT(s->db == db);
	EXPECT_EQ(ctypes_func(over, "module_f", &t), 0);
	EXPECT_EQ(t->id, func);
	EXPECT(t->db == over);
	EXPECT_STR(ctype_members(t, &n)[0].name, "who");
	EXPECT_STR(text(ctype_elem(t)), "unsigned int");
	EXPECT_EQ(ctypes_func(over, "f", &t), 0);
	EXPECT(t->db == db);
	EXPECT_EQ(ctypes_func(db, "module_f", &t), -ENOENT);
	EXPECT_EQ(ctypes_find(db, "struct own", &t), -ENOENT);
	EXPECT(ctypes_enumerator(over, "BIG", &v));
	EXPECT_EQ(v, 7);
	for (uint32_t i = 0; i < len; i++)
		EXPECT_EQ(ctypes_open_btf_over(db, raw, i, &(struct ctypes *){ NULL }), -EBADMSG);
	ctypes_free(over);

	// The same without a copy: names are those in the bytes themselves.
	EXPECT_EQ(ctypes_open_btf_lent(db, raw, len, &over), 0);
	own = find(over, "struct own");
	EXPECT(own->name > (const char *)raw && own->name < (const char *)raw + len);
	ctypes_free(over);
	char *odd = malloc(len + 1);
	memcpy(odd + 1, raw, len);
	EXPECT_EQ(ctypes_open_btf_lent(db, odd + 1, len, &over), -EBADMSG);
	free(odd);
	ctypes_free(db);
	btf__free(m);
	btf__free(b);
}

/* The oracle: libbpf's view of a type against ours. */
static bool same_type(const struct btf *b, uint32_t id, const struct ctype *t)
{
	const struct btf_type *o = btf__type_by_id(b, id);

	// Not btf__resolve_type(): it refuses what is only declared.
	while (o && (btf_is_mod(o) || btf_is_typedef(o))) {
		id = o->type;
		o = btf__type_by_id(b, id);
	}
	if (!o || btf_is_void(o))
		return t->kind == CT_VOID;
	if (btf_is_fwd(o))
		return t->kind == CT_STRUCT || t->kind == CT_UNION;
	if (btf_is_func_proto(o))
		return t->kind == CT_FUNC;
	int64_t size = btf__resolve_size(b, id);
	return size >= 0 && t->size == (uint64_t)size;
}

static unsigned compare_members(const struct btf *b, uint32_t id, const struct ctype *t)
{
	const struct btf_type *o = btf__type_by_id(b, id);
	const struct btf_member *bm = btf_members(o);
	size_t n = 0;
	const struct cmember *m = ctype_members(t, &n);
	unsigned bad = n != btf_vlen(o) || t->size != o->size;

	for (uint32_t i = 0; i < n && !bad; i++) {
		bad += strcmp(m[i].name, btf__name_by_offset(b, bm[i].name_off)) != 0;
		bad += m[i].bit_off != btf_member_bit_offset(o, i);
		bad += m[i].bit_size != btf_member_bitfield_size(o, i);
		bad += !same_type(b, bm[i].type, m[i].type);
	}
	if (bad)
		printf("# type %u '%s' differs\n", id, btf__name_by_offset(b, o->name_off));
	return bad;
}

static unsigned compare_params(const struct btf *b, uint32_t id, const struct ctype *t)
{
	const struct btf_type *o = btf__type_by_id(b, id);
	const struct btf_type *proto = btf__type_by_id(b, o->type);
	const struct btf_param *p = btf_params(proto);
	size_t n = 0;
	const struct cmember *m = ctype_members(t, &n);
	uint32_t wanted = btf_vlen(proto);
	unsigned bad = !same_type(b, proto->type, ctype_elem(t));

	if (wanted && !p[wanted - 1].type)
		wanted--;
	bad += n != wanted;
	for (uint32_t i = 0; i < n && !bad; i++) {
		bad += strcmp(m[i].name, btf__name_by_offset(b, p[i].name_off)) != 0;
		bad += !same_type(b, p[i].type, m[i].type);
	}
	if (bad)
		printf("# function %u '%s' differs\n", id, btf__name_by_offset(b, o->name_off));
	return bad;
}

TEST(all_of_the_kernel_as_libbpf_sees_it)
{
	struct btf *b = btf__parse_raw("/sys/kernel/btf/vmlinux");
	struct ctypes *db = NULL;
	const struct ctype *t = NULL;
	unsigned structs = 0, funcs = 0, bad = 0;

	if (!b) {
		test_skip("this kernel has no BTF");
		return;
	}
	EXPECT_EQ(ctypes_open_kernel(&db), 0);
	for (uint32_t id = 1; id < btf__type_cnt(b); id++) {
		const struct btf_type *o = btf__type_by_id(b, id);
		int r = ctypes_by_id(db, id, &t);

		if (!btf_is_decl_tag(o) && !btf_is_datasec(o))
			bad += r != 0;
		if (btf_is_composite(o)) {
			structs++;
			bad += compare_members(b, id, t);
		} else if (btf_is_func(o)) {
			funcs++;
			bad += compare_params(b, id, t);
		} else if (btf_is_ptr(o)) {
			bad += !same_type(b, o->type, ctype_elem(t));
		}
	}
	printf("# %u structs and unions, %u functions\n", structs, funcs);
	EXPECT(structs > 1000);
	EXPECT(funcs > 1000);
	EXPECT_EQ(bad, 0);
	ctypes_free(db);
	btf__free(b);
}

static int count_names(void *arg, const char *name, uint64_t id)
{
	unsigned *n = arg;

	(void)id;
	*n += 1;
	return strcmp(name, "do_sys_openat2") == 0 ? 42 : 0;
}

TEST(the_kernel_by_name)
{
	struct ctypes *db = NULL;
	const struct ctype *t = NULL;
	uint32_t id = 0;
	unsigned n = 0;

	if (ctypes_open_kernel(&db) < 0) {
		test_skip("this kernel has no BTF");
		return;
	}
	t = find(db, "struct task_struct");
	EXPECT_STR(text(member(t, "comm").type), "char[16]");
	EXPECT_STR(text(member(t, "mm").type), "struct mm_struct *");
	EXPECT(ctype_elem(member(t, "mm").type)->size > 100);
	EXPECT_STR(ctype_member_near(t, "comn"), "comm");
	EXPECT_EQ(ctypes_tracepoint(db, "sched_switch", &id, &t), 0);
	EXPECT(ctype_member(t, "prev", &(struct cmember){ 0 }));
	EXPECT(id != 0);
	EXPECT_EQ(find(db, "pid_t")->size, 4);
	EXPECT(find(db, "pid_t")->is_signed);
	EXPECT_EQ(find(db, "size_t")->size, 8);
	EXPECT_EQ(ctypes_each_func(db, count_names, &n), 42);
	EXPECT(n > 1000);
	ctypes_free(db);
}
