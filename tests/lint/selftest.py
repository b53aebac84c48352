#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that each lint fails where it must and is silent where all is well; prints TAP."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
HEAD = '/* SPDX-License-Identifier: MIT */\n/** A sample. */\n'
GOOD = HEAD + 'int one(void)\n{\n\treturn 1;\n}\n'
LAYERS = 'base:\nmodel: base\n'
TOOL = ('#!/usr/bin/env -S sonde run\n// SPDX-License-Identifier: MIT\n'
        '// Who?\n// Thus.\n// So.\n\nBEGIN\n{\n}\n')
DEEP = '\tif (x) {\n' * 5 + '\tx = (struct a){ .b = { 1 } };\n' + '\t}\n' * 5


def function(body):
    return HEAD + 'void f(int x)\n{\n' + body + '}\n'


# lint, {file: text}, the words that it must say (None: it must be silent)
CASES = [
    ('banned.py', {'src/base/a.c': function('\tstrcpy(a, b);\n')}, "a.c:5: 'strcpy' is banned"),
    ('banned.py', {'tests/a.c': function('\tx = atoi (b);\n')}, "a.c:5: 'atoi' is banned"),
    ('banned.py', {'src/base/a.c': function(
        '\t// strcpy(a, b)\n\tputs("gets(x) /*");\n\ta.system(b);\n\tlocaltime_r(&t, &tm);\n'
        '\tmy_system(1); /* popen(\n) */\n\tsnprintf(a, 1, "");\n')}, None),
    ('layers.py', {'src/model/a.h': HEAD + '#include "base/b.h"\n',
                   'src/base/b.h': HEAD}, None),
    ('layers.py', {'src/base/a.h': HEAD + '#include "model/b.h"\n', 'src/model/b.h': HEAD},
     "a.h:3: 'base' may not include \"model/b.h\""),
    ('layers.py', {'src/base/a.h': HEAD + '#include "b.h"\n'}, 'does not name its folder'),
    ('layers.py', {'src/odd/a.c': HEAD}, "folder 'odd' is not in docs/layers.txt"),
    ('layers.py', {'src/base/a.h': HEAD + '#include "base/b.h"\n',
                   'src/base/b.h': HEAD + '#include "base/a.h"\n'},
     'files include each other: src/base/a.h -> src/base/b.h -> src/base/a.h'),
    ('layers.py', {'docs/layers.txt': 'base: model\nmodel: base\n'},
     'a circle: base -> model -> base'),
    ('layers.py', {'include/sonde/a.h': HEAD + '#include "base/b.h"\n'}, 'a public header'),
    ('limits.py', {'src/base/a.c': 'int a;\n'}, 'a.c:1: line 1 is not'),
    ('limits.py', {'src/base/a.c': HEAD.split('\n')[0] + '\nint a;\n'}, 'a.c:2: line 2 is not'),
    ('limits.py', {'src/base/a.c': HEAD + 'int a;\n' * 999}, 'file of 1001 lines'),
    ('limits.py', {'src/base/a.c': HEAD + 'int a;\n' * 998}, None),
    ('limits.py', {'src/base/a.c': function('\tx();\n' * 81)}, 'function of 81 lines'),
    ('limits.py', {'src/base/a.c': function('\tx();\n' * 80)}, None),
    ('limits.py', {'src/base/a.c': HEAD + 'int t[] = {\n' + '\t1,\n' * 200 + '};\n'}, None),
    ('limits.py', {'src/base/a.c': HEAD + 'TEST(a)\n{\n' + '\tx();\n' * 81 + '}\n'},
     'a.c:4: function of 81 lines'),
    ('limits.py', {'src/base/a.c': function(DEEP)}, 'a.c:4: 5 blocks in each other'),
    ('limits.py', {'src/base/a.c': function('\tdo {\n\tfor (;;) {\n\tif (a) {\n\t} else {\n'
                                            '\tx = (struct a){ .b = { 1 } };\n\t}\n\t}\n'
                                            '\t} while (0);\n')}, None),
    ('limits.py', {'src/base/util.c': GOOD}, 'name the noun'),
    ('limits.py', {'src/base/a.c': GOOD}, None),
    ('words.py', {'docs/a.md': 'see /ho' + 'me/me/x\n'}, 'a path of some machine'),
    ('words.py', {'docs/a.md': 'see http' + 's://nowhere.invalid/x\n'}, "'nowhere.invalid' is no host"),
    ('words.py', {'src/base/a.c': GOOD + '// TO' + 'DO: more\n'}, 'a note without an issue'),
    ('words.py', {'docs/a.md': 'see https://lttng.org/x, /proc/self/home/\n'}, None),
    ('docs.py', {'src/model/a.c': GOOD}, 'src/model/README.md:1: is missing'),
    ('docs.py', {'src/base/README.md': 'x\n' * 41}, '41 lines; the most is 40'),
    ('docs.py', {'src/base/README.md': '`good.c`, `no.h`\n'}, "README.md:1: there is no 'no.h'"),
    ('docs.py', {'src/lang/README.md': 'x\n', 'src/lang/check/func.c': '\t{ "str", F_STR, 1 },\n',
                 'docs/language.md': 'str\n'}, "func.c:1: no case of tests/live/lang uses 'str'"),
    ('docs.py', {'src/lang/README.md': 'x\n', 'src/lang/check/builtin.c': '\t{ "pid", B_PID, 1 },\n',
                 'tests/live/lang/a.t': 'pid\n'}, "builtin.c:1: 'pid' is not in docs/language.md"),
    ('docs.py', {'docs/a.md': '[a](b.md)\n'}, "docs/a.md:1: there is no 'b.md'"),
    ('docs.py', {'src/model/README.md': '`base/good.c` [x](../base/good.c#1) [y](http://localhost/b)\n'},
     None),
    ('tools.py', {'tools/a.bt': TOOL, 'tools/README.md': '## a\n\nWho?\n'}, None),
    ('tools.py', {'tools/a.bt': TOOL, 'tools/README.md': ''}, "README.md:1: does not list 'a'"),
    ('tools.py', {'tools/a.bt': TOOL, 'tools/README.md': '## a\n\nWhy?\n'}, 'another question: Who?'),
    ('tools.py', {'tools/README.md': '## a\n\nWho?\n'}, "lists 'a', which is not there"),
    ('tools.py', {'tools/a.bt': TOOL.replace('Who?', 'Who.'), 'tools/README.md': '## a\n\nWho.\n'},
     'a.bt:3: the first line of comment is not a question'),
    ('tools.py', {'tools/a.bt': TOOL.replace('// So.\n', ''), 'tools/README.md': '## a\n\nWho?\n'},
     'a.bt:3: 2 lines of comment'),
    ('tools.py', {'tools/a.bt': TOOL[1:], 'tools/README.md': '## a\n\nWho?\n'}, 'a.bt:1: line 1 is not'),
    ('headers.sh', {'include/sonde/a.h': HEAD + 'int f(size_t n);\n'}, 'a.h:1: does not compile'),
    ('headers.sh', {'include/sonde/a.h': HEAD + 'int class;\n'}, 'c++ -x c++'),
    ('headers.sh', {'src/base/a.h': HEAD + 'int f(bool b);\n'}, 'a.h:1: does not compile'),
    ('headers.sh', {'src/base/a.h': HEAD + '#include <stddef.h>\nint f(size_t n);\n'}, None),
    ('format.sh', {'src/base/a.c': GOOD.replace('\treturn', '  return')}, 'a.c:4:'),
    ('format.sh', {'src/base/a.c': GOOD}, None),
]


