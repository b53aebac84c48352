# SPDX-License-Identifier: MIT
"""Runs all reports that 'sonde report' lists, and tells results as TAP."""
import json
import os
import re
import subprocess
import sys

# What a report must be told to show anything; of the traces in trace.py.
ARGUMENTS = {'critical-path': ['--comm', 't100']}
# Those are about something else than one host's kernel.
OTHERS = {'sync'}


class Checks:
    def __init__(self, sonde, scratch):
        self.sonde, self.scratch = os.path.abspath(sonde), scratch
        self.n = self.failed = 0
        listed = subprocess.run([self.sonde, 'report'], check=True, stdout=subprocess.PIPE,
                                text=True).stdout
        self.names = [n for n in re.findall(r'^  ([a-z-]+) +[A-Z]', listed, re.M)
                      if n not in OTHERS]

    def result(self, name, good, *notes):
        self.n += 1
        self.failed |= not good
        print('ok' if good else 'not ok', self.n, '-', name.replace('#', '\\#'), flush=True)
        for note in notes if not good else ():
            print('\n'.join('# ' + line for line in str(note).split('\n')[:40]), flush=True)

    def skip(self, name, why):
        self.n += 1
        print('ok', self.n, '-', name, '# SKIP', why)

    def run(self, *argv, env=None):
        """Exit status, standard output, standard error."""
        done = subprocess.run([self.sonde, *argv], cwd=self.scratch, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False, env=dict(os.environ, **(env or {})))
        return done.returncode, done.stdout, done.stderr

    def report(self, name, *argv, env=None):
        """The same of a report as JSON, which is read; None where there is none."""
        status, out, err = self.run('report', name, '--json', *ARGUMENTS.get(name, []), *argv,
                                    env=env)
        return status, json.loads(out) if out else None, err

    def done(self):
        print('1..%d' % self.n)
        sys.exit(self.failed)
