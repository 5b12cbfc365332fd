// The report of one run.
import { chart, padded, withZero, TimeGroup, uPlot } from "./chart.js";
import { h, section, select, sign, table } from "./dom.js";
import { DepthMap } from "./heat.js";
import { color } from "./theme.js";
import * as f from "./format.js";

const RATE_BINS = 160;
const dollars = (a) => a.map((v) => (v === null ? null : v / 10000));
const hundredths = (a) => a.map((v) => (v === null ? null : v / 100));
const ends = (t) => Array.from({ length: t.n }, (_, i) => t.t0 + (i + 1) * t.dt);
const extentOf = (t) => [t.t0, t.t0 + t.n * t.dt];
const before = uPlot.paths.stepped({ align: -1 }); // a bucket's value stands at its end

// -- the head --
function honesty(doc) {
  const o = doc.honesty, counts = o.fill_counts, warned = o.warnings.some((w) => w.level === "warning");
  const parts = [["printed trades", counts.trades], ["inferred trades", counts.inferred], ["book crossings", counts.crossings], ["by chance", counts.chance], ["as taker", counts.taker]].filter(([, n]) => n > 0);
  const rows = [["Fills come from", o.fills + (parts.length ? ": " + parts.map(([name, n]) => `${f.count(n)} ${name}`).join(", ") : "")],
    ["Queue model", o.queue], ["Latency", o.latency], ["Gaps in the data", o.gaps ? `${f.count(o.gaps)}, marked grey in the price charts` : "none"]];
  return h("section", { class: "honesty" + (warned ? " warned" : ""), "aria-label": "How far to believe this run" },
    h("h3", {}, "How far to believe this run"),
    h("dl", {}, rows.filter(([, v]) => v).flatMap(([k, v]) => [h("dt", {}, k), h("dd", {}, v)])),
    h("ul", {}, [...o.warnings].sort((a, b) => (b.level === "warning") - (a.level === "warning")).map((w) => h("li", { class: w.level }, h("b", {}, w.level === "warning" ? "Warning" : "Note"), w.text))));
}

const tile = (name, value, more, tone) => h("div", { class: "tile" }, h("div", { class: "name" }, name), h("div", { class: "value " + (tone ?? "") }, value), more ? h("div", { class: "more" }, more) : null);

function tiles(doc) {
  const r = doc.result, p = r.pnl;
  const rewards = r.rewards || r.rewards_high ? tile("Rewards, not in P&L", r.rewards === r.rewards_high ? f.money(r.rewards) : `${f.money(r.rewards)} to ${f.money(r.rewards_high)}`) : null;
  return h("div", { class: "tiles" },
    tile("P&L", f.money(p.total), `unrealized ${f.money(p.unrealized)}`, sign(p.total)),
    tile("Spread captured", f.money(p.spread), "mid at fill against price"),
    tile("Inventory", f.money(p.inventory), "what the mid did later", sign(p.inventory)),
    tile("Fees", f.money(r.fees), r.rebates ? `rebates ${f.money(r.rebates)}` : null), rewards,
    tile("Largest drawdown", f.money(r.max_drawdown)),
    tile("Sharpe, annual", f.number(r.sharpe, 1), r.sharpe === null ? "too few returns" : null),
    tile("Fills", f.count(r.fills), `${f.count(r.orders)} orders, ${f.percent(r.fill_rate)}`),
    tile("Volume", f.money(r.volume)),
    tile("Two-sided uptime", f.percent(r.uptime), `mean spread ${f.cents(r.mean_spread)}`),
    tile("Markout, 10 s", f.cents(r.markout["10s"]), "per contract, after a fill", sign(r.markout["10s"])),
    tile("Inventory held", f.number(r.inventory.mean, 1), `mean; largest ${f.number(r.inventory.max, 1)} contracts`));
}

// -- charts of the account --
function equityChart(t, group, title, explain) {
  const pnl = dollars(t.pnl), spread = dollars(t.spread), fees = dollars(t.fees).map((v) => -v);
  const inventory = pnl.map((v, i) => v - spread[i] - fees[i]);
  return chart({ title, explain, x: ends(t), extent: extentOf(t), group, height: 300, unit: "dollars", format: f.money, range: withZero,
    data: [pnl, spread, inventory, fees],
    series: [{ label: "P&L", color: "c-total", width: 2.5 }, { label: "spread captured", color: "c-spread" }, { label: "inventory", color: "c-inventory" }, { label: "fees and rebates", color: "c-fees", dash: [6, 4] }] });
}

