# Scripts in D: what they print and how, options, functions. Their probes are in d_probes.t.

== the tick of a well-known article
needs: speed
tries: 3
script-d:
    #!/usr/sbin/dtrace -s
    profile:::tick-10ms { @count["count"] = count(); }
    profile:::tick-200ms { printa(@count); clear(@count); }
after: 2.1
signal: INT
check:
    rows = re.findall(r'^ {2}\d +\d+ +:tick-200ms \n  count {50}(?: +(\d+))\n\n', out, re.M)
    assert len(rows) >= 9, out
    assert all(19 <= int(n) <= 21 for n in rows[1:]), rows
    assert out.startswith('CPU     ID                    FUNCTION:NAME\n'), out

== a line for each clause that prints
script-d:
    BEGIN { x = 1; }
    BEGIN { trace(x); trace("text"); trace((char)7); trace((short)8); trace(timestamp * 0); }
    BEGIN { }
    BEGIN { printf("%s", "no end"); exit(3); trace(9); }
    BEGIN { trace("not any more"); }
    END { printf("end\n"); }
exit: 3
stderr: dtrace: script 'script.d' matched 6 probes
check:
    cpu = re.escape(out.split('\n')[1][:3])
    assert re.fullmatch(
        r'CPU     ID                    FUNCTION:NAME\n'
        r'  \d      1                           :BEGIN         1  text                             '
        r'   7     8                0\n'
        r'  \d      1                           :BEGIN \n'
        r'  \d      1                           :BEGIN no end        9\n'
        r'  \d      2                             :END end\n\n\n', out), out

== quiet scripts print what they say
script-d:
    #pragma D option quiet
    BEGIN { trace(1); trace("a"); trace(timestamp * 0); printf("|%d|%5d|%-5d|%05d|%x|%o|%c|%%\n", -1, 2, 3, 4, 255, 8, 65); }
    BEGIN { printf("%s|%10s|%-10s|%.2s|%*d\n", "a", "b", "c", "def", 4, 5); exit(0); }
stdout:
    1a0|-1|    2|3    |00004|ff|10|A|%
    a|         b|c         |de|   5

== conversions of D alone
script-d:
    #pragma D option quiet
    BEGIN { printf("%Y|%S|%C|%p|%?x|%a\n", walltimestamp, "a\tb\"c", 66, 4096, 16, 0); exit(0); }
check:
    import time
    day = time.strftime('%Y %b ')
    assert out.startswith(day), out
    assert out.rstrip('\n').endswith(r'|a\tb\"c|B|1000|              10|0x0'), out

== aggregations at the end, sorted by value
script-d:
    #pragma D option quiet
    BEGIN {
        @c["a"] = count(); @c["b"] = count(); @c["b"] = count();
        @s[1, "x"] = sum(-5); @s[2, "y"] = sum(7); @s[3, "z"] = sum(7); @s[3, "a"] = sum(7);
        @min = min(3); @min = min(-2); @max = max(3); @max = max(-2);
        @avg = avg(10); @avg = avg(21); @dev = stddev(2); @dev = stddev(4); @dev = stddev(12);
        exit(0);
    }
stdout:
      a                                                                 1
      b                                                                 2
            1  x                                                                -5
            2  y                                                                 7
            3  a                                                                 7
            3  z                                                                 7
                   -2
                    3
                   15
                    4

== quantize
script-d:
    #pragma D option quiet
    BEGIN { @ = quantize(0); @ = quantize(1); @ = quantize(-3); @ = quantize(5); @ = quantize(6); exit(0); }
stdout:
               value  ------------- Distribution ------------- count    
                  -4 |                                         0        
                  -2 |@@@@@@@@                                 1        
                  -1 |                                         0        
                   0 |@@@@@@@@                                 1        
                   1 |@@@@@@@@                                 1        
                   2 |                                         0        
                   4 |@@@@@@@@@@@@@@@@                         2        
                   8 |                                         0        

