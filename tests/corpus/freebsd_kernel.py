#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes an ELF file of symbols alone from the text form of LLVM's yaml2obj: of a FreeBSD kernel.

usage: freebsd_kernel.py YAML FILE
"""
import re
import struct
import sys

TYPES = {"STT_OBJECT": 1, "STT_FUNC": 2}
SHT_SYMTAB, SHT_STRTAB, SHT_NOBITS = 2, 3, 8


def items(text):
    """The "- Name: x" lists below "Sections:" and "Symbols:", each a dictionary."""
    found = {}
    for line in text.splitlines():
        top = re.match(r"(\w+):\s*$", line)
        if top:
            rows = found.setdefault(top.group(1), [])
            continue
        pair = re.match(r"\s+(- )?(\w+):\s+(.*)$", line)
        if not pair or not found:
            continue
        if pair.group(1):
            rows.append({})
        if rows:
            rows[-1][pair.group(2)] = pair.group(3)
    return found


def section(name, kind, addr, off, size, link=0, info=0, entry=0):
    return struct.pack("<IIQQQQIIQQ", name, kind, 2, addr, off, size, link, info, 8, entry)


def make(text):
    found = items(text)
    names = [s["Name"] for s in found["Sections"]]
    strings, symbols = b"\0", struct.pack("<IBBHQQ", 0, 0, 0, 0, 0, 0)
    for s in found["Symbols"]:
        index = names.index(s["Section"]) + 1 if "Section" in s else 0xfff1
        symbols += struct.pack("<IBBHQQ", len(strings), 16 | TYPES.get(s.get("Type"), 0), 0, index,
                               int(s["Value"], 16), int(s.get("Size", "0"), 16))
        strings += s["Name"].encode() + b"\0"
    at = 64
    headers = section(0, 0, 0, 0, 0)
    for s in found["Sections"]:
        headers += section(0, SHT_NOBITS, int(s["Address"], 16), at, int(s["Size"], 16))
    n = len(names) + 1
    headers += section(0, SHT_SYMTAB, 0, at, len(symbols), n + 1, 1, 24)
    headers += section(0, SHT_STRTAB, 0, at + len(symbols), len(strings))
    head = struct.pack("<4sBBBB8xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 9, 2, 62, 1, 0, 0,
                       at + len(symbols) + len(strings), 0, 64, 56, 0, 64, n + 2, n + 1)
    return head + symbols + strings + headers


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as f:
        made = make(f.read())
    with open(sys.argv[2], "wb") as f:
        f.write(made)
