# Functions of programs: arguments by name, wherever the calling convention puts them.

== arguments on the stack, and behind a result in memory
needs: cc
oracle: no, it takes all of them for registers
command:
    cat >prog.c <<'END'
    struct big { long a, b, c; char name[8]; };
    struct two { int x; long y; };
    struct mixed { double d; long l; };
    #define FN __attribute__((noinline))
    FN struct big make(int a, long b) { __asm__(""); return (struct big){ a, b, 3, "" }; }
    FN long take(int q, struct big t, int after) { __asm__(""); return t.b + after + q; }
    FN long eight(int a, int b, int c, int d, int e, int f, long g, short h)
    {
        __asm__("");
        return a + b + c + d + e + f + g + h;
    }
    FN long two(int q, struct two t, int after) { __asm__(""); return t.x + t.y + q + after; }
    FN long floats(double z, int q, float y, long r) { __asm__(""); return (long)z + q + (long)y + r; }
    FN long mixed(int q, struct mixed t, int after) { __asm__(""); return t.l + q + after; }
    int main(void)
    {
        struct big b = make(7, 8);
        b = (struct big){ 2, 3, 4, "text" };
        return take(1, b, 5) + eight(1, 2, 3, 4, 5, 6, -7, -8) + two(1, (struct two){ 2, 3 }, 4) +
               floats(1, 2, 3, 4) + mixed(1, (struct mixed){ 2, 3 }, 4) == 0;
    }
    END
    cc -g -O1 -o sonde-prog prog.c || exit 99
    "$SONDE" run -q -c ./sonde-prog -e '
    uprobe:./sonde-prog:make { printf("make %d %d\n", args.a, args.b); }
    uprobe:./sonde-prog:take { printf("take %d %d %d %s %d\n", args.q, args.t.a, args.t.c, str(args.t.name), args.after); }
    uprobe:./sonde-prog:eight { printf("eight %d %d %d\n", args.f, args.g, args.h); }
    uprobe:./sonde-prog:two { printf("two %d %d\n", args.q, args.after); }
    uprobe:./sonde-prog:floats { printf("floats %d %d\n", args.q, args.r); }
    uprobe:./sonde-prog:mixed { printf("mixed %d %s\n", args.q, probe); }'
    "$SONDE" run -q -e 'uprobe:./sonde-prog:mixed { print(args.after); }' && exit 1
    true
match:
    ^make 7 8$
    ^take 1 2 4 text 5$
    ^eight 6 -7 -8$
    ^two 1 4$
    ^floats 2 4$
    ^mixed 1 uprobe:/(?!.*/\./).*/sonde-prog:mixed$
stderr-match:
    'after' is an argument of 'uprobe:.*/sonde-prog:mixed', but no script can read it

== markers: constants by their width, types of the program
needs: cc
command:
    cat >prog.c <<'END'
    struct info { int id; char name[8]; } info = { 3, "inform" };
    int main(void)
    {
        for (int i = 0; i < 5; i++) {
            __asm__ volatile("990: nop\n"
                ".pushsection .note.stapsdt,\"\",\"note\"\n"
                ".balign 4\n.4byte 992f-991f, 994f-993f, 3\n991: .asciz \"stapsdt\"\n992: .balign 4\n"
                "993: .8byte 990b\n.8byte 0\n.8byte 0\n"
                ".asciz \"prov\"\n.asciz \"mark\"\n.asciz \"1@$-56 -1@$-56 8@%%rbx\"\n"
                "994: .balign 4\n.popsection" : : "b"(&info) : "memory");
            info.id++;
        }
        return 0;
    }
    END
    cc -g -O1 -o sonde-prog prog.c || exit 99
    "$SONDE" run -q -c ./sonde-prog -e 'usdt:./sonde-prog:prov:mark {
        @[arg0, arg1, str(((struct info *)arg2)->name)] = sum(((struct info *)arg2)->id); }'
stdout:


    @[200, -56, inform]: 25

== sums of nothing are shown
args: -q
script:
    BEGIN { @none = sum(0); @up = sum(5); @up = sum(-5); @key[1] = sum(0); exit(); }
    tracepoint:xdp:xdp_exception { @never = sum(0); }
stdout:


    @key[1]: 0
    @none: 0
    @up: 0

== a parameter as a text, and addresses of a program's variables
needs: cc
oracle: no, 0.17 wants a literal
command:
    cat >prog.c <<'END'
    long number = 77;
    __attribute__((noinline)) long get(long n) { number += n; return number; }
    int main(void) { return get(1) + get(2) == 0; }
    END
    cc -O1 -no-pie -o sonde-prog prog.c || exit 99
    "$SONDE" run -q -c ./sonde-prog -e 'uprobe:./sonde-prog:get {
        printf("%d %d %s\n", *uaddr(str($1)), *uaddr("number"), str($1)); }' number
stdout:
    77 77 number
    78 78 number

== a function of a stripped program
needs: cc
oracle: no, other words
exit: 1
command:
    echo 'int main(void) { return 0; }' >prog.c
    cc -s -o sonde-prog prog.c || exit 99
    "$SONDE" run -q -e 'uprobe:./sonde-prog:some_function { }'
stderr-match:
    no function 'some_function' in '.*/sonde-prog': it is stripped, only what it exports is known

== as many bytes of a string as the script says
needs: cc
command:
    cat >prog.c <<'END'
    char text[] = "abcdefghijklmnopqrstuvwxyz";
    __attribute__((noinline)) void see(const char *s) { __asm__("" : : "r"(s) : "memory"); }
    int main(void) { text[0] = 'a'; see(text); return 0; }
    END
    cc -O1 -o sonde-prog prog.c || exit 99
    for n in 2 8 11 16; do
        "$SONDE" run -q -c ./sonde-prog -e "config = { max_strlen = $n }
            uprobe:./sonde-prog:see { printf(\"%s|%s|%d\\n\", str(arg0), str(arg0, 12), strlen(str(arg0))); }"
    done | grep .
oracle: no strlen
stdout:
    a|a|1
    abcdefg|abcdefg|7
    abcdefghij|abcdefghij|10
    abcdefghijklmno|abcdefghijkl|15

== why nothing is known of a program's arguments
needs: cc
command:
    printf 'int f(int x) { return x; }\nint main(void) { return f(0); }\n' >bare.c
    cc -O0 -g0 -o sonde-bare bare.c || exit 99
    "$SONDE" run -q -e 'uprobe:./sonde-bare:f { print(args.x); }'
exit: 1
stderr-match:
    of 'uprobe:.*/sonde-bare:f': '.*/sonde-bare' tells nothing of its types: it has no DWARF \[no-arguments\]
oracle: no, its words are others
