/* SPDX-License-Identifier: MIT */
/** A folder that looks like tracefs to those who read event formats. */
#ifndef FAKE_TRACEFS_H
#define FAKE_TRACEFS_H

/** Makes it, with some events, and has libtracefs use it. Returns its path. */
const char *fake_tracefs(void);
void fake_tracefs_remove(void);

/** Adds an event; @fields are lines of its format file. */
void fake_event(const char *group, const char *name, const char *fields);
/** Writes a file in a folder of it, which is made. */
void fake_file(const char *dir, const char *name, const char *text);

#endif