// Sums over k buckets, so that a rate is read and not guessed.
function rebin(t) {
  const k = Math.max(1, Math.ceil(t.n / RATE_BINS)), bins = Math.ceil(t.n / k);
  const sum = (a) => Array.from({ length: bins }, (_, i) => a.slice(i * k, (i + 1) * k).reduce((s, v) => s + v, 0));
  const minutes = (i) => (Math.min(t.n, (i + 1) * k) - i * k) * t.dt / 60;
  return { x: Array.from({ length: bins }, (_, i) => t.t0 + Math.min(t.n, (i + 1) * k) * t.dt), rate: (a) => sum(a).map((v, i) => v / minutes(i)), seconds: k * t.dt,
    mean: (a) => Array.from({ length: bins }, (_, i) => {
      const known = a.slice(i * k, (i + 1) * k).filter((v) => v !== null);
      return known.length ? known.reduce((s, v) => s + v, 0) / known.length : null;
    }) };
}

const perMinute = (v) => f.number(v, v >= 100 ? 0 : v >= 10 ? 1 : 2);

function ratesChart(t, group) {
  const b = rebin(t);
  return chart({ title: "Orders, cancels and fills", explain: `How often a minute, over stretches of ${f.span(b.seconds)}. Fills have the scale on the right. Many cancels per fill: quotes chase the price.`,
    x: b.x, extent: extentOf(t), group, height: 220, unit: "orders, cancels / min", format: perMinute, range: withZero, right: { label: "fills / min", format: perMinute },
    data: [b.rate(t.orders), b.rate(t.cancels), b.rate(t.fills)],
    series: [{ label: "orders", color: "c-orders", paths: before }, { label: "cancels", color: "c-cancels", paths: before, dash: [4, 3] }, { label: "fills", color: "c-fills", width: 2, scale: "right", paths: before }] });
}

function uptimeChart(t, group) {
  const b = rebin(t);
  return chart({ title: "Two-sided uptime", explain: "Share of trading time with a bid and an ask of ours resting, over all markets that traded then. Rewards and market-maker programmes ask for it.",
    x: b.x, extent: extentOf(t), group, height: 220, unit: "share of time", format: (v) => f.percent(v, 0), range: () => [0, 1.02], data: [b.mean(t.uptime).map((v) => (v === null ? null : v / 1000))],
    series: [{ label: "two-sided", color: "c-orders", fill: "f-area", paths: before }] });
}

function exposureChart(t, group) {
  return chart({ title: "Contracts held", explain: "Sum over all markets of the net position's size. It is what a bad hour can hit.", x: ends(t), extent: extentOf(t), group, height: 200, unit: "contracts", format: f.contracts, range: withZero,
    data: [hundredths(t.net)], series: [{ label: "net contracts, summed", color: "c-inventory", fill: "f-area", paths: before }] });
}

// -- charts of one market --
const prices = (a) => a.map((v) => (v === null ? null : v / 10000));

function fillsOf(doc, slot) {
  const all = doc.fills, mine = [];
  for (let i = 0; i < all.t.length; i++)
    if (all.slot[i] === slot) mine.push({ t: all.t[i], side: all.side[i], price: all.price[i] / 10000, qty: all.qty[i] / 100, fee: all.fee[i] / 1e6, mid: all.mid[i] / 10000, maker: all.maker[i], inferred: all.inferred[i] });
  return mine;
}

function drawFills(fills) {
  return (u) => {
    const { ctx, bbox } = u, r = devicePixelRatio * 5;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.lineWidth = devicePixelRatio;
    ctx.strokeStyle = color("fill-edge");
    for (const one of fills) {
      if (one.t < u.scales.x.min || one.t > u.scales.x.max) continue;
      const x = u.valToPos(one.t, "x", true), y = u.valToPos(one.price, "y", true), up = one.side === 0 ? -1 : 1;
      ctx.fillStyle = color(one.side === 0 ? "c-bid" : "c-ask");
      ctx.beginPath();
      ctx.moveTo(x, y + up * r);
      ctx.lineTo(x - r * 0.85, y - up * r * 0.7);
      ctx.lineTo(x + r * 0.85, y - up * r * 0.7);
      ctx.closePath();
      ctx.fill();
      ctx.stroke();
    }
    ctx.restore();
  };
}

