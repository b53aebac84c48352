/* SPDX-License-Identifier: MIT */
/** Report net: TCP connections, what they moved and how long it took; packets of devices. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sonde/err.h>

#include "analysis/all.h"
#include "analysis/net/conns.h"
#include "analysis/report.h"
#include "base/arena.h"
#include "base/mem.h"
#include "base/ns.h"
#include "graph/component.h"

enum { ROWS = 25, ROWS_DEVICES = 20, END_MOST = INET6_ADDRSTRLEN + 16 };

struct net_report {
	struct report report;
	struct net_conns *conns; /* owned */
	struct arena arena;	 /* text of the tables */
};

static int net_init(struct sonde_component *c, const struct sonde_setup *setup)
{
	struct net_report *s = c->state;
	int r = report_init(&s->report, setup);

	return r < 0 ? r : net_conns_new(s->report.from_ns, s->report.to_ns, &s->conns);
}

static void net_fini(struct sonde_component *c)
{
	struct net_report *s = c->state;

	net_conns_free(s->conns);
	arena_fini(&s->arena);
}

static int net_consume(struct sonde_component *c, const struct sonde_batch *in)
{
	struct net_report *s = c->state;

	return net_conns_consume(s->conns, in);
}

static const struct table_column conn_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "local", "LOCAL", TABLE_TEXT },
	{ "remote", "REMOTE", TABLE_TEXT },
	{ "role", NULL, TABLE_TEXT },
	{ "pid", "PID", TABLE_ID },
	{ "process", "PROCESS", TABLE_TEXT },
	{ "opened_ns", NULL, TABLE_ID },
	{ "established_ns", NULL, TABLE_ID },
	{ "closed_ns", NULL, TABLE_ID },
	{ "after_begin_ns", "OPENED AT", TABLE_NS },
	{ "lasted_ns", "LASTED", TABLE_NS },
	{ "state", NULL, TABLE_TEXT },
	{ "states_ns", NULL, TABLE_TEXT },
	{ "bytes", NULL, TABLE_BYTES },
	{ "sent_bytes", "SENT", TABLE_BYTES },
	{ "received_bytes", "RECEIVED", TABLE_BYTES },
	{ "sends", NULL, TABLE_COUNT },
	{ "receives", NULL, TABLE_COUNT },
	{ "segments_out", "OUT", TABLE_COUNT },
	{ "segments_in", "IN", TABLE_COUNT },
	{ "retransmits", "AGAIN", TABLE_COUNT },
	{ "rtt_mean_ns", "RTT", TABLE_NS },
	{ "rtt", NULL, TABLE_TEXT },
	{ "first_byte_ns", "FIRST BYTE", TABLE_NS },
};
_Static_assert(MEM_LEN(conn_columns) <= REPORT_COLUMNS_MOST, "a table has room for them");

static const char *const states[NET_N_STATES] = {
	[1] = "established", [2] = "syn_sent",	[3] = "syn_recv", [4] = "fin_wait1",
	[5] = "fin_wait2",   [6] = "time_wait", [7] = "close",	  [8] = "close_wait",
	[9] = "last_ack",    [10] = "listen",	[11] = "closing", [12] = "new_syn_recv",
	[13] = "bound",
};

/* "10.0.0.1:80", "[::1]:80"; "?" where that is not known. NULL: no memory. */
static const char *end_text(struct net_report *s, const struct net_conn *c,
			    const struct net_end *end)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const bool v4 = !memcmp(end->addr, mapped, sizeof(mapped));
	char addr[INET6_ADDRSTRLEN], text[END_MOST];

	if (!c->has_ends ||
	    !inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? end->addr + sizeof(mapped) : end->addr, addr,
		       sizeof(addr)))
		return "?";
	(void)snprintf(text, sizeof(text), v4 ? "%s:%u" : "[%s]:%u", addr, end->port);
	return arena_strndup(&s->arena, text, strlen(text));
}

/* {"established": 12, ...}; NULL: no memory. */
static const char *states_text(struct net_report *s, const struct net_conn *c)
{
	char text[512] = "{";
	size_t len = 1;

	for (unsigned i = 1; i < NET_N_STATES; i++) {
		if (!c->states_ns[i])
			continue;
		const int n = snprintf(text + len, sizeof(text) - len, "%s\"%s\": %" PRId64,
				       len > 1 ? ", " : "", states[i], c->states_ns[i]);
		len += n > 0 && (size_t)n < sizeof(text) - len ? (size_t)n : 0;
	}
	if (len + 1 < sizeof(text))
		text[len++] = '}';
	return arena_strndup(&s->arena, text, len);
}

