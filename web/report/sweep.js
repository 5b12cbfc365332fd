// Many parameter sets: a heat map over two axes, a Pareto scatter of two metrics, and the table.
import { chart, padded, uPlot } from "./chart.js";
import { h, section, select } from "./dom.js";
import { isDark, onTheme } from "./theme.js";
import * as f from "./format.js";

const CELLS_MAX = 30, ROWS_MAX = 1000;
const text = (v) => (typeof v === "number" ? f.brief(v) : v === null ? "–" : String(v));
const figure = (v) => (typeof v === "number" ? f.brief(v, 4) : text(v));

// Values of an axis: as they are when few, else in equal bins of their order.
function steps(rows, k) {
  const values = [...new Set(rows.map((r) => r[k]))].sort((a, b) => (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b))));
  if (values.length <= CELLS_MAX || typeof values[0] !== "number") return { names: values.map(text), of: (v) => values.indexOf(v) };
  const n = 16, low = values[0], width = (values[values.length - 1] - low) / n;
  return { names: Array.from({ length: n }, (_, i) => `${text(low + i * width)} –`), of: (v) => Math.min(n - 1, Math.floor((v - low) / width)) };
}

const reduce = {
  best: (values, lower) => (lower ? Math.min(...values) : Math.max(...values)),
  mean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
  worst: (values, lower) => (lower ? Math.max(...values) : Math.min(...values)),
};

// Colour of a value: from red through nothing to green where zero is inside the range, else from pale to full blue.
function tone(v, low, high) {
  const dark = isDark(), through = low < 0 && high > 0;
  const share = through ? v / Math.max(-low, high) : (v - low) / (high - low || 1);
  const strength = Math.min(1, Math.abs(share)), hue = through ? (v < 0 ? "200 60 50" : "30 140 80") : "30 110 200";
  return { background: `rgb(${hue} / ${(0.08 + 0.82 * strength).toFixed(3)})`, color: dark ? "#f2f4f6" : strength > 0.75 ? "#fff" : "#1c2024" };
}

function heatTable(doc, s) {
  const m = doc.axes.length + s.metric, lower = (doc.lower ?? []).includes(doc.metrics[s.metric]);
  const xs = steps(doc.rows, s.x), ys = steps(doc.rows, s.y), cells = ys.names.map(() => xs.names.map(() => []));
  for (const r of doc.rows) if (typeof r[m] === "number") cells[ys.of(r[s.y])]?.[xs.of(r[s.x])]?.push(r[m]);
  const values = cells.map((row) => row.map((c) => (c.length ? reduce[s.how](c, lower) : null))), all = values.flat().filter((v) => v !== null);
  if (!all.length) return h("p", {}, "No set has a value for this metric.");
  const low = Math.min(...all), high = Math.max(...all), best = lower ? low : high;
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Heat map" }, h("table", { class: "heat" }, h("caption", {}, `${doc.metrics[s.metric]} by ${doc.axes[s.y]} and ${doc.axes[s.x]}`),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, `${doc.axes[s.y]} ↓  ${doc.axes[s.x]} →`), xs.names.map((n) => h("th", { scope: "col", class: "n" }, n)))),
    h("tbody", {}, values.map((row, i) => h("tr", {}, h("th", { scope: "row" }, ys.names[i]), row.map((v, k) => {
      if (v === null) return h("td", {});
      const { background, color } = tone(v, low, high);
      return h("td", { class: v === best ? "best" : null, style: `background:${background};color:${color}`, title: `${doc.axes[s.x]} ${xs.names[k]}, ${doc.axes[s.y]} ${ys.names[i]}: ${doc.metrics[s.metric]} ${figure(v)} (${cells[i][k].length} sets)` }, figure(v));
    }))))));
}

// Rows that no other row beats in both metrics.
function front(doc, a, b) {
  const lower = (k) => (doc.lower ?? []).includes(doc.metrics[k - doc.axes.length]), ga = lower(a) ? -1 : 1, gb = lower(b) ? -1 : 1;
  const rows = doc.rows.map((r, i) => [r, i]).filter(([r]) => typeof r[a] === "number" && typeof r[b] === "number").sort(([p], [q]) => ga * (q[a] - p[a]) || gb * (q[b] - p[b]));
  let best = -Infinity;
  return new Set(rows.filter(([r]) => gb * r[b] > best && ((best = gb * r[b]), true)).map(([, i]) => i));
}