function drawGaps(gaps) {
  return (u) => {
    u.ctx.save();
    u.ctx.fillStyle = color("f-gap");
    for (const [from, to] of gaps) {
      const left = Math.max(u.bbox.left, u.valToPos(from, "x", true)), right = Math.min(u.bbox.left + u.bbox.width, u.valToPos(to, "x", true));
      if (right > left) u.ctx.fillRect(left, u.bbox.top, Math.max(1, right - left), u.bbox.height);
    }
    u.ctx.restore();
  };
}

const inCents = (u, min, max) => {
  const [a, b] = padded(u, min, max);
  return [Math.max(-0.01, a), Math.min(1.01, b)];
};

function fillTip(fills) {
  return (u, idx, x) => {
    const near = 8 / u.over.clientWidth * (u.scales.x.max - u.scales.x.min);
    const hits = fills.filter((one) => Math.abs(one.t - x) <= near).sort((a, b) => Math.abs(a.t - x) - Math.abs(b.t - x));
    const lines = hits.slice(0, 3).map((one) => `${one.side === 0 ? "bought" : "sold"} ${f.contracts(one.qty)} at ${f.price(one.price)}, mid ${f.price(one.mid)}${one.maker ? "" : ", as taker"}${one.inferred ? ", inferred" : ""}`);
    return hits.length > 3 ? [...lines, `and ${hits.length - 3} more fills close by`] : lines;
  };
}

function priceChart(doc, p, group) {
  const fills = fillsOf(doc, p.slot), map = new DepthMap(p.depth), gaps = doc.gaps.at.filter((g) => g[2] === p.market);
  const every = doc.fills.every > 1 ? ` Of the fills every ${doc.fills.every}. is drawn.` : "";
  const depthTip = (u) => {
    const t = u.posToVal(u.cursor.left, "x"), at = u.cursor.top >= 0 ? map.at(t, u.posToVal(u.cursor.top, "y")) : null;
    return at ? [`about ${f.number(at.size, at.size < 10 ? 1 : 0)} contracts of ${at.side} here`] : [];
  };
  const tip = fillTip(fills), bookless = p.bid.every((v) => v === null) && p.ask.every((v) => v === null);
  const middle = p.mid_hi.map((v, i) => (bookless && v !== null ? (v + p.mid_lo[i]) / 2 : null));
  return chart({ title: "Price, our quotes and fills", explain: `Behind: resting size by price, blue for bids and orange for asks, stronger where there is more. Grey lines: best bid and ask. Coloured bands: where our quotes moved. Triangles: our fills, up bought, down sold.${every}`,
    x: ends(p), extent: extentOf(p), group, height: 420, unit: "price of YES", format: f.price, range: inCents,
    data: [p.bid, p.ask, p.our_bid_lo, p.our_bid_hi, p.our_bid, p.our_ask_lo, p.our_ask_hi, p.our_ask, middle].map(prices),
    series: [{ label: "best bid", color: "c-book", width: 1, paths: before }, { label: "best ask", color: "c-book", width: 1, paths: before },
      { label: "our bid, lowest", color: "f-bid", width: 1, paths: before, quiet: true }, { label: "our bid, highest", color: "f-bid", width: 1, paths: before, quiet: true }, { label: "our bid", color: "c-bid", width: 1.8, paths: before },
      { label: "our ask, lowest", color: "f-ask", width: 1, paths: before, quiet: true }, { label: "our ask, highest", color: "f-ask", width: 1, paths: before, quiet: true }, { label: "our ask", color: "c-ask", width: 1.8, paths: before },
      { label: "price (no book recorded)", color: "c-book", width: 1.5, paths: before, quiet: !bookless }],
    bands: [{ series: [4, 3], fill: "f-bid" }, { series: [7, 6], fill: "f-ask" }],
    hooks: { drawClear: [(u) => map.draw(u), drawGaps(gaps)], draw: [drawFills(fills)] }, tip: (u, idx, x) => [...tip(u, idx, x), ...depthTip(u)] });
}

