/* SPDX-License-Identifier: MIT */
/** Zones of the kernel's allocator, UMA: vmstat -z; those of the network: netstat -m. */
#include <inttypes.h>
#include <string.h>

#include "crash/freebsd/show/show.h"

enum { ZONES_MOST = 1 << 16, DOMAINS_MOST = 64 };

enum {
	KEG_NEXT,
	KEG_ZONES,
	KEG_FREE,
	KEG_DOMAIN,
	KEG_DOMAIN_FREE,
	ZONE_NEXT,
	ZONE_NAME,
	ZONE_SIZE,
	ZONE_KEG,
	KEG_SIZE,
	ZONE_LIMIT,
	ZONE_ALLOCS,
	ZONE_FREES,
	ZONE_FAILS,
	ZONE_CPU,
	ZONE_DOMAIN,
	DOMAIN_ITEMS,
	CACHE_ALLOCS,
	CACHE_FREES,
	CACHE_FREEBUCKET,
	CACHE_ALLOCBUCKET,
	FIELDS,
};

static const struct kfield_want wanted[FIELDS] = {
	[KEG_NEXT] = { "struct uma_keg", "uk_link.le_next" },
	[KEG_ZONES] = { "struct uma_keg", "uk_zones.lh_first" },
	[KEG_FREE] = { "struct uma_keg", "uk_free" },
	[KEG_DOMAIN] = { "struct uma_keg", "uk_domain" },
	[KEG_DOMAIN_FREE] = { "struct uma_domain", "ud_free_items|ud_free" },
	[ZONE_NEXT] = { "struct uma_zone", "uz_link.le_next" },
	[ZONE_NAME] = { "struct uma_zone", "uz_name" },
	[ZONE_SIZE] = { "struct uma_zone", "uz_size" },
	[ZONE_KEG] = { "struct uma_zone", "uz_keg" },
	[KEG_SIZE] = { "struct uma_keg", "uk_size" },
	[ZONE_LIMIT] = { "struct uma_zone", "uz_max_items" },
	[ZONE_ALLOCS] = { "struct uma_zone", "uz_allocs" },
	[ZONE_FREES] = { "struct uma_zone", "uz_frees" },
	[ZONE_FAILS] = { "struct uma_zone", "uz_fails" },
	[ZONE_CPU] = { "struct uma_zone", "uz_cpu" },
	[ZONE_DOMAIN] = { "struct uma_zone", "uz_domain" },
	[DOMAIN_ITEMS] = { "struct uma_zone_domain", "uzd_nitems" },
	[CACHE_ALLOCS] = { "struct uma_cache", "uc_allocs" },
	[CACHE_FREES] = { "struct uma_cache", "uc_frees" },
	[CACHE_FREEBUCKET] = { "struct uma_cache", "uc_freebucket.ucb_cnt" },
	[CACHE_ALLOCBUCKET] = { "struct uma_cache", "uc_allocbucket.ucb_cnt" },
};

struct zones {
	struct bsd_show *s;
	struct kfield f[FIELDS];
	uint64_t cache_size, domain_size, keg_domain_size, n_domains;
	unsigned n_cpus;
	struct table t, mbufs;
	size_t n;
};

/* What is known of one. */
struct zone {
	const char *name;
	uint64_t size, limit, allocs, frees, fails, free_now;
	bool has_size, has_limit, has_fails;
};

/* What CPUs have in their caches: adds to the numbers of the zone. */
static void add_caches(struct zones *z, uint64_t zone, uint64_t *allocs, uint64_t *frees,
		       uint64_t *free_now)
{
	struct freebsd_kernel *k = z->s->k;
	uint64_t v;

	for (unsigned i = 0; z->f[ZONE_CPU].type && i < z->n_cpus && freebsd_spend(k); i++) {
		uint64_t at = zone + z->f[ZONE_CPU].off + i * z->cache_size;

		if (freebsd_field(k, at, &z->f[CACHE_ALLOCS], &v))
			*allocs += v;
		if (freebsd_field(k, at, &z->f[CACHE_FREES], &v))
			*frees += v;
		if (freebsd_field(k, at, &z->f[CACHE_FREEBUCKET], &v))
			*free_now += v;
		if (freebsd_field(k, at, &z->f[CACHE_ALLOCBUCKET], &v))
			*free_now += v;
	}
}

