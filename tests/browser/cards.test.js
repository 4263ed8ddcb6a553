// Tests the page of `skillctl cards render --format html`: by mouse, by keyboard, in dark mode, and
// with cards that try to inject markup.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const project = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "skillctl-browser-"));
let browser;

before(async () => {
  browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking"],
    timeout: 120_000,
  });
  await browser
    .defaultBrowserContext()
    .setPermission("*", { permission: { name: "clipboard-read" }, state: "granted" },
      { permission: { name: "clipboard-write" }, state: "granted" })
    .catch(() => {});
});

after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Renders a file of cards and opens the page. `complaints` collects errors, console messages and dialogs. */
async function open(cards) {
  const html = execFileSync(process.env.SKILLCTL, ["cards", "render", "--format", "html", cards], {
    cwd: project,
    maxBuffer: 1 << 28,
  });
  const path = join(folder, `${cards.replaceAll("/", "-")}.html`);
  writeFileSync(path, html);
  const page = await browser.newPage();
  await page.setViewport({ width: 420, height: 900 });
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => complaints.push(message.text()));
  page.on("dialog", async (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  await page.goto(pathToFileURL(path).href);
  return { page, complaints };
}

async function picture(page, name) {
  if (process.env.SCREENSHOTS) {
    await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true });
  }
}

const expanded = (page, selector) => page.$eval(selector, (it) => it.getAttribute("aria-expanded"));
const visible = (page, selector) =>
  page.$$eval(selector, (all) => all.filter((it) => it.checkVisibility()).length);
const focused = (page) =>
  page.evaluate(() => document.activeElement.querySelector("img")?.alt || document.activeElement.title || document.activeElement.textContent);

test("a pill opens its timeline and closes it again", async () => {
  const { page, complaints } = await open("fixtures/cards/edge-cases.json");
  const pill = "#body-1 button.pill";
  assert.equal(await visible(page, ".timeline"), 0);
  await page.click(pill);
  assert.equal(await expanded(page, pill), "true");
  assert.equal(await visible(page, "#bar-1-0"), 1);
  const share = await page.$eval("#bar-1-0 .slice", (slice) => {
    const [bar, part] = [slice.parentElement, slice].map((it) => it.getBoundingClientRect());
    return [(part.left - bar.left) / bar.width, part.width / bar.width];
  });
  assert.ok(Math.abs(share[0]) < 0.01 && Math.abs(share[1] - 90 / 600) < 0.02, String(share));
  const [text, ground] = await page.$eval(pill, (it) => [getComputedStyle(it).color, getComputedStyle(it).backgroundColor]);
  assert.notEqual(text, ground, "the label of an open pill under the pointer can be read");
  await picture(page, "pill");
  await page.click(pill);
  assert.equal(await expanded(page, pill), "false");
  assert.equal(await visible(page, ".timeline"), 0);
  // The one picture of that file is on a host that does not exist.
  assert.deepEqual(complaints.filter((it) => !it.includes("Failed to load resource")), []);
});

test("a face opens its timeline, and another one takes its place", async () => {
  const { page, complaints } = await open("fixtures/cards/instance.json");
  const [anna, ben] = await page.$$("#body-1 button.face");
  await anna.click();
  assert.equal(await visible(page, "#bar-1-0"), 1);
  await ben.click();
  assert.equal(await visible(page, "#bar-1-0"), 0);
  assert.equal(await visible(page, "#bar-1-1"), 1);
  assert.equal(await page.$eval("#body-1 .face img", (it) => it.alt), "Anna Berg");
  assert.equal(await page.$eval("#body-1 .face img", (it) => it.naturalWidth), 45);
  await page.click("#bar-1-1 .slice");
  assert.equal(await page.$eval("#said", (it) => it.textContent), "At 0:12–0:26");
  await picture(page, "face");
  assert.deepEqual(complaints, []);
});

test("a transcript expands, marks a line and copies", async () => {
  const { page, complaints } = await open("fixtures/cards/instance.json");
  assert.equal(await visible(page, "#lines-2 li"), 8);
  assert.equal(await page.$eval("#lines-2", (it) => getComputedStyle(it).maxHeight), "400px");
  await page.click(".more");
  assert.equal(await page.$eval("#lines-2", (it) => getComputedStyle(it).maxHeight), "none");
  assert.equal(await page.$eval(".more", (it) => it.textContent), "Collapse");
  await page.click("#lines-2 li:nth-child(3) button");
  assert.equal(await page.$eval('#lines-2 [aria-current="true"] time', (it) => it.textContent), "0:12");
  await picture(page, "transcript");
  await page.click(".copy");
  await page.waitForFunction(() => document.querySelector(".copy").textContent !== "Copy");
  assert.equal(await page.$eval(".copy", (it) => it.textContent), "Copied");
  const copied = await page.evaluate(() => navigator.clipboard.readText()).catch(() => null);
  if (copied !== null) {
    assert.equal(copied.split("\r\n").length, 9);
    assert.ok(copied.endsWith("\r\n"), copied);
    assert.ok(copied.startsWith("0:01: Good morning"), copied);
  }
  await page.click(".more");
  assert.equal(await page.$eval("#lines-2", (it) => getComputedStyle(it).maxHeight), "400px");
  assert.deepEqual(complaints, []);
});