def run(lint, sample):
    """Returns (exit status, what it said) on a tree that holds the sample."""
    with tempfile.TemporaryDirectory() as root:
        tree = {'docs/layers.txt': LAYERS, 'src/base/good.c': GOOD, 'include/sonde/good.h': HEAD,
                'src/base/README.md': '`good.c`\n'}
        with open(os.path.join(HERE, '../../.clang-format'), encoding='utf-8') as f:
            tree['.clang-format'] = f.read()
        tree.update(sample)
        for name in ('src', 'include', 'tests', 'bench', 'tools'):
            os.makedirs(os.path.join(root, name), exist_ok=True)
        for name, text in tree.items():
            path = os.path.join(root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, 'w', encoding='utf-8') as f:
                f.write(text)
            if name.endswith('.bt'):
                os.chmod(path, 0o755)
        done = subprocess.run([os.path.join(HERE, lint), root], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout


def main():
    failed = 0
    for n, (lint, sample, words) in enumerate(CASES, 1):
        status, said = run(lint, sample)
        name = f"{lint} on {', '.join(sample)}: {words or 'silent'}"
        if status == 77:
            print(f'ok {n} - {name} # SKIP {said.strip()}')
        elif (status != 0 and words in said) if words else (status == 0):
            print(f'ok {n} - {name}')
        else:
            failed = 1
            print(f'not ok {n} - {name}')
            for line in [f'status {status}'] + said.splitlines():
                print(f'# {line}')
    print(f'1..{len(CASES)}')
    return failed


sys.exit(main())
