"use strict";
/* The text of this page stands without this script. It adds: live charts, sorting and
   search, the sequence graph, and links into them. Strings reach the page by textContent only. */
const $ = (s, e = document) => e.querySelector(s), $$ = (s, e = document) => [...e.querySelectorAll(s)];
document.documentElement.classList.add("js");
const D = JSON.parse($("#data").textContent);
const css = n => getComputedStyle(document.documentElement).getPropertyValue("--" + n).trim();
const C = {};
function readTheme() {
  for (const k of ["bg", "panel", "ink", "ink2", "rule", "queue", "line", "filter", "host", "route", "capture", "seg", "ack", "win", "sack", "link", "mark"]) C[k] = css(k);
}
readTheme();
const THIN = "\u202f";
const num = n => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, THIN);
const font = () => "12px " + css("sans");
const dpr = () => devicePixelRatio || 1;
const width = el => Math.max(280, el.clientWidth);
const charts = [];

/* ---- one mark for each family of causes: shape and colour; hollow: it never passed the tap ---- */
function mark(c, fam, x, y, r, hollow) {
  c.strokeStyle = C[fam] || C.ink;
  c.fillStyle = hollow ? C.bg : c.strokeStyle;
  c.lineWidth = Math.max(1.5, r * .5);
  c.setLineDash([]);
  c.beginPath();
  const close = () => { c.closePath(); c.fill(); if (hollow) c.stroke(); };
  switch (fam) {
  case "queue": c.moveTo(x - r, y - r); c.lineTo(x + r, y + r); c.moveTo(x - r, y + r); c.lineTo(x + r, y - r); c.stroke(); break;
  case "line": c.moveTo(x, y - r * 1.25); c.lineTo(x + r * 1.25, y); c.lineTo(x, y + r * 1.25); c.lineTo(x - r * 1.25, y); close(); break;
  case "filter": c.rect(x - r, y - r, 2 * r, 2 * r); close(); break;
  case "host": c.moveTo(x, y - r * 1.2); c.lineTo(x + r * 1.2, y + r); c.lineTo(x - r * 1.2, y + r); close(); break;
  case "route": c.moveTo(x, y + r * 1.2); c.lineTo(x + r * 1.2, y - r); c.lineTo(x - r * 1.2, y - r); close(); break;
  case "capture": c.lineWidth = Math.max(1.5, r * .4); c.arc(x, y, r, 0, 7); c.stroke(); break;
  default: c.lineWidth = Math.max(1.5, r * .3); c.rect(x - r, y - r, 2 * r, 2 * r); c.stroke();
  }
}

