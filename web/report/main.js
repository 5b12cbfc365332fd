// A page of pmm: unpack the document, then draw it by its kind.
import { h } from "./dom.js";
import { startTheme, toggleTheme } from "./theme.js";
import { backtestPage } from "./backtest.js";
import { comparePage } from "./compare.js";
import { sweepPage } from "./sweep.js";

const PAGES = { backtest: backtestPage, compare: comparePage, sweep: sweepPage };

async function unpack(node) {
  const text = atob(node.textContent), packed = Uint8Array.from(text, (c) => c.charCodeAt(0));
  if (typeof DecompressionStream === "undefined") throw new Error("this browser cannot unpack the data (DecompressionStream is missing); one of 2023 or later can");
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return JSON.parse(await new Response(stream).text());
}

function top(page) {
  return h("header", { class: "top" },
    h("div", {}, h("h1", {}, page.title), h("p", { class: "sub" }, page.subtitle)),
    h("div", { class: "tools" },
      h("button", { type: "button", id: "theme", onclick: toggleTheme }, "Dark / light"),
      h("button", { type: "button", onclick: () => window.print() }, "Print")));
}

async function start() {
  const root = document.getElementById("page"), node = document.getElementById("pmm-data");
  startTheme();
  try {
    const page = PAGES[node.dataset.kind](await unpack(node));
    root.replaceChildren(top(page), ...page.content);
    page.start?.(); // charts measure their place, so they start once they have one
    document.documentElement.dataset.ready = "yes";
  } catch (error) {
    root.replaceChildren(h("div", { class: "error", role: "alert" }, h("h1", {}, "This page cannot be drawn"), h("p", {}, String(error.message ?? error))));
    throw error;
  }
}

start();