static const char *rtt_text(struct net_report *s, const struct net_conn *c)
{
	char text[160];

	(void)snprintf(text, sizeof(text),
		       "{\"count\": %" PRIu64 ", \"min_ns\": %" PRId64 ", \"max_ns\": %" PRId64 "}",
		       c->rtt.n, c->rtt.least_ns, c->rtt.most_ns);
	return arena_strndup(&s->arena, text, strlen(text));
}

static void add_time(struct table *t, int64_t ns)
{
	if (ns == KERNEL_NO_TIME)
		table_none(t);
	else
		table_int(t, ns);
}

static void add_between(struct table *t, int64_t begin, int64_t end)
{
	if (begin == KERNEL_NO_TIME || end == KERNEL_NO_TIME || end < begin)
		table_none(t);
	else
		table_int(t, ns_between(begin, end));
}

static void add_known(struct table *t, const struct net_conn *c, unsigned what, int64_t v)
{
	if (c->knows & what)
		table_int(t, v);
	else
		table_none(t);
}

static void add_who(struct table *t, const struct net_conn *c)
{
	const struct kernel_thread *th = c->thread;

	table_str(t, c->connects ? "connects" : c->accepts ? "accepts" : "");
	report_id(t, !th ? -1 : th->pid >= 0 ? th->pid : th->tid);
	table_str(t, th ? th->name : "");
}

static void add_times(struct table *t, const struct net_conn *c, int64_t begin_ns)
{
	add_time(t, c->opened_ns);
	add_time(t, c->established_ns);
	add_time(t, c->closed_ns);
	add_between(t, begin_ns, c->opened_ns);
	add_between(t, c->opened_ns, c->closed_ns);
}

static void add_traffic(struct net_report *s, struct table *t, const struct net_conn *c)
{
	const unsigned kinds = net_conns_kinds(s->conns, c->host);

	table_int(t, ns_after(c->sent_bytes, c->received_bytes));
	add_known(t, c, NET_KNOWS_SENT, c->sent_bytes);
	add_known(t, c, NET_KNOWS_RECEIVED, c->received_bytes);
	report_id(t, kinds & 1U << NET_SEND ? (int64_t)c->sends : -1);
	report_id(t, kinds & 1U << NET_RECEIVE ? (int64_t)c->receives : -1);
	add_known(t, c, NET_KNOWS_OUT, (int64_t)c->segments_out);
	add_known(t, c, NET_KNOWS_IN, (int64_t)c->segments_in);
	add_known(t, c, NET_KNOWS_AGAIN, (int64_t)c->retransmits);
	if (c->rtt.n)
		table_real(t, spread_mean(&c->rtt));
	else
		table_none(t);
}

static int add_conn(struct net_report *s, struct table *t, const struct net_conn *c,
		    int64_t begin_ns)
{
	const char *local = end_text(s, c, &c->local), *remote = end_text(s, c, &c->remote);
	const char *in_states = states_text(s, c), *rtt = rtt_text(s, c);

	if (!local || !remote || !in_states || !rtt)
		return -ENOMEM;
	report_host(t, c->host);
	table_str(t, local);
	table_str(t, remote);
	add_who(t, c);
	add_times(t, c, begin_ns);
	table_str(t, c->state > 0 && c->state < NET_N_STATES ? states[c->state] : "");
	table_json_text(t, in_states);
	add_traffic(s, t, c);
	table_json_text(t, rtt);
	add_between(t, c->opened_ns, c->first_received_ns);
	return 0;
}

static bool wanted(const struct net_report *s, const struct net_conn *c)
{
	if (!c->active)
		return false;
	return c->thread ? report_wants(&s->report, c->thread)
			 : !s->report.n_pids && !s->report.n_tids;
}

static int show_conns(struct net_report *s, int64_t begin_ns)
{
	const struct net_conn *conns;
	const size_t n = net_conns_all(s->conns, &conns);
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct table t;
	int r = 0;

	report_hosts_table(&t, net_conns_kernel(s->conns), cols, conn_columns,
			   MEM_LEN(conn_columns));
	for (size_t i = 0; i < n && r >= 0; i++) {
		if (wanted(s, &conns[i]))
			r = add_conn(s, &t, &conns[i], begin_ns);
	}
	r = r < 0 ? sonde_fail(r, "out of memory for the report")
		  : report_table(&s->report, &t, "connections", "TCP connections", "bytes", ROWS);
	table_fini(&t);
	return r;
}

