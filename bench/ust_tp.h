/* SPDX-License-Identifier: MIT */
/** Tracepoints of bench/ust_gen.c; read several times over by LTTng's own headers. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER sonde_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./ust_tp.h"

#if !defined(BENCH_UST_TP_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define BENCH_UST_TP_H

#include <stdint.h>

#include <lttng/tracepoint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(sonde_bench, request,
	LTTNG_UST_TP_ARGS(uint32_t, id, uint64_t, bytes, const char *, path, double, load),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint32_t, id, id)
		lttng_ust_field_integer(uint64_t, bytes, bytes)
		lttng_ust_field_string(path, path)
		lttng_ust_field_float(double, load, load)
	)
)

LTTNG_UST_TRACEPOINT_EVENT(sonde_bench, reply,
	LTTNG_UST_TP_ARGS(uint32_t, id, int32_t, status, const uint16_t *, parts, size_t, n_parts,
		double, took),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint32_t, id, id)
		lttng_ust_field_integer(int32_t, status, status)
		lttng_ust_field_sequence(uint16_t, parts, parts, size_t, n_parts)
		lttng_ust_field_float(double, took, took)
	)
)

LTTNG_UST_TRACEPOINT_EVENT(sonde_bench, block,
	LTTNG_UST_TP_ARGS(uint64_t, sector, const uint8_t *, hash, const char *, device),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer_hex(uint64_t, sector, sector)
		lttng_ust_field_array(uint8_t, hash, hash, 8)
		lttng_ust_field_string(device, device)
		lttng_ust_field_integer(int64_t, delta, -(int64_t)(sector & 0xffff))
	)
)

LTTNG_UST_TRACEPOINT_EVENT(sonde_bench, tick,
	LTTNG_UST_TP_ARGS(uint64_t, n, float, rate),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, n, n)
		lttng_ust_field_float(float, rate, rate)
	)
)
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
