/* SPDX-License-Identifier: MIT */
/** Which files a dead kernel and its modules were loaded from, and where their parts were put. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <sonde/err.h>
#include <sonde/span.h>

#include "base/mem.h"
#include "crash/linux/kernel.h"

enum { NOTES_MOST = 1 << 14, SECTIONS_MOST = 512, NAME_MOST = 64 };

static bool id_from_memory(struct linux_kernel *k, uint64_t at, uint64_t len, struct build_id *ret)
{
	uint8_t notes[NOTES_MOST];

	return len && len <= sizeof(notes) && linux_read(k, at, notes, (size_t)len) == 0 &&
	       build_id_from_notes((struct sonde_span){ notes, (size_t)len }, ret);
}

static bool kernel_id(struct linux_kernel *k, struct build_id *ret)
{
	const char *hex;
	size_t len;
	uint64_t start, stop;

	if (vmcoreinfo_get(&k->info, NULL, "BUILD-ID", &hex, &len) && build_id_parse(hex, len, ret))
		return true;
	return linux_symbol(k, "__start_notes", &start) && linux_symbol(k, "__stop_notes", &stop) &&
	       stop > start && id_from_memory(k, start, stop - start, ret);
}

/* As far as a module keeps its notes for /sys/module/NAME/notes, or its id itself. */
static bool module_id(struct linux_kernel *k, const struct linux_module *m, struct build_id *ret)
{
	static const struct kfield_want want[] = {
		{ "struct module", "build_id" },	  { "struct module", "notes_attrs" },
		{ "struct module_notes_attrs", "notes" }, { "struct module_notes_attrs", "attrs" },
		{ "struct bin_attribute", "private" },	  { "struct bin_attribute", "size" },
	};
	struct kfield f[MEM_LEN(want)];
	struct build_id id = { .len = BUILD_ID_MOST };
	static const uint8_t none[BUILD_ID_MOST];

	kfield_find_all(k->types, want, MEM_LEN(want), f);
	if (f[0].type && linux_read(k, m->addr + f[0].off, id.data, sizeof(id.data)) == 0 &&
	    memcmp(id.data, none, sizeof(none)) != 0) {
		*ret = id;
		return true;
	}
	uint64_t notes = linux_field_or(k, m->addr, &f[1], 0);
	uint64_t n = notes ? linux_field_or(k, notes, &f[2], 0) : 0;
	uint64_t each = kfield_sizeof(k->types, "struct bin_attribute");
	for (uint64_t i = 0; i < n && i < SECTIONS_MOST && f[3].type && each; i++) {
		uint64_t at = notes + f[3].off + i * each;

		if (id_from_memory(k, linux_field_or(k, at, &f[4], 0),
				   linux_field_or(k, at, &f[5], 0), ret))
			return true;
	}
	return false;
}

void linux_kernel_image(struct linux_kernel *k, struct crash_image *ret)
{
	*ret = (struct crash_image){ .release = k->release };
	// Not told: it lies where its file says.
	(void)vmcoreinfo_value(&k->info, "KERNELOFFSET", 16, &ret->moved);
	(void)kernel_id(k, &ret->id); // else it has none
}

bool linux_image(struct crash_core *c, const char *module, struct crash_image *ret)
{
	struct linux_kernel *k = linux_of(c);
	const struct linux_module *m = module ? linux_module_named(k, module) : NULL;

	if (!module) {
		linux_kernel_image(k, ret);
		return true;
	}
	*ret = (struct crash_image){ .release = k->release };
	return m && (module_id(k, m, &ret->id) || m->n_parts);
}

bool linux_section(struct crash_core *c, const char *module, const char *name, uint64_t *ret)
{
	static const struct kfield_want want[] = {
		{ "struct module", "sect_attrs" },
		{ "struct module_sect_attrs", "nsections" },
		{ "struct module_sect_attrs", "attrs" },
		{ "struct module_sect_attr", "address" },
		{ "struct module_sect_attr", "battr.attr.name" }, // until 6.13
		{ "struct bin_attribute", "private" },
		{ "struct bin_attribute", "attr.name" },
	};
	struct linux_kernel *k = linux_of(c);
	const struct linux_module *m = linux_module_named(k, module);
	struct kfield f[MEM_LEN(want)];
	char found[NAME_MOST];

	kfield_find_all(k->types, want, MEM_LEN(want), f);
	uint64_t table = m ? linux_field_or(k, m->addr, &f[0], 0) : 0;
	uint64_t old = kfield_sizeof(k->types, "struct module_sect_attr");
	uint64_t each = old ? old : kfield_sizeof(k->types, "struct bin_attribute");
	if (!table || !f[2].type || !each)
		return false;
	// Newer kernels end the list with an empty one instead of counting.
	uint64_t n = linux_field_or(k, table, &f[1], SECTIONS_MOST);
	for (uint64_t i = 0; i < n && i < SECTIONS_MOST; i++) {
		uint64_t at = table + f[2].off + i * each, text;

		text = linux_field_or(k, at, old ? &f[4] : &f[6], 0);
		if (!text || space_string(&k->mem, text, found, sizeof(found)) < 0)
			break;
		if (!strcmp(found, name))
			return linux_read_field(k, at, old ? &f[3] : &f[5], ret) == 0;
	}
	return false;
}

int linux_check_file(struct linux_kernel *k)
{
	const char *path = k->core->kernel_path;
	char ours[BUILD_ID_HEX], theirs[BUILD_ID_HEX];
	struct build_id dump, file;

	sonde_auto(mem_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return sonde_fail_errno(-errno, "cannot open '%s'", path);
	if (!build_id_read(fd, &file) || !kernel_id(k, &dump) || build_id_same(&file, &dump))
		return 0;
	build_id_hex(&dump, ours);
	build_id_hex(&file, theirs);
	return sonde_fail(
		-EINVAL, "'%s' is the file of another kernel: its build-id is %s, the dump's is %s",
		path, theirs, ours);
}
