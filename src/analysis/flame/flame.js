// Zoom, search and keys of a flame graph. Each frame is <g data-x data-n data-d>: the first sample
// that it holds, how many, and its depth; <title> has its name and counts.
(() => {
  'use strict';
  const svg = document.documentElement, all = document.getElementById('frames');
  const PAD = 16, CHAR = 7.225, NS = 'http://www.w3.org/2000/svg';
  const total = +all.dataset.total, info = document.getElementById('info');
  const hint = info.textContent, right = document.getElementById('right');
  const reset = document.getElementById('reset'), leftOut = document.getElementById('left-out');
  let width = 1200, zoomed = null, cursor = null, pattern = null;

  // The tree, from the order of the frames: parents come before their children.
  const frames = [], open = [];
  for (const g of all.children) {
    const title = g.querySelector('title').textContent;
    const f = {
      g, rect: g.querySelector('rect'), text: g.querySelector('text'), title,
      name: title.slice(0, title.lastIndexOf(' (')),
      x: +g.dataset.x, n: +g.dataset.n, d: +g.dataset.d, kids: [],
    };
    open.length = f.d;
    f.parent = open[f.d - 1] || null;
    if (f.parent) f.parent.kids.push(f);
    open.push(f);
    frames.push(f);
    g.flame = f;
  }
  const root = frames[0];
  zoomed = root;

  const holds = (a, b) => { while (b && b !== a) b = b.parent; return b === a; };
  const percent = (n, of) => (100 * n / of).toFixed(2) + ' %';

  // "1,234 samples", "1.234 ms".
  function amount(n) {
    if (all.dataset.unit !== 'ns') return n.toLocaleString('en') + (n === 1 ? ' sample' : ' samples');
    const u = n < 1e3 ? 0 : n < 1e6 ? 1 : n < 1e9 ? 2 : 3;
    return (n / 1e3 ** u).toFixed(u ? 3 : 0) + [' ns', ' us', ' ms', ' s'][u];
  }

  function fit(name, w) {
    const places = Math.floor((w - 8) / CHAR), letters = [...name];
    if (letters.length <= places) return name;
    return places < 3 ? '' : letters.slice(0, places - 2).join('') + '..';
  }

  function place() {
    const scale = (width - 2 * PAD) / zoomed.n;
    for (const f of frames) {
      const above = f !== zoomed && holds(f, zoomed), inside = holds(zoomed, f);
      const w = above ? width - 2 * PAD : f.n * scale;
      const show = above || (inside && w >= 0.3);
      f.g.style.display = show ? '' : 'none';
      if (!show) continue;
      const x = above ? PAD : PAD + (f.x - zoomed.x) * scale;
      f.g.classList.toggle('above', above);
      f.rect.setAttribute('x', x.toFixed(3));
      f.rect.setAttribute('width', w.toFixed(3));
      f.rect.classList.toggle('thin', w < 5);
      const label = fit(f.name, w);
      if (label && !f.text) {
        f.text = document.createElementNS(NS, 'text');
        f.text.setAttribute('y', +f.rect.getAttribute('y') + 13);
        f.g.append(f.text);
      }
      if (f.text) {
        f.text.textContent = label;
        f.text.setAttribute('x', (x + 4).toFixed(3));
      }
    }
    reset.style.display = zoomed === root ? 'none' : '';
  }

  function tell(f) {
    if (!f) {
      info.textContent = pattern ? found() : hint;
      return;
    }
    const part = zoomed === root ? '' : ' \u00b7 ' + percent(f.n, zoomed.n) + ' of what is shown';
    info.textContent = f.title + part;
  }

  function zoom(f) {
    zoomed = f;
    place();
    tell(pattern ? null : f);
  }

  // Samples below a frame that matches count once, however many frames match above it.
  function matched(f) {
    if (pattern.test(f.name)) return f.n;
    return f.kids.reduce((sum, k) => sum + matched(k), 0);
  }

  function found() {
    const n = matched(zoomed);
    return 'matched: ' + percent(n, zoomed.n) + ' (' + amount(n) + ')';
  }

  function search(text) {
    pattern = null;
    input.classList.remove('bad');
    try {
      if (text) pattern = new RegExp(text, /[A-Z]/.test(text) ? '' : 'i');
    } catch (e) {
      input.classList.add('bad');
    }
    for (const f of frames) f.g.classList.toggle('hit', !!pattern && f.d > 0 && pattern.test(f.name));
    tell(null);
  }

  function select(f) {
    if (!f) return;
    if (cursor) cursor.g.classList.remove('cur');
    cursor = f;
    f.g.classList.add('cur');
    f.g.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    tell(f);
  }

  function step(key) {
    const c = cursor || zoomed, sib = c.parent ? c.parent.kids : [c], i = sib.indexOf(c);
    if (key === 'ArrowUp') select(c.kids.reduce((a, k) => (!a || k.n > a.n ? k : a), null));
    else if (key === 'ArrowDown') select(c.parent);
    else select(sib[i + (key === 'ArrowLeft' ? -1 : 1)]);
    if (!holds(zoomed, cursor) && !holds(cursor, zoomed)) zoom(cursor.parent);
  }

  const box = document.createElementNS(NS, 'foreignObject');
  const input = document.createElementNS('http://www.w3.org/1999/xhtml', 'input');
  for (const [k, v] of Object.entries({ x: -260, y: 24, width: 260, height: 28 })) box.setAttribute(k, v);
  input.setAttribute('placeholder', 'Search (regular expression)   /');
  input.setAttribute('aria-label', 'Search frames by regular expression');
  input.addEventListener('input', () => search(input.value));
  box.append(input);
  right.append(box);

  all.addEventListener('click', e => { const g = e.target.closest('g'); if (g && g.flame) zoom(g.flame); });
  all.addEventListener('mouseover', e => { const g = e.target.closest('g'); if (g && g.flame) tell(g.flame); });
  all.addEventListener('mouseleave', () => tell(null));
  reset.addEventListener('click', () => zoom(root));

  document.addEventListener('keydown', e => {
    if (e.target === input) {
      if (e.key === 'Escape') { input.value = ''; search(''); input.blur(); }
      if (e.key === 'Enter') input.blur();
      return;
    }
    if (e.key === '/' || (e.key === 'f' && (e.ctrlKey || e.metaKey))) input.focus();
    else if (e.key.startsWith('Arrow') && !e.altKey && !e.ctrlKey && !e.metaKey) step(e.key);
    else if (e.key === 'Enter' && cursor) zoom(cursor);
    else if (e.key === 'Escape') zoom(root);
    else return;
    e.preventDefault();
  });

  // Title and foot stay in sight where the picture is higher than the window.
  function follow() {
    const height = svg.viewBox.baseVal.height, high = window.innerHeight;
    const y = Math.max(0, Math.min(window.scrollY, height - high));
    document.getElementById('head').setAttribute('transform', `translate(0 ${y})`);
    document.getElementById('foot').setAttribute('transform', `translate(0 ${Math.min(0, y + high - height)})`);
  }

  // As wide as the window where the picture is the page.
  function resize() {
    const height = svg.viewBox.baseVal.height;
    width = Math.max(640, window.innerWidth - (window.innerHeight < height ? 16 : 0));
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    svg.setAttribute('width', width);
    right.setAttribute('transform', `translate(${width - PAD} 0)`);
    if (leftOut) leftOut.setAttribute('x', width - PAD);
    place();
    follow();
  }
  if (svg.tagName === 'svg' && window.parent === window) {
    window.addEventListener('resize', resize);
    window.addEventListener('scroll', follow);
    resize();
    window.scrollTo(0, svg.viewBox.baseVal.height);
  } else {
    place();
  }
})();