static const struct table_column device_columns[] = {
	{ "host", NULL, TABLE_TEXT },
	{ "device", "DEVICE", TABLE_TEXT },
	{ "sent_bytes", "SENT", TABLE_BYTES },
	{ "sent_packets", "PACKETS", TABLE_COUNT },
	{ "received_bytes", "RECEIVED", TABLE_BYTES },
	{ "received_packets", "PACKETS", TABLE_COUNT },
};

static int show_devices(struct net_report *s)
{
	const struct net_device *devices;
	const size_t n = net_conns_devices(s->conns, &devices);
	struct table_column cols[REPORT_COLUMNS_MOST];
	struct table t;

	report_hosts_table(&t, net_conns_kernel(s->conns), cols, device_columns,
			   MEM_LEN(device_columns));
	for (size_t i = 0; i < n; i++) {
		const struct net_device *d = &devices[i];

		report_host(&t, d->host);
		table_str(&t, d->name);
		for (int k = 0; k < 2; k++) {
			const enum net_way way = k ? NET_IN : NET_OUT;
			const unsigned rank = net_conns_rank(s->conns, d->host, way);

			if (rank) {
				table_int(&t, d->bytes[way][rank]);
				table_int(&t, (int64_t)d->packets[way][rank]);
			} else {
				table_none(&t);
				table_none(&t);
			}
		}
	}
	int r = report_beside(&s->report, &t, "devices", "Devices: packets of all protocols",
			      "sent_bytes", ROWS_DEVICES);
	table_fini(&t);
	return r;
}

/* What all hosts together can tell. */
static unsigned all_kinds(const struct net_report *s, unsigned ret_ranks[2])
{
	struct kernel_host *const *hosts;
	const size_t n = kernel_hosts(net_conns_kernel(s->conns), &hosts);
	unsigned kinds = 0;

	ret_ranks[NET_IN] = ret_ranks[NET_OUT] = 0;
	for (size_t i = 0; i < n; i++) {
		kinds |= net_conns_kinds(s->conns, hosts[i]);
		ret_ranks[NET_IN] |= net_conns_rank(s->conns, hosts[i], NET_IN);
		ret_ranks[NET_OUT] |= net_conns_rank(s->conns, hosts[i], NET_OUT);
	}
	return kinds & ~1U;
}

static void show_lacks(const struct net_report *s, unsigned kinds, const unsigned ranks[2])
{
	const struct report *r = &s->report;
	const bool headers = kinds & (1U << NET_SEG_OUT | 1U << NET_SEG_IN);

	if (!headers) {
		report_lack(r, kinds & 1U << NET_STATE, "inet_sock_set_state", "--net");
		report_lack(r, kinds & 1U << NET_SEND, "sock_send_length", "--net");
		report_lack(r, kinds & (1U << NET_RECEIVE | 1U << NET_ARRIVED),
			    "sock_recv_length or tcp_probe", "--net");
		report_lack(r, kinds & 1U << NET_AGAIN, "tcp_retransmit_skb", "--net");
	}
	report_lack(r, ranks[NET_OUT], "net_dev_xmit", "-e net:net_dev_xmit");
	report_lack(r, ranks[NET_IN], "netif_receive_skb", "-e net:netif_receive_skb");
	if (net_conns_over(s->conns))
		report_note(r, "there are too many connections: %" PRIu64 " events are left out",
			    net_conns_over(s->conns));
}

static int net_finish(struct sonde_component *c)
{
	struct net_report *s = c->state;
	const struct kernel *k = net_conns_kernel(s->conns);
	struct kernel_cpu *const *cpus;
	int64_t begin, end;
	unsigned ranks[2];

	net_conns_finish(s->conns);
	int r = kernel_span(k, &begin, &end);
	if (r < 0)
		return r;
	const unsigned kinds = all_kinds(s, ranks);
	if (!kinds && !ranks[NET_IN] && !ranks[NET_OUT])
		return report_lacks(&s->report, false, "network", "--net");
	report_begin(&s->report, kernel_cpus(k, &cpus), begin, end);
	if (kinds)
		r = show_conns(s, begin);
	if (r >= 0 && (ranks[NET_IN] || ranks[NET_OUT]))
		r = show_devices(s);
	show_lacks(s, kinds, ranks);
	report_doubts(&s->report, k);
	report_end(&s->report);
	return r;
}

const struct sonde_component_class analysis_net = {
	.abi = SONDE_ABI,
	.kind = SONDE_SINK,
	.name = "report.net",
	.help = "What TCP connections moved, how fast and for whom; packets of network devices",
	.state_size = sizeof(struct net_report),
	.init = net_init,
	.fini = net_fini,
	.consume = net_consume,
	.finish = net_finish,
};
