#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Folders include only what docs/layers.txt allows, and no files include each other in a circle.

usage: layers.py ROOT
"""
import os
import re
import sys

import csource

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+(["<])([^">]+)[">]', re.M)


def rules(root):
    """{folder: set of folders that it may include}."""
    allowed = {}
    for line in csource.read(os.path.join(root, 'docs/layers.txt')).splitlines():
        line = line.split('#')[0].strip()
        if line:
            folder, _, below = line.partition(':')
            allowed[folder.strip()] = set(below.split())
    return allowed


def circles(graph):
    """Yields one list of nodes for each circle that a walk in depth finds."""
    done = set()

    def walk(node, way):
        if node in way:
            yield way[way.index(node):] + [node]
            return
        if node in done:
            return
        for below in sorted(graph.get(node, ())):
            yield from walk(below, way + [node])
        done.add(node)

    for node in sorted(graph):
        yield from walk(node, [])


def main():
    root = sys.argv[1]
    allowed = rules(root)
    found = []
    graph = {}
    for folder, below in allowed.items():
        for b in below - set(allowed):
            found.append((os.path.join(root, 'docs/layers.txt'), 1, f"no folder '{b}'"))
    for way in circles(allowed):
        words = ' -> '.join(way)
        found.append((os.path.join(root, 'docs/layers.txt'), 1, f'a circle: {words}'))
    for path in csource.files(root, ['src', 'include'], ('.c', '.h')):
        text = csource.read(path)
        name = os.path.relpath(path, root)
        public = name.startswith('include' + os.sep)
        folder = None if public else name.split(os.sep)[1]
        if not public and folder not in allowed:
            found.append((path, 1, f"folder '{folder}' is not in docs/layers.txt"))
            continue
        graph[name] = set()
        for m in INCLUDE.finditer(text):
            line = text.count('\n', 0, m.start()) + 1
            kind, what = m.groups()
            if what.startswith('sonde/'):
                graph[name].add('include/' + what)
            if kind == '<':
                continue
            if public:
                found.append((path, line, f'a public header includes "{what}"'))
                continue
            if '/' not in what:
                found.append((path, line, f'"{what}" does not name its folder'))
                continue
            graph[name].add('src/' + what)
            other = what.split('/')[0]
            if other != folder and other not in allowed[folder]:
                found.append((path, line, f"'{folder}' may not include \"{what}\""))
    for way in circles(graph):
        words = ' -> '.join(way)
        found.append((os.path.join(root, way[0]), 1, f'files include each other: {words}'))
    csource.finish(found, root)


main()