== lquantize and llquantize
script-d:
    #pragma D option quiet
    BEGIN {
        @l = lquantize(-11, -10, 10, 5); @l = lquantize(0, -10, 10, 5); @l = lquantize(10, -10, 10, 5);
        @ll = llquantize(3, 10, 0, 1, 10); @ll = llquantize(42, 10, 0, 1, 10); @ll = llquantize(100, 10, 0, 1, 10);
        exit(0);
    }
match:
    ^           < -10 \|@@@@@@@@@@@@@                            1        $
    ^               0 \|@@@@@@@@@@@@@                            1        $
    ^           >= 10 \|@@@@@@@@@@@@@                            1        $
    ^               3 \|@@@@@@@@@@@@@                            1        $
    ^              40 \|@@@@@@@@@@@@@                            1        $
    ^          >= 100 \|@@@@@@@@@@@@@                            1        $

== speculations: what is committed is shown, with its lines
script-d:
    #pragma D option nspec=2
    BEGIN { self->s = speculation(); trace(self->s); }
    BEGIN { speculate(self->s); printf("held"); trace(5); }
    BEGIN { trace("between"); }
    BEGIN { speculate(self->s); }
    BEGIN { self->t = speculation(); trace(self->t); trace(speculation()); }
    BEGIN { speculate(self->t); trace("never seen"); self->after = 1; }
    BEGIN { speculate(3); trace("nor this"); self->wrong = 1; }
    BEGIN { speculate(0); trace("nor this"); self->wrong = 1; }
    BEGIN { commit(self->s); discard(self->t); discard(0); discard(77); }
    BEGIN { self->u = speculation(); trace(self->u); trace(self->after); trace(self->wrong); }
    BEGIN { speculate(self->u); trace("at the end nobody asks"); }
    BEGIN { exit(0); }
stderr-match:
    matched 12 probes
    1 failed speculation \(no speculative buffer available\); more with -x nspec=
check:
    rows = [re.sub(' +', ' ', row)[2:].strip() for row in out.split('\n')[1:] if row]
    assert rows == ['1 :BEGIN 1', '1 :BEGIN between', '1 :BEGIN 2 0', '1 :BEGIN held 5', '1 :BEGIN',
                    '1 :BEGIN 1 1 0', '1 :BEGIN'], out

== speculations: quiet, over many rounds, and with too little room
script-d:
    #pragma D option quiet
    #pragma D option specsize=200
    syscall::getppid:entry { self->s = speculation(); self->n++; }
    syscall::getppid:entry /self->s/ { speculate(self->s); printf("%d", self->n); }
    syscall::getppid:return /self->s && self->n % 3 == 0/ { speculate(self->s); printf("=%d\n", self->n); }
    syscall::getppid:return /self->s && self->n == 8/ { speculate(self->s); printf("long %s\n", execname); }
    syscall::getppid:return /self->s && self->n == 8/ { speculate(self->s); printf("long %d\n", self->n); }
    syscall::getppid:return /self->s && self->n == 8/ { speculate(self->s); printf("long %d\n", self->n); }
    syscall::getppid:return /self->s && self->n == 8/ { speculate(self->s); printf("long %d\n", self->n); }
    syscall::getppid:return /self->s && (self->n % 3 == 0 || self->n == 8)/ { commit(self->s); self->s = 0; }
    syscall::getppid:return /self->s/ { discard(self->s); self->s = 0; }
args: -c "perl -e 'getppid() for 1 .. 9'"
needs: perl
stdout:
    3=3
    6=6
    8long perl
    long 8
    9=9

stderr-match:
    2 speculative drops; more room with -x specsize=

== folders and registers of the program
script-d:
    #pragma D option quiet
    syscall::getcwd:entry / pid == $target / {
        printf("%s %s %d %d %d\n", cwd, root, uregs[R_RDI] == arg0, uregs[R_SP] > uregs[R_PC], uregs[R_RIP] != 0);
        printf("%s\n", fds[1].fi_mount == "/" ? "/" : dirname(fds[1].fi_mount) == "" ? "" : "/");
    }
    pid$target:libc:getcwd:entry { printf("%d %d\n", uregs[R_RDI] == arg0, uregs[R_EDI] == arg0); }
    BEGIN { printf("%d\n", strlen(cwd) > 0); }
