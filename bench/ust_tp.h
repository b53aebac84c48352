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
	LTTNG_UST_TP_ARGS(uint32_t, id, int64_t, offset, const char *, path, const uint32_t *, ip,
		const uint16_t *, parts, size_t, n_parts, double, load),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint32_t, id, id)
		lttng_ust_field_integer(int64_t, offset, offset)
		lttng_ust_field_string(path, path)
		lttng_ust_field_array(uint32_t, ip, ip, 4)
		lttng_ust_field_sequence(uint16_t, parts, parts, size_t, n_parts)
		lttng_ust_field_float(double, load, load)
	)
)

LTTNG_UST_TRACEPOINT_EVENT(sonde_bench, reply,
	LTTNG_UST_TP_ARGS(uint32_t, id, int32_t, status, double, took, const char *, text,
		const uint8_t *, body, size_t, n_body, const int16_t *, levels),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint32_t, id, id)
		lttng_ust_field_integer(int32_t, status, status)
		lttng_ust_field_float(double, took, took)
		lttng_ust_field_string(text, text)
		lttng_ust_field_sequence_hex(uint8_t, body, body, size_t, n_body)
		lttng_ust_field_array(int16_t, levels, levels, 6)
	)
)

LTTNG_UST_TRACEPOINT_EVENT(sonde_bench, tick,
	LTTNG_UST_TP_ARGS(uint64_t, n, double, rate, double, mean, const char *, cpu),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_integer(uint64_t, n, n)
		lttng_ust_field_integer_hex(uint32_t, flags, (uint32_t)n & 0xff)
		lttng_ust_field_float(double, rate, rate)
		lttng_ust_field_float(double, mean, mean)
		lttng_ust_field_array_text(char, cpu, cpu, 8)
	)
)
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
