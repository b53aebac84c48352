/* SPDX-License-Identifier: MIT */
/**
 * Reads arguments of markers: "LENGTH@OPERAND", the operand as an assembler writes it.
 *
 *     x86-64:   -4@%eax   8@-8(%rbp)   8@(%rax,%rbx,4)   4@$5   8@counter+8(%rip)
 *     aarch64:  -4@w0     8@[sp, 16]   8@[x1, x2, lsl 3] 4@5
 */
#include "sym/probe/usdt.h"

#include <string.h>

/* Text, with what the operand may name. */
struct operand {
	const char *at;
	size_t len;
	bool (*symbol)(void *arg, const char *name, uint64_t *ret);
	void *arg;
};

enum { NONE = -1 };

/* A register of x86-64, as its letters without those that tell its width. */
static const struct {
	const char *name;
	int16_t off; /* in struct pt_regs */
} x86_regs[] = {
	{ "r15", 0 },  { "r14", 8 },  { "r13", 16 }, { "r12", 24 }, { "bp", 32 },  { "bx", 40 },
	{ "r11", 48 }, { "r10", 56 }, { "r9", 64 },  { "r8", 72 },  { "ax", 80 },  { "cx", 88 },
	{ "dx", 96 },  { "si", 104 }, { "di", 112 }, { "ip", 128 }, { "sp", 152 },
};

static bool take_char(struct operand *o, char c)
{
	if (!o->len || *o->at != c)
		return false;
	o->at++;
	o->len--;
	return true;
}

