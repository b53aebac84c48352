/* SPDX-License-Identifier: MIT */
/**
 * Lengths of instructions. Of x86-64, by the manuals of its makers:
 *
 *	prefixes | REX | opcode: xx, 0f xx, 0f 38 xx, 0f 3a xx | ModRM | SIB | offset | constant
 *	VEX (c5, c4) or EVEX (62), which tell the opcode's table | opcode | ModRM ...
 */
#include "sym/probe/insn.h"

#include <elf.h>
#include <stdbool.h>

#include "base/mem.h"

/*
 * What follows an opcode. Rows are its upper 4 bits, columns the lower ones:
 *	. nothing    b w 1, 2 bytes    z 4 bytes, or 2 behind 66    e both 2 and 1 bytes
 *	M ModRM      B Z the same and 1, 4 bytes    F G the same only with ModRM's /0 and /1
 *	q 4 bytes, or 8 with REX.W, or 2 behind 66    a an address    j 4 bytes, always
 *	p a prefix   x there is no such instruction, or it leads on to another table
 */
static const char one_byte[] = "MMMMbzxxMMMMbzxx" /* 00: arithmetic; 0f leads on */
			       "MMMMbzxxMMMMbzxx"
			       "MMMMbzpxMMMMbzpx"
			       "MMMMbzpxMMMMbzpx"
			       "xxxxxxxxxxxxxxxx" /* 40: REX */
			       "................"
			       "xxxMppppzZbB...." /* 60: 62 is EVEX */
			       "bbbbbbbbbbbbbbbb"
			       "BZxBMMMMMMMMMMMM" /* 80 */
			       "..........x....."
			       "aaaa....bz......"
			       "bbbbbbbbqqqqqqqq"
			       "BBw.xxBZe.w..bx." /* c0: c4 and c5 are VEX */
			       "MMMMxxx.MMMMMMMM"
			       "bbbbbbbbjjxb...."
			       "p.pp..FG......MM";

static const char two_bytes[] = "MMMMx.....x.xM.B" /* 0f 00 */
				"MMMMMMMMMMMMMMMM"
				"MMMMxxxxMMMMMMMM"
				"......x.xxxxxxxx" /* 0f 30: 38 and 3a lead on */
				"MMMMMMMMMMMMMMMM"
				"MMMMMMMMMMMMMMMM"
				"MMMMMMMMMMMMMMMM"
				"BBBBMMM.MMMMMMMM"
				"jjjjjjjjjjjjjjjj"
				"MMMMMMMMMMMMMMMM"
				"...MBMMM...MBMMM"
				"MMMMMMMMMMBMMMMM"
				"MMBMBBBM........"
				"MMMMMMMMMMMMMMMM"
				"MMMMMMMMMMMMMMMM"
				"MMMMMMMMMMMMMMMM";

_Static_assert(sizeof(one_byte) == 257 && sizeof(two_bytes) == 257, "one letter each");

/* An instruction on its way; @at is behind what was read, more than @len where there is too little.
 */
struct insn {
	const uint8_t *code;
	size_t at, len;
	bool short_data, short_address, wide; /* 66, 67, REX.W */
};

static unsigned next(struct insn *i)
{
	return i->at < i->len ? i->code[i->at++] : (i->at = i->len + 1, 0);
}

/* Behind the byte @modrm. */
static void skip_operand(struct insn *i, unsigned modrm)
{
	const unsigned mod = modrm >> 6;
	unsigned base = modrm & 7;

	if (mod == 3)
		return;
	const bool sib = base == 4;
	if (sib)
		base = next(i) & 7;
	if (mod == 1)
		i->at += 1;
	else if (mod == 2 || base == 5)
		i->at += 4;
}

/* Behind what the letter of a table says. False: there is no such instruction. */
static bool skip_rest(struct insn *i, char letter)
{
	const size_t z = i->short_data ? 2 : 4;
	unsigned modrm = 0;

	if (letter == 'M' || letter == 'B' || letter == 'Z' || letter == 'F' || letter == 'G') {
		modrm = next(i);
		skip_operand(i, modrm);
	}
	const bool tests = (modrm >> 3 & 7) < 2;
	switch (letter) {
	case '.':
	case 'M': break;
	case 'b':
	case 'B': i->at += 1; break;
	case 'w': i->at += 2; break;
	case 'e': i->at += 3; break;
	case 'z':
	case 'Z': i->at += z; break;
	case 'j': i->at += 4; break;
	case 'F': i->at += tests ? 1 : 0; break;
	case 'G': i->at += tests ? z : 0; break;
	case 'q': i->at += i->wide ? 8 : z; break;
	case 'a': i->at += i->short_address ? 4 : 8; break;
	default: return false;
	}
	return true;
}

/* Table @map of VEX and EVEX: 1 is that of 0f, 2 of 0f 38, 3 of 0f 3a; 5 and 6 have no old one. */
static bool skip_vex(struct insn *i, unsigned map)
{
	const unsigned op = next(i);

	i->short_data = false;
	switch (map) {
	case 1: return skip_rest(i, op == 0x77 ? '.' : two_bytes[op] == 'B' ? 'B' : 'M');
	case 2:
	case 5:
	case 6: return skip_rest(i, 'M');
	case 3: return skip_rest(i, 'B');
	default: return false;
	}
}

static bool skip_opcode(struct insn *i)
{
	unsigned op = next(i);

	if ((op & 0xf0) == 0x40) {
		i->wide = op & 8;
		op = next(i);
	}
	if (op == 0xc5 || op == 0xc4 || op == 0x62) {
		const unsigned payload = next(i);
		i->at += op == 0xc5 ? 0 : op == 0xc4 ? 1 : 2;
		return skip_vex(i, op == 0xc5 ? 1 : op == 0xc4 ? payload & 31 : payload & 7);
	}
	if (op != 0x0f)
		return skip_rest(i, one_byte[op]);
	op = next(i);
	if (op == 0x38 || op == 0x3a) {
		i->at++;
		return skip_rest(i, op == 0x38 ? 'M' : 'B');
	}
	return skip_rest(i, two_bytes[op]);
}

static size_t x86_len(const uint8_t *code, size_t len)
{
	struct insn i = { .code = code, .len = len < INSN_MOST ? len : INSN_MOST };

	while (i.at < i.len && one_byte[code[i.at]] == 'p') {
		i.short_data |= code[i.at] == 0x66;
		i.short_address |= code[i.at] == 0x67;
		i.at++;
	}
	return skip_opcode(&i) && i.at <= i.len ? i.at : 0;
}

size_t insn_len(unsigned machine, const uint8_t *code, size_t len)
{
	switch (machine) {
	case EM_X86_64: return x86_len(code, len);
	case EM_AARCH64: return len >= 4 ? 4 : 0;
	default: return 0;
	}
}