test("without a duration a pill opens an empty timeline, whose buttons work", async () => {
  const { page } = await open("fixtures/cards/preview.json");
  await page.click("#body-1 button.pill");
  assert.equal(await visible(page, "#bar-1-0"), 1);
  assert.equal(await visible(page, "#bar-1-0 .slice"), 0);
  await page.click('#bar-1-0 .segment[data-step="1"]');
  assert.equal(await page.$eval("#said", (it) => it.textContent), "At 0:01");
  await picture(page, "empty-timeline");
});

test("lines without a shown time are copied with a blank or the first of their times", async () => {
  const { page } = await open("fixtures/cards/preview.json");
  await page.evaluate(() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; });
  await page.click(".copy");
  await page.waitForFunction(() => document.querySelector(".copy").textContent !== "Copy");
  assert.equal(await page.evaluate(() => window.copied),
    "0:01: one\r\n two\r\n0:03: three\r\n four\r\n five\r\n six\r\n seven\r\n");
});

test("everything works by keyboard", async () => {
  const { page, complaints } = await open("fixtures/cards/instance.json");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Topics");
  await page.keyboard.press("Enter");
  assert.equal(await visible(page, ".pills"), 0);
  await page.keyboard.press("Enter");
  assert.equal(await visible(page, ".pills"), 1);
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Budget");
  await page.keyboard.press("Space");
  assert.equal(await page.$eval(".pill", (it) => it.getAttribute("aria-pressed")), "true");
  await page.focus("#title-1");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Anna Berg");
  await page.keyboard.press("ArrowRight");
  assert.equal(await focused(page), "Ben Okoro");
  await page.keyboard.press("Space");
  assert.equal(await visible(page, "#bar-1-1"), 1);
  await page.keyboard.press("Escape");
  assert.equal(await visible(page, "#bar-1-1"), 0);
  assert.equal(await focused(page), "Ben Okoro");

  await page.focus(".more");
  await page.keyboard.press("Tab");
  assert.match(await focused(page), /^0:01/);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  assert.equal(await page.$eval('[aria-current="true"] time', (it) => it.textContent), "0:05");
  await page.keyboard.press("End");
  assert.match(await focused(page), /^0:52/, "the last line");
  await page.keyboard.press("Tab");
  assert.equal(await focused(page), "Status", "the lines are a single tab stop");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.notEqual(outline, "none", "the focus is visible");
  assert.deepEqual(complaints, []);
});

test("cards run no script and load nothing they should not", async () => {
  const { page, complaints } = await open("fixtures/cards/hostile.json");
  assert.equal(await page.$$eval("script", (all) => all.length), 1, "the page's own");
  assert.equal(await page.$eval("h2 .fold, h2 button", (it) => it.textContent.trim()),
    "<script>alert(1)</script>\\u{1b}[2J");
  assert.equal(await page.$eval("#body-3 .sentence", (it) => it.textContent), "<img src=x onerror=alert(5)>");
  const requests = await page.evaluate(() => performance.getEntriesByType("resource").map((it) => it.name));
  assert.deepEqual(requests.filter((it) => !it.startsWith("data:")), []);
  await picture(page, "hostile");
  for (const opener of await page.$$("button")) await opener.click().catch(() => {});
  assert.deepEqual(complaints.filter((it) => it.startsWith("dialog")), []);
});

test("light and dark both have enough contrast", async () => {
  for (const scheme of ["light", "dark"]) {
    const { page } = await open("fixtures/cards/instance.json");
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
    await page.click("#body-1 button.face");
    await page.click("#lines-2 li:nth-child(2) button");
    await picture(page, scheme);
    const poor = await page.evaluate(() => {
      const channels = (colour) => colour.match(/[\d.]+/g).map(Number);
      const luminance = (colour) => {
        const [r, g, b] = channels(colour).map((it) => it / 255)
          .map((it) => (it <= 0.03928 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
          const colour = getComputedStyle(at).backgroundColor;
          if ((channels(colour)[3] ?? 1) > 0) return colour;
        }
        return "rgb(255, 255, 255)";
      };
      return Array.from(document.querySelectorAll("h1, h2 span, p, time, .pill, .lines span, .tools *, .label, .remark"))
        .filter((it) => it.checkVisibility() && it.textContent && it.id !== "said")
        .map((it) => {
          const [a, b] = [luminance(getComputedStyle(it).color), luminance(ground(it))].sort((x, y) => y - x);
          return [it.className || it.tagName, (a + 0.05) / (b + 0.05)];
        })
        .filter(([, contrast]) => contrast < 4.5);
    });
    assert.deepEqual(poor, [], scheme);
  }
});

test("a transcript of 100,000 lines opens, and expands at once", async () => {
  const entries = Array.from({ length: 100_000 }, (_, nth) => ({ text: `Line ${nth}`, appears: [{ start: nth }] }));
  const cards = join(folder, "long.json");
  writeFileSync(cards, JSON.stringify([{ skill_card_type: "transcript", entries }]));
  const { page, complaints } = await open(cards);
  const height = () => page.$eval(".lines", (it) => it.getBoundingClientRect().height);
  assert.equal(await height(), 400);
  await page.click(".more");
  assert.ok(await height() > 100_000);
  await page.waitForFunction(() => document.querySelector(".lines > ol:last-child > li:last-child").checkVisibility());
  await page.focus(".lines button");
  await page.keyboard.press("End");
  assert.match(await focused(page), /Line 99999$/);
  assert.deepEqual(complaints, []);
});
