/* SPDX-License-Identifier: MIT */
/** Writes JSON: commas, quotes and escapes are its business, the shape is the caller's. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sonde_out;

/** A document on its way to @out; in the caller's storage, owns nothing. */
struct json {
	struct sonde_out *out;
	unsigned depth; /* of what is open; 64 at most */
	uint64_t some;	/* bit n: what is open at depth n has an element already */
};

/** Starts a document of one value. */
void json_init(struct json *j, struct sonde_out *out);

/** Opens an object or array, as the member @key or, with NULL, as the next element. */
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
/** Closes what was opened last; behind the outermost goes a newline. */
void json_end_object(struct json *j);
void json_end_array(struct json *j);

void json_int(struct json *j, const char *key, int64_t v);
void json_uint(struct json *j, const char *key, uint64_t v);
void json_bool(struct json *j, const char *key, bool v);
/** Enough digits to read the same double again; null where it is no number. */
void json_real(struct json *j, const char *key, double v);
/** Bytes that are no UTF-8 become U+FFFD. NULL is null. */
void json_str(struct json *j, const char *key, const char *s);
/** A value that is JSON already. */
void json_text(struct json *j, const char *key, const char *text);
void json_null(struct json *j, const char *key);

#endif
