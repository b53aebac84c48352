/* SPDX-License-Identifier: MIT */
/** Variables of a network stack, addresses as text. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "crash/freebsd/show/net/net.h"

enum { ADDRESS_MOST = 64, IN_AT = 4, IN6_AT = 8, LINK_HEAD = 8 };

bool bsd_net_var(struct bsd_show *s, const char *name, uint64_t *ret)
{
	uint64_t vnet, base;
	struct kfield f;
	char entry[64];

	if (freebsd_symbol(s->k, name, ret))
		return true;
	(void)snprintf(entry, sizeof(entry), "vnet_entry_%s", name);
	if (!freebsd_symbol(s->k, entry, ret) || !freebsd_symbol(s->k, "vnet0", &vnet) ||
	    freebsd_pointer(s->k, vnet, &vnet) < 0 ||
	    !kfield_find(s->types, "struct vnet", "vnet_data_base", &f) ||
	    !freebsd_field(s->k, vnet, &f, &base))
		return false;
	*ret += base;
	return true;
}

/* Its first byte is its length; what is beyond that is 0. Returns the length; 0: it is not there.
 */
static size_t read_address(struct bsd_show *s, uint64_t va, uint8_t *ret)
{
	memset(ret, 0, ADDRESS_MOST);
	if (!va || freebsd_read(s->k->core, va, ret, 1) < 0 || ret[0] > ADDRESS_MOST ||
	    freebsd_read(s->k->core, va, ret, ret[0]) < 0)
		return 0;
	return ret[0];
}

/* Masks end where they have no more bits; their family may be 0. */
static int count_bits(struct bsd_show *s, uint64_t mask, size_t from)
{
	uint8_t bytes[ADDRESS_MOST];
	size_t len = read_address(s, mask, bytes);
	int bits = 0;

	for (size_t i = from; i < len; i++)
		bits += __builtin_popcount(bytes[i]);
	return bits;
}

/* The kernel keeps the number of the interface inside of addresses of one link. */
static unsigned take_scope(uint8_t *in6)
{
	unsigned scope = 0;

	if ((in6[0] == 0xfe && (in6[1] & 0xc0) == 0x80) ||
	    (in6[0] == 0xff && ((in6[1] & 0xf) == 1 || (in6[1] & 0xf) == 2))) {
		scope = (unsigned)in6[2] << 8 | in6[3];
		in6[2] = in6[3] = 0;
	}
	return scope;
}

static const char *inet_text(struct bsd_show *s, uint8_t *sa, uint64_t mask)
{
	bool is_6 = sa[1] == BSD_INET6;
	size_t at = is_6 ? IN6_AT : IN_AT;
	unsigned scope = is_6 ? take_scope(sa + at) : 0;
	char text[INET6_ADDRSTRLEN], on[16] = "", behind[16] = "";
	static const uint8_t none[16];

	if (!inet_ntop(is_6 ? AF_INET6 : AF_INET, sa + at, text, sizeof(text)))
		return "?";
	if (scope)
		(void)snprintf(on, sizeof(on), "%%%u", scope);
	if (mask) {
		int bits = count_bits(s, mask, at);

		if (!bits && !memcmp(sa + at, none, is_6 ? 16 : 4))
			return "default";
		(void)snprintf(behind, sizeof(behind), "/%d", bits);
	}
	return bsd_keep(s, "%s%s%s", text, on, behind);
}

/* struct sockaddr_dl: a name, then an address; the number of an interface where it has neither. */
static const char *link_text(struct bsd_show *s, const uint8_t *sa, size_t len)
{
	size_t n_name = sa[5], n_address = sa[6], put = 0;
	char text[3 * ADDRESS_MOST] = "";
	uint16_t index;

	memcpy(&index, sa + 2, sizeof(index));
	if (LINK_HEAD + n_name + n_address > len)
		return "?";
	if (!n_name && !n_address)
		return bsd_keep(s, "link#%u", index);
	if (!n_address)
		return bsd_keep(s, "%.*s", (int)n_name, (const char *)sa + LINK_HEAD);
	for (size_t i = 0; i < n_address; i++)
		put += (size_t)snprintf(text + put, sizeof(text) - put, "%s%02x", i ? ":" : "",
					sa[LINK_HEAD + n_name + i]);
	return bsd_keep(s, "%s", text);
}

const char *bsd_address(struct bsd_show *s, uint64_t va, uint64_t mask)
{
	uint8_t sa[ADDRESS_MOST];
	size_t len = read_address(s, va, sa);

	if (len < 2)
		return "?";
	switch (sa[1]) {
	case BSD_INET:
	case BSD_INET6: return inet_text(s, sa, mask);
	case BSD_LINK: return link_text(s, sa, len);
	default: return bsd_keep(s, "(family %u)", sa[1]);
	}
}

const char *bsd_interface_name(struct bsd_show *s, uint64_t va)
{
	struct kfield f;

	if (!va || !kfield_find(s->types, "struct ifnet", "if_xname", &f))
		return "?";
	return bsd_keep_text(s, va + f.off);
}
