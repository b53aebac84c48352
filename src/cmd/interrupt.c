/* SPDX-License-Identifier: MIT */
/** Signals that ask a long work to end early. */
#include "cmd/interrupt.h"

#include <signal.h>
#include <stddef.h>

#include "base/mem.h"

static volatile sig_atomic_t has_come;

static void note(int number)
{
	(void)number;
	has_come = 1;
}

void interrupt_hold(void)
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction how = { .sa_handler = note, .sa_flags = SA_RESTART | SA_RESETHAND };
	struct sigaction before;

	(void)sigemptyset(&how.sa_mask);
	for (size_t i = 0; i < MEM_LEN(numbers); i++) {
		// Whoever started this may want it not to hear of one, as nohup does.
		if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], &how, NULL); // it is no such number that fails
	}
}

bool interrupt_came(void)
{
	return has_come != 0;
}
