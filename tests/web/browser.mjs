// What the page tests share: Chromium without network, complaints of any kind collected, charts looked at pixel by pixel.
import { chromium } from "playwright-core";

const EXECUTABLE = process.env.PMM_CHROMIUM ?? "/usr/bin/chromium";

export async function open(file, scheme = "light") {
  const browser = await chromium.launch({ executablePath: EXECUTABLE, args: ["--no-sandbox", "--disable-gpu"] });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: scheme, offline: true });
  const page = await context.newPage(), complaints = [], requests = [];
  page.on("console", (m) => { if (["error", "warning"].includes(m.type())) complaints.push(`${m.type()}: ${m.text()}`); });
  page.on("pageerror", (e) => complaints.push(`exception: ${e.message}`));
  page.on("request", (r) => { if (!r.url().startsWith("file:") && !r.url().startsWith("data:")) requests.push(r.url()); });
  await page.goto("file://" + file);
  await page.waitForFunction(() => document.documentElement.dataset.ready === "yes", null, { timeout: 30000 });
  return { browser, page, complaints, requests };
}

// Of every chart: its title, and how many colours its canvas shows.
export function look(page) {
  return page.evaluate(() => [...document.querySelectorAll("figure.chart")].map((figure) => {
    const canvas = figure.querySelector("canvas"), colours = new Set();
    if (canvas && canvas.width && canvas.height) {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      for (let i = 0; i < data.length; i += 4) if (data[i + 3]) colours.add(data[i] << 16 | data[i + 1] << 8 | data[i + 2]);
    }
    return { title: figure.querySelector("h3").textContent, explain: figure.querySelector(".explain")?.textContent ?? "", colours: colours.size };
  }));
}

export const ranges = (page) => page.evaluate(() => [...document.querySelectorAll(".plot")].filter((p) => p.pmm && p.pmm.plot.cursor.sync.key).map((p) => [p.pmm.plot.scales.x.min, p.pmm.plot.scales.x.max]));

let failures = 0;
export function expect(ok, text) {
  if (ok) return;
  failures++;
  console.log("FAILED: " + text);
}
export function finish() {
  console.log(failures ? `${failures} failed` : "ok");
  process.exit(failures ? 1 : 0);
}
