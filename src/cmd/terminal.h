/* SPDX-License-Identifier: MIT */
/** The terminal that a command writes to. */
#ifndef CMD_TERMINAL_H
#define CMD_TERMINAL_H

/** Its columns; 0 where @fd is no terminal. */
unsigned terminal_width(int fd);

#endif