args: -c "sh -c 'cd /usr; cd /usr/lib; exec /bin/pwd -P'"
needs: cc
check:
    rows = out.split('\n')
    assert '1' in rows, out
    assert '/usr/lib / 1 1 1' in rows and '1 1' in rows and '/usr/lib' in rows, out

== the preprocessor: macros, files, lines of messages
command:
    printf '#pragma D option quiet\n#define ONE 1\ninline int six = 6;\n\n' > dl.h
    printf '#!/usr/sbin/dtrace -Cs\n/* it does not matter */\n#include "dl.h"\n#define TWICE(x) ((x) * 2)\nBEGIN { printf("%%d %%d %%d\\n", TWICE(ONE), NUM, six);\n\texit(0); }\n' > dl.d
    $SONDE run -D NUM=7 ./dl.d && $SONDE run -C -D NUM=8 -I . -U FOO ./dl.d &&
    printf '\n\n  tick-1s { nothing(); }\n' >> dl.d && ! $SONDE run -D NUM=7 dl.d
needs: cc
stdout:
    2 7 6

    2 8 6

stderr:
    dl.d:9:13: error: unknown function 'nothing' [D_FUNC_UNDEF]
        9 |   tick-1s { nothing(); }
          |             ^~~~~~~

== macros of the command line without the preprocessor
script-d:
    BEGIN { printf("%d %d\n", NUM, YES); }
    #ifndef NUM
    END { nothing(); }
    #endif
    BEGIN { exit(NO); }
args: -q -D NUM=7 -D YES
exit: 1
stderr:
    script.d:5:14: error: unknown name 'NO' [D_IDENT_UNDEF]
        5 | BEGIN { exit(NO); }
          |              ^~

== clauses for a provider and a module, and what is refused
command:
    $SONDE run -q -P dtrace -m 'dtrace:/0/ { trace(1); }' -b 8m -n 'BEGIN { printf("%s\n", probeprov); exit(0); }'
    for o in -G -A -a '-i 3' '-b 8x -n BEGIN'; do $SONDE run $o && echo taken; done; $SONDE run -V | sed 's/ .*//'
stdout:
    dtrace

    sonde
stderr-match:
    '-G' is not needed
    '-A': there is no anonymous tracing
    '-a': there is no anonymous tracing
    '-i': numbers of probes hold for one run
    option 'bufsize' cannot be '8x'

== what is declared is 0 before it is set, and cut to its type
script-d:
    #pragma D option quiet
    self int x; this string s; self struct task_struct *t; char c; uint8_t u; self short a[int];
    BEGIN { printf("%d [%s] %p %d\n", self->x, this->s, self->t, self->a[3]); c = 200; u = 300; }
    BEGIN { printf("%d %d\n", c, u); exit(0); }
stdout:
    0 [] 0 0
    -56 44

== strings: their order, parts, letters, numbers in them
script-d:
    #pragma D option quiet
    BEGIN { s = "abc"; t = "abd"; printf("%d%d%d%d%d\n", s < t, s <= "abc", s > t, s >= "abcd", "b" > s); }
    BEGIN { printf("[%s]", strtok(",,a,b;c", ",;")); printf("[%s]", strtok(NULL, ",;")); }
    BEGIN / "b" > "a" && s < "abcd" / { printf("[%s]", strtok(NULL, ",;")); printf("[%s]\n", strtok(NULL, ",;")); }
    BEGIN { this->x = strtok("one two", " "); this->y = strtok(NULL, "w"); printf("%s.%s.\n", this->x, this->y); }
    BEGIN { printf("%s %s\n", toupper("aBc1z{`"), tolower("AbC1Z[@")); }
    BEGIN { printf("%d %d %d %d %d [%d]\n", strtoll("0x1f", 16), strtoll("-42"), strtoll("077", 8), strtoll("  12abc"), strtoll("zz", 36), strtoll("")); }
    BEGIN { printf("%s %s %s\n", lltostr(5, 2), lltostr(35 * 36 + 35, 36), lltostr(-1234)); printf("%'d\n", 1234567); exit(0); }