function scatter(doc, a, b) {
  const on = front(doc, a, b), name = (k) => doc.metrics[k - doc.axes.length];
  const rows = doc.rows.map((r, i) => [r, i]).filter(([r]) => typeof r[a] === "number" && typeof r[b] === "number").sort(([p], [q]) => p[a] - q[a]);
  const x = rows.map(([r]) => r[a]), y = rows.map(([r]) => r[b]);
  return chart({ title: `${name(b)} against ${name(a)}`, explain: "A dot is a parameter set. The line joins those that no other set beats in both figures: the choice lies among them.", x, height: 380, unit: name(b), format: figure, range: padded,
    xScale: { range: (u, min, max) => padded(u, min, max) }, xAxis: { values: (u, vs) => vs.map(figure), label: name(a), labelSize: 18, size: 36 }, xFormat: (v) => `${name(a)} ${figure(v)}`,
    data: [y, rows.map(([r, i]) => (on.has(i) ? r[b] : null))],
    series: [{ label: "sets", color: "c-1", paths: () => null, points: { show: true, size: 6 } }, { label: "front", color: "c-2", width: 2, spanGaps: true, quiet: true, points: { show: true, size: 9 } }],
    tip: (u, idx) => doc.axes.map((axis, k) => `${axis} ${text(rows[idx][0][k])}`) });
}

function sortedTable(doc, on) {
  const names = [...doc.axes, ...doc.metrics], state = { by: doc.axes.length, down: !(doc.lower ?? []).includes(doc.metrics[0]) }, place = h("div", {});
  const order = (p, q) => {
    const a = p[0][state.by], b = q[0][state.by];
    if (a === null || b === null) return (a === null) - (b === null);
    const d = typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
    return (state.down ? -d : d) || p[1] - q[1];
  };
  const draw = () => {
    const rows = doc.rows.map((r, i) => [r, i]).sort(order).slice(0, ROWS_MAX);
    place.replaceChildren(h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "All sets" }, h("table", {}, h("caption", {}, "All sets"),
      h("thead", {}, h("tr", {}, names.map((n, k) => h("th", { scope: "col", class: "n", "aria-sort": state.by === k ? (state.down ? "descending" : "ascending") : "none" },
        h("button", { type: "button", onclick: () => { state.down = state.by === k ? !state.down : k >= doc.axes.length; state.by = k; draw(); } }, n + (state.by === k ? (state.down ? " ↓" : " ↑") : "")))))),
      h("tbody", {}, rows.map(([r, i]) => h("tr", { class: on().has(i) ? "front" : null }, r.map((v, k) => h(k === 0 ? "th" : "td", { class: "n", scope: k === 0 ? "row" : null }, k < doc.axes.length ? text(v) : figure(v)))))))),
    doc.rows.length > ROWS_MAX ? h("p", { class: "explain" }, `The first ${f.count(ROWS_MAX)} of ${f.count(doc.rows.length)} sets in this order.`) : "");
  };
  draw();
  return { element: place, draw };
}

export function sweepPage(doc) {
  const s = { x: 0, y: Math.min(1, doc.axes.length - 1), metric: 0, how: "mean" }, heat = h("div", {}), place = h("div", { id: "scatter" });
  const at = (name, other) => doc.axes.length + Math.max(0, doc.metrics.includes(name) ? doc.metrics.indexOf(name) : other);
  const pareto = { a: at(doc.pareto?.[0], 0), b: at(doc.pareto?.[1], Math.min(1, doc.metrics.length - 1)) };
  let live = null;
  const drawHeat = () => heat.replaceChildren(heatTable(doc, s));
  const sets = sortedTable(doc, () => front(doc, pareto.a, pareto.b));
  const drawScatter = () => {
    live?.stop();
    live = scatter(doc, pareto.a, pareto.b);
    place.replaceChildren(live.element);
    live.start();
    sets.draw();
  };
  const set = (o, key, draw) => (v) => { o[key] = Number.isNaN(Number(v)) ? v : Number(v); draw(); };
  const axes = doc.axes.map((n, i) => [i, n]), metrics = doc.metrics.map((n, i) => [i, n]), metricColumns = doc.metrics.map((n, i) => [doc.axes.length + i, n]);
  drawHeat();
  onTheme(drawHeat);
  return {
    title: doc.title,
    subtitle: `Sweep · ${f.count(doc.rows.length)} parameter sets · ${doc.axes.join(", ")}`,
    content: [doc.warning ? h("section", { class: "honesty warned", "aria-label": "Warning" }, h("ul", {}, h("li", { class: "warning" }, h("b", {}, "Warning"), doc.warning))) : null,
      section("Heat map", doc.axes.length > 2 ? "A metric over two of the parameters; each cell joins all sets that share them. The best cell is framed." : "A metric over the parameters. The best cell is framed.",
        h("div", { class: "controls" }, select("Metric", metrics, s.metric, set(s, "metric", drawHeat)), select("Across", axes, s.x, set(s, "x", drawHeat)), select("Down", axes, s.y, set(s, "y", drawHeat)),
          select("Sets in a cell", [["mean", "their mean"], ["best", "the best"], ["worst", "the worst"]], s.how, set(s, "how", drawHeat))), heat),
      section("What is traded for what", null, h("div", { class: "controls" }, select("Across", metricColumns, pareto.a, set(pareto, "a", drawScatter)), select("Up", metricColumns, pareto.b, set(pareto, "b", drawScatter))), place),
      section("All sets", "Press a heading to sort. Rows of the front are tinted.", sets.element)].filter(Boolean),
    start: drawScatter,
  };
}
