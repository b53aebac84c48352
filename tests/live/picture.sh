#!/bin/sh
# SPDX-License-Identifier: MIT
# The flame graph's own script in a browser: search, zoom, keys. Skips without chromium; prints TAP.
# usage: picture.sh SONDE TRACE      (the trace of tests/golden/data/samples)
set -u
sonde=$(realpath "$1") trace=$(realpath "$2")
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 99

if ! command -v chromium >/dev/null; then
	echo '1..0 # SKIP there is no chromium'
	exit 0
fi

"$sonde" flame -o flame.svg "$trace" 2>err || exit 99

# The same picture, with a hand that uses it and writes down what it sees.
sed '$d' flame.svg >used.svg
cat >>used.svg <<'JS'
<text id="seen"/>
<script><![CDATA[
const $ = id => document.getElementById(id), seen = [];
const frames = [...document.querySelectorAll('#frames g')];
const called = name => frames.find(g => g.querySelector('title').textContent.startsWith(name + ' ('));
const width = name => Math.round(called(name).querySelector('rect').getAttribute('width'));
const shown = () => frames.filter(g => g.style.display !== 'none').length;
const key = k => document.dispatchEvent(new KeyboardEvent('keydown', { key: k, bubbles: true }));
const say = (what, value) => seen.push(what + '=' + value);
say('root', width('all') === width('main'));
say('tenth', Math.abs(width('__get_user_8') - width('all') / 10) <= 1);
const input = document.querySelector('foreignObject').firstChild;
const search = text => { input.value = text; input.dispatchEvent(new Event('input')); };
search('irqentry|__get');
say('matched', $('info').textContent);
say('hits', document.querySelectorAll('.hit').length);
search('(');
say('refused', input.className);
search('');
called('irqentry_exit_to_user_mode').dispatchEvent(new MouseEvent('click', { bubbles: true }));
say('zoomed', width('irqentry_exit_to_user_mode') === width('all'));
say('above', document.querySelectorAll('.above').length);
key('Escape');
say('back', document.querySelectorAll('.above').length);
key('ArrowUp');
say('walked', $('info').textContent);
$('seen').textContent = seen.join(';') + ';';
]]></script>
</svg>
JS
timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-background-networking \
	--user-data-dir="$scratch/profile" --dump-dom "file://$scratch/used.svg" >dom 2>chromium.err

n=0 bad=0
# want WORDS: they are among what was seen.
want() {
	n=$((n + 1))
	if grep -qF "$1;" dom; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		grep -o 'root=.*' dom | sed 's/^/# /'
		bad=1
	fi
}
want 'root=true'
want 'tenth=true'
want 'matched=matched: 10.00 % (1 sample)'
want 'hits=2'
want 'refused=bad'
want 'zoomed=true'
want 'above=8'
want 'back=0'
want 'walked=spin (10 samples, 100.00 %)'
echo "1..$n"
exit $bad
