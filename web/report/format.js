// Numbers for people: as many digits as help, never twelve.
const NONE = "–";
const MINUS = "−";
const grouped = (x, digits) => Math.abs(x).toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const known = (x) => x !== null && x !== undefined && Number.isFinite(x);

export function number(x, digits) {
  if (!known(x)) return NONE;
  const a = Math.abs(x);
  const d = digits ?? (Number.isInteger(x) || a >= 1000 ? 0 : a >= 100 ? 1 : a >= 1 ? 2 : a >= 0.01 ? 3 : 5);
  const text = grouped(x, d);
  return (x < 0 && /[1-9]/.test(text) ? MINUS : "") + text;
}
// As few digits as tell it apart: for settings, where 0.0002 is not 0.00020.
export const brief = (x, digits = 5) => (known(x) ? (x < 0 ? MINUS : "") + Math.abs(x).toLocaleString("en-US", Math.abs(x) >= 10 ** (digits - 1) ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: digits }) : NONE);
export function money(x) {
  if (!known(x)) return NONE;
  const a = Math.abs(x);
  const text = grouped(x, a >= 10000 ? 0 : a === 0 || a >= 0.1 ? 2 : 4);
  return (x < 0 && /[1-9]/.test(text) ? MINUS : "") + "$" + text;
}
export const cents = (x, digits) => (known(x) ? number(x * 100, digits ?? (Math.abs(x) < 0.1 ? 2 : 1)) + "\u00a0c" : NONE);
export const price = (x) => (known(x) ? number(x * 100, Math.abs(Math.round(x * 100) - x * 100) < 1e-6 ? 0 : 1) + "\u00a0c" : NONE);
export const contracts = (x) => number(x, known(x) && Number.isInteger(x) ? 0 : 2);
export const percent = (x, digits = 1) => (known(x) ? number(100 * x, digits) + "\u00a0%" : NONE);
export const count = (x) => number(x, 0);

const iso = (t) => new Date(t * 1000).toISOString();
export const date = (t) => (known(t) ? iso(t).slice(0, 10) : NONE);
export const clock = (t) => (known(t) ? iso(t).slice(11, 19) : NONE);
export const clockMs = (t) => (known(t) ? iso(t).slice(11, 23) : NONE);
export const moment = (t) => (known(t) ? `${date(t)} ${clock(t)}` : NONE);
export const range = (a, b) => (date(a) === date(b) ? `${moment(a)} to ${clock(b)} UTC` : `${moment(a)} to ${moment(b)} UTC`);
export function span(s) {
  if (!known(s)) return NONE;
  if (s < 1) return number(s * 1000, 0) + " ms";
  if (s < 120) return number(s, s < 10 && !Number.isInteger(s) ? 1 : 0) + " s";
  if (s < 7200) return number(s / 60, s % 60 === 0 ? 0 : 1) + " min";
  return s < 172800 ? number(s / 3600, 1) + " h" : number(s / 86400, 1) + " days";
}
export function bytes(n) {
  return n < 1e4 ? `${n} bytes` : n < 1e7 ? number(n / 1e3, 0) + " kB" : number(n / 1e6, 1) + " MB";
}
