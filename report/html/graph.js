
/* ---- the time-sequence graph ---- */
const sums = a => { let s = 0; return (a || []).map(d => s += d); };
const TS = (D.graphs || []).map(g => ({
  ...g,
  seg: { n: sums(g.seg.n), t: sums(g.seg.t).map(v => v / 1e6), q: sums(g.seg.q), l: g.seg.l || [], k: g.seg.k || [], o: g.seg.o, f: g.seg.f },
  ack: { n: sums(g.ack.n), t: sums(g.ack.t).map(v => v / 1e6), a: sums(g.ack.a), w: g.ack.w || [], s: g.ack.s || {}, f: g.ack.f },
  rtt: [(g.rtt[0] || []).map(v => v / 1e6), (g.rtt[1] || []).map(v => v / 1e3)],
}));
/* lower is the first place in a that is not below v. */
const lower = (a, v) => { let lo = 0, hi = a.length; while (lo < hi) { const m = (lo + hi) >> 1; if (a[m] < v) lo = m + 1; else hi = m; } return lo; };
const pairs = s => { const out = []; for (let i = 0; s && i + 1 < s.length; i += 2) out.push([s[i], s[i + 1]]); return out; };
const place = { "sender-host": "lost in the sender host", upstream: "lost upstream of this capture", capture: "missing only from this capture", downstream: "lost downstream of this capture", "receiver-host": "lost in the receiver host", unknown: "lost somewhere on the path" };

/* bar draws upright bars, and leaves out one that would cover the pixels of the one before it. */
function bar(c, w) {
  let px, py, ph;
  return (x, y, h) => {
    const rx = Math.round(x), ry = Math.round(y), rh = Math.round(h);
    if (rx === px && ry === py && rh === ph) return;
    px = rx; py = ry; ph = rh;
    c.fillRect(x - w / 2, y, w, h);
  };
}
/* plane gives the places of values: straight lines, without the questions that valToPos asks each time. */
function plane(u) {
  const { left, top, width: w, height: h } = u.bbox, { x, y } = u.scales, kx = w / (x.max - x.min), ky = h / (y.max - y.min);
  return [v => left + (v - x.min) * kx, v => top + h - (v - y.min) * ky];
}
/* steps draws a step line. Of what falls into one column of pixels only the extent is drawn: 100 000 steps are a thousand strokes. */
function steps(c, u, a0, a1, at, value) {
  const [X, Y] = plane(u);
  let px = null, y = 0, lo = 0, hi = 0;
  c.beginPath();
  const end = () => { if (hi - lo > 1) { c.lineTo(px, lo); c.lineTo(px, hi); } c.lineTo(px, y); };
  for (let i = a0; i < a1; i++) {
    const x = Math.round(X(at[i])), yi = Y(value(i));
    if (px === null) { c.moveTo(x, yi); px = x; lo = hi = yi; }
    else if (x !== px) { end(); c.lineTo(x, y); px = x; lo = Math.min(y, yi); hi = Math.max(y, yi); }
    else { lo = Math.min(lo, yi); hi = Math.max(hi, yi); }
    y = yi;
  }
  if (px !== null) { end(); c.lineTo(u.bbox.left + u.bbox.width, y); }
  c.stroke();
}

