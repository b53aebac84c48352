/* SPDX-License-Identifier: MIT */
/** Tests names of C++ and Rust functions. */
#include "sym/demangle.h"
#include "test.h"

TEST(known_names)
{
	static const struct {
		const char *in, *out; /* NULL: stays as it is */
	} cases[] = {
		{ "main", NULL },
		{ "", NULL },
		{ "_", NULL },
		{ "_Z", NULL },
		{ "_Zxyz", NULL },
		{ "_ZN3foo3barEi", "foo::bar" },
		{ "_ZNSt6vectorIiSaIiEE9push_backEOi",
		  "std::vector<int, std::allocator<int> >::push_back" },
		{ "_ZN4core3ptr13drop_in_place17h0123456789abcdefE", "core::ptr::drop_in_place" },
		{ "_RNvCs1234_7mycrate3foo", "mycrate::foo" },
	};
	struct strbuf b = { 0 };

	if (!demangle_available()) {
		test_skip("built without libiberty");
		return;
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		b.len = 0;
		strbuf_str(&b, "x");
		EXPECT_EQ(demangle(cases[i].in, &b), cases[i].out != NULL);
		EXPECT_STR(strbuf_text(&b) + 1, cases[i].out ? cases[i].out : "");
	}
	strbuf_fini(&b);
}

/* Each type is a pair of the one before: a name of 2 to the power of 30 parts. */
TEST(endless_names_stay_mangled)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
	struct strbuf name = { 0 }, b = { 0 };

	// f<p<x,x>, p<S1_,S1_>, ..>: substitution S<n>_ is the pair just made.
	strbuf_str(&name, "_Z1fI1pI1xS1_E");
	for (int i = 0; i < 30; i++)
		strbuf_fmt(&name, "S0_IS%c_S%c_E", digits[i + 2], digits[i + 2]);
	strbuf_str(&name, "EvT_");
	EXPECT(!demangle(strbuf_text(&name), &b) || b.len <= 4096);
	EXPECT(b.len <= 4096);
	strbuf_fini(&name);
	strbuf_fini(&b);
}