function inventoryChart(p, group) {
  const limit = hundredths(p.limit).map((v) => (v > 0 ? v : null)), most = Math.max(...hundredths(p.net_hi), ...hundredths(p.net_lo).map((v) => -v), 0.01);
  const bound = limit.some((v) => v !== null);
  const far = bound && Math.min(...limit.filter((v) => v !== null)) > 20 * most;
  return chart({ title: "Inventory and how far it may go", explain: bound ? `Net YES contracts held, and the limit from ${p.limit_source}${p.limit_source === "risk.max_net" ? "" : ", or risk.max_net where that is lower"}${far ? " (far outside this picture: more than twenty times the largest holding)" : ""}.` : "Net YES contracts held. No limit is set.",
    x: ends(p), extent: extentOf(p), group, height: 220, unit: "contracts", format: f.contracts, range: withZero,
    data: [hundredths(p.net_lo), hundredths(p.net_hi), hundredths(p.net), far ? limit.map(() => null) : limit, far ? limit.map(() => null) : limit.map((v) => (v === null ? null : -v))],
    series: [{ label: "lowest", color: "f-net", width: 0.5, paths: before, quiet: true }, { label: "highest", color: "f-net", width: 0.5, paths: before, quiet: true }, { label: "net", color: "c-total", width: 2, paths: before },
      { label: "limit, long", color: "c-limit", dash: [6, 4], width: 1.5, paths: before }, { label: "limit, short", color: "c-limit", dash: [6, 4], width: 1.5, paths: before }],
    bands: [{ series: [2, 1], fill: "f-net" }] });
}

function marketCharts(doc, p, group) {
  return [priceChart(doc, p, group), inventoryChart(p, group), equityChart(p, group, "P&L of this market and its parts", "Spread captured is earned at the fill; inventory is what the mid, and at last the settlement, did to what was held.")];
}

// -- markouts --
function errorBars(curves) {
  return (u) => {
    const { ctx } = u, w = 4 * devicePixelRatio;
    ctx.save();
    ctx.lineWidth = devicePixelRatio * 1.2;
    curves.forEach((c, k) => {
      if (!u.series[k + 1].show) return;
      ctx.strokeStyle = color(`c-${k + 1}`);
      c.mean.forEach((m, i) => {
        if (m === null || c.se[i] === null) return;
        const x = u.valToPos(i, "x", true) + (k - (curves.length - 1) / 2) * 3 * devicePixelRatio, a = u.valToPos((m - c.se[i]) * 100, "y", true), b = u.valToPos((m + c.se[i]) * 100, "y", true);
        ctx.beginPath();
        ctx.moveTo(x, a); ctx.lineTo(x, b); ctx.moveTo(x - w, a); ctx.lineTo(x + w, a); ctx.moveTo(x - w, b); ctx.lineTo(x + w, b);
        ctx.stroke();
      });
    });
    ctx.restore();
  };
}

function markoutChart(title, explain, horizons, curves) {
  const shown = (v) => f.number(v, 2) + "\u00a0c", x = horizons.map((_, i) => i);
  const extremes = curves.flatMap((c) => c.mean.flatMap((m, i) => (m === null ? [] : [(m - (c.se[i] ?? 0)) * 100, (m + (c.se[i] ?? 0)) * 100])));
  return chart({ title, explain, x, height: 280, unit: "cents per contract", format: shown, range: (u) => withZero(u, Math.min(...extremes, 0), Math.max(...extremes, 0)), xScale: { range: [-0.3, horizons.length - 0.7] },
    xAxis: { splits: () => x, values: (u, vs) => vs.map((v) => f.span(horizons[v])) }, xFormat: (v) => f.span(horizons[v]) + " after the fill",
    data: curves.map((c) => c.mean.map((m) => (m === null ? null : m * 100))),
    series: curves.map((c, k) => ({ label: c.name, color: `c-${k + 1}`, width: 2, points: { show: true, size: 6 } })), hooks: { draw: [errorBars(curves)] },
    tip: (u, idx) => curves.filter((_, k) => u.series[k + 1].show).map((c) => `${c.name}: ${f.count(c.n[idx])} fills, ± ${c.se[idx] === null ? "unknown" : shown(c.se[idx] * 100)}`) });
}

