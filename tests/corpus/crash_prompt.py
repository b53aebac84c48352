#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The prompt of sonde crash, at a terminal of its own; prints TAP.

usage: crash_prompt.py SONDE SCRATCH

Takes a dump of crash-linux.tar of the folder that SONDE_CORPUS names.
"""
import os
import pty
import select
import signal
import sys
import tarfile
import time

sonde, scratch = sys.argv[1], os.path.join(sys.argv[2], 'crash-prompt')
corpus = os.environ.get('SONDE_CORPUS', '')
PROMPT = b'sonde> '
PATIENCE_S = 60
count = 0


def report(name, wrong):
    """One line of TAP; @wrong is what differs, or nothing."""
    global count
    count += 1
    print('%s %d - %s' % ('not ok' if wrong else 'ok', count, name))
    for line in wrong[:10]:
        print('# ' + repr(line))


class Session:
    """A sonde at a terminal."""

    def __init__(self, dump, term):
        env = dict(os.environ, TERM=term, HOME=scratch, PAGER='', XDG_STATE_HOME='')
        if term != 'dumb':  # curses, below libedit, keeps what it knows of a terminal for good
            env['ASAN_OPTIONS'] = 'detect_leaks=0'
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.execve(sonde, [sonde, 'crash', dump], env)
        self.before = self.until(PROMPT)

    def until(self, what):
        """What comes up to and with @what, or what came until patience or the program ended."""
        got, end = b'', time.monotonic() + PATIENCE_S
        while what not in got and time.monotonic() < end:
            ready, _, _ = select.select([self.fd], [], [], 1)
            if not ready:
                continue
            try:
                some = os.read(self.fd, 65536)
            except OSError:
                break
            if not some:
                break
            got += some
        return got

    def ask(self, keys, until=PROMPT):
        os.write(self.fd, keys)
        return self.until(until)

    def leave(self, keys):
        """Its exit status; -1: it went on."""
        os.write(self.fd, keys)
        self.until(b'never')
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.01)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        return -1


def check(name, got, *wanted):
    report(name, [] if all(w in got for w in wanted) else [got, *wanted])


def check_lines(dump, term):
    """What any prompt can."""
    s, title = Session(dump, term), term + ': '
    check(title + 'the report comes first', s.before, b'sysrq triggered crash', b'quit leaves')
    check(title + 'a verb', s.ask(b'ps 1\n'), b'init\r\n')
    check(title + 'a wrong verb', s.ask(b'nonsense\n'), b"there is no 'nonsense' of Linux")
    check(title + 'a wrong option', s.ask(b'ps --nonsense\n'), b"unknown option '--nonsense'")
    check(title + 'an option', s.ask(b'ps --running --json\n'), b'"tasks"')
    check(title + 'options do not stay', s.ask(b'ps 1\n'), b'TID')
    check(title + 'a pipe', s.ask(b'bt 1 | grep -c sysrq_handle_cras[h]\n'), b'\n1\r\n')
    out = os.path.join(scratch, 'out').encode()
    s.ask(b'sym linux_banner > ' + out + b'\n')
    check(title + 'a file', s.ask(b'!cat ' + out + b'\n'), b'linux_banner', b'0xffffffff')
    check(title + 'quotes', s.ask(b"search '=no|such>text' | wc -l\n"), b'\n0\r\n')
    check(title + 'help', s.ask(b'help\n'), b'Ctrl-D', b'report')
    os.write(s.fd, b"!echo it be'gi'ns; exec sleep 1000\n")
    s.until(b'it begins')
    check(title + 'Ctrl-C ends what runs', s.ask(b'\x03'), PROMPT)
    check(title + 'Ctrl-C takes a line back', s.ask(b'nonsense\x03'), b'\n' + PROMPT)
    check(title + 'and nothing of it stays', s.ask(b'ps 1\n'), b'init\r\n')
    report(title + 'Ctrl-D leaves', [] if s.leave(b'\x04') == 0 else ['it did not'])
    s = Session(dump, term)
    report(title + 'quit leaves', [] if s.leave(b' quit \n') == 0 else ['it did not'])


def check_editor(dump):
    """What libedit adds."""
    s = Session(dump, 'xterm')
    if b'Tab completes' not in s.before:
        print('# no libedit here: no completion, no history')
        s.leave(b'quit\n')
        return
    check('a verb completes', s.ask(b'moun\t\n'), b'devtmpfs')
    check('choices are shown', s.ask(b'm\t', b'sonde> m'), b'mods', b'mem')
    s.ask(b'\x03', b'^C\r\n' + PROMPT)
    check('a symbol and a member complete', s.ask(b'print list_head init_tas\tne\t\n'),
          b'\r\n0x')
    check('a process completes', s.ask(b'ps 10\t', b'sonde> ps 10'), b'101', b'104')
    s.ask(b'\x03', b'^C\r\n' + PROMPT)
    check('an option completes', s.ask(b'bt --uni\t| grep -c tasks:\n'), b'\r\n')
    check('history', s.ask(b'\x1b[A\x1b[A\n'), b'\r\n0x')
    report('quit', [] if s.leave(b'quit\n') == 0 else ['it did not'])
    s = Session(dump, 'xterm')
    check('history is kept', s.ask(b'\x1b[A\x1b[A\n'), b'\r\n0x')
    s.leave(b'quit\n')


def main():
    if not os.path.exists(os.path.join(corpus, 'crash-linux.tar')):
        print('1..0 # SKIP SONDE_CORPUS names no folder with crash-linux.tar')
        return
    os.makedirs(scratch, exist_ok=True)
    history = os.path.join(scratch, '.local/state/sonde/crash-history')
    if os.path.exists(history):
        os.unlink(history)
    with tarfile.open(os.path.join(corpus, 'crash-linux.tar')) as tar:
        tar.extract('crash-linux/kdump.makedumpfile-zlib', scratch)
    dump = os.path.join(scratch, 'crash-linux/kdump.makedumpfile-zlib')
    for term in 'dumb', 'xterm':
        check_lines(dump, term)
    check_editor(dump)
    print('1..%d' % count)


main()