/* What domains of memory have ready: behind the CPUs' caches in newer kernels. */
static void add_domains(struct zones *z, uint64_t zone, uint64_t keg, uint64_t *free_now)
{
	struct freebsd_kernel *k = z->s->k;
	const struct kfield *f = &z->f[ZONE_DOMAIN];
	uint64_t at = zone + z->f[ZONE_CPU].off + z->n_cpus * z->cache_size, v;

	if (f->type && f->type->kind == CT_PTR && !freebsd_field(k, zone, f, &at))
		return;
	for (uint64_t i = 0; i < z->n_domains; i++) {
		if (freebsd_field(k, at + i * z->domain_size, &z->f[DOMAIN_ITEMS], &v))
			*free_now += v;
		if (keg && z->f[KEG_DOMAIN].type &&
		    freebsd_field(k, keg + z->f[KEG_DOMAIN].off + i * z->keg_domain_size,
				  &z->f[KEG_DOMAIN_FREE], &v))
			*free_now += v;
	}
	if (keg && freebsd_field(k, keg, &z->f[KEG_FREE], &v))
		*free_now += v;
}

static void add_count(struct table *t, bool known, uint64_t v)
{
	if (known)
		table_int(t, (int64_t)v);
	else
		table_none(t);
}

static void add_row(struct zones *z, const struct zone *zone)
{
	table_str(&z->t, zone->name);
	add_count(&z->t, zone->has_size, zone->size);
	add_count(&z->t, zone->has_limit, zone->limit);
	table_int(&z->t, (int64_t)(zone->allocs - zone->frees));
	table_int(&z->t, (int64_t)zone->free_now);
	table_int(&z->t, (int64_t)zone->allocs);
	add_count(&z->t, zone->has_fails, zone->fails);
}

static void add_mbuf(struct zones *z, const struct zone *zone)
{
	uint64_t used = zone->allocs - zone->frees;

	table_str(&z->mbufs, zone->name);
	table_int(&z->mbufs, (int64_t)used);
	table_int(&z->mbufs, (int64_t)zone->free_now);
	add_count(&z->mbufs, zone->has_limit, zone->limit);
	add_count(&z->mbufs, zone->has_size, zone->size * used);
	add_count(&z->mbufs, zone->has_fails, zone->fails);
}

/* @keg: whose items the zone is the first to have; 0: none. */
static void add_zone(struct zones *z, uint64_t at, uint64_t keg)
{
	struct freebsd_kernel *k = z->s->k;
	struct zone zone = { 0 };
	uint64_t name;

	if (!freebsd_field(k, at, &z->f[ZONE_NAME], &name) ||
	    !freebsd_field_sum(k, at, &z->f[ZONE_ALLOCS], &zone.allocs) ||
	    !freebsd_field_sum(k, at, &z->f[ZONE_FREES], &zone.frees)) {
		bsd_lack(z->s, "zones (vmstat -z, netstat -m)",
			 "the numbers of a zone are not in the dump");
		return;
	}
	add_caches(z, at, &zone.allocs, &zone.frees, &zone.free_now);
	add_domains(z, at, keg, &zone.free_now);
	zone.name = bsd_keep_text(z->s, name);
	zone.has_size = freebsd_field(k, at, &z->f[ZONE_SIZE], &zone.size) ||
			freebsd_field(k, keg, &z->f[KEG_SIZE], &zone.size);
	zone.has_limit = freebsd_field_sum(k, at, &z->f[ZONE_LIMIT], &zone.limit) && zone.limit;
	zone.has_fails = freebsd_field_sum(k, at, &z->f[ZONE_FAILS], &zone.fails);
	add_row(z, &zone);
	if (!strncmp(zone.name, "mbuf", 4))
		add_mbuf(z, &zone);
}

