# What expressions, variables and loops give, where it is easy to get it wrong.

== variables keep their values from round to round and loop to loop
oracle: no, newer than 0.17
script:
    BEGIN {
    	for ($i : 0..3) { $y = $i; }
    	printf("%d\n", $y);
    	$n = 0;
    	while ($n < 3) { $n++; if ($n == 2) { $z = 7; } printf("%d\n", $z); }
    	for ($i : 0..2) { $q = $i; }
    	for ($i : 0..2) { printf("%d\n", $q); $q = 5; }
    	unroll (2) { for ($i : 0..2) { $w = $i; @w[$w]++; } }
    	$s = "none";
    	for ($i : 0..3) { if ($i == 1) { $s = "a longer text"; } }
    	printf("%s %d %d\n", $s, @w[0], @w[1]);
    	exit();
    }
args: -q
match:
    ^2$
    ^0$
    ^7$
    ^7$
    ^1$
    ^5$
    ^a longer text 2 2$

== loops without the outer parentheses
oracle: no, newer than 0.17
script:
    BEGIN {
    	@m[1] = 2;
    	for $i : 0..2 { print($i); }
    	for $kv : @m { print($kv); }
    	for ($k, $v) : @m { print($k + $v); }
    	clear(@m);
    	exit();
    }
args: -q
match:
    ^0$
    ^1$
    ^\(1, 2\)$
    ^3$

== a declared variable holds what its type can
oracle: no, newer than 0.17
script:
    BEGIN {
    	let $a: uint8 = 300;
    	let $b: int8 = 200;
    	printf("%d %d\n", $a, $b);
    	$a += 250; $b <<= 1;
    	printf("%d %d\n", $a, $b);
    	$a = 255;
    	printf("%d %d\n", ++$a, --$a);
    	let $c: uint16 = 70000;
    	for ($i : 0..2) { $c += 65535; }
    	{ let $b: uint32 = 0x1ffffffff; printf("%d %d\n", $b, $c); }
    	let $d: uint8 = nsecs;
    	printf("%d\n", $d < 256);
    	exit();
    }
args: -q
match:
    ^44 -56$
    ^38 -112$
    ^0 255$
    ^4294967295 4462$
    ^1$

== operands are evaluated from the left
script:
    BEGIN {
    	$a = 5;
    	printf("%d\n", $a + (1 + $a++));
    	printf("%d\n", $a == 6 + 0 * $a++);
    	$t = (1, 2);
    	$t = ($t.1, $t.0);
    	printf("%d %d\n", $t.0, $t.1);
    	exit();
    }
match:
    ^11$
    ^1$
    ^2 1$

== numbers of either sign
oracle: no, it divides signed numbers as if they had none
script:
    BEGIN {
    	$m = (int64)-7;
    	$u = (uint64)5;
    	printf("%d %d %d %d\n", $m / 2, $m % 2, 7 / (int64)-2, $m >> 1);
    	printf("%d %d %d\n", $m < $u, $m < 5, (uint64)$m / 2 > 5);
    	printf("%d %d %d %d\n", (int8)200, (uint8)-1, ~(uint8)1, -$u);
    	printf("%d %d\n", $m / (int64)(pid - pid), $m % (int64)(pid - pid));
    	printf("%d %d %d\n", -8 >> 1, 18446744073709551615 / 2 > 5, 1 << 63 < 0);
    	exit();
    }
match:
    ^-3 -1 -3 -4$
    ^0 1 1$
    ^-56 255 254 -5$
    ^0 -7$
    ^-4 1 1$

== how long what a map holds is
oracle: no, newer than 0.17
script:
    BEGIN {
    	printf("%d\n", len(@s));
    	@s = "abcd"; @t[1] = "xyz"; @t[2] = "z"; @n = 5; @k = kstack(3);
    	printf("%d %d %d %d %d\n", len(@s), len(@t[1]), len(@t), len(@n), len(@k));
    	clear(@k); clear(@n); clear(@s); clear(@t);
    	exit();
    }
match:
    ^0$
    ^4 3 2 1 3$

== a map that is only calculated with
oracle: no, newer than 0.17
script:
    BEGIN { @a[1] = @a[1] + 2; @a[1] = @a[1] + 3; @b = @b - 1; exit(); }
match:
    ^@a\[1\]: 5$
    ^@b: -1$

== texts cut, compared and searched
oracle: no, newer than 0.17
script:
    config = { max_strlen = 300 }
    BEGIN {
    	$s = "abcdef";
    	printf("%s|%s|%s|\n", str($s, 3), str("xyz", 0), str($s, 100));
    	$s = str($s, 2);
    	printf("%s %d\n", $s, $s == "ab");
    	@long = str($1);
    	@needle = "needle";
    	printf("%d %d\n", strcontains(@long, "needle"), strcontains(@long, @needle));
    	printf("%d %d\n", strcontains(@long, "nedle"), strcontains("abc", str("", 1)));
    	printf("%d %d %d\n", strncmp("abc", "abd", 2), strncmp(comm, "zzz", 1), strncmp("a", "b", 0));
    	printf("%s|\n", (string[2])str($2));
    	clear(@long);
    	clear(@needle);
    	exit();
    }
params: "$(printf '%0260d' 0)needle" word
match:
    ^abc\|\|abcdef\|$
    ^ab 1$
    ^1 1$
    ^0 1$
    ^0 1 0$
    ^wo\|$

== a branch that prints or clears a map
oracle: no, newer than 0.17
script:
    BEGIN { @h[1] = count(); @n = 0; }
    interval:ms:20 {
    	@n++;
    	@h[1] = count();
    	if (@n == 2) { print(@h); } else { @h[2] = count(); }
    	if (@n == 4) { clear(@h); print(@h); printf("cleared\n"); }
    	if (@n == 5) { print(@h); exit(); }
    }
    END { clear(@h); clear(@n); }
match:
    @h\[1\]: 3
    cleared
    @h\[1\]: 1

== structs of the script's own
oracle: no, newer than 0.17
script:
    enum level { LOW = -2, HIGH = 5 };
    struct part { short a : 3, b : 7; enum level level; char text[6]; };
    struct packed { char a : 4; unsigned long long b : 61; char c; } __attribute__((packed));
    BEGIN {
    	printf("%d %d %d\n", sizeof(struct part), offsetof(struct part, text), sizeof(enum level));
    	printf("%d %d\n", sizeof(struct packed), offsetof(struct packed, c));
    	printf("%d %d\n", LOW, HIGH);
    	exit();
    }
match:
    ^16 8 4$
    ^10 9$
    ^-2 5$
