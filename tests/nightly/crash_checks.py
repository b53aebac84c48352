# SPDX-License-Identifier: MIT
"""Compares what Sonde reads in a dump with what the dumped kernel said of itself before and after.

Used by crash.py. Each check gets a Case and gives a list of what is wrong. What the kernel said both
before and after the dump, word for word, must be in the dump too; what changed in between is left
out, and each check wants enough to be left.
"""
import json
import re
import socket
import subprocess


class Wrong(Exception):
    """Sonde failed where it must not."""


class Case:
    def __init__(self, sonde, script, dumps, before, after):
        """@dumps: the files of one dump."""
        self.sonde, self.script, self.dumps = sonde, script, dumps
        self.before, self.after = before, after

    def run(self, *words):
        p = subprocess.run([self.sonde, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           text=True, check=False, timeout=600, errors='replace')
        if p.returncode:
            raise Wrong(f"'{' '.join(words)}': status {p.returncode}: {p.stderr.strip()}")
        return p.stdout

    def tried(self, *words):
        """Its status, and all that it said, of a verb that may fail."""
        p = subprocess.run([self.sonde, 'crash', *self.dumps, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, check=False, timeout=600, errors='replace')
        return p.returncode, p.stdout

    def crash(self, *words):
        return self.run('crash', *self.dumps, *words)

    def over_core(self, *script):
        """What a script, or the one that the guest has run, says over the dump."""
        return self.run('run', *(word for dump in self.dumps for word in ('--core', dump)), *(script or (self.script,)))

    def table(self, verb, name):
        return json.loads(self.crash(verb, '--json'))[name]

    def steady(self, part, parse):
        """What @parse (lines to a dict) gives for a part in which both times are alike."""
        before, after = parse(self.before[part]), parse(self.after[part])
        return {k: v for k, v in before.items() if after.get(k) == v}


SWITCHES = 'iter:task { printf("%d %d\\n", ctx->task->pid, ctx->task->nvcsw + ctx->task->nivcsw); }'


def slept(case):
    """Tasks that did not run between both times, nor, as they may be dumped later, until they were dumped."""
    dumped = dict(map(int, line.split()) for line in case.over_core('-e', SWITCHES).splitlines() if line)
    return {pid: n for pid, n in case.steady('switches', switches_of).items() if dumped.get(pid) == n}


def differences(want, have, least):
    """Of two dicts: what of @want, at least @least things, is otherwise in @have."""
    wrong = [f'only {len(want)} to compare'] if len(want) < least else []
    return wrong + [f'{k}: {v}, read as {have.get(k)}' for k, v in want.items() if have.get(k) != v]


def tasks_of(lines):
    return {line.split()[0]: line for line in lines if line[:1].isdigit()}


def check_tasks(case):
    """The same text of a script, live and over the dump."""
    have = tasks_of(case.over_core().splitlines())
    want = case.steady('tasks', tasks_of)
    either = {**tasks_of(case.before['tasks']), **tasks_of(case.after['tasks'])}
    new = [line for pid, line in have.items() if pid not in either]
    wrong = differences(want, have, 40)
    # The shell's programs come and go while it asks.
    if len(new) > 5:
        wrong.append(f'tasks that nobody knows: {new}')
    return wrong


def times_of(lines):
    """Of all that slept all the time: state, parent, memory, and ticks in user code and the kernel."""
    tasks = {}
    for line in lines:
        m = re.match(r'/proc/\d+/stat:(\d+) \(.*\) (.*)', line)
        w = m[2].split() if m else None
        if w:
            tasks[int(m[1])] = (w[0], int(w[1]), int(w[20]), int(w[11]) + int(w[12]))
    return tasks


def check_ps(case):
    """Ticks of /proc are a hundredth of a second."""
    have = {t['tid']: (t['state'][0], t['ppid'], t['vsz'] or 0, (t['user_ns'] + t['system_ns']) // 10**7)
            for t in case.table('ps', 'tasks')}
    wrong = []
    still = slept(case)
    want = {pid: w for pid, w in case.steady('states', times_of).items() if pid in still}
    for pid, w in want.items():
        h = have.get(pid)
        # User and kernel time are cut to ticks one by one.
        if not h or h[:3] != w[:3] or not w[3] <= h[3] <= w[3] + 1:
            wrong.append(f'{pid}: {w}, read as {h}')
    return wrong + ([] if len(want) > 20 else ['too few'])


def switches_of(lines):
    counts = {}
    for line in lines:
        pid, n = re.match(r'/proc/(\d+)/status:\w+:\s*(\d+)', line).groups()
        counts[int(pid)] = counts.get(int(pid), 0) + int(n)
    return counts


def stacks_of(lines):
    stacks = {}
    for line in lines:
        m = re.match(r'/proc/(\d+)/stack:\[<0>\] (\S+?)\+0x([0-9a-f]+)/', line)
        if m:
            stacks.setdefault(int(m[1]), []).append((m[2], int(m[3], 16)))
    return stacks


def check_stacks(case):
    """Of all that slept all the time. The kernel's own leave out where its scheduler begins."""
    still = slept(case)
    want = {tid: s for tid, s in stacks_of(case.before['stacks']).items() if tid in still}
    have = {}
    for task in json.loads(case.crash('bt', '--json')):
        frames = [(f['symbol'], f['offset']) for f in task['frames'] if f['symbol']]
        have[task['tid']] = frames[-len(want.get(task['tid'], frames)):]
    return differences(want, have, 20)


def mounts_of(lines):
    mounts = {}
    for line in lines:
        words = line.split()
        kind = words.index('-')
        mounts[words[4], words[kind + 1], words[kind + 2]] = True
    return mounts


def check_mounts(case):
    have = {(m['path'], m['type'], m['device']): True for m in case.table('mount', 'mounts')}
    return differences(case.steady('mounts', mounts_of), have, 12) + \
        differences(have, mounts_of(case.before['mounts']), 12)


def modules_of(lines):
    return {w[0]: (int(w[1]), int(w[2]), int(w[5], 16)) for w in map(str.split, lines)}


def check_modules(case):
    have = {m['name']: (m['size'], m['users'], int(m['code'], 16)) for m in case.table('mods', 'modules')}
    return differences(case.steady('modules', modules_of), have, 3)


def interrupts_of(lines):
    n = len(lines[0].split())
    irqs = {}
    for line in lines[1:]:
        words = line.split()
        if words[0][:-1].isdigit():
            irqs[int(words[0][:-1])] = (sum(map(int, words[1:1 + n])), words[1 + n], ' '.join(words[3 + n:]))
    return irqs


def check_interrupts(case):
    have = {i['irq']: (i['count'], i['chip'], i['actions']) for i in case.table('irq', 'irqs')}
    wrong = []
    before, after = (interrupts_of(said['interrupts']) for said in (case.before, case.after))
    for irq, (n, chip, actions) in before.items():
        n_have, *rest = have.get(irq, (-1, None, None))
        if not n <= n_have <= after[irq][0] or rest != [chip, actions]:
            wrong.append(f'{irq}: {before[irq]} .. {after[irq]}, read as {have.get(irq)}')
    return wrong + ([] if len(before) > 4 else ['too few'])


def links_of(lines):
    links = {}
    for line in lines:
        m = re.match(r'(\d+): (\S+?):? .*?(?:mtu (\d+)|inet (\S+))', line)
        mtu, ip = links.get(m[2], (0, '-'))
        links[m[2]] = (int(m[3] or mtu), m[4] or ip)
    return links


def check_links(case):
    have = {i['name']: (i['mtu'], i['ipv4']) for i in case.table('net', 'interfaces')}
    return differences(case.steady('links', links_of), have, 3)


def files_of(lines):
    files, pid = {}, 0
    for line in lines:
        head = re.match(r'/proc/(\d+)/fd:', line)
        pid = int(head[1]) if head else pid
        link = re.search(r' (\d+) -> (.*)$', line)
        if link and pid != 1:
            files[pid, int(link[1])] = link[2]
    return files


def check_files(case):
    # Of sockets it says more than the link.
    have = {(f['pid'], f['fd']): f['path'].split()[0] if f['socket'] else f['path']
            for f in case.table('files', 'files')}
    return differences(case.steady('files', files_of), have, 12)


STATES = ('', 'ESTAB', 'SYN-SENT', 'SYN-RECV', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT', 'UNCONN', 'CLOSE-WAIT',
          'LAST-ACK', 'LISTEN', 'CLOSING', 'SYN-RECV')
UNIX_TYPES = {1: 'u_str', 2: 'u_dgr', 5: 'u_seq'}


def address_of(text):
    """As /proc/net has it: each 4 bytes as a number of the machine, and the port."""
    ip, _, port = text.partition(':')
    ip = b''.join(bytes.fromhex(ip[i:i + 8])[::-1] for i in range(0, len(ip), 8))
    port = str(int(port, 16) or '*')
    if len(ip) == 4:
        return f'{socket.inet_ntop(socket.AF_INET, ip)}:{port}'
    return f'[{socket.inet_ntop(socket.AF_INET6, ip)}]:{port}'


def sockets_of(lines):
    """Those of processes by their inodes, others by their addresses."""
    sockets, kind = {}, ''
    for line in lines:
        w = line.split()
        if line.startswith('= '):
            kind = w[1]
        elif kind == 'unix' and w[0].endswith(':') and w[6] != '0':
            state = 'LISTEN' if int(w[3], 16) & 0x10000 else 'ESTAB' if w[5] == '03' else 'UNCONN'
            name = line.split(None, 7)[7] if len(w) > 7 else '*'
            sockets[int(w[6])] = UNIX_TYPES[int(w[4])], state, name
        elif kind in ('tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6') and w[0][:-1].isdigit():
            send, receive = (int(n, 16) for n in w[4].split(':'))
            here, there, state = address_of(w[1]), address_of(w[2]), STATES[int(w[3], 16)]
            about = [kind.rstrip('6'), state, here, there]
            # What it may hold, of what listens, is not told there.
            about += [receive] if state == 'LISTEN' else [receive, send]
            sockets[int(w[9]) or (here, there)] = tuple(about)
    return sockets


def check_sockets(case):
    have = {}
    for s in case.table('net', 'sockets'):
        about = [s['type'], s['state'], s['local']]
        if not s['type'].startswith('u_'):
            about += [s['peer'], s['recv_q']] if s['state'] == 'LISTEN' else [s['peer'], s['recv_q'], s['send_q']]
        have[s['inode'] or (s['local'], s['peer'])] = tuple(about)
    return differences(case.steady('sockets', sockets_of), have, 25)


def slabs_of(lines):
    return {w[0]: (int(w[2]), int(w[14])) for w in map(str.split, lines[2:])}


def slabs_differ(want, have):
    """Not by what programs take for a moment: a few slabs, full or not."""
    objects = want[0] / want[1] if want[1] else 1
    room = max(4, want[1] // 20)
    return not have or abs(have[1] - want[1]) > room or abs(have[0] - want[0]) > room * (objects + 1)


def check_slabs(case):
    """Of caches that had the same slabs whenever they were told, all but a few have them in the dump: a
    program that came and went between two of those moments is in none of them."""
    have = {s['name']: (s['objects'], s['slabs']) for s in case.table('mem', 'slabs')}
    said = [slabs_of(told[part]) for told in (case.before, case.after)
            for part in ('slabs first', 'slabs', 'slabs last') if part in told]
    # Its table is cut to the largest ones.
    want = {k: v for k, v in said[0].items() if k in have and all(s.get(k) == v for s in said)}
    wrong = differences(want, have, 5)
    if len(wrong) <= 1 + len(want) // 10 and not any(slabs_differ(v, have.get(k)) for k, v in want.items()):
        return [] if len(want) >= 5 else wrong
    return wrong


def memory_of(lines):
    return {line.split(':')[0]: int(line.split()[1]) * 1024 for line in lines}


def check_memory(case):
    names = {'total': 'MemTotal', 'free': 'MemFree', 'anonymous': 'AnonPages', 'files mapped': 'Mapped',
             'shared memory (in page cache)': 'Shmem', 'slabs, reclaimable': 'SReclaimable',
             'slabs, not reclaimable': 'SUnreclaim', 'kernel stacks': 'KernelStack',
             'page tables': 'PageTables'}
    have = {k['kind']: k['bytes'] for k in case.table('mem', 'kinds')}
    wrong = []
    before, after = (memory_of(said['memory']) for said in (case.before, case.after))
    for mine, name in names.items():
        room = 0 if mine == 'total' else 16 << 20  # CPUs count for themselves, and tell later
        ends = sorted((before[name], after[name]))
        if not ends[0] - room <= have.get(mine, -1) <= ends[1] + room:
            wrong.append(f'{mine}: {before[name]} .. {after[name]}, read as {have.get(mine)}')
    return wrong


def check_symbols(case, least=4):
    wrong = []
    for line in case.before['symbols']:
        addr, _, name = line.split()[:3]
        said = case.crash('sym', name).split()[0]
        if int(said, 16) != int(addr, 16):
            wrong.append(f'{name}: {addr}, read as {said}')
    return wrong + ([] if len(case.before['symbols']) >= least else ['too few'])


def check_log(case):
    """One message may be of several lines."""
    have = [(m['level'], line) for m in json.loads(case.crash('log', '--json'))
            for line in m['text'].split('\n')]
    want = [(int(level) & 7, text) for level, text in
            (re.match(r'<(\d+)>\[ *[\d.]+\] (.*)$', line).groups() for line in case.before['log'])]
    if len(want) < 100:
        return ['too few']
    return [f'line {i}: {w}, read as {h}' for i, (w, h) in enumerate(zip(want, have)) if w != h] + \
        ([] if len(have) >= len(want) else [f'{len(want)} lines, read as {len(have)}'])


def check_report(case):
    text = case.crash('report')
    words = [case.before['release'][0], 'guest']
    return [f"no '{word}'" for word in words if word not in text]


ALL = {'tasks': check_tasks, 'ps': check_ps, 'symbols': check_symbols, 'stacks': check_stacks, 'messages': check_log,
       'modules': check_modules, 'mounts': check_mounts, 'interrupts': check_interrupts,
       'interfaces': check_links, 'sockets': check_sockets, 'files': check_files, 'slabs': check_slabs,
       'memory': check_memory, 'report': check_report}
