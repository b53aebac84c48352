#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes small CTF 1.8 traces of odd shapes, for the comparison of text with babeltrace2's.

usage: make_traces.py FOLDER

Each trace is a folder of a metadata text and streams. The bytes are the same in every run.
"""
import os
import struct
import sys


class Bits:
    """Bits in the order of CTF: little-endian fields fill from the lowest bit, big-endian ones
    from the highest."""

    def __init__(self, big=False):
        self.bits = []
        self.big = big

    def align(self, n):
        while len(self.bits) % n:
            self.bits.append(0)
        return self

    def put(self, value, n, align=1, big=None):
        self.align(align)
        value &= (1 << n) - 1
        one = [value >> i & 1 for i in range(n)]
        if self.big if big is None else big:
            one.reverse()
        self.bits += one
        return self

    def int8(self, value):
        return self.put(value, 8, 8)

    def int16(self, value):
        return self.put(value, 16, 8)

    def int32(self, value):
        return self.put(value, 32, 8)

    def int64(self, value):
        return self.put(value, 64, 8)

    def raw(self, data):
        self.align(8)
        for byte in data:
            one = [byte >> i & 1 for i in range(8)]
            self.bits += reversed(one) if self.big else one
        return self

    def text(self, s):
        return self.raw((s if isinstance(s, bytes) else s.encode()) + b"\0")

    def double(self, v):
        return self.raw(struct.pack(">d" if self.big else "<d", v))

    def float(self, v):
        return self.raw(struct.pack(">f" if self.big else "<f", v))

    def bytes(self):
        self.align(8)
        out = bytearray()
        for i in range(0, len(self.bits), 8):
            one = self.bits[i : i + 8]
            if self.big:
                one = one[::-1]
            out.append(sum(bit << k for k, bit in enumerate(one)))
        return bytes(out)


def write(folder, metadata, streams):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "metadata"), "w", encoding="utf-8") as f:
        f.write("/* CTF 1.8 */\n" + metadata)
    for name, data in streams.items():
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)


INTS = """
typealias integer { size = 8; align = 8; } := u8;
typealias integer { size = 16; align = 8; } := u16;
typealias integer { size = 32; align = 8; } := u32;
typealias integer { size = 64; align = 8; } := u64;
typealias integer { size = 8; align = 8; signed = true; } := s8;
typealias integer { size = 16; align = 8; signed = true; } := s16;
typealias integer { size = 32; align = 8; signed = true; } := s32;
typealias integer { size = 64; align = 8; signed = true; } := s64;
"""

CLOCK = """
clock {{
    name = monotonic; uuid = "5b6a0c1e-8d2f-4b7a-9c3d-{n:012x}"; description = "a clock";
    freq = {freq}; precision = 1; offset_s = {offset_s}; offset = {offset}; absolute = {absolute};
}};
typealias integer {{ size = 64; align = 8; map = clock.monotonic.value; }} := stamp;
"""

HEAD = """
trace {{
    major = 1; minor = 8; byte_order = {order}; uuid = "0d1c7c3a-5f0e-4f5c-8e55-{n:012x}";
    packet.header := struct {{ u32 magic; u32 stream_id; u64 stream_instance_id; }};
}};
env {{ {env} }};
"""

STREAM = """
stream {{
    id = {id};
    packet.context := struct {{
        stamp timestamp_begin; stamp timestamp_end; u64 content_size; u64 packet_size;
        u64 packet_seq_num; u64 events_discarded; {context}
    }};
    event.header := struct {{ u16 id; stamp timestamp; }};
    {more}
}};
"""

ENV = 'hostname = "host"; domain = "ust"; procname = "prog"; vpid = 4242; kernel_release = "6.1";'


def prelude(order="le", n=1, env=ENV, clock=True, freq=1000000000, offset_s=1412663638,
            offset=123, absolute="true"):
    text = INTS + HEAD.format(order=order, n=n, env=env)
    if clock:
        text += CLOCK.format(freq=freq, offset_s=offset_s, offset=offset, absolute=absolute, n=n)
    return text


def packet(events, big=False, stream=0, instance=0, seq=0, discarded=0, context=b"", span=None):
    """A packet of (event id, time, payload bytes or a function that adds to Bits)."""
    span = span or (min(e[1] for e in events), max(e[1] for e in events))
    b = Bits(big)
    b.int32(0xC1FC1FC1).int32(stream).int64(instance)
    b.int64(span[0]).int64(span[1])
    sizes = len(b.bits)
    b.int64(0).int64(0).int64(seq).int64(discarded).raw(context)
    for number, time, payload in events:
        b.int16(number).int64(time)
        if callable(payload):
            payload(b)
        else:
            b.raw(payload)
    content = len(b.bits)
    b.align(64)
    tail = Bits(big).int64(content).int64(len(b.bits))
    b.bits[sizes : sizes + 128] = tail.bits
    return b.bytes()


def le(fmt, *values):
    return struct.pack("<" + fmt, *values)


def integers(folder, big):
    """Sizes 1 to 64, aligned or not, signed or not, in each base."""
    bases = (("d", 10), ("x", 16), ("o", 8), ("b", 2))
    text = prelude("be" if big else "le", 2 + big)
    text += STREAM.format(id=0, context="u32 cpu_id;", more="")
    events = []
    number = 0
    for name, base in bases:
        for align in (1, 8):
            for signed in (False, True):
                fields = ""
                sizes = [1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17, 24, 31, 32, 33, 47, 60, 63, 64]
                if base == 16:
                    # babeltrace2 2.0.4 shows all of 61 to 63 bits in base 16 as 0x0.
                    sizes.remove(63)
                for size in sizes:
                    fields += (
                        f"integer {{ size = {size}; align = {align}; base = {base}; "
                        f"signed = {'true' if signed else 'false'}; }} {name}{size};\n"
                    )
                text += f"event {{ id = {number}; stream_id = 0; name = \"int_{name}_{align}"
                text += f"{'_s' if signed else ''}\"; fields := struct {{ {fields} }}; }};\n"
                for k, value in enumerate((0, 1, 0x5A5A5A5A5A5A5A5A, -1, -2, -(1 << 63))):

                    def payload(b, value=value, align=align, sizes=sizes):
                        for size in sizes:
                            v = value if size == 64 or value >= -2 else 1 << (size - 1)
                            b.put(v, size, align)

                    events.append((number, number * 1000 + k, payload))
                number += 1
    write(folder, text, {"stream": packet(events, big, context=struct.pack(
        ">I" if big else "<I", 3))})


def enums(folder):
    text = prelude(n=4) + STREAM.format(id=0, context="u32 cpu_id;", more="")
    text += """
