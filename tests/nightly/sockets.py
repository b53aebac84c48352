# SPDX-License-Identifier: MIT
"""In a guest that is dumped: holds sockets of all usual kinds in known states, until it is killed."""
import os
import socket
import time

kept = []


def listens(family, address):
    s = socket.socket(family, socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(address)
    s.listen(7)
    kept.append(s)
    return s


def connects(server, *, accept=True):
    s = socket.socket(server.family, socket.SOCK_STREAM)
    s.connect(server.getsockname())
    kept.append(s)
    if accept:
        kept.append(server.accept()[0])
    return s


def datagrams(family, here, there=None):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind(here)
    if there:
        s.connect(there)
    kept.append(s)
    return s


four = listens(socket.AF_INET, ('127.0.0.1', 7001))
connects(four).send(b'five bytes and more')  # never read
connects(four, accept=False)
kept[-1].send(b'word')
closed = connects(four)
kept[kept.index(closed) + 1].close()  # it waits for the other side to close too
connects(four)
kept.pop(-2).close()  # the other half of that
six = listens(socket.AF_INET6, ('::1', 7002))
connects(six)
listens(socket.AF_INET6, ('::', 7003))
connects(kept[-1])
kept.append(socket.create_connection(('127.0.0.1', 7003)))  # IPv4 on a socket of IPv6
datagrams(socket.AF_INET, ('127.0.0.1', 7004), ('127.0.0.1', 7005))
datagrams(socket.AF_INET, ('0.0.0.0', 7005))
kept[-2].send(b'datagram')
datagrams(socket.AF_INET6, ('::1', 7006))
kept.append(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
kept.append(socket.socket(socket.AF_INET6, socket.SOCK_RAW, 89))
kept.append(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
kept[-1].bind((0, 1))
kept.append(socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15))
kept.append(socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.ntohs(3)))
kept.append(socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.ntohs(0x806)))
os.makedirs('/tmp/unix', exist_ok=True)
connects(listens(socket.AF_UNIX, '/tmp/unix/path'))
connects(listens(socket.AF_UNIX, '\0in no folder'), accept=False)
datagrams(socket.AF_UNIX, '/tmp/unix/datagrams')
kept.extend(socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET))
kept.append(socket.socket(socket.AF_UNIX))
kept.append(os.memfd_create('of no name'))
kept.append(open('/tmp/unix/gone', 'w', encoding='utf-8'))
os.unlink('/tmp/unix/gone')
print('ready', flush=True)
time.sleep(100009)
