/* SPDX-License-Identifier: MIT */
/** Holds perf events that are slow to close, so that neither close() nor exit waits for them. */
#include "bpf/attach_state.h"

#include <linux/bpf.h>
#include <unistd.h>

#include "bpf/sys.h"

enum { KEEPER_EVENTS = 512 }; /* of one array */

static int new_array(struct event_keeper *k)
{
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_PERF_EVENT_ARRAY,
			     .key_size = sizeof(uint32_t),
			     .value_size = sizeof(uint32_t),
			     .max_entries = KEEPER_EVENTS };

	if (k->map >= 0) {
		int r = fd_list_add(&k->full, &k->map);
		if (r < 0)
			return r;
	}
	k->n = 0;
	k->map = sys_bpf(BPF_MAP_CREATE, &a);
	return k->map < 0 ? k->map : 0;
}

int keeper_add(struct attachments *a, int *fd)
{
	struct event_keeper *k = &a->keeper;

	if ((k->map < 0 || k->n == KEEPER_EVENTS) && new_array(k) < 0)
		return fd_list_add(&a->events, fd);

	union bpf_attr attr = { .map_fd = (uint32_t)k->map,
				.key = (uint64_t)(uintptr_t)&k->n,
				.value = (uint64_t)(uintptr_t)fd };
	if (sys_bpf(BPF_MAP_UPDATE_ELEM, &attr) < 0)
		return fd_list_add(&a->events, fd);
	k->n++;
	close(mem_take_fd(fd));
	return 0;
}

void keeper_fini(struct event_keeper *k)
{
	fd_list_close(&k->full, /* at_once= */ false);
	if (k->map >= 0)
		close(k->map);
	k->map = -1;
}
