// Light or dark: the system's wish until the reader chooses. Charts are bitmaps, so they are told to draw themselves again.
const listeners = new Set();
const system = window.matchMedia("(prefers-color-scheme: dark)");
let chosen = null;

export const isDark = () => (chosen ? chosen === "dark" : system.matches);
export function color(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}
export function onTheme(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
function apply(theme) {
  document.documentElement.dataset.theme = theme;
  for (const l of listeners) l();
}
export function toggleTheme() {
  chosen = isDark() ? "light" : "dark";
  apply(chosen);
}
export function startTheme() {
  apply(isDark() ? "dark" : "light");
  system.addEventListener("change", () => { if (!chosen) apply(isDark() ? "dark" : "light"); });
  window.addEventListener("beforeprint", () => apply("light")); // paper is white
  window.addEventListener("afterprint", () => apply(isDark() ? "dark" : "light"));
}