function sequence() {
  let G = TS[0], V = { x0: 0, x1: 1, y0: null, y1: null }, at = -1;
  const plot = $("#ts"), tip = $("#tip"), say = $("#tssay"), pick = $("#tspick");
  TS.forEach((g, i) => pick.add(new Option(g.name + "  (" + g.note + ")", i)));
  const full = () => {
    const ends = [G.seg.t[0], G.ack.t[0], G.seg.t.at(-1), G.ack.t.at(-1)].filter(v => v != null);
    const a = Math.min(...ends), b = Math.max(...ends), p = Math.max((b - a) * .02, 5e-4);
    return { x0: a - p, x1: b + p, y0: null, y1: null };
  };
  const least = () => G.unit ? 1 : 1500;
  const fit = (x0, x1) => {
    const { seg, ack } = G;
    let lo = Infinity, hi = -Infinity;
    for (let i = lower(seg.t, x0); i < seg.t.length && seg.t[i] <= x1; i++) { lo = Math.min(lo, seg.q[i]); hi = Math.max(hi, seg.q[i] + seg.l[i]); }
    const j = Math.max(0, lower(ack.t, x0) - 1);
    if (ack.a[j] < lo && hi > -Infinity) lo = Math.max(ack.a[j], lo - (hi - lo));
    if (hi < lo) { lo = ack.a[j] || 0; hi = lo + 13 * least(); }
    const p = Math.max(least(), (hi - lo) * .06);
    return [lo - p, hi + p];
  };
  const high = () => innerWidth < 720 ? 380 : 460;
  const xAxis = show => axis({ show, size: show ? 32 : 0, space: 80, values: (u, v) => stepText(v, " s") });
  const xRange = () => [V.x0, V.x1];
  const ts = new uPlot({
    width: width(plot), height: high(), legend: { show: false }, padding: [10, 14, 0, 0],
    cursor: { points: { show: false }, drag: { x: true, y: true, uni: 30, setScale: false } },
    scales: { x: { time: false, range: xRange }, y: { range: () => V.y0 == null ? fit(V.x0, V.x1) : [V.y0, V.y1] } },
    series: [{}, none],
    axes: [xAxis(true), axis({ size: 86, gap: 6, space: 44, values: (u, v) => v.map(x => x < 0 ? "" : num(x)) })],
    hooks: { draw: [drawTS], setSelect: [select], setCursor: [hover] },
  }, [[0, 1], [0, 1]], plot);
  charts.push([ts, plot, high]);
  /* below it, on the same time: round trips, and the window */
  const below = (id, draw, top, h, last) => {
    const el = $("#" + id), u = new uPlot({
      width: width(el), height: h, legend: { show: false }, padding: [8, 14, last ? 0 : 8, 0], cursor: { show: false },
      scales: { x: { time: false, range: xRange }, y: { range: () => [0, (top() || 1) * 1.08] } },
      series: [{}, none], axes: [xAxis(last), axis({ size: 86, gap: 6, space: 34, values: (u, v) => v.length > 1 && v[1] - v[0] < 1 ? stepText(v, "") : v.map(num) })],
      hooks: { draw: [draw] },
    }, [[0, 1], [0, 1]], el);
    charts.push([u, el, h]);
    return u;
  };
  const most = (t, v) => { let m = 0; for (let i = lower(t, V.x0); i < t.length && t[i] <= V.x1; i++) m = Math.max(m, v[i]); return m; };
  const rtt = below("rttplot", u => clipped(u, c => {
    const [t, v] = G.rtt, r = 1.6 * dpr();
    c.fillStyle = C.seg;
    for (let i = lower(t, V.x0); i < t.length && t[i] <= V.x1; i++) c.fillRect(u.valToPos(t[i], "x", true) - r, u.valToPos(v[i], "y", true) - r, 2 * r, 2 * r);
  }), () => most(...G.rtt), 130, false);
  const win = below("winplot", u => clipped(u, c => {
    const p = dpr();
    for (const [v, col, dash, lw] of [[G.ack.w, C.win, [5, 4], 1.5], [G.way, C.seg, [], 1.5]]) {
      c.strokeStyle = col; c.lineWidth = lw * p; c.setLineDash(dash.map(d => d * p));
      steps(c, u, Math.max(0, lower(G.ack.t, V.x0) - 1), Math.min(G.ack.t.length, lower(G.ack.t, V.x1) + 1), G.ack.t, i => v[i]);
    }
    c.setLineDash([]);
  }), () => Math.max(most(G.ack.t, G.way), Math.min(most(G.ack.t, G.ack.w), 8 * most(G.ack.t, G.way) || Infinity)), 150, true);
  /* onTheWay is what is sent and not acknowledged, just before each acknowledgement. */
  for (const g of TS) {
    let i = 0, top = 0, acked = 0;
    g.way = g.ack.t.map((t, k) => {
      for (; i < g.seg.t.length && g.seg.t[i] <= t; i++) top = Math.max(top, g.seg.q[i] + g.seg.l[i]);
      const n = Math.max(0, top - Math.max(acked, 0));
      acked = Math.max(acked || g.ack.a[k], g.ack.a[k]);
      return n;
    });
  }

  function view(v) {
    const f = full(), least = 5e-4;
    let { x0, x1 } = v;
    if (x1 - x0 < least) { const m = (x0 + x1) / 2; x0 = m - least / 2; x1 = m + least / 2; }
    const w = Math.min(x1 - x0, f.x1 - f.x0);
    if (x0 < f.x0) { x0 = f.x0; x1 = x0 + w; }
    if (x1 > f.x1) { x1 = f.x1; x0 = x1 - w; }
    V = { x0, x1, y0: v.y0 ?? null, y1: v.y1 ?? null };
    for (const u of [ts, rtt, win]) u.setData([[x0, x1], [0, 1]]);
    plot.dataset.view = x0.toFixed(6) + " " + x1.toFixed(6);
  }
  const zoom = (k, cx) => { const m = cx ?? (V.x0 + V.x1) / 2; view({ x0: m - (m - V.x0) * k, x1: m + (V.x1 - m) * k }); };
  const pan = f => { const d = (V.x1 - V.x0) * f; view({ x0: V.x0 + d, x1: V.x1 + d, y0: V.y0, y1: V.y1 }); };
  function select(u) {
    const s = u.select;
    if (s.width < 4 && s.height < 4) return;
    const tall = s.height < u.over.clientHeight - 2 && s.height > 4;
    view({ x0: u.posToVal(s.left, "x"), x1: u.posToVal(s.left + s.width, "x"),
      y0: tall ? u.posToVal(s.top + s.height, "y") : null, y1: tall ? u.posToVal(s.top, "y") : null });
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }

  function drawTS(u) {
    clipped(u, c => {
      const { width: wide } = u.bbox, [X, Y] = plane(u), p = dpr();
      const { seg, ack } = G, { x0, x1 } = V, per = wide / (x1 - x0);
      const a0 = Math.max(0, lower(ack.t, x0) - 1), a1 = Math.min(ack.t.length, lower(ack.t, x1) + 1);
      c.strokeStyle = C.win; c.lineWidth = 1.5 * p; c.setLineDash([5 * p, 4 * p]); steps(c, u, a0, a1, ack.t, i => ack.a[i] + ack.w[i]);
      c.strokeStyle = C.ack; c.lineWidth = 2 * p; c.setLineDash([]); steps(c, u, a0, a1, ack.t, i => ack.a[i]);
      // SACK blocks: bars at the ACK that carried them
      const sw = Math.min(5 * p, Math.max(1.6 * p, per * 2e-4));
      c.fillStyle = C.sack; c.globalAlpha = .75;
      const bars = bar(c, sw);
      for (let i = a0; i < a1; i++) {
        const s = ack.s[i];
        for (let k = 0; s && k + 1 < s.length; k += 2) { const y = Y(s[k + 1]); bars(X(ack.t[i]), y, Math.max(p, Y(s[k]) - y)); }
      }
      c.globalAlpha = 1;
      const s0 = lower(seg.t, x0 - .01), s1 = lower(seg.t, x1 + .01), w = Math.min(5 * p, Math.max(2 * p, per * 3e-4));
      c.fillStyle = C.seg;
      const segs = bar(c, w);
      for (let i = s0; i < s1; i++) if (seg.k[i] === 0) { const y = Y(seg.q[i] + seg.l[i]); segs(X(seg.t[i]), y, Math.max(1.5 * p, Y(seg.q[i]) - y)); }
      c.strokeStyle = c.fillStyle = C.ink; c.lineWidth = 1.2 * p;
      const ww = Math.max(w * 1.6, 4 * p);
      for (let i = s0; i < s1; i++) {
        if (seg.k[i] !== 1 && seg.k[i] !== 2) continue;
        const x = X(seg.t[i]), y = Y(seg.q[i] + seg.l[i]), h = Y(seg.q[i]) - y;
        if (seg.k[i] === 1) c.fillRect(x - ww / 2, y, ww, Math.max(h, 3 * p)); else c.strokeRect(x - ww / 2, y, ww, Math.max(h, 5 * p));
      }
      // losses, each with the thread to its repair: its length is the time it cost
      const r = Math.min(6, Math.max(2.6, Math.abs(Y(G.unit ? 2 : 1448) - Y(0)) / p * .5)) * p;
      G.loss.forEach((l, i) => {
        if ((l.rt ?? l.t) < x0 || l.t > x1) return;
        const x = X(l.t), y = Y(l.q + l.l / 2), unseen = !l.n;
        if (l.rt != null) {
          c.strokeStyle = C[l.f] || C.ink; c.lineWidth = p; c.globalAlpha = r > 4 * p ? .7 : .32; c.setLineDash(unseen ? [3 * p, 3 * p] : []);
          c.beginPath(); c.moveTo(x, y); c.lineTo(X(l.rt), y); c.stroke(); c.setLineDash([]); c.globalAlpha = 1;
        }
        mark(c, l.f, x, y, r, unseen);
        if (i === at) { c.strokeStyle = C.ink; c.lineWidth = 1.5 * p; c.beginPath(); c.arc(x, y, r * 2.3, 0, 7); c.stroke(); }
      });
    });
  }
  const frame = (n, f) => (f != null && D.files[f] ? D.files[f] + ": " : "") + "frame " + num(n);
  /* numbered names datagrams by their numbers. */
  const numbered = x => (G.unit === "RTP numbers" ? "RTP number " : "datagram ") + num(x.q) + (x.l > 1 ? "–" + num(x.q + x.l - 1) : "");
  const lossText = l => [l.n ? frame(l.n) : "not in the file", l.t.toFixed(6) + " s", G.unit ? numbered(l) : l.l ? "data " + num(l.q) + "–" + num(l.q + l.l) : "ACK " + num(l.q),
    (place[l.o] || l.o) + ": " + l.c + ", " + l.g, "charge " + l.id, l.rn ? "repaired by frame " + num(l.rn) + ", " + ((l.rt - l.t) * 1e3).toFixed(1) + " ms later" : ""].filter(Boolean);
  function nearest(u, left, top) {
    const X = v => u.valToPos(v, "x"), Y = v => u.valToPos(v, "y"), t = u.posToVal(left, "x"), tol = (V.x1 - V.x0) / u.over.clientWidth * 14;
    let best = 15, text = null;
    const near = (x, y, f, bias) => { const d = Math.hypot(X(x) - left, y - top) + bias; if (d < best) { best = d; text = f; } };
    const { seg, ack } = G, kinds = ["", "retransmission, needed", "retransmission, unnecessary"];
    for (let i = lower(seg.t, t - tol); i < seg.t.length && seg.t[i] < t + tol; i++) {
      if (seg.k[i] === 9) continue;
      near(seg.t[i], Math.max(Y(seg.q[i] + seg.l[i]), Math.min(Y(seg.q[i]), top)), () => [frame(seg.n[i], seg.f && seg.f[i]), seg.t[i].toFixed(6) + " s",
        G.unit ? numbered({ q: seg.q[i], l: 1 }) + ", " + num(seg.o[i]) + " octets" : "data " + num(seg.q[i]) + "–" + num(seg.q[i] + seg.l[i]) + ", " + num(seg.l[i]) + " octets", kinds[seg.k[i]]], 0);
    }
    for (let i = lower(ack.t, t - tol); i < ack.t.length && ack.t[i] < t + tol; i++)
      near(ack.t[i], Y(ack.a[i]), () => [frame(ack.n[i], ack.f && ack.f[i]), ack.t[i].toFixed(6) + " s", "ACK " + num(ack.a[i]) + ", window " + num(ack.w[i]),
        ack.s[i] ? "SACK " + pairs(ack.s[i]).map(b => num(b[0]) + "–" + num(b[1])).join(", ") : ""], 1);
    for (const l of G.loss) if (Math.abs(l.t - t) < tol) near(l.t, Y(l.q + l.l / 2), () => lossText(l), -3);
    return text;
  }
  function hover(u) {
    const { left, top } = u.cursor, text = left == null || left < 0 ? null : nearest(u, left, top);
    if (!text) { tip.style.display = "none"; return; }
    tip.replaceChildren();
    text().filter(Boolean).forEach((s, i) => {
      const e = document.createElement(i ? "span" : "b");
      if (i) tip.append(document.createElement("br"));
      e.textContent = s;
      tip.append(e);
    });
    tip.style.display = "block";
    const bx = u.over.getBoundingClientRect(), hx = $(".tsbox").getBoundingClientRect();
    const lx = bx.left - hx.left + left, ty = bx.top - hx.top + top;
    tip.style.left = (lx > hx.width / 2 ? Math.max(0, lx - tip.offsetWidth - 14) : lx + 14) + "px";
    tip.style.top = Math.max(0, ty - tip.offsetHeight - 10) + "px";
  }
  function focus(i) {
    if (!G.loss.length) return;
    at = (i + G.loss.length) % G.loss.length;
    const l = G.loss[at], e = Math.max(.02, (l.rt ?? l.t) - l.t);
    view({ x0: l.t - e * .45, x1: (l.rt ?? l.t) + e * .9 });
    say.textContent = "Loss " + num(at + 1) + " of " + num(G.loss.length) + ": " + lossText(l).join(", ") + ".";
  }
  function show(i) {
    G = TS[i]; pick.value = i; at = -1;
    view(full());
    say.textContent = G.loss.length ? num(G.loss.length) + (G.loss.length === 1 ? " mark for " : " marks for ") + num(G.missing) + (G.missing === 1 ? " missing packet" : " missing packets") + ". Press n for the first." : "Nothing is missing from this flow.";
    // datagrams have no window, and other things below them than round trips
    const [name, unit] = (G.below || "RTT|ms, from this capture to the receiver and back").split("|");
    $("#belowname").textContent = name;
    $("#belowunit").textContent = unit;
    $$('[data-act="prev"],[data-act="next"]').forEach(b => b.disabled = !G.loss.length);
    $("#rttplot").setAttribute("aria-label", name + " of " + G.name + " over time, " + unit);
    $("#tsfig").classList.toggle("grams", !!G.unit);
    if (!G.unit) win.setSize({ width: width($("#winplot")), height: 150 });
    $$("#ftab tr[aria-current]").forEach(r => r.removeAttribute("aria-current"));
    const row = document.getElementById("flow-" + G.id);
    if (row) row.setAttribute("aria-current", "true");
    $$("figure.one").forEach((f, k) => f.classList.toggle("on", k === i));
  }
  pick.addEventListener("input", () => show(+pick.value));
  const act = { in: () => zoom(.5), out: () => zoom(2), left: () => pan(-.4), right: () => pan(.4), all: () => { at = -1; view(full()); }, prev: () => focus(at < 0 ? -1 : at - 1), next: () => focus(at + 1) };
  $$("[data-act]").forEach(b => b.addEventListener("click", () => act[b.dataset.act]()));
  plot.addEventListener("keydown", e => {
    const k = { "+": "in", "=": "in", "-": "out", ArrowLeft: "left", ArrowRight: "right", 0: "all", n: "next", p: "prev" }[e.key];
    if (k && !e.ctrlKey && !e.metaKey && !e.altKey) { e.preventDefault(); act[k](); }
  });
  plot.addEventListener("wheel", e => {
    if (!(e.ctrlKey || e.metaKey || document.activeElement === plot)) return; // the page must scroll
    e.preventDefault();
    zoom(Math.exp(e.deltaY * .0015), ts.posToVal(e.clientX - ts.over.getBoundingClientRect().left, "x"));
  }, { passive: false });
  let drag = null;
  ts.over.addEventListener("pointerdown", e => {
    plot.focus({ preventScroll: true });
    if (e.pointerType === "touch" || e.shiftKey) { drag = [e.clientX, V]; e.stopPropagation(); }
  }, true);
  ts.over.addEventListener("mousedown", e => { if (e.shiftKey) e.stopImmediatePropagation(); }, true);
  ts.over.addEventListener("dblclick", act.all);
  addEventListener("pointermove", e => {
    if (!drag) return;
    const d = (e.clientX - drag[0]) / ts.over.clientWidth * (drag[1].x1 - drag[1].x0);
    view({ x0: drag[1].x0 - d, x1: drag[1].x1 - d, y0: drag[1].y0, y1: drag[1].y1 });
  });
  ["pointerup", "pointercancel"].forEach(t => addEventListener(t, () => drag = null));
  show(0);
  return {
    flow: id => { const i = TS.findIndex(g => g.id === id); if (i >= 0) show(i); return i >= 0; },
    charge: id => {
      const i = TS.findIndex(g => g.loss.some(l => l.id === id));
      if (i < 0) return;
      show(i);
      focus(G.loss.findIndex(l => l.id === id));
    },
  };
}
const graph = TS.length ? sequence() : null;

