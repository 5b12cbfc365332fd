// Results side by side.
import { chart, withZero, TimeGroup } from "./chart.js";
import { h, section, table } from "./dom.js";
import * as f from "./format.js";

const letter = (i) => String.fromCharCode(65 + i);
const shown = (row, v) => (row.unit === "$" ? f.money(v) : v === null ? "–" : f.number(v) + (row.unit ? " " + row.unit : ""));
const signed = (row, v) => (v > 0 ? "+" : "") + shown(row, v);

// Curves on one grid of time: equal spacing, each curve's last known value. Runs that do not overlap start together.
function overlay(runs) {
  const curves = runs.filter((r) => r.equity).map((r) => ({ ...r.equity, name: r.name, n: r.equity.pnl.length }));
  const from = Math.max(...curves.map((c) => c.t0)), to = Math.min(...curves.map((c) => c.t0 + c.n * c.dt)), together = to > from;
  const start = (c) => (together ? c.t0 : 0);
  const first = Math.min(...curves.map(start)), last = Math.max(...curves.map((c) => start(c) + c.n * c.dt)), n = 1500, dt = (last - first) / n;
  const x = Array.from({ length: n }, (_, i) => first + (i + 1) * dt);
  const data = curves.map((c) => x.map((t) => {
    const i = Math.floor((t - start(c)) / c.dt) - 1;
    return i < -1 || i > c.n ? null : i < 0 ? 0 : c.pnl[Math.min(i, c.n - 1)] / 10000;
  }));
  return { curves, x, data, together };
}

function equity(doc, group) {
  const { curves, x, data, together } = overlay(doc.runs);
  return chart({ title: "Equity", explain: together ? "P&L of each run since its start." : "P&L of each run; the runs do not overlap in time, so all start at zero.", x, group, height: 340, unit: "dollars", format: f.money, range: withZero,
    xAxis: together ? undefined : { values: (u, splits) => splits.map(f.span) }, xFormat: together ? f.moment : (t) => f.span(t) + " after the start", data, series: curves.map((c, i) => ({ label: `${letter(doc.runs.findIndex((r) => r.name === c.name && r.equity.t0 === c.t0))} ${c.name}`, color: `c-${i % 6 + 1}`, width: 2 })) });
}

export function comparePage(doc) {
  const group = new TimeGroup(), drawn = doc.runs.some((r) => r.equity), one = drawn ? equity(doc, group) : null;
  const columns = [{ head: "figure", cell: (r) => r.label }, ...doc.runs.flatMap((run, i) => [{ head: `${letter(i)} ${run.name}`, number: true, cell: (r) => shown(r, r.values[i]) },
    ...(i ? [{ head: `${letter(i)} − A`, number: true, cell: (r) => (r.differences[i] === null ? "–" : signed(r, r.differences[i])), sign: (r) => (r.differences[i] ?? 0) * r.better }] : [])])];
  const settings = Object.entries(doc.settings);
  return {
    title: "Comparison",
    subtitle: doc.runs.map((r, i) => `${letter(i)} ${r.name}`).join(" · "),
    content: [doc.warnings.length ? h("section", { class: "honesty warned", "aria-label": "May these be compared?" }, h("h3", {}, "May these be compared?"), h("ul", {}, doc.warnings.map((w) => h("li", { class: "warning" }, w)))) : null,
      one ? section("Equity curves", "Drag to zoom, double-click to see everything.", one.element) : section("Equity curves", "None of the files is a report, so there are no curves: give files made by --report."),
      section("Figures", "Differences are to A; green is better, red is worse, where more or less is one.", table(columns, doc.figures, "Figures side by side")),
      section("Settings that differ", settings.length ? null : "None, or a file that does not carry its configuration (only reports do).",
        settings.length ? table([{ head: "setting", cell: (s) => s[0] }, ...doc.runs.map((run, i) => ({ head: letter(i), cell: (s) => (s[1][i] === null ? "–" : String(s[1][i])) }))], settings, "Settings that differ") : null),
      section("State hashes", null, table([{ head: "run", cell: (r) => r.name }, { head: "state hash", cell: (r) => h("code", {}, r.state_hash) }, { head: "tapes", cell: (r) => (r.tapes ?? []).map((t) => `${t.file} ${t.hash}`).join(", ") || "not told" }], doc.runs, "State hashes"))].filter(Boolean),
    start: () => { one?.start(); document.documentElement.pmmGroup = group; },
  };
}
