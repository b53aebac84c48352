#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the ready scripts of tools/ in the guest, as tests/live/tools.py does here. Prints TAP.

usage: tools.py SONDE [NAME]...
"""
import os
import re
import sys

import cases
import guest


def main():
    place = '/usr/local/share/sonde/tools'
    try:
        kernel = guest.find_kernel()
        image = cases.image_of(os.path.abspath(sys.argv[1]), kernel, [], has_peer=False)
        image.file(os.path.join(guest.TOP, 'tests', 'live', 'tools.py'), '/tools.py')
        g = guest.Guest(image, kernel, memory=640)
        g.step('tools', f'TOOLS={place} AT_ONCE=6 python3 /tools.py /usr/bin/sonde {" ".join(sys.argv[2:])}',
               timeout=300)
        for result in g.run():
            out = result.out.decode(errors='replace')
            print(out, end='')
            print('# ' + result.err.decode(errors='replace').rstrip().replace('\n', '\n# '))
            if result.timed_out or not re.search(r'^1\.\.\d', out, re.M):
                print(f'Bail out! status {result.status}')
            return result.status
    except guest.GuestError as e:
        if str(e).startswith('no ') or 'guest-kernel:' in str(e):
            print(f'1..0 # SKIP {e}')
            return 0
        print('Bail out! ' + str(e).replace('\n', '\n# '))
    return 1


sys.exit(main())