/* ---- the course of time ---- */
const axis = o => Object.assign({ stroke: () => C.ink2, grid: { stroke: () => C.rule, width: 1 }, ticks: { show: false }, font: font() }, o);
const none = { paths: () => null, points: { show: false } };
/* stepText writes an axis with as many decimals as its step has. */
function stepText(v, unit) {
  const step = v.length > 1 ? v[1] - v[0] : .001;
  let d = 0;
  while (d < 6 && Math.abs(step * 10 ** d - Math.round(step * 10 ** d)) > 1e-6) d++;
  return v.map(x => x.toFixed(d) + unit);
}
const T = D.time;
const whole = [1, 2, 5].flatMap(k => [0, 1, 2, 3, 4, 5, 6, 7].map(e => k * 10 ** e)).sort((a, b) => a - b);
function timeline(id, draw, data, yfmt, height, opt = {}) {
  const el = $("#" + id);
  if (!el) return;
  const u = new uPlot({
    width: width(el), height, legend: { show: false }, padding: [8, 12, opt.last ? 0 : 8, 0],
    cursor: { sync: { key: "t" }, y: false, points: { show: false }, drag: { x: true, y: false } },
    scales: { x: { time: false, range: (u, a, b) => [Math.max(0, a), b] }, y: { range: (u, a, b) => [0, Math.max(opt.least || 1, b * 1.08)] } },
    series: [{}, opt.series || none],
    axes: [axis({ show: !!opt.last, size: opt.last ? 30 : 0, values: (u, v) => stepText(v, " s") }),
           axis(Object.assign({ size: 58, gap: 6, space: 34, values: (u, v) => v.map(yfmt) }, opt.counts ? { incrs: whole } : {}))],
    hooks: { drawClear: [bands], draw: draw ? [draw] : [], setCursor: [u => readout(u.cursor.idx)] },
  }, [T.t, data], el);
  charts.push([u, el, height]);
}
/* bands are the events of one moment. */
function bands(u) {
  const c = u.ctx;
  for (const [a, b] of T.marks || []) {
    const x0 = u.valToPos(a, "x", true), x1 = Math.max(x0 + 2 * dpr(), u.valToPos(b, "x", true));
    c.fillStyle = C.mark;
    c.fillRect(x0, u.bbox.top, x1 - x0, u.bbox.height);
    c.fillStyle = C.ink2;
    c.fillRect(x0, u.bbox.top, dpr(), u.bbox.height);
  }
}
function readout(i) {
  const r = $("#tread");
  if (i == null) { r.textContent = r.dataset.idle; return; }
  const parts = D.fams.filter(f => T.loss[f.id][i]).map(f => num(T.loss[f.id][i]) + " " + f.name);
  let s = T.t[i].toFixed(3) + " s";
  if (T.mbps) s += "   " + T.mbps[i].toFixed(1) + " Mbit/s";
  s += "   " + (parts.length ? "missing: " + parts.join(", ") : "nothing missing");
  if (T.resent[i]) s += "   " + num(T.resent[i]) + " sent again";
  if (T.rtt && T.rtt[i] != null) s += "   RTT " + T.rtt[i].toFixed(1) + " ms";
  r.textContent = s;
}
const clipped = (u, f) => {
  const c = u.ctx;
  c.save();
  c.beginPath();
  c.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
  c.clip();
  f(c);
  c.restore();
};
const barWidth = u => T.t.length < 2 ? 8 : Math.max(2, u.valToPos(T.t[1], "x", true) - u.valToPos(T.t[0], "x", true) - dpr());
function lossBars(u) {
  clipped(u, c => T.t.forEach((t, i) => {
    let sum = 0;
    const x = u.valToPos(t, "x", true), w = barWidth(u);
    for (const f of D.fams) {
      const v = T.loss[f.id][i];
      if (!v) continue;
      const y0 = u.valToPos(sum, "y", true), y1 = u.valToPos(sum + v, "y", true);
      sum += v;
      if (f.id === "capture" || f.id === "ink" || f.id === "unexplained") hatched(c, f.id, x, y1, w, y0 - y1);
      else { c.fillStyle = C[f.id]; c.fillRect(x, y1, w, y0 - y1); }
    }
  }));
}
/* hatched is what was not lost, and what has no known cause: outlined. */
function hatched(c, fam, x, y, w, h) {
  c.strokeStyle = C[fam] || C.ink;
  c.lineWidth = dpr();
  c.strokeRect(x + .5, y + .5, w - 1, h - 1);
  if (fam !== "capture") return;
  c.save();
  c.beginPath();
  c.rect(x, y, w, h);
  c.clip();
  c.beginPath();
  for (let k = -h; k < w + h; k += 5 * dpr()) { c.moveTo(x + k, y + h); c.lineTo(x + k + h, y); }
  c.stroke();
  c.restore();
}
function resentBars(u) {
  clipped(u, c => {
    c.fillStyle = C.seg;
    T.resent.forEach((v, i) => {
      if (!v) return;
      const y = u.valToPos(v, "y", true);
      c.fillRect(u.valToPos(T.t[i], "x", true), y, barWidth(u), u.bbox.top + u.bbox.height - y);
    });
  });
}
function rttBars(u) {
  clipped(u, c => {
    const w = barWidth(u), at = i => u.valToPos(T.t[i], "x", true), y = v => u.valToPos(v, "y", true);
    c.fillStyle = C.seg;
    c.globalAlpha = .28;
    T.t.forEach((t, i) => { if (T.rtt[i] != null) c.fillRect(at(i), y(T.rmax[i]), w, Math.max(1, y(T.rmin[i]) - y(T.rmax[i]))); });
    c.globalAlpha = 1;
    T.t.forEach((t, i) => { if (T.rtt[i] != null) c.fillRect(at(i), y(T.rtt[i]) - dpr(), w, 2 * dpr()); });
  });
}
if (T && $(".chart")) {
  const few = v => v ? (v < 10 && v % 1 ? v.toFixed(1) : num(v)) : "0";
  const lowest = $$(".chart .live").at(-1).id; // it has the axis of time
  if (T.mbps) timeline("c-thr", null, T.mbps, few, 120, { last: lowest === "c-thr", least: .01, series: { stroke: () => C.seg, width: 1.5, fill: () => C.seg + "33", points: { show: false }, paths: uPlot.paths.stepped({ align: 1 }) } });
  timeline("c-loss", lossBars, T.t.map((_, i) => D.fams.reduce((a, f) => a + T.loss[f.id][i], 0)), few, 120, { counts: true, last: lowest === "c-loss" });
  timeline("c-rtx", resentBars, T.resent, few, 90, { counts: true, last: lowest === "c-rtx" });
  if ($("#c-rtt")) timeline("c-rtt", rttBars, T.rmax, few, 140, { last: true, least: .01 });
}

/* ---- the flow table ---- */
const table = $("#ftab");
if (table) {
  const body = $("tbody", table), rows = $$("tr", body), q = $("#q"), fc = $("#fcause"), fl = $("#flossy");
  const texts = rows.map(r => r.textContent.toLowerCase());
  const filter = () => {
    const words = q.value.toLowerCase().split(/\s+/).filter(Boolean);
    let n = 0;
    rows.forEach((r, i) => {
      const show = words.every(w => texts[i].includes(w)) && (!fc.value || r.dataset.causes.split(" ").includes(fc.value)) && (!fl.checked || +r.dataset.lost > 0);
      r.hidden = !show;
      n += show;
    });
    $("#fcount").textContent = num(n) + " of " + num(rows.length) + " flows";
  };
  [q, fc, fl].forEach(e => e.addEventListener("input", filter));
  filter();
  const key = (r, k) => k === "name" ? r.dataset.name : r.dataset[k] === "" ? -1 : +r.dataset[k];
  $$("th button", table).forEach(b => b.addEventListener("click", () => {
    const th = b.closest("th"), k = b.dataset.k, was = th.getAttribute("aria-sort");
    const dir = was === "descending" ? 1 : was === "ascending" ? -1 : k === "name" || k === "id" ? 1 : -1;
    $$("th", table).forEach(t => t.removeAttribute("aria-sort"));
    th.setAttribute("aria-sort", dir < 0 ? "descending" : "ascending");
    const sorted = [...rows].sort((a, b) => {
      const x = key(a, k), y = key(b, k);
      return dir * (k === "name" ? x.localeCompare(y, undefined, { numeric: true }) : x - y);
    });
    body.append(...sorted);
  }));
}