static void skip_blanks(struct operand *o)
{
	while (take_char(o, ' ') || take_char(o, '\t'))
		;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_symbol(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
	       c == '.' || c == '$' || c == '@';
}

/* Takes the letters of a word off the begin. */
static size_t word_len(const struct operand *o)
{
	size_t n = 0;

	while (n < o->len && is_symbol(o->at[n]))
		n++;
	return n;
}

static void skip(struct operand *o, size_t n)
{
	o->at += n;
	o->len -= n;
}

static bool digits(const char *s, size_t len, uint64_t *ret)
{
	unsigned base = len > 2 && s[0] == '0' && (s[1] | 0x20) == 'x' ? 16 : 10;
	uint64_t n = 0;

	for (size_t i = base == 16 ? 2 : 0; i < len; i++) {
		char c = (char)(s[i] | 0x20);
		unsigned d = is_digit(s[i])			  ? (unsigned)(s[i] - '0')
			     : base == 16 && c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
								  : 99;

		if (d >= base || __builtin_mul_overflow(n, (uint64_t)base, &n) ||
		    __builtin_add_overflow(n, (uint64_t)d, &n))
			return false;
	}
	*ret = n;
	return len > 0;
}

static bool symbol(const struct operand *o, const char *s, size_t len, uint64_t *ret)
{
	char name[256];

	if (!o->symbol || len >= sizeof(name))
		return false;
	memcpy(name, s, len);
	name[len] = '\0';
	return o->symbol(o->arg, name, ret);
}

/* A sum of numbers and names: "-8", "counter+16". False: it is none, or a name is not known. */
static bool sum(struct operand *o, int64_t *ret, bool *ret_named)
{
	uint64_t total = 0;
	bool any = false;

	for (;;) {
		bool minus = take_char(o, '-');
		uint64_t n;

		if (!minus && !take_char(o, '+') && any)
			break;
		minus = minus || take_char(o, '-');
		size_t len = word_len(o);
		bool is_number = len && is_digit(*o->at);
		if (!len || !(is_number ? digits(o->at, len, &n) : symbol(o, o->at, len, &n)))
			return false;
		*ret_named |= !is_number;
		total = minus ? total - n : total + n;
		skip(o, len);
		any = true;
	}
	*ret = (int64_t)total;
	return any;
}

/* Whether @s is the register @name with the letters of some width around: rax, eax, ax, al, ah. */
static bool is_x86_reg(const char *s, size_t len, const char *name, uint8_t *ret_shift)
{
	size_t n = strlen(name);

	if (name[0] == 'r') // r8, r8d, r8w, r8b
		return len >= n && !memcmp(s, name, n) &&
		       (len == n || (len == n + 1 && strchr("dwb", s[n])));
	if (len == 3 && (s[0] == 'r' || s[0] == 'e'))
		return !memcmp(s + 1, name, 2);
	if (len == 2 && !memcmp(s, name, 2))
		return true;
	if (name[1] == 'x' && len == 2 && s[0] == name[0] && (s[1] == 'l' || s[1] == 'h')) {
		*ret_shift = s[1] == 'h' ? 8 : 0;
		return true;
	}
	return name[1] != 'x' && len == 3 && !memcmp(s, name, 2) && s[2] == 'l'; // sil
}

static bool x86_reg(struct operand *o, int16_t *ret, uint8_t *ret_shift)
{
	if (!take_char(o, '%'))
		return false;
	size_t len = word_len(o);
	for (size_t i = 0; len && i < sizeof(x86_regs) / sizeof(*x86_regs); i++) {
		*ret_shift = 0;
		if (is_x86_reg(o->at, len, x86_regs[i].name, ret_shift)) {
			*ret = x86_regs[i].off;
			skip(o, len);
			return true;
		}
	}
	return false;
}

enum { X86_IP = 128 };

/* What follows a displacement: "(%rbp)", "(%rax,%rbx,4)", "(,%rbx,8)", or nothing. */
static bool x86_address(struct operand *o, struct usdt_arg *a)
{
	uint8_t shift;
	int64_t scale = 1;
	bool named = false;

	if (!o->len)
		return true;
	if (!take_char(o, '(') || (o->len && *o->at == '%' && !x86_reg(o, &a->reg, &shift)))
		return false;
	if (take_char(o, ',')) {
		if (!x86_reg(o, &a->index, &shift))
			return false;
		if (take_char(o, ',') && (!sum(o, &scale, &named) || named))
			return false;
	}
	if (scale != 1 && scale != 2 && scale != 4 && scale != 8)
		return false;
	a->scale = (uint8_t)scale;
	return take_char(o, ')') && !o->len;
}

static bool x86_operand(struct operand *o, uint64_t pc, struct usdt_arg *a)
{
	bool named = false;

	if (take_char(o, '$')) {
		a->kind = USDT_CONST;
		return sum(o, &a->n, &named) && !o->len;
	}
	if (o->len && *o->at == '%') {
		a->kind = USDT_REG;
		return x86_reg(o, &a->reg, &a->shift) && !o->len;
	}
	a->kind = USDT_MEM;
	if (!o->len || (*o->at != '(' && !sum(o, &a->n, &named)))
		return false;
	if (!x86_address(o, a))
		return false;
	// "name(%rip)" is where the name is, told from here: the program may be loaded anywhere.
	if (a->reg == X86_IP && named)
		a->n = (int64_t)((uint64_t)a->n - pc);
	return a->reg != X86_IP || named;
}

/* x0 .. x30, w0 .., sp. */
static bool arm_reg(struct operand *o, int16_t *ret)
{
	size_t len = word_len(o);
	uint64_t n;

	if (len == 2 && !memcmp(o->at, "sp", 2))
		n = 31;
	else if (len < 2 || (*o->at != 'x' && *o->at != 'w') || !digits(o->at + 1, len - 1, &n) ||
		 n > 30)
		return false;
	*ret = (int16_t)(n * 8);
	skip(o, len);
	return true;
}

static bool arm_number(struct operand *o, int64_t *ret)
{
	bool named = false;

	(void)take_char(o, '#');
	return sum(o, ret, &named) && !named;
}

/* What follows the base: ", 16]", ", x2]", ", x2, lsl 3]", "]". */
static bool arm_address(struct operand *o, struct usdt_arg *a)
{
	int64_t shift = 0;

	skip_blanks(o);
	if (take_char(o, ',')) {
		skip_blanks(o);
		if (!arm_reg(o, &a->index) && !arm_number(o, &a->n))
			return false;
		skip_blanks(o);
	}
	if (a->index != NONE && take_char(o, ',')) {
		skip_blanks(o);
		if (o->len < 4 || memcmp(o->at, "lsl", 3) != 0)
			return false;
		skip(o, 3);
		skip_blanks(o);
		if (!arm_number(o, &shift) || shift < 0 || shift > 4)
			return false;
	}
	a->scale = (uint8_t)(1 << shift);
	return take_char(o, ']') && !o->len;
}

static bool arm_operand(struct operand *o, struct usdt_arg *a)
{
	if (take_char(o, '[')) {
		a->kind = USDT_MEM;
		skip_blanks(o);
		return arm_reg(o, &a->reg) && arm_address(o, a);
	}
	if (arm_reg(o, &a->reg)) {
		a->kind = USDT_REG;
		return !o->len;
	}
	a->kind = USDT_CONST;
	if (o->len == 3 && (!memcmp(o->at, "xzr", 3) || !memcmp(o->at, "wzr", 3)))
		return true;
	return arm_number(o, &a->n) && !o->len;
}

/* "-4@": how many bytes, and whether they are signed. Without it a value has 8. */
static bool take_len(struct operand *o, int8_t *ret)
{
	const char *at = o->len ? memchr(o->at, '@', o->len) : NULL;
	size_t n = at ? (size_t)(at - o->at) : 0;
	bool minus = n && *o->at == '-';

	*ret = 8;
	if (!at || n > 2)
		return true; // the '@' of a name's version
	if (n != 1u + minus || !strchr("1248", o->at[minus]))
		return false;
	*ret = (int8_t)(o->at[minus] - '0');
	if (minus)
		*ret = (int8_t) - *ret;
	skip(o, n + 1);
	return true;
}

/* Compilers write the constant 200 of one byte as $-56. */
static void cut_constant(struct usdt_arg *a)
{
	const unsigned len = (unsigned)(a->len < 0 ? -a->len : a->len);
	if (!len || len > 8)
		return;
	const unsigned above = 64 - 8 * len;
	const uint64_t top = (uint64_t)a->n << above;

	a->n = a->len < 0 ? (int64_t)top >> above : (int64_t)(top >> above);
}

struct usdt_arg usdt_arg_parse(enum usdt_machine machine, const char *text, size_t len, uint64_t pc,
			       bool (*symbol_of)(void *arg, const char *name, uint64_t *ret),
			       void *arg)
{
	struct operand o = { text, len, symbol_of, arg };
	struct usdt_arg a = { .reg = NONE, .index = NONE, .scale = 1 };

	bool good = take_len(&o, &a.len);
	if (good)
		good = machine == USDT_X86_64 ? x86_operand(&o, pc, &a) : arm_operand(&o, &a);
	if (good && a.kind == USDT_CONST)
		cut_constant(&a);
	if (!good)
		a = (struct usdt_arg){
			.len = a.len, .kind = USDT_UNKNOWN, .reg = NONE, .index = NONE
		};
	return a;
}
