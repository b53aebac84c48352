/* SPDX-License-Identifier: MIT */
/** Types of the program that tests read the DWARF of, and compare with what the compiler knows. */
#ifndef SUBJECT_H
#define SUBJECT_H

#include <stdbool.h>
#include <stdint.h>

enum subject_colour { SUBJECT_RED = -3, SUBJECT_GREEN, SUBJECT_BLUE = 200 };
enum subject_small { SUBJECT_ONE = 1, SUBJECT_MANY = 255 } __attribute__((packed));

typedef uint32_t subject_id_t;
typedef struct {
	int x, y;
} subject_point_t;

struct subject_later; /* never told */

struct subject_node {
	struct subject_node *next;
	const volatile subject_id_t id;
	char name[20];
	struct {
		short depth;
		union {
			int64_t number;
			double real;
		};
	};
	struct subject_inner {
		uint8_t bytes[3];
		subject_point_t at;
	} inner[2];
	unsigned flags : 3, mode : 7;
	uint64_t wide : 40;
	bool is_last;
	enum subject_colour colour;
	enum subject_small small;
	int (*call)(struct subject_node *node, long n);
	int grid[2][3][4];
	struct subject_later *later;
	long double precise;
	float open[];
};

/* How the program tells of a function, so that a test can compare the file with memory. */
enum { SUBJECT_CODE = 16 };

#endif