// -- P&L by market and hour --
function bar(value, most) {
  const share = most > 0 ? Math.abs(value) / most * 50 : 0;
  return h("div", { class: "bar", "aria-hidden": "true" }, h("span", { class: value < 0 ? "bad" : null, style: value < 0 ? `right:50%;width:${share}%` : `left:50%;width:${share}%` }));
}

function marketTable(doc) {
  const rows = [...doc.result.markets].sort((a, b) => b.pnl_e6 - a.pnl_e6), most = Math.max(...rows.map((m) => Math.abs(m.pnl_e6)), 1);
  return table([{ head: "market", cell: (m) => m.market }, { head: "strategy", cell: (m) => m.strategy }, { head: "P&L", number: true, cell: (m) => f.money(m.pnl_e6 / 1e6), sign: (m) => m.pnl_e6 },
    { head: "", cell: (m) => bar(m.pnl_e6, most) }, { head: "fees", number: true, cell: (m) => f.money(m.fees_e6 / 1e6) }, { head: "fills", number: true, cell: (m) => f.count(m.fills) }, { head: "orders", number: true, cell: (m) => f.count(m.orders) },
    { head: "bought", number: true, cell: (m) => f.contracts(Number(m.bought)) }, { head: "sold", number: true, cell: (m) => f.contracts(Number(m.sold)) }, { head: "final net", number: true, cell: (m) => f.contracts(Number(m.final_net)) },
    { head: "outcome", cell: (m) => m.outcome }], rows, "P&L by market");
}

function hoursChart(doc) {
  const hours = doc.hours, x = hours.map((o) => o.hour), pnl = hours.map((o) => o.pnl / 10000);
  const bars = uPlot.paths.bars({ size: [0.7, 60] });
  return chart({ title: "P&L by hour of day", explain: "Change of equity in each hour (UTC), days added up. Hours that were not recorded are missing.", x, height: 240, unit: "dollars", format: f.money, range: withZero,
    xScale: { range: [Math.min(...x) - 0.7, Math.max(...x) + 0.7] }, xAxis: { splits: () => x, values: (u, vs) => vs.map((v) => String(v).padStart(2, "0") + "h") }, xFormat: (v) => `${v}:00 to ${v + 1}:00 UTC`,
    data: [pnl.map((v) => (v >= 0 ? v : null)), pnl.map((v) => (v < 0 ? v : null))],
    series: [{ label: "gain", color: "good", fill: "good", paths: bars }, { label: "loss", color: "bad", fill: "bad", paths: bars }],
    tip: (u, idx) => [`${f.count(hours[idx].fills)} fills, volume ${f.money(hours[idx].volume / 10000)}`, `recorded ${f.span(hours[idx].seconds)}`] });
}

// -- the worst minutes --
function reasons(row) {
  if (row.kind === "fill") return [`mid ${f.price(row.fair)}`];
  const named = (row.reasons ?? []).flatMap(([name, value], i) => [i ? ", " : "", h("b", {}, name), ` ${f.number(value)}`]);
  const did = row.did.map((n, i) => (n ? `${n} ${["placed", "cancelled", "amended"][i]}` : "")).filter(Boolean).join(", ");
  return [row.why ? row.why + (named.length ? ": " : "") : "", ...named, named.length || row.why ? "; " : "", did];
}

