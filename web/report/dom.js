// Building elements: h("td", {class: "n"}, "text", child).
export function h(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else e.setAttribute(name, value === true ? "" : value);
  }
  e.append(...children.flat().filter((c) => c !== null && c !== undefined));
  return e;
}

export function section(title, explain, ...children) {
  const id = title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return h("section", { id, "aria-labelledby": id + "-h" }, h("h2", { id: id + "-h" }, title), explain ? h("p", { class: "explain" }, explain) : null, ...children);
}

// A table from columns {head, cell(row), number, sign(row), keep, title} and rows; the first column is the row's heading.
export function table(columns, rows, caption) {
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", {}, caption),
      h("thead", {}, h("tr", {}, columns.map((c) => h("th", { scope: "col", class: c.number ? "n" : null, title: c.title }, c.head)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, columns.map((c, i) => {
        const value = c.cell(row);
        return h(i === 0 ? "th" : "td", { scope: i === 0 ? "row" : null, class: [c.number ? "n" : "", c.keep ? "keep" : "", c.sign ? sign(c.sign(row)) : ""].join(" ").trim() || null }, value);
      }))))));
}

export const sign = (x) => (x > 0 ? "good" : x < 0 ? "bad" : "");

export function select(label, options, value, onchange) {
  const s = h("select", { onchange: () => onchange(s.value) }, options.map(([v, text]) => h("option", { value: v, selected: String(v) === String(value) }, text)));
  return h("label", {}, label + " ", s);
}
