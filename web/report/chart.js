/*! uPlot 1.6.32 (https://github.com/leeoniya/uPlot) is part of this page.
The MIT License (MIT)

Copyright (c) 2022 Leon Sorokin

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in
all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN
THE SOFTWARE. */
// uPlot with our habits: a title with one line of explanation, a tooltip, zoom and cursor shared by all charts over time, keys, and
// colours that follow the theme.
import uPlot from "uplot";
import { h } from "./dom.js";
import { color, onTheme } from "./theme.js";
import * as f from "./format.js";

// Charts over time share one zoom. Unzoomed, each shows its own whole range: the account its run, a market its life.
export class TimeGroup {
  constructor() {
    this.charts = new Set();
    this.view = null;
    this.listeners = new Set();
  }
  range(chart) { return this.view ?? chart.extent; }
  zoom(from, to) {
    this.view = from === null ? null : [from, to];
    for (const c of this.charts) {
      const [min, max] = this.range(c);
      c.plot.setScale("x", { min, max });
    }
    for (const l of this.listeners) l(this.view);
  }
  reset() { this.zoom(null); }
}

const POINTER = "Drag to zoom, double-click to reset. Keys: arrows move the cursor, plus and minus zoom, Shift with arrows pans, 0 resets.";

function axis(label, format, extra = {}) {
  return { stroke: () => color("ink-soft"), grid: { stroke: () => color("grid"), width: 1 }, ticks: { stroke: () => color("grid"), width: 1, size: 5 },
    font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", label, labelSize: label ? 18 : 0, size: 64, values: format ? (u, vs) => vs.map((v) => (v === null ? "" : format(v))) : undefined, ...extra };
}

// UTC, 24 hours, as exact as the step; the day where it begins.
function times(u, splits, axisIdx, space, step) {
  let day = null;
  return splits.map((t) => {
    const text = step < 1 ? f.clockMs(t) : step < 60 ? f.clock(t) : step < 86400 ? f.clock(t).slice(0, 5) : "";
    const today = f.date(t), first = day !== today;
    day = today;
    return first ? (text ? text + "\n" : "") + today : text;
  });
}

function tooltip(spec) {
  const box = h("div", { class: "tip", role: "status" });
  return {
    hooks: {
      init: (u) => u.over.append(box),
      setCursor: (u) => {
        const { left, top, idx } = u.cursor;
        const inside = left >= 0 && idx !== null && idx !== undefined;
        box.style.display = inside ? "block" : "none";
        if (!inside) return;
        const x = u.data[0][idx];
        const lines = spec.series.flatMap((s, i) => {
          const v = u.data[i + 1][idx];
          return s.quiet || !u.series[i + 1].show || v === null || v === undefined ? [] : [h("div", {}, h("i", { style: `background:${color(s.color)}` }), `${s.label}: ${(s.format ?? spec.format)(v)}`)];
        });
        const extra = spec.tip ? spec.tip(u, idx, x) : [];
        if (!lines.length && !extra.length) { box.style.display = "none"; return; }
        box.replaceChildren(h("b", {}, (spec.xFormat ?? f.clockMs)(x)), ...lines, ...extra.map((text) => h("div", {}, text)));
        const right = left > u.over.clientWidth / 2;
        box.style.left = right ? "" : `${left + 14}px`;
        box.style.right = right ? `${u.over.clientWidth - left + 14}px` : "";
        box.style.top = `${Math.max(0, Math.min(top < 0 ? 0 : top, u.over.clientHeight - box.offsetHeight))}px`;
      },
    },
  };
}

function makeSeries(s) {
  return { label: s.label, scale: s.scale ?? "y", stroke: () => color(s.color), width: s.width ?? 1.5, dash: s.dash, paths: s.paths ?? (s.step ? uPlot.paths.stepped({ align: 1 }) : undefined),
    points: s.points ?? { show: false }, fill: s.fill ? () => color(s.fill) : undefined, spanGaps: s.spanGaps ?? false, show: s.show ?? true };
}

function keys(chart, group) {
  return (e) => {
    const u = chart.plot, { min, max } = u.scales.x, width = u.over.clientWidth;
    const left = u.cursor.left >= 0 ? u.cursor.left : width / 2, at = u.posToVal(left, "x");
    const to = (a, b) => (group ? group.zoom(a, b) : u.setScale("x", { min: a, max: b }));
    const pan = (share) => to(min + share * (max - min), max + share * (max - min));
    const zoom = (share) => to(at - (at - min) * share, at + (max - at) * share);
    const act = {
      ArrowLeft: () => (e.shiftKey && group ? pan(-0.2) : u.setCursor({ left: Math.max(0, left - width / 100), top: 10 })),
      ArrowRight: () => (e.shiftKey && group ? pan(0.2) : u.setCursor({ left: Math.min(width, left + width / 100), top: 10 })),
      "+": () => group && zoom(0.5), "=": () => group && zoom(0.5), "-": () => group && zoom(2),
      0: () => group && group.reset(), Escape: () => group && group.reset(),
    }[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  };
}

function finishLegend(root, series) {
  for (const [i, row] of root.querySelectorAll(".u-legend .u-series").entries()) {
    const th = row.querySelector("th");
    row.hidden = series[i].quiet ?? false;
    if (!th) continue;
    th.tabIndex = 0;
    th.setAttribute("role", "button");
    th.addEventListener("keydown", (e) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); th.click(); } });
  }
}