event { id = 0; stream_id = 0; name = "enums"; fields := struct {
    enum : u8 { ZERO, ONE, "two words" = 2 ... 4, FIVE = 5, OVER = 3 ... 6, HIGH = 255 } a;
    enum : s8 { MINUS = -1, LOW = -128 ... -100, NONE = 0, SOME = 1 ... 127 } b;
    enum : u32 { BIT0 = 1, BIT1 = 2, BIT1B = 2, BIT4 = 16, TOP = 0x80000000 } c;
    enum : s32 { BIT0 = 1, BIT1 = 2, BIT3 = 8 } d;
    enum : integer { size = 3; align = 1; base = 16; } { A = 1, B = 2, C = 4 } e;
    enum : integer { size = 13; align = 1; base = 2; } { "quote\\"d" = 1, "new\\nline" = 2 } f;
    enum : u16 { SAME = 1, OTHER = 5, SAME = 7, SAME = 9 ... 12, ONCE = 7 } g;
}; };
"""

    def fields(a, b_, c, d, e, f, g):
        def payload(b):
            b.int8(a).int8(b_).int32(c).int32(d).put(e, 3).put(f, 13).int16(g)

        return payload

    rows = [
        (0, -1, 1, 1, 1, 1, 1),
        (1, -128, 3, 3, 3, 2, 7),
        (2, -100, 19, 4, 7, 3, 9),
        (3, -99, 4, 11, 0, 0, 12),
        (4, 0, 0, 0, 5, 4096, 13),
        (5, 1, 0x80000001, -1, 6, 8191, 5),
        (6, 127, 0x80000010, -2147483648, 4, 1, 0),
        (7, -2, 18, 9, 2, 2, 2),
        (255, -50, 0xFFFFFFFF, 10, 1, 1, 6),
    ]
    events = [(0, 10 + i, fields(*row)) for i, row in enumerate(rows)]
    write(folder, text, {"stream": packet(events, context=le("I", 0))})


def reals(folder):
    text = prelude(n=5) + STREAM.format(id=0, context="", more="")
    text += """
event { id = 0; stream_id = 0; name = reals; fields := struct {
    floating_point { exp_dig = 8; mant_dig = 24; align = 8; byte_order = le; } f;
    floating_point { exp_dig = 11; mant_dig = 53; align = 8; byte_order = le; } d;
    floating_point { exp_dig = 8; mant_dig = 24; align = 8; byte_order = be; } fb;
    floating_point { exp_dig = 11; mant_dig = 53; align = 8; byte_order = be; } db;
}; };
"""
    inf = float("inf")
    values = [0.0, -0.0, 1.0, -1.5, 0.1, 1e6, 999999.5, 100000.5, 1e-4, 1e-5, 123456789.0, 1e300,
              5e-324, 3.14159265358979, inf, -inf, 2.0**40, 1 / 3, 1e15, 65504.0]
    events = []
    for i, v in enumerate(values):
        f = v if abs(v) < 1e38 or abs(v) == inf else 3e38
        data = le("f", f) + le("d", v) + struct.pack(">fd", f, v)
        events.append((0, i, data))
    nan = le("I", 0x7FC00000) + le("Q", 0x7FF8000000000000)
    minus = le("I", 0xFFC00000) + le("Q", 0xFFF8000000000000)
    events.append((0, 90, nan + struct.pack(">IQ", 0x7FC00000, 0x7FF8000000000000)))
    events.append((0, 91, minus + struct.pack(">IQ", 0xFFC00000, 0xFFF8000000000000)))
    write(folder, text, {"stream": packet(events)})


def strings(folder):
    text = prelude(n=6) + STREAM.format(id=0, context="u32 cpu_id;", more="")
    text += """
typealias integer { size = 8; align = 8; encoding = UTF8; } := chr;
typealias integer { size = 8; align = 8; encoding = ASCII; signed = true; } := achr;
event { id = 0; stream_id = 0; name = "strings"; fields := struct {
    string s; string { encoding = ASCII; } t; chr fixed[8]; u16 _n; chr counted[_n];
    achr empty[0]; u8 _m; achr acounted[_m];
}; };
event { id = 1; stream_id = 0; name = "only"; fields := struct { string s; }; };
"""

    def one(s, fixed, counted, acounted=b""):
        return (s + b"\0" + s[::-1] + b"\0" + fixed.ljust(8, b"\0")[:8] + le("H", len(counted))
                + counted + le("B", len(acounted)) + acounted)

    every = bytes(range(1, 256))
    samples = [
        one(b"", b"", b""),
        one(b"plain", b"12345678", b"seven..", b"x"),
        one(b'q"uote \\ back \'single\' what?', b"a\0b\0c", b"cut\0here", b"cut\0too"),
        one(every, b"\n\t\r\a\b\f\v\x1b", every, every[:200]),
        one("Grüße — ∑ 日本".encode(), "ä".encode() * 4, "ß".encode() * 40, b"\xff\xfe"),
    ]
    events = [(0, 100 + i, data) for i, data in enumerate(samples)]
    for n in list(range(0, 70)) + [4095, 4096, 20000]:
        events.append((1, 200 + n, b"x" * n + b"\0"))
        events.append((1, 200 + n, b"\x01" * n + b"\0"))
    events.append((1, 30000, b"long " * 30000 + b"\0"))
    write(folder, text, {"stream": packet(events, context=le("I", 7))})


def compounds(folder):
    text = prelude(n=7) + STREAM.format(
        id=0, context="u32 cpu_id; struct { u8 x; u16 y; } more; u8 _k; u8 list[_k];",
        more="event.context := struct { s32 vpid; u8 flag; struct { } none; };")
    text += """
struct point { s16 x; s16 y; };
event { id = 0; stream_id = 0; name = "compounds";
    context := struct { u16 depth; enum : u8 { first, second, third } kind; };
    fields := struct {
        struct { } nothing;
        struct { u8 a; struct { u8 b; struct { u8 c; } deep; } mid; } nested;
        u8 none[0]; u8 one[1]; u16 three[3]; u8 grid[2][3];
        struct point points[2];
        u8 _len; struct { u8 v; string name; } seq[_len];
        u8 _count; string words[_count];
        integer { size = 5; align = 1; } bits[7];
        u8 after;
    };
};
event { id = 1; stream_id = 0; name = "tagged";
    context := struct { u16 depth; enum : u8 { first, second, third } kind; };
    fields := struct {
        enum : u8 { num, str, pt, empty, many } _tag;
        variant <_tag> { u32 num; string str; struct point pt; struct { } empty;
            struct { u8 _c; u16 v[_c]; } many; } value;
        enum : s8 { neg = -5 ... -1, pos = 1 ... 5 } _sign;
        variant <_sign> { s32 neg; u8 pos; } by_sign;
    };
};
event { id = 2; stream_id = 0; name = "no fields";
    context := struct { u16 depth; }; };
event { id = 3; stream_id = 0; name = "empty fields"; fields := struct { }; };
event { id = 4; stream_id = 0; name = "bare"; };
"""
    common = le("iB", -77, 1)

    def first(n, words):
        data = common + le("HB", 9, n % 4) + bytes([1, 2, 3, 42]) + le("HHH", 1, 2, 3)
        data += bytes(range(6)) + le("hhhh", -1, 2, -3, 4)
        data += le("B", n) + b"".join(le("B", i) + b"name%d\0" % i for i in range(n))
        data += le("B", len(words)) + b"".join(w + b"\0" for w in words)

        def payload(b):
            b.raw(data)
            for i in range(7):
                b.put(31 - i, 5)
            b.int8(200)

        return payload

    def tagged(kind, tag, value, sign, by_sign):
        return (common + le("HB", 1, kind) + le("B", tag) + value + le("b", sign)
                + by_sign)

    events = [
        (0, 1, first(0, [])),
        (0, 2, first(3, [b"alpha", b"", b"b\"c"])),
        (0, 3, first(1, [b"w"] * 20)),
        (1, 4, tagged(0, 0, le("I", 7), -5, le("i", -9))),
        (1, 5, tagged(1, 1, b"text\0", 5, b"\x08")),
        (1, 6, tagged(2, 2, le("hh", 4, -4), -1, le("i", 1))),
        (1, 7, tagged(0, 3, b"", 1, b"\x02")),
        (1, 8, tagged(0, 4, le("BHHH", 3, 10, 20, 30), 2, b"\x02")),
        (2, 9, common + le("H", 5)),
        (3, 10, common),
        (4, 11, common),
    ]
    write(folder, text, {"stream": packet(
        events, context=le("IBHB", 2, 5, 600, 3) + bytes([7, 8, 9]))})


def levels(folder):
    text = prelude(n=8) + STREAM.format(id=0, context="u32 cpu_id;", more="")
    for i in range(16):
        text += f"event {{ id = {i}; stream_id = 0; name = \"level:{i}\"; loglevel = {i};"
        if i % 3 == 0:
            text += f' model.emf.uri = "http://example.org/emf?{i}";'
        text += " fields := struct { u8 v; }; };\n"
    text += 'event { id = 16; stream_id = 0; name = "odd \\"name\\" ünï"; '
    text += "fields := struct { u8 v; }; };\n"
    text += 'event { id = 17; stream_id = 0; name = ""; fields := struct { u8 _v; u8 __w; }; };\n'
    events = [(i, 1000 * i * i, bytes([i])) for i in range(17)] + [(17, 400000, b"\1\2")]
    write(folder, text, {"stream": packet(events, context=le("I", 1))})


def times(folder):
    """Before 1970, far future, odd frequencies, an offset in cycles."""
    rows = {
        "before-1970": dict(offset_s=-1000, offset=0),
        "around-1970": dict(offset_s=-3, offset=999999999),
        "one-before": dict(offset_s=-1, offset=999999998),
        "mhz": dict(freq=1000000, offset_s=1000000000, offset=2500000),
        "odd-freq": dict(freq=3579545, offset_s=1600000000, offset=77),
        "fast": dict(freq=3000000000, offset_s=1600000000, offset=1),
        "summer": dict(offset_s=1435708799, offset=0),
        "change": dict(offset_s=1446357595, offset=0),
        "far": dict(offset_s=4102444800, offset=0),
        "long-up": dict(freq=3579545, offset_s=5, offset=3579545 * 7 + 3, base=7 * 10**14 + 1),
        "slow": dict(freq=1000, offset_s=5, offset=10**12, base=4 * 10**11),
        "relative": dict(offset_s=0, offset=0, absolute="false"),
    }
    for i, (name, row) in enumerate(rows.items()):
        base = row.pop("base", 0)
        text = prelude(n=20 + i, **row) + STREAM.format(id=0, context="u32 cpu_id;", more="")
        text += 'event { id = 0; stream_id = 0; name = e; fields := struct { u8 v; }; };\n'
        second = row.get("freq", 1000000000)
        steps = [0, 1, 500, second - 1, second, second + 7, 3 * second, 86400 * second,
                 90000 * second + 5]
        write(os.path.join(folder, name), text, {"stream": packet(
            [(0, base + at, bytes([k])) for k, at in enumerate(steps)], context=le("I", 0))})


def no_clock(folder):
    text = INTS + HEAD.format(order="le", n=40, env="")
    text += """
stream { id = 0; event.header := struct { u8 id; }; };
event { id = 0; stream_id = 0; name = a; fields := struct { u8 v; }; };
event { id = 1; stream_id = 0; name = b; fields := struct { u16 v; }; };
"""

    def one(instance, values):
        data = le("IIQ", 0xC1FC1FC1, 0, instance)
        for v in values:
            data += le("BB", 0, v) if v < 200 else le("BH", 1, v)
        return data

    write(folder, text, {"one": one(0, [1, 2, 300, 4])})


def ties(folder):
    """Equal times in streams of two classes and several instances, and in two traces."""
    for n, env in ((50, 'hostname = "b";'), (51, 'hostname = "a";')):
        text = prelude(n=n, env=env)
        for sid in (0, 1):
            text += STREAM.format(id=sid, context="u32 cpu_id;", more="")
            for eid in (0, 1, 2):
                text += (f"event {{ id = {eid}; stream_id = {sid}; name = \"s{sid}e{eid}\"; "
                         "fields := struct { u8 v; }; };\n")
        streams = {}
        for sid in (0, 1):
            for instance in (0, 1, 2):
                events = []
                for t in range(12):
                    for k in range(1 + (t + instance) % 2):
                        events.append(((t + instance + k) % 3, 10 + t * (1 + (t > 6)),
                                       bytes([t])))
                streams[f"chan{2 - instance}_{sid}"] = packet(
                    events, stream=sid, instance=instance, context=le("I", instance))
        write(os.path.join(folder, f"trace{n}"), text, streams)


def lost(folder, first=0, **clock):
    text = prelude(n=60, **clock) + STREAM.format(id=0, context="u32 cpu_id;", more="")
    text += 'event { id = 0; stream_id = 0; name = e; fields := struct { u32 v; }; };\n'
    data = b""
    for seq, discarded, at in ((0, first, 100), (1, 5, 200), (4, 5, 300), (5, 6, 400)):
        events = [(0, at + i, le("I", at + i)) for i in range(5)]
        data += packet(events, seq=seq, discarded=discarded, span=(at, at + 50),
                       context=le("I", 0))
    write(folder, text, {"stream": data})


def main():
    top = sys.argv[1]
    integers(os.path.join(top, "int-le"), False)
    integers(os.path.join(top, "int-be"), True)
    enums(os.path.join(top, "enums"))
    reals(os.path.join(top, "reals"))
    strings(os.path.join(top, "strings"))
    compounds(os.path.join(top, "compounds"))
    levels(os.path.join(top, "levels"))
    times(os.path.join(top, "times"))
    no_clock(os.path.join(top, "no-clock"))
    ties(os.path.join(top, "ties"))
    lost(os.path.join(top, "lost"))
    # The first time before the origin is shown in another way, also where it is that of a loss.
    lost(os.path.join(top, "lost-before-1970"), first=2, offset_s=-1000)


if __name__ == "__main__":
    main()