stdout:
    11001
    [a][b][c][]
    one.t.
    ABC1Z{` abc1z[@
    31 -42 63 12 1295 [0]
    101 zz -1234
    1234567

== addresses, elements of pointers and of arrays
script-d:
    #pragma D option quiet
    this int a[5];
    BEGIN { p = (struct task_struct *)curthread; printf("%d%d%d ", *(int *)&p->pid == tid, (&p->pid)[0] == tid, (uint64_t)&p->comm[2] - (uint64_t)&p->comm); }
    BEGIN { q = (int *)&curthread->pid; printf("%d%d ", q[0] == tid, q[1] == pid); printf("%s\n", stringof(&p->comm[1])); }
    BEGIN { this->a[0] = 3; this->a[1] = 4; this->a[1]++; printf("%d %d\n", this->a[0] + this->a[1], curcpu->cpu_id == cpu); }
    BEGIN { printf("%d %d\n", d_path(&curthread->fs->pwd) == cwd, mutex_owned(&curthread->signal->cred_guard_mutex)); }
    BEGIN { tracemem(curthread->comm, 4); printf("%s\n", inet_ntop(AF_INET6, &curthread->comm)); print(curthread->cred->uid); exit(0); }
match:
    ^112 11 onde$
    ^8 1$
    ^1 0$
    736f:6e64:6500::
    \{ \.val = 0 \}

== stop() stops a process
script-d:
    #pragma D option quiet
    syscall::getppid:entry / pid == $target / { printf("stops\n"); stop(); }
    tick-50ms / 0 / { }
args: -w -c "perl -e 'getppid(); print qq(goes on\n)'"
needs: perl
trigger: n=0; while [ $n -lt 100 ]; do n=$((n + 1)); p=$(pgrep -P $PID perl) && grep -q '^State:.T' /proc/$p/status && echo was stopped && kill -CONT $p && break; sleep 0.1; done >was 2>&1
signal: none
match:
    stops
    goes on

== functions of a process, wherever they are; its program by its name
command:
    printf '#include <string.h>\n__attribute__((noinline)) int dl_own(int n) { return n + 1; }\nint main(int argc, char **argv) { return strdup(argv[0]) && dl_own(argc) == 7; }\n' > dl_own.c
    cc -O0 -o dl_prog dl_own.c || exit 9
    $SONDE run -q -c ./dl_prog -n 'pid$target::strdup:entry { @n["strdup"] = count(); }' -n 'pid$target::dl_own:entry { printf("%A %d|%-12s|\n", uregs[R_PC], arg0, probefunc); }'
    $SONDE run -q -c ./dl_prog -n 'pid$target:dl_prog:dl_own:return { printf("%s %d\n", probemod, arg1); }'
    ! $SONDE run -q -c ./dl_prog -n 'pid$target::dl_nowhere:entry'
needs: cc
match:
    ^dl_prog`dl_own 1\|dl_own      \|$
    ^  strdup +[1-9]
    ^dl_prog 2$
stderr-match:
    D_PDESC_ZERO

== weights may be negative
script-d:
    #pragma D option quiet
    BEGIN { @ = quantize(1, 3); @ = quantize(2, -1); exit(0); }
match:
    ^               1                     \|@@@@@@@@@@@@@@@      3        $
    ^               2                @@@@@\|                     -1       $

== printa with formats, and several aggregations
script-d:
    #pragma D option quiet
    BEGIN {
        @n["a", 1] = count(); @n["b", 2] = count(); @n["b", 2] = count();
        @t["a", 1] = sum(500); @t["b", 2] = sum(70); @t["c", 3] = sum(9);
        printa("%-5s %3d %@8d %@-6d|\n", @n, @t);
        printa(@n, @t);
        printa("no keys: %@d\n", @n);
        exit(0);
    }
stdout:
    c       3        0 9     |
    a       1        1 500   |
    b       2        2 70    |

      c                                                         3                0                9
      a                                                         1                1              500
      b                                                         2                2               70
    no keys: 1
    no keys: 2

== keys of several aggregations need not be alike in their widths
script-d:
    #pragma D option quiet
    BEGIN {
        @n[probename] = count(); @t["TOTAL:"] = sum(7); @t[probename] = sum(5); @l["a longer text than that"] = sum(3);
        @i[(char)1] = count(); @w[5000000000] = count();
    }
    END {
        printa("%-8s %@d %@d\n", @t, @n);
        printa("%s %@d|%@d\n", @t, @l);
        printa("%d %@d|%@d\n", @i, @w);
        printa("%s\n", @n);
        printa("%s %@d %@x %@o\n", @t);
    }
    BEGIN { exit(0); }
stdout:
    BEGIN    5 1
    TOTAL:   7 0
    a longer text than that 0|3
    BEGIN 5|0
    TOTAL: 7|0
    5000000000 0|1
    1 1|0
    BEGIN
    BEGIN 5 5 5
    TOTAL: 7 7 7

== what printa has shown is not shown again at the end
script-d:
    #pragma D option quiet
    BEGIN { @a = count(); @b = sum(5); printa("%@d\n", @a); exit(0); }
stdout:
    1

                    5

== normalize, denormalize, clear, trunc
script-d:
    #pragma D option quiet
    BEGIN {
        @["a"] = sum(10); @["b"] = sum(20); @["c"] = sum(35);
        normalize(@, 10); printa("%s %@d ", @); denormalize(@); printa("%s %@d ", @); printf("\n");
        trunc(@, 2); printa("%s %@d ", @); trunc(@, -1); printa("%s %@d ", @); printf("\n");
        clear(@); printa("%s %@d ", @); trunc(@); printa("%s %@d ", @); printf("end\n");
        exit(0);
    }
stdout:
    a 1 b 2 c 3 a 10 b 20 c 35 
    b 20 c 35 b 20 
    b 0 end

== the order of aggregations
script-d:
    #pragma D option quiet
    #pragma D option aggsortrev
    BEGIN { @["a"] = sum(1); @["c"] = sum(3); @["b"] = sum(2); exit(0); }
stdout:
      c                                                                 3
      b                                                                 2
      a                                                                 1

== aggregations by key
args: -x aggsortkey -q
script-d:
    BEGIN { @["a"] = sum(3); @["c"] = sum(1); @["b"] = sum(2); exit(0); }
stdout:
      a                                                                 3
      b                                                                 2
      c                                                                 1

== variables: global, of the thread, of the clause; arrays; nothing of them is shown
script-d:
    #pragma D option quiet
    int declared;
    self string word;
    inline int LIMIT = 3 * 2;
    BEGIN { x = 5; a["k", 1] = 7; a["k", 2]++; self->n = 3; self->word = "w"; this->t = 9; }
    BEGIN { printf("%d %d %d %d %s %d %d\n", x, a["k", 1], a["k", 2], self->n, self->word, this->t, LIMIT); }
    BEGIN { self->n = 0; a["k", 1] = 0; self->word = 0; x += 2; x <<= 1; y = z = x; }
    BEGIN / self->n == 0 && !self->word && a["k", 1] == 0 / { printf("%d %d %d %d\n", x, y, z, declared); exit(0); }
stdout:
    5 7 1 3 w 9 6
    14 14 14 0

== variables that are structs of the script
script-d:
    #pragma D option quiet
    struct callinfo { uint64_t calls; size_t most; string who; };
    typedef struct { int a; struct { string s; int q[3]; } in; } foo_t;
    struct callinfo i[string];
    foo_t x;
    self foo_t y;
    this struct callinfo z;
    BEGIN { i["read"].calls++; i["read"].calls += 4; i["read"].most = 7 > i["read"].most ? 7 : i["read"].most; }
    BEGIN { x.a = 4; x.in.s = "in"; x.in.q[1] = 9; self->y.a = 3; this->z.who = "me"; y = x.a++; }
    BEGIN / i["read"].calls == 5 && self->y.a / {
        printf("%d %d [%s] %d\n", i["read"].calls, i["read"].most, i["read"].who, i["write"].calls);
        printf("%d %d %s %d %d %s\n", x.a, y, x.in.s, x.in.q[1], self->y.a, this->z.who);
        exit(0);
    }
stdout:
    5 7 [] 0
    5 4 in 9 3 me

== a struct that is used as a whole, or has no such member
command:
    "$SONDE" run -n 'struct s { int a; }; struct s x, y; BEGIN { x.b = 1; exit(0); }' && exit 9
    "$SONDE" run -n 'struct s { int a; }; struct s x, y; BEGIN { x = y; exit(0); }' && exit 9
    "$SONDE" run -n 'struct s { struct s x; }; struct s x; BEGIN { exit(0); }'
exit: 1
stderr-match:
    'x' has no member 'b' \[D_TYPE_MEMBER\]
    a struct has a value only in its members \[D_OP_SOU\]
    error: .*

== predicates, conditions, operators
script-d:
    #pragma D option quiet
    BEGIN / 1 && 0 / { printf("never\n"); }
    BEGIN / 0 || 1 / { printf("%d %d %d %d\n", 7 / 2, -7 / 2, 7 % 3, 1 ^^ 1); }
    BEGIN { x = 3; x > 2 ? printf("more\n") : printf("less\n"); printf("%s\n", x == 3 ? "three" : "other"); }
    BEGIN { if (x == 1) printf("1\n"); else if (x == 3) { printf("3\n"); } else printf("none\n"); }
    BEGIN { x++, --x; printf("%d %d\n", x++, x); exit(0); }
stdout:
    3 -3 1 0
    more
    three
    3
    3 4

== strings
script-d:
    #pragma D option quiet
    BEGIN {
        printf("%s %d %s|%s|%s|%s|%s\n", strjoin("abc", "def"), strlen("hello"), substr("hello", 1, 3),
            substr("hello", 2), substr("hello", -2), substr("hello", 0, -1), substr("hello", 9));
        printf("%d %d %d %d %d\n", index("banana", "na"), index("banana", "na", 3), index("banana", "x"),
            rindex("banana", "na"), rindex("banana", "na", 3));
        printf("%s|%s|%s|%s\n", strchr("banana", 'n'), strrchr("banana", 'n'), strstr("banana", "nan"),
            strchr("banana", 'q'));
        printf("%s|%s|%s|%s|%s|%s|%s\n", basename("/a/b/c.d"), basename("/a/b/"), basename("/"),
            dirname("/a/b/c"), dirname("abc"), dirname("/abc"), dirname("/a//b"));
        printf("%s|%s|%s|%s\n", lltostr(0), lltostr(-77), lltostr(255, 16), lltostr(-9223372036854775807));
        printf("%s|%d|%d\n", stringof("x"), strlen(probename), index(probeprov, "trace"));
        exit(0);
    }
stdout:
    abcdef 5 ell|llo|lo|hell|
    2 4 -1 4 2
    nana|na|nana|
    c.d|b|/|/a/b|.|/|/a
    0|-77|ff|-9223372036854775807
    x|5|1

== parameters and macro variables
params: 42 word
script-d:
    #pragma D option quiet
    BEGIN / $1 == 42 / { printf("%d %s %s %d\n", $1, $$1, $$2, $pid > 0); exit($1); }
exit: 42
stdout: 42 42 word 1

== options that dtrace has
command:
    "$SONDE" run -q -n 'BEGIN { printf("one\n"); }' -n 'BEGIN { printf("two\n"); exit(0); }'
    "$SONDE" run --d -q -x strsize=4 -e 'BEGIN { x = "abcdefgh"; printf("%s\n", stringof(x)); exit(0); }'
    printf '#!/usr/sbin/dtrace -qs\nBEGIN { trace("by its first line"); exit(0); }\n' >by-line
    "$SONDE" run ./by-line
    "$SONDE" run -q -s by-line
    "$SONDE" run -Z -q -n 'nothing:::here { } syscall::nothing:entry { } BEGIN { printf("zero\n"); exit(0); }'
stdout:
    one
    two

    abcdefgh

    by its first line
    by its first line
    zero

== probes are listed
command: "$SONDE" run -l -n 'BEGIN, syscall::read:entry, syscall::wr*te:return, proc:::exit, tick-5s'
stdout:
       ID   PROVIDER            MODULE                          FUNCTION NAME
        1     dtrace                                                     BEGIN
        4    syscall           vmlinux                              read entry
        5    syscall           vmlinux                             write return
        6       proc           vmlinux                                   exit
        7    profile                                                     tick-5s

== all probes are listed
command:
    "$SONDE" run -l | sed -n '1,3p'
    "$SONDE" run -l | awk 'NR > 1 { n[$2]++ } END { print n["dtrace"], (n["syscall"] > 400), n["proc"], (n["sched"] > 7), n["io"] }'
stdout:
       ID   PROVIDER            MODULE                          FUNCTION NAME
        1     dtrace                                                     BEGIN
        2     dtrace                                                     END
    3 1 12 1 2

== numbers of probes are those of the list
script-d:
    BEGIN { printf("%d\n", id); }
    BEGIN, tick-10ms { trace(id); }
    syscall::getppid:entry { }
    tick-20ms { exit(0); }
    ERROR { trace(id); }
stderr: dtrace: script 'script.d' matched 6 probes
check:
    assert re.search(r'^ +\d +1 +:BEGIN 1$', out, re.M) and re.search(r'^ +\d +1 +:BEGIN +1$', out, re.M), out
    assert re.search(r'^ +\d +4 +:tick-10ms +4$', out, re.M) and re.search(r'^ +\d +6 +:tick-20ms *$', out, re.M), out

== scripts and clauses together
command:
    printf '#!/usr/sbin/dtrace -s\n#pragma D option quiet\nBEGIN { printf("a %%s\\n", $$1); }\n' >a.d
    printf '#!/usr/sbin/dtrace -s\nBEGIN { printf("b %%d\\n", $2); }\n' >b.d
    "$SONDE" run -s a.d -s b.d -n 'BEGIN { exit(0); }' x 5
    "$SONDE" run -n 'BEGIN { printf("first\n"); }' -s - -n 'END { } BEGIN { exit(0); }' x <a.d
    "$SONDE" run -s none.d
stdout:
    a x
    b 5

    first
    a x

exit: 1
stderr-match:
    cannot open 'none.d'

== a process that ends
command:
    sleep 3 &
    "$SONDE" run -n 'BEGIN / pid != $target / { trace($target > 0); }' -p $!
    "$SONDE" run -c true -n 'BEGIN { }' >/dev/null
match: ^ +\d +1 +:BEGIN +1$
stderr-match:
    matched 1 probe$
    ^dtrace: pid \d+ has exited$
    matched 1 probe$
    ^dtrace: pid \d+ has exited$

== errors have D's tags
command: "$SONDE" run -q -n 'BEGIN { trace(nothing); x = cuont(); printf("%s", 5); @a = 5; }'
exit: 1
stderr-match:
    error: unknown function 'cuont'; did you mean 'count'\? \[D_FUNC_UNDEF\]
    \[D_AGG_FUNC\]

== a probe that is not there
command: "$SONDE" run -q -n 'syscall::nothing:entry { }'
exit: 1
stderr-match: \[D_PDESC_ZERO\]

== a script that says itself that it changes the system
script-d:
    #pragma D option quiet
    #pragma D option destructive
    BEGIN { printf("before\n"); system("echo from %d", 7); exit(0); }
stdout:
    before
    from 7

== quoted parameters are texts
command:
    "$SONDE" run -q -n 'BEGIN / $1 == "two words" / { printf("%s|%s|%d\n", $1, $$2, $3); exit(0); }' '"two words"' '"x"' 5
    "$SONDE" run -q -n 'BEGIN { printf("%s\n", $1); exit(0); }' '"a"b"' && exit 9
    true
stdout:
    two words|"x"|5
stderr-match:
    '"a"b"' is no number and no name

== states and classes of threads
script-d:
    #pragma D option quiet
    sched:::off-cpu / curlwpsinfo->pr_state == SSLEEP && execname == "sleep" / { @n["slept"] = count(); }
    sched:::off-cpu / execname == "sleep" && (curlwpsinfo->pr_flag & PR_IDLE) / { @n["idle"] = count(); }
    BEGIN { printf("%s %d\n", curlwpsinfo->pr_clname, curlwpsinfo->pr_state); }
    tick-1s { exit(0); }
trigger: sleep 0.1; sleep 0.1; sleep 0.1
signal: none
match:
    ^TS 2$
    ^ +slept +\d+$
never:
    idle

== what changes the system wants -w
command:
    "$SONDE" run -q -n 'BEGIN { system("echo shell"); }' 2>&1 | head -1
    "$SONDE" run -w -q -n 'BEGIN { system("echo shell %d", 5); freopen("out.txt"); printf("to the file\n"); freopen(""); printf("back\n"); exit(0); }'
    cat out.txt
stdout:
    -n:1:9: error: system() changes the system; it needs -w, or the option 'destructive' [D_ACT_DESTRUCTIVE]
    shell 5
    back

    to the file

== json
args: -f json
script-d:
    BEGIN { printf("text\n"); trace(5); @["k"] = count(); exit(0); }
json: yes
check:
    kinds = [v['type'] for v in json]
    assert kinds == ['matched', 'probe', 'printf', 'value', 'map'], kinds
    assert json[1]['data']['name'] == 'dtrace:::BEGIN', json[1]
    assert json[4]['data'] == {'@': {'k': 1}}, json[4]

== a clause's output stays together on all CPUs
script-d:
    #pragma D option quiet
    profile:::profile-997 { printf("%d(", cpu); printf("%s", "x"); printf(")%d\n", cpu); }
    tick-1s { exit(0); }
check:
    lines = [l for l in out.splitlines() if l]
    assert len(lines) > 500, len(lines)
    assert all(re.fullmatch(r'(\d+)\(x\)\1', l) for l in lines), [l for l in lines if not re.fullmatch(r'(\d+)\(x\)\1', l)][:5]

== a clause that cannot go on
script-d:
    #pragma D option quiet
    dtrace:::ERROR { printf("%s:%s %d %d 0x%x %d\n", probeprov, probename, arg1, arg4, arg5, this->seen); @errors = count(); }
    BEGIN { this->seen = 7; printf("not shown"); trace(copyinstr(1)); printf("neither\n"); }
    BEGIN { x = 0; printf("nor %d\n", 5 / x); }
    BEGIN / *(int *)5 == 0 / { printf("nor this\n"); }
    BEGIN { @[stringof((char *)99)] = count(); }
    BEGIN { printf("%d %d\n", 5 / (x + 2), 5 % 3); }
    BEGIN { exit(0); }
stdout:
    dtrace:ERROR 2 1 0x1 7
    dtrace:ERROR 3 4 0x0 7
    dtrace:ERROR 4 1 0x5 7
    dtrace:ERROR 5 1 0x63 7
    2 2

                    4
stderr-match:
    ^dtrace: error on enabled probe ID 2 \(ID \d+: dtrace:::BEGIN\): invalid address \(0x1\) in the clause at line 3$
    ^dtrace: error on enabled probe ID 3 \(ID \d+: dtrace:::BEGIN\): divide-by-zero in the clause at line 4$

