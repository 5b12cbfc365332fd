// node report.mjs KIND PAGE CHARTS: opens a page as a reader would, from a file and offline; CHARTS is how many charts it must draw at least.
import { statSync } from "node:fs";
import { expect, finish, look, open, ranges } from "./browser.mjs";

const [kind, file, least] = process.argv.slice(2);
expect(statSync(file).size < 5e6, `${file} has ${statSync(file).size} bytes`);

async function drawn(page, when) {
  const charts = await look(page);
  expect(charts.length >= Number(least), `${when}: ${charts.length} charts, not ${least}`);
  for (const c of charts) {
    expect(c.colours > 3, `${when}: '${c.title}' shows ${c.colours} colours`);
    expect(c.explain.length > 20, `'${c.title}' is not explained`);
  }
}

async function background(page) {
  return page.evaluate(() => getComputedStyle(document.body).backgroundColor);
}

const same = (a, b) => a.every((r, i) => Math.abs(r[0] - b[i][0]) < 1e-6 && Math.abs(r[1] - b[i][1]) < 1e-6);

async function zoom(page) {
  const before = await ranges(page);
  const chart = page.locator("figure.chart .u-over").first();
  await chart.scrollIntoViewIfNeeded();
  const box = await chart.boundingBox();
  await page.mouse.move(box.x + box.width * 0.3, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.6, box.y + 60, { steps: 4 });
  await page.mouse.up();
  const zoomed = await ranges(page), [from, to] = zoomed[0], share = (to - from) / (before[0][1] - before[0][0]);
  expect(Math.abs(share - 0.3) < 0.02, `a drag over 30 % shows ${(100 * share).toFixed(1)} % of the time`);
  expect(zoomed.every((r) => r[0] === from && r[1] === to), "all charts over time zoom together: " + JSON.stringify(zoomed));
  await page.mouse.dblclick(box.x + box.width / 2, box.y + 50);
  expect(same(await ranges(page), before), "a double click shows everything again");
  const place = page.locator("figure.chart .plot").first();
  await place.focus();
  await page.keyboard.press("+");
  expect((await ranges(page))[0][1] - (await ranges(page))[0][0] < 0.6 * (before[0][1] - before[0][0]), "the key + zooms in");
  await page.keyboard.press("0");
  expect(same(await ranges(page), before), "the key 0 shows everything again");
  await page.keyboard.press("ArrowRight");
  expect(await page.locator("figure.chart .tip").first().isVisible(), "arrow keys move a cursor that tells the values");
}

async function theme(page) {
  const light = await background(page);
  await page.click("#theme");
  expect((await background(page)) !== light, "the toggle changes the colours");
  await drawn(page, "after the toggle");
  await page.click("#theme");
  expect((await background(page)) === light, "the toggle changes them back");
}

async function choices(page) {
  for (const select of await page.locator("main select").all())
    for (const value of await select.locator("option").evaluateAll((options) => options.map((o) => o.value))) await select.selectOption(value);
}

async function sorts(page) {
  const button = page.locator("th[aria-sort] button").nth(1), column = () => page.evaluate(() => [...document.querySelectorAll("#all-sets tbody tr")].map((tr) => tr.children[1].textContent));
  await button.click();
  const down = await column();
  await page.locator("th[aria-sort] button").nth(1).click();
  expect(JSON.stringify(await column()) !== JSON.stringify(down), "pressing a heading twice turns the order around");
}

const { browser, page, complaints, requests } = await open(file);
await drawn(page, "at first");
if (kind !== "sweep") await zoom(page);
await theme(page);
await choices(page);
if (kind === "sweep") await sorts(page);
await page.emulateMedia({ media: "print" });
await drawn(page, "on paper");
expect(requests.length === 0, "asks the network for " + requests.join(", "));
expect(complaints.length === 0, "the console says " + complaints.join("; "));
await browser.close();

const dark = await open(file, "dark");
await drawn(dark.page, "in the dark");
expect((await dark.page.evaluate(() => document.documentElement.dataset.theme)) === "dark", "follows the system's wish for dark");
await dark.page.setViewportSize({ width: 420, height: 800 });
// Charts follow the window when the page is next laid out, not at once.
const fits = await dark.page.waitForFunction(() => document.documentElement.scrollWidth <= innerWidth + 1, null, { timeout: 20000 }).then(() => true, () => false);
expect(fits, "fits a narrow screen");
expect(dark.complaints.length === 0, "in the dark the console says " + dark.complaints.join("; "));
await dark.browser.close();
finish();
