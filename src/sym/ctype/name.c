/* SPDX-License-Identifier: MIT */
/** The types that C code has without any declaration, and those that all of Linux calls the same.
 */
#include "sym/ctype/name.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "sym/ctype.h"
#include "sym/ctype/db.h"

#define INT_TYPE(text, bytes, ...)                                                         \
	{                                                                                  \
		.kind = CT_INT, .name = (text), .size = (bytes), .done = true, __VA_ARGS__ \
	}
#define SIGNED .is_signed = true

const struct ctype ctype_void = { .kind = CT_VOID, .name = "void", .done = true };

/* Of this machine: those of the kernels and programs that are looked at. */
#ifdef __CHAR_UNSIGNED__
#define CHAR_SIGNED .is_signed = false
#else
#define CHAR_SIGNED SIGNED
#endif

enum basic {
	BASIC_BOOL,
	BASIC_CHAR,
	BASIC_SCHAR,
	BASIC_UCHAR,
	BASIC_SHORT,
	BASIC_USHORT,
	BASIC_INT,
	BASIC_UINT,
	BASIC_LONG,
	BASIC_ULONG,
	BASIC_LLONG,
	BASIC_ULLONG,
	BASIC_INT128,
	BASIC_UINT128,
	BASIC_FLOAT,
	BASIC_DOUBLE,
	BASIC_LDOUBLE,
};

static const struct ctype basics[] = {
	[BASIC_BOOL] = INT_TYPE("bool", 1, .is_bool = true),
	[BASIC_CHAR] = INT_TYPE("char", 1, .is_char = true, CHAR_SIGNED),
	[BASIC_SCHAR] = INT_TYPE("signed char", 1, SIGNED),
	[BASIC_UCHAR] = INT_TYPE("unsigned char", 1),
	[BASIC_SHORT] = INT_TYPE("short", 2, SIGNED),
	[BASIC_USHORT] = INT_TYPE("unsigned short", 2),
	[BASIC_INT] = INT_TYPE("int", 4, SIGNED),
	[BASIC_UINT] = INT_TYPE("unsigned int", 4),
	[BASIC_LONG] = INT_TYPE("long", 8, SIGNED),
	[BASIC_ULONG] = INT_TYPE("unsigned long", 8),
	[BASIC_LLONG] = INT_TYPE("long long", 8, SIGNED),
	[BASIC_ULLONG] = INT_TYPE("unsigned long long", 8),
	[BASIC_INT128] = INT_TYPE("__int128", 16, SIGNED),
	[BASIC_UINT128] = INT_TYPE("unsigned __int128", 16),
	[BASIC_FLOAT] = { .kind = CT_FLOAT, .name = "float", .size = 4, .done = true },
	[BASIC_DOUBLE] = { .kind = CT_FLOAT, .name = "double", .size = 8, .done = true },
	[BASIC_LDOUBLE] = { .kind = CT_FLOAT, .name = "long double", .size = 16, .done = true },
};

