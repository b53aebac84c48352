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