// spec: {title, explain, x: [...], data: [[...] per series], series: [{label, color, format, ...}], format, unit, height, group, extent, hooks, bands,
//        range(u, min, max), xScale, xAxis, xFormat, tip, right: {label, format}}
export function chart(spec) {
  const self = { extent: spec.extent ?? [spec.x[0], spec.x[spec.x.length - 1]], plot: null, element: null };
  const place = h("div", { class: "plot", tabindex: "0", role: "group", "aria-label": `${spec.title}. ${spec.explain} ${spec.group ? POINTER : ""}` });
  self.element = h("figure", { class: "chart" }, h("figcaption", {}, h("h3", {}, spec.title), h("p", { class: "explain" }, spec.explain)), place);
  const hooks = { ...(spec.hooks ?? {}) };
  if (spec.group) hooks.setSelect = [(u) => {
    if (u.select.width < 2) return;
    spec.group.zoom(u.posToVal(u.select.left, "x"), u.posToVal(u.select.left + u.select.width, "x"));
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  }];
  const options = () => ({
    width: Math.max(280, place.clientWidth || 900), height: spec.height ?? 260, padding: [8, spec.right ? 0 : 26, 0, 0],
    tzDate: (t) => uPlot.tzDate(new Date(t * 1e3), "Etc/UTC"),
    legend: { show: spec.legend ?? true, live: false, markers: { width: 2 } },
    cursor: { drag: { x: !!spec.group, y: false, setScale: false }, points: { size: 6 },
      sync: spec.group ? { key: "pmm-time", scales: ["x", null], setSeries: false } : undefined,
      bind: { dblclick: () => () => { if (spec.group) spec.group.reset(); return null; } } },
    scales: { x: { time: !!spec.group && !spec.xAxis, ...(spec.xScale ?? {}), ...(spec.group ? { auto: false, min: spec.group.range(self)[0], max: spec.group.range(self)[1] } : {}) },
      y: { range: spec.range ?? padded } },
    series: [{ label: "time" }, ...spec.series.map(makeSeries)],
    axes: [spec.xAxis ? axis(null, null, { size: 40, ...spec.xAxis }) : axis(null, null, { size: 46, space: 70, values: times }), axis(spec.unit, spec.format, { space: 34 }),
      ...(spec.right ? [axis(spec.right.label, spec.right.format, { scale: "right", side: 1, grid: { show: false } })] : [])],
    bands: spec.bands?.map((b) => ({ series: b.series, fill: () => color(b.fill) })),
    hooks, plugins: [tooltip(spec)],
  });
  const draw = () => {
    if (self.plot) self.plot.destroy();
    self.plot = null;
    self.plot = new uPlot(options(), [spec.x, ...spec.data], place);
    if (spec.group) {
      const [min, max] = spec.group.range(self);
      self.plot.setScale("x", { min, max });
    }
    finishLegend(place, spec.series);
  };
  self.start = () => {
    draw();
    spec.group?.charts.add(self);
    place.addEventListener("keydown", keys(self, spec.group));
    self.offTheme = onTheme(draw);
    let width = place.clientWidth;
    self.observer = new ResizeObserver(() => {
      if (Math.abs(place.clientWidth - width) < 2) return;
      width = place.clientWidth;
      self.plot.setSize({ width: Math.max(280, width), height: spec.height ?? 260 });
    });
    self.observer.observe(place);
    place.pmm = self; // for tests and the console
  };
  self.stop = () => {
    self.observer.disconnect();
    self.offTheme();
    spec.group?.charts.delete(self);
    self.plot.destroy();
  };
  return self;
}

// A little air above and below, and never a range of nothing.
export function padded(u, min, max) {
  if (min === null || max === null || !Number.isFinite(min)) return [0, 1];
  const pad = max > min ? 0.06 * (max - min) : Math.max(Math.abs(max) * 0.1, 0.01);
  return [min - pad, max + pad];
}
export const withZero = (u, min, max) => padded(u, Math.min(0, min ?? 0), Math.max(0, max ?? 0));

export { uPlot };