static void add_list(struct zones *z, uint64_t zone, uint64_t keg)
{
	struct freebsd_steps steps = { 0 };

	for (bool first = true; zone; first = false) {
		if (!freebsd_steps_on(&steps, zone) || z->n++ >= ZONES_MOST) {
			bsd_lack(z->s, "zones (vmstat -z, netstat -m)",
				 "a list of zones is broken");
			return;
		}
		add_zone(z, zone, first ? keg : 0);
		if (!freebsd_field(z->s->k, zone, &z->f[ZONE_NEXT], &zone))
			return;
	}
}

static void add_kegs(struct zones *z, uint64_t keg)
{
	struct freebsd_steps steps = { 0 };
	uint64_t zone;

	while (keg) {
		if (!freebsd_steps_on(&steps, keg) || z->n >= ZONES_MOST) {
			bsd_lack(z->s, "zones (vmstat -z, netstat -m)",
				 "the list of kegs is broken");
			return;
		}
		if (freebsd_field(z->s->k, keg, &z->f[KEG_ZONES], &zone))
			add_list(z, zone, keg);
		if (!freebsd_field(z->s->k, keg, &z->f[KEG_NEXT], &keg)) {
			bsd_lack(z->s, "zones (vmstat -z, netstat -m)",
				 "the rest of the list is not in the dump");
			return;
		}
	}
}

int bsd_zones(struct bsd_show *s)
{
	static const struct table_column columns[] = {
		{ "zone", "ZONE", TABLE_TEXT },	     { "size", "SIZE", TABLE_COUNT },
		{ "limit", "LIMIT", TABLE_COUNT },   { "used", "USED", TABLE_COUNT },
		{ "free", "FREE", TABLE_COUNT },     { "requests", "REQUESTS", TABLE_COUNT },
		{ "failed", "FAILED", TABLE_COUNT },
	};
	static const struct table_column of_mbufs[] = {
		{ "zone", "NETWORK MEMORY", TABLE_TEXT }, { "used", "USED", TABLE_COUNT },
		{ "free", "FREE", TABLE_COUNT },	  { "limit", "LIMIT", TABLE_COUNT },
		{ "bytes", "MEMORY", TABLE_BYTES },	  { "failed", "DENIED", TABLE_COUNT },
	};
	static const char what[] = "zones (vmstat -z, netstat -m)";
	struct zones z = { .s = s, .n_domains = 1, .n_cpus = freebsd_cpus(s->k) };
	uint64_t kegs, caches;

	if (!bsd_has_types(s, what))
		return 0;
	kfield_find_all(s->types, wanted, FIELDS, z.f);
	z.cache_size = kfield_sizeof(s->types, "struct uma_cache");
	z.domain_size = kfield_sizeof(s->types, "struct uma_zone_domain");
	z.keg_domain_size = kfield_sizeof(s->types, "struct uma_domain");
	if (freebsd_number(s->k, "vm_ndomains", &z.n_domains) && z.n_domains > DOMAINS_MOST)
		z.n_domains = DOMAINS_MOST;
	if (!freebsd_symbol(s->k, "uma_kegs", &kegs) || freebsd_pointer(s->k, kegs, &kegs) < 0) {
		bsd_lack(s, what, "the list of kegs was not found");
		return 0;
	}
	table_init(&z.t, columns, MEM_LEN(columns));
	table_init(&z.mbufs, of_mbufs, MEM_LEN(of_mbufs));
	add_kegs(&z, kegs);
	if (freebsd_symbol(s->k, "uma_cachezones", &caches) &&
	    freebsd_pointer(s->k, caches, &caches) == 0)
		add_list(&z, caches, 0);
	int r = page_table(&s->page, "zones", "Zones (vmstat -z)", &z.t);
	if (r == 0)
		r = page_table(&s->page, "mbufs", "Network memory (netstat -m)", &z.mbufs);
	table_fini(&z.mbufs);
	table_fini(&z.t);
	return r;
}
