/* SPDX-License-Identifier: MIT */
/** A library with two versions of a function. */
int first_f(int n);
int second_f(int n);

int first_f(int n)
{
	return n + 1;
}

int second_f(int n)
{
	return n + 2;
}

__asm__(".symver first_f,subject_f@SUBJECT_1\n"
	".symver second_f,subject_f@@SUBJECT_2\n");