function worst(doc, group) {
  const w = doc.worst, short = w.window < 600;
  if (!w.fall) return section("The worst minutes", "Equity never fell from one mark to a later one.");
  const names = new Map(doc.panels.map((p) => [p.slot, p.market])), level = (l) => (l ? `${f.contracts(l[1] / 100)} at ${f.price(l[0] / 10000)}` : "–");
  const market = (row) => names.get(row.slot) ?? doc.result.markets[row.slot]?.market ?? "";
  const explain = `The largest fall of equity within ${short ? `any ${f.span(w.window)}, a tenth of this run because it is shorter than 100 minutes,` : "any ten minutes"} was ${f.money(w.fall / 10000)}, ${f.range(w.from, w.to)}. ` +
    `We made ${f.count(w.decisions)} decisions and fills in it${w.rows.length < w.decisions ? `; ${f.count(w.rows.length)} of them are listed` : ""}. Each line says what the strategy saw and why it quoted as it did.`;
  const columns = [{ head: "time, UTC", cell: (r) => f.clockMs(r.t) }, ...(doc.slots > 1 ? [{ head: "market", keep: true, cell: market }] : []), { head: "what", keep: true, cell: (r) => (r.kind === "fill" ? (r.side === "bid" ? "bought " : "sold ") + level(r.at) : r.kind) },
    { head: "book", keep: true, cell: (r) => `${r.book_bid ? f.price(r.book_bid / 10000) : "–"} / ${r.book_ask ? f.price(r.book_ask / 10000) : "–"}` }, { head: "fair", number: true, cell: (r) => (r.kind === "fill" ? "" : f.cents(r.fair)) },
    { head: "our bid", keep: true, cell: (r) => (r.kind === "fill" ? "" : level(r.bid)) }, { head: "our ask", keep: true, cell: (r) => (r.kind === "fill" ? "" : level(r.ask)) }, { head: "net", number: true, cell: (r) => f.contracts(r.net / 100) }, { head: "reasons", cell: (r) => h("span", {}, ...reasons(r)) }];
  const made = table(columns, w.rows, "Quotes and fills of the worst minutes");
  made.querySelectorAll("tbody tr").forEach((tr, i) => {
    tr.lastElementChild.className = "reasons";
    if (w.rows[i].kind === "fill") tr.className = "fill";
  });
  return section("The worst minutes", explain, h("p", {}, h("button", { type: "button", onclick: () => { group.zoom(w.from, w.to); document.getElementById("account").scrollIntoView(); } }, "Show them in the charts")), w.rows.length ? made : h("p", {}, "We decided nothing in it: what was held lost value."));
}

// -- the small print --
function flat(o, prefix = "") {
  return Object.entries(o).flatMap(([k, v]) => (v !== null && typeof v === "object" && !Array.isArray(v) ? flat(v, prefix + k + ".") : [[prefix + k, v]]));
}

const plain = (v) => (typeof v === "number" ? f.number(v, Number.isInteger(v) ? 0 : undefined) : v === null ? "–" : String(v));

function provenance(doc) {
  const c = doc.clocks;
  const clocks = c ? `Receive minus venue time over ${f.count(c.records)} records: shortest ${f.number(c.min_ms, 1)} ms, median ${f.number(c.median_ms, 1)} ms, 99 % under ${f.number(c.p99_ms, 1)} ms.${c.min_ms < 0 ? " Below zero: the two clocks disagree." : ""}` : "The records carry no venue time, so nothing is known about the clocks.";
  if (!doc.tapes.length) return section("Data", "A synthetic market: seeded traders around a random truth. There is no recording.", h("p", {}, clocks));
  return section("Data", "What was replayed. The hash is XXH3-64 over the whole file: equal hashes, equal data.",
    table([{ head: "tape", cell: (t) => t.file }, { head: "hash", cell: (t) => h("code", {}, t.hash) }, { head: "size", number: true, cell: (t) => f.bytes(t.bytes) }, { head: "records", number: true, cell: (t) => f.count(t.records) },
      { head: "from", cell: (t) => f.moment(t.first) }, { head: "to", cell: (t) => f.moment(t.last) }, { head: "markets", number: true, cell: (t) => f.count(t.market_cnt), title: "in the tape" }, { head: "whole", cell: (t) => (t.truncated ? "cut off" : "yes") },
      { head: "provenance", cell: (t) => h("details", {}, h("summary", {}, t.provenance.slice(0, 60) || "none"), h("div", {}, t.provenance)) }], doc.tapes, "Tapes"),
    h("p", {}, clocks));
}

function figures(doc) {
  const rows = flat(doc.result).filter(([k]) => k !== "markets");
  return section("All figures and settings", "As pmm backtest --json gives them, and the configuration in force with every default.",
    h("details", {}, h("summary", {}, "Result"), table([{ head: "figure", cell: (r) => r[0] }, { head: "value", number: true, cell: (r) => plain(r[1]) }], rows, "Result")),
    doc.config ? h("details", {}, h("summary", {}, "Effective configuration"), h("pre", {}, JSON.stringify(doc.config, null, 2))) : null,
    h("p", { class: "explain" }, "State hash ", h("code", {}, doc.result.state_hash), `, pmm ${doc.pmm}, report format ${doc.format}. The same tapes, configuration and version give the same hash on any machine.`));
}

