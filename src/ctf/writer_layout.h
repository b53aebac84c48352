/* SPDX-License-Identifier: MIT */
/** The bytes before a packet's events, and those of index files, as ctf/writer.c writes them. */
#ifndef CTF_WRITER_LAYOUT_H
#define CTF_WRITER_LAYOUT_H

#include <stdint.h>

/*
 * A packet, in the byte order of the machine:
 *
 *	0   u32 magic, u8 uuid[16], u32 stream_id			packet header
 *	24  u64 timestamp_begin, timestamp_end, content_size,
 *	    packet_size, packet_seq_num, events_discarded, u32 cpu_id	packet context
 *	76  4 bytes of padding, so that events begin at multiples of 8
 *	80  events
 *
 * An index file, as LTTng 2.x writes them: be32 magic, major, minor, bytes of an entry; then for
 * each packet the be64 values of struct index_entry.
 */
struct packet_head {
	uint32_t magic;
	uint8_t uuid[16];
	uint32_t stream_id;
	uint64_t begin, end, content_bits, packet_bits, seq, discarded;
	uint32_t cpu;
	uint32_t pad;
};
_Static_assert(sizeof(struct packet_head) == 80, "the layout that describe_stream() tells");

#define CTF_MAGIC   0xC1FC1FC1u
#define INDEX_MAGIC 0xC1F1DCC1u

struct index_head {
	uint32_t magic, major, minor, entry_len;
};

struct index_entry {
	uint64_t off, packet_bits, content_bits, begin, end, discarded, stream_id, instance, seq;
};

/** Fills the entry of the packet with @head at byte @off. */
void index_entry_fill(struct index_entry *e, const struct packet_head *head, uint64_t off);

#endif
