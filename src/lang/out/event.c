/* SPDX-License-Identifier: MIT */
/** Events of emit(), where no trace is recorded that they could go into. */
#include <errno.h>
#include <string.h>

#include <sonde/err.h>

#include "lang/out/printer.h"
#include "lang/out/quote.h"
#include "lang/out/value.h"

static void add_field(struct printer *p, const struct type *t, const uint8_t *bytes,
		      struct strbuf *ret)
{
	const bool json = p->format == PRINT_JSON;
	const struct value_how how = { .p = p, .json = json, .div = 1 };

	if (t->kind == TYPE_STR && !json)
		quote_json(ret, (const char *)bytes, strnlen((const char *)bytes, t->size));
	else
		value_add(&how, t, bytes, ret);
}

int print_event(struct printer *p, const struct site *site, const void *payload, size_t len)
{
	const bool json = p->format == PRINT_JSON;
	struct strbuf *const line = &p->tmp;

	line->len = 0;
	line->failed = false;
	if (json)
		strbuf_fmt(line, "{\"type\": \"event\", \"data\": {\"name\": \"%s\", \"fields\": {",
			   site->fmt);
	else
		strbuf_fmt(line, "%s: {", site->fmt);
	for (uint32_t i = 0; i < site->n_args; i++) {
		const struct type_field *f = &site->args[i];

		if (f->off > len || f->type->size > len - f->off)
			return sonde_fail(-EBADMSG, "a record of emit has %zu bytes", len);
		strbuf_str(line, i ? ", " : json ? "" : " ");
		strbuf_fmt(line, json ? "\"%s\": " : "%s = ", site->fields[i]);
		add_field(p, f->type, (const uint8_t *)payload + f->off, line);
	}
	strbuf_str(line, json ? "}}}\n" : " }\n");
	int r = strbuf_ok(line);
	if (!r)
		out_add(p->out, line->data, line->len);
	return r;
}