// -- the page --
export function backtestPage(doc) {
  const group = new TimeGroup(), charts = [];
  const add = (c) => { charts.push(c); return c.element; };
  const total = doc.total, markets = new Set(doc.result.markets.map((m) => m.market)).size;
  const sum = (a) => a.reduce((x, y) => x + y, 0), business = doc.panels.map((p) => 64 * sum(p.fills) + sum(p.orders));
  const busiest = Math.max(0, business.indexOf(Math.max(...business)));
  const place = h("div", { id: "market-charts", "data-panel": busiest });
  let live = [];
  const show = (index) => {
    for (const c of live) c.stop();
    live = marketCharts(doc, doc.panels[index], group);
    place.replaceChildren(...live.map((c) => c.element));
    for (const c of live) c.start();
  };
  const state = h("span", { class: "state", role: "status" }, "whole run");
  group.listeners.add((view) => {
    state.textContent = view ? `zoomed to ${f.clockMs(view[0])} – ${f.clockMs(view[1])} UTC, ${f.span(view[1] - view[0])}` : "whole run";
    whole.disabled = !view;
  });
  const whole = h("button", { type: "button", id: "whole", disabled: true, onclick: () => group.reset() }, "Whole run");
  const panelOf = () => doc.panels[Number(place.dataset.panel)];
  const bar0 = h("div", { class: "zoombar" }, "Zoom of all charts over time:", whole,
    doc.panels.length > 1 ? h("button", { type: "button", onclick: () => group.zoom(...extentOf(panelOf())) }, "This market") : null,
    doc.worst.fall ? h("button", { type: "button", onclick: () => group.zoom(doc.worst.from, doc.worst.to) }, "Worst minutes") : null, state);
  const chooser = doc.panels.length > 1 ? h("div", { class: "controls" }, select("Market", doc.panels.map((p, i) => [i, `${p.market} · ${p.strategy} · P&L ${f.money(p.pnl[p.pnl.length - 1] / 10000)}`]), busiest, (v) => { place.dataset.panel = v; show(Number(v)); })) : null;
  const account = section("Account", "All markets together. Drag in a chart to zoom into a time; every chart over time follows. Double-click shows the whole run again.", bar0,
    add(equityChart(total, group, "Equity and its parts", "P&L since the start, and where it came from: spread captured at the fills, what the mid did to the inventory afterwards, and fees.")),
    h("div", { class: "pair" }, add(ratesChart(total, group)), add(uptimeChart(total, group))), doc.slots > 1 ? add(exposureChart(total, group)) : null);
  account.id = "account";
  const markouts = doc.markouts, some = markouts.by_side[0].n.some((n) => n > 0);
  return {
    title: doc.title,
    subtitle: `Backtest · ${f.range(doc.first, doc.last)} (${f.span(doc.last - doc.first)}) · ${markets === 1 ? "1 market" : `${markets} markets`} · ${f.count(doc.result.events)} events`,
    content: [honesty(doc), tiles(doc), account,
      doc.panels.length ? section(doc.panels.length > 1 ? "Markets" : "Market", doc.panels.length > 1 ? "The busiest markets, one at a time." : null, chooser, place) : null,
      section("Markouts", some ? "Where the mid went after our fills, seen from our side: below zero, those who traded with us knew better. Bars are one standard error; fills that come together are not independent, so the truth is less sure than the bars." : "There was no fill to follow.",
        some ? h("div", { class: "pair" }, add(markoutChart("By side", "Mean move of the mid in our favour after a fill, weighted by contracts.", markouts.horizons, markouts.by_side)),
          add(markoutChart("By distance", "The same by how far from the mid the fill was. Close quotes fill often and are picked off more.", markouts.horizons, markouts.by_distance))) : null),
      section("Where the money came from", null, doc.hours.length ? add(hoursChart(doc)) : null, marketTable(doc)),
      worst(doc, group), provenance(doc), figures(doc)].filter(Boolean),
    start: () => {
      for (const c of charts) c.start();
      if (doc.panels.length) show(busiest);
      document.documentElement.pmmGroup = group;
    },
  };
}