static const struct ctype known[] = {
	INT_TYPE("u8", 1),
	INT_TYPE("u16", 2),
	INT_TYPE("u32", 4),
	INT_TYPE("u64", 8),
	INT_TYPE("s8", 1, SIGNED),
	INT_TYPE("s16", 2, SIGNED),
	INT_TYPE("s32", 4, SIGNED),
	INT_TYPE("s64", 8, SIGNED),
	INT_TYPE("__u8", 1),
	INT_TYPE("__u16", 2),
	INT_TYPE("__u32", 4),
	INT_TYPE("__u64", 8),
	INT_TYPE("__s8", 1, SIGNED),
	INT_TYPE("__s16", 2, SIGNED),
	INT_TYPE("__s32", 4, SIGNED),
	INT_TYPE("__s64", 8, SIGNED),
	INT_TYPE("uint8_t", 1),
	INT_TYPE("uint16_t", 2),
	INT_TYPE("uint32_t", 4),
	INT_TYPE("uint64_t", 8),
	INT_TYPE("int8_t", 1, SIGNED),
	INT_TYPE("int16_t", 2, SIGNED),
	INT_TYPE("int32_t", 4, SIGNED),
	INT_TYPE("int64_t", 8, SIGNED),
	INT_TYPE("size_t", 8),
	INT_TYPE("ssize_t", 8, SIGNED),
	INT_TYPE("uintptr_t", 8),
	INT_TYPE("intptr_t", 8, SIGNED),
	INT_TYPE("ptrdiff_t", 8, SIGNED),
	INT_TYPE("off_t", 8, SIGNED),
	INT_TYPE("loff_t", 8, SIGNED),
	INT_TYPE("pid_t", 4, SIGNED),
	INT_TYPE("uid_t", 4),
	INT_TYPE("gid_t", 4),
	INT_TYPE("dev_t", 4),
	INT_TYPE("umode_t", 2),
	INT_TYPE("__be16", 2),
	INT_TYPE("__be32", 4),
	INT_TYPE("__be64", 8),
	INT_TYPE("__le16", 2),
	INT_TYPE("__le32", 4),
	INT_TYPE("__le64", 8),
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

bool ctype_name_trim(const char *name, char ret[CTYPE_NAME_MOST])
{
	size_t n = 0;

	for (const char *p = name; *p; p++) {
		if (is_blank(*p) && (!n || ret[n - 1] == ' '))
			continue;
		if (n >= CTYPE_NAME_MOST - 1)
			return false;
		ret[n++] = is_blank(*p) ? ' ' : *p;
	}
	if (n && ret[n - 1] == ' ')
		n--;
	ret[n] = '\0';
	return n > 0;
}

const char *ctype_name_after(const char *name, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(name, word, len) && name[len] == ' ' ? name + len + 1 : NULL;
}

/* How often each of C's words stands in a name. */
struct words {
	unsigned n_signed, n_unsigned, n_short, n_long, n_int, n_char, n_int128;
	const char *alone; /* a word that stands with no others but "long" */
};

static bool count_word(struct words *w, const char *s, size_t len)
{
	static const struct {
		const char *text;
		size_t at;
	} counted[] = {
		{ "signed", offsetof(struct words, n_signed) },
		{ "unsigned", offsetof(struct words, n_unsigned) },
		{ "short", offsetof(struct words, n_short) },
		{ "long", offsetof(struct words, n_long) },
		{ "int", offsetof(struct words, n_int) },
		{ "char", offsetof(struct words, n_char) },
		{ "__int128", offsetof(struct words, n_int128) },
	};
	static const char *const alone[] = { "bool", "_Bool", "float", "double", "void" };

	for (size_t i = 0; i < MEM_LEN(counted); i++) {
		if (strlen(counted[i].text) == len && !memcmp(counted[i].text, s, len)) {
			++*(unsigned *)((char *)w + counted[i].at);
			return true;
		}
	}
	for (size_t i = 0; i < MEM_LEN(alone) && !w->alone; i++) {
		if (strlen(alone[i]) == len && !memcmp(alone[i], s, len)) {
			w->alone = alone[i];
			return true;
		}
	}
	return false;
}

static const struct ctype *of_alone(const struct words *w)
{
	unsigned others =
		w->n_signed + w->n_unsigned + w->n_short + w->n_int + w->n_char + w->n_int128;

	if (others || w->n_long > (*w->alone == 'd'))
		return NULL;
	switch (*w->alone) {
	case 'v': return &ctype_void;
	case 'f': return &basics[BASIC_FLOAT];
	case 'd': return &basics[w->n_long ? BASIC_LDOUBLE : BASIC_DOUBLE];
	default: return &basics[BASIC_BOOL];
	}
}

static const struct ctype *of_words(const struct words *w)
{
	unsigned sizes = w->n_short + w->n_long + w->n_char + w->n_int128;

	if (w->alone)
		return of_alone(w);
	if (w->n_signed + w->n_unsigned > 1 || w->n_int > 1 || w->n_short > 1 || w->n_long > 2)
		return NULL;
	if (sizes != w->n_long && sizes > 1)
		return NULL;
	if (w->n_int && w->n_char + w->n_int128)
		return NULL;
	if (w->n_char)
		return &basics[w->n_signed     ? BASIC_SCHAR
			       : w->n_unsigned ? BASIC_UCHAR
					       : BASIC_CHAR];
	enum basic b = w->n_int128	? BASIC_INT128
		       : w->n_short	? BASIC_SHORT
		       : !w->n_long	? BASIC_INT
		       : w->n_long == 1 ? BASIC_LONG
					: BASIC_LLONG;
	return &basics[b + (w->n_unsigned ? 1 : 0)];
}

static const struct ctype *basic_c(const char *name)
{
	struct words w = { 0 };

	for (const char *p = name; *p;) {
		size_t len = strcspn(p, " ");

		if (!count_word(&w, p, len))
			return NULL;
		p += len;
		p += *p == ' ';
	}
	return *name ? of_words(&w) : NULL;
}

bool ctype_name_is_c(const char *name)
{
	return basic_c(name) != NULL;
}

const struct ctype *ctype_basic(const char *name)
{
	char text[CTYPE_NAME_MOST] = "";

	if (!ctype_name_trim(name, text))
		return NULL;
	const struct ctype *t = basic_c(text);
	for (size_t i = 0; !t && i < MEM_LEN(known); i++) {
		if (!strcmp(known[i].name, text))
			t = &known[i];
	}
	return t;
}