/* ---- links into the page: #flow-3, #graph-3, #charge-7 ---- */
function follow() {
  const m = /^#(flow|graph|charge)-(\d+)$/.exec(location.hash);
  if (!m) return;
  const id = +m[2], target = document.getElementById(location.hash.slice(1));
  if (m[1] === "charge") {
    if (target) target.open = true;
    if (graph) graph.charge(id);
  } else if (graph) graph.flow(id);
  if (m[1] === "flow" && target) target.hidden = false;
  const to = m[1] === "graph" ? $("#graph") : target;
  if (to) to.scrollIntoView({ behavior: "instant" });
}
addEventListener("hashchange", follow);
follow();

/* ---- width, theme, place in the page ---- */
let later;
new ResizeObserver(() => {
  clearTimeout(later);
  later = setTimeout(() => charts.forEach(([u, el, h]) => u.setSize({ width: width(el), height: typeof h === "function" ? h() : h })), 60);
}).observe($("main"));
matchMedia("(prefers-color-scheme:dark)").addEventListener("change", () => { readTheme(); charts.forEach(([u]) => u.redraw(false, true)); });
const links = $$("nav a"), spy = new IntersectionObserver(es => es.forEach(e => {
  if (e.isIntersecting) links.forEach(a => a.hash === "#" + e.target.id ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current"));
}), { rootMargin: "-20% 0px -70% 0px" });
$$("main section").forEach(s => spy.observe(s));
document.documentElement.dataset.ready = "1";
