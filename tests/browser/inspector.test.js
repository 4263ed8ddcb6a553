// Tests the inspector of `skillctl mock-box` at `/_mock/`: by mouse, by keyboard, with hostile input, with
// ten thousand calls, and from pages of other origins.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import puppeteer from "puppeteer-core";

const project = fileURLToPath(new URL("../..", import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "skillctl-inspector-"));
const children = [];
let browser;

const sleep = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

/** Waits until `look` returns a value. */
async function until(look, what) {
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    const found = await look();
    if (found) return found;
    await sleep(25);
  }
  assert.fail(`${what} did not happen`);
}

function run(args, options = {}) {
  const child = spawn(process.env.SKILLCTL, args, { cwd: project, stdio: ["ignore", "pipe", "inherit"], ...options });
  children.push(child);
  return child;
}

/** Starts a mock, and returns its URL. */
async function mock(...args) {
  const ready = join(mkdtempSync(join(folder, "mock-")), "ready.json");
  const child = run(["mock-box", "--listen", "127.0.0.1:0", "--ready-file", ready, ...args], {
    env: { ...process.env, INSPECTOR_TOKEN: "a-token-for-the-inspector" },
  });
  child.stdout.resume();
  const { url } = await until(() => existsSync(ready) && JSON.parse(readFileSync(ready, "utf8") || "null"), "the start");
  return { url, child };
}

/** Starts the built-in skill, and a mock that sends it the events of files. */
async function mockWithSkill() {
  const inbox = mkdtempSync(join(folder, "inbox-"));
  return mock("--files", inbox, "--", "sh", "-c", 'exec "$0" sample-skill --port "$PORT"', process.env.SKILLCTL);
}

async function open(url, { width = 1440, height = 900, dark = false } = {}) {
  const page = await browser.newPage();
  await page.setViewport({ width, height });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => { if (["error", "warn"].includes(message.type())) complaints.push(message.text()); });
  page.on("dialog", async (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    await dialog.dismiss();
  });
  await page.goto(`${url}/_mock/`);
  return { page, complaints };
}

const text = (page, selector) => page.$eval(selector, (element) => element.textContent);

async function isLive(page) {
  await page.waitForFunction(() => document.getElementById("state").textContent === "live");
}

async function put(url, name, content) {
  const id = String(900000 + Math.floor(Math.random() * 90000));
  const answer = await fetch(`${url}/_mock/files/${id}?name=${encodeURIComponent(name)}`, { method: "PUT", body: content });
  assert.equal(answer.status, 201);
  return id;
}

const fire = (url, id) => fetch(`${url}/_mock/files/${id}/fire`, { method: "POST" });

/** Puts a file and waits until its event is done on the page. */
async function event(page, url, name, content) {
  const id = await put(url, name, content);
  assert.equal((await fire(url, id)).status, 202);
  await page.waitForFunction(
    (wanted) => Array.from(document.querySelectorAll("#events .item"), (row) => row.textContent)
      .some((row) => row.includes(wanted) && row.includes("success")),
    {},
    name,
  );
  return id;
}

async function picture(page, name) {
  if (process.env.SCREENSHOTS) await page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });
}

async function violations(page) {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { violations: found } = await window.axe.run(document, { resultTypes: ["violations"] });
    return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
  });
}

const captions = readFileSync(join(project, "fixtures/events/upload-captions/content.vtt"), "utf8");

before(async () => {
  browser = await puppeteer.launch({
    executablePath: process.env.CHROMIUM,
    args: ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking"],
    timeout: 120_000,
  });
});

after(async () => {
  await browser?.close();
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

test("an event appears with its calls and cards, by mouse and by keyboard, in light and dark", async () => {
  const { url } = await mockWithSkill();
  const { page, complaints } = await open(url);
  await isLive(page);
  assert.match(await text(page, "#events"), /No event yet/);
  await event(page, url, "talk.vtt", captions);
  await event(page, url, "minutes.txt", "Tidal power for the harbour.\nEight small turbines.\n");
  await page.waitForFunction(() => document.querySelector("#events .item").textContent.includes("minutes.txt"));

  await page.click("#events .item");
  await page.waitForSelector("#cards .pill");
  assert.match(await text(page, "#cards"), /Topics/);
  assert.match(await text(page, "#rows"), /event ITEM_UPLOAD sent/);
  const calls = await page.$$("#rows .item");
  assert.ok(calls.length >= 4, "the calls are there");

  await page.$$eval("#rows .item", (rows) => rows.find((row) => row.textContent.includes("PUT")).click());
  await page.waitForSelector("#call .side");
  const details = await text(page, "#call");
  assert.match(details, /Bearer \[redacted/);
  assert.match(details, /status: "(processing|success)"/);
  assert.deepEqual(await violations(page), []);
  await picture(page, "inspector-light-1440");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.getElementById("call").hidden);

  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "dark" }]);
  await page.focus("#events");
  await page.keyboard.press("j");
  await page.waitForFunction(() => document.getElementById("event-name").textContent === "talk.vtt");
  await page.waitForFunction(() => document.querySelector("#cards").textContent.includes("Transcript"));
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => !document.getElementById("call").hidden);
  assert.deepEqual(await violations(page), []);
  await picture(page, "inspector-dark-1440");
  await page.keyboard.press("k");
  await page.keyboard.press("/");
  await page.keyboard.type("minutes");
  await page.waitForFunction(() => document.querySelectorAll("#events .item").length === 1);
  assert.deepEqual(complaints, []);
  await page.close();
});

test("at 360 pixels nothing is cut, and the rules of accessibility hold", async () => {
  const { url } = await mockWithSkill();
  const { page, complaints } = await open(url, { width: 360, height: 800 });
  await isLive(page);
  await event(page, url, "a-rather-long-name-of-a-recording-of-a-harbour.vtt", captions);
  await page.click("#events .item");
  await page.waitForSelector("#cards .card");
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  assert.equal(width, 360);
  assert.deepEqual(await violations(page), []);
  if (process.env.SCREENSHOTS) {
    await page.screenshot({ path: join(process.env.SCREENSHOTS, "inspector-360.png"), fullPage: true });
  }
  assert.deepEqual(complaints, []);
  await page.close();
});

test("the slider shows the cards after each write, with the findings of validate", async () => {
  const { url } = await mock("--tokens", "any");
  const { page } = await open(url);
  await isLive(page);
  const id = await put(url, "a.txt", "text");
  const card = (word, extra) => ({
    type: "skill_card", skill_card_type: "keyword", skill_card_title: { message: word },
    skill: { type: "service", id: "1" }, invocation: { type: "skill_invocation", id: "2" },
    entries: [{ text: word, ...extra }],
  });
  for (const [word, extra] of [["first", {}], ["second", { appears: [{ start: 1, end: 2 }] }]]) {
    const answer = await fetch(`${url}/2.0/skill_invocations/7`, {
      method: "PUT",
      headers: { authorization: "Bearer x" },
      body: JSON.stringify({ status: "success", file: { type: "file", id }, metadata: { cards: [card(word, extra)] } }),
    });
    assert.equal(answer.status, 200);
  }
  await page.waitForFunction(() => !document.getElementById("slider").hidden);
  await page.waitForFunction(() => document.querySelector("#cards .pill")?.textContent === "second");
  assert.ok(await page.$("#cards .findings"), "an entry with times in a card without a duration is a finding");
  await page.focus("#write");
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction(() => document.querySelector("#cards .pill")?.textContent === "first");
  assert.match(await text(page, "#write-name"), /write 1 of 2/);
  await page.close();
});

test("a file is uploaded, its event sent again, a fault added and turned off, and all is reset", async () => {
  const { url } = await mockWithSkill();
  const { page, complaints } = await open(url);
  await isLive(page);
  const path = join(folder, "dropped.txt");
  writeFileSync(path, "The old breakwater gets eight turbines.\n");
  const input = await page.$("#upload");
  await input.uploadFile(path);
  const sent = () => page.$$eval("#events .item", (rows) => rows.filter((row) => row.textContent.includes("dropped.txt") && row.textContent.includes("success")).length);
  await until(async () => (await sent()) === 1, "the event of the upload");
  await page.click("#events .item");
  await page.focus("#events");
  await page.keyboard.press("r");
  await until(async () => (await sent()) >= 1 && (await page.$$("#rows .item")).length > 0, "the second event");
  await page.click('.fire[data-trigger="copy"]');

  await page.click("#faults-open");
  await page.waitForSelector("#faults[open]");
  await page.type("#fault", "nonsense");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("fault-error").textContent !== "");
  await page.$eval("#fault", (field) => { field.value = ""; });
  await page.type("#fault", "download=503,x2");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("faults-list").textContent.includes("download=503"));
  assert.deepEqual(await violations(page), []);
  await page.click('#faults button[value="clear"]');
  await page.waitForFunction(() => document.getElementById("faults-list").textContent === "none");
  await page.keyboard.press("Escape");

  await page.click("#reset-open");
  await page.click('#reset button[value="reset"]');
  await page.waitForFunction(() => document.querySelectorAll("#events .item").length === 0);
  // The refused fault is an answer with status 400, which the browser logs.
  assert.deepEqual(complaints.filter((line) => !line.includes("400")), []);
  await page.close();
});

test("a call to a provider is shown with where its answer is from", async () => {
  const cassette = join(mkdtempSync(join(folder, "cassette-")), "provider.har");
  const entry = {
    request: { method: "GET", url: "https://labels.provider.example/v1" },
    response: { status: 200, content: { text: "[]" } },
  };
  writeFileSync(cassette, JSON.stringify({ log: { entries: [entry] } }));
  const script = "setInterval(() => fetch('https://labels.provider.example/v1').catch(() => {}), 200)";
  const { url } = await mock("--cassette", "replay", "--cassette-file", cassette, "--", "node", "-e", script);
  const { page } = await open(url);
  const shown = () => page.evaluate(() => document.body.innerText);
  await until(async () => (await shown()).includes("Calls without an event"), "the call");
  await page.click("#events .item");
  await until(async () => (await shown()).includes("GET https://labels.provider.example/v1"), "the row");
  assert.match(await shown(), /answered from the cassette/);
  await page.close();
});

test("hostile names, bodies and cards are text", async () => {
  const { url } = await mock("--tokens", "any");
  const { page, complaints } = await open(url);
  await isLive(page);
  const evil = '<img src=x onerror=alert(1)>"\u202e<script>alert(2)</script>';
  const id = await put(url, evil.slice(0, 60), "text");
  const body = JSON.stringify({
    status: "success", file: { type: "file", id },
    metadata: { cards: [{ type: "skill_card", skill_card_type: "keyword", skill_card_title: { message: evil }, skill: { type: "service", id: evil }, invocation: { type: "skill_invocation", id: "1" }, entries: [{ text: evil }] }] },
  });
  const written = await fetch(`${url}/2.0/skill_invocations/7`, { method: "PUT", headers: { authorization: "Bearer x", "x-odd": "<b>" }, body });
  assert.equal(written.status, 200, await written.text());
  const deep = `${"[".repeat(400)}${"]".repeat(400)}`;
  await fetch(`${url}/2.0/skill_invocations/7`, { method: "PUT", headers: { authorization: "Bearer x" }, body: deep });
  await fetch(`${url}/2.0/files/${id}?q=${encodeURIComponent(evil)}`, { headers: { authorization: "Bearer x" } });
  await fetch(`${url}/2.0/skill_invocations/7`, { method: "PUT", headers: { authorization: "Bearer x" }, body: Buffer.from([0xff, 0xfe, 0x00, 0x80]) });
  await page.waitForSelector("#cards .card");
  for (const row of await page.$$("#rows .item")) {
    await row.click();
    await page.waitForFunction(() => !document.getElementById("call").hidden);
  }
  await page.waitForSelector("#call h3");
  assert.equal(await page.$("#cards script, #call script, #rows script, #call img, #events img"), null);
  assert.deepEqual(complaints, []);
  await page.close();
});

test("of ten thousand calls only the rows in view are in the page", async () => {
  const { url } = await mock("--tokens", "any");
  const id = await put(url, "a.txt", "text");
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
  const call = () => new Promise((resolve, reject) => {
    http.get(`${url}/2.0/files/${id}`, { agent, headers: { authorization: "Bearer x" } }, (answer) => {
      answer.resume().on("end", resolve);
    }).on("error", reject);
  });
  const { page, complaints } = await open(url);
  await isLive(page);
  await page.evaluate(() => {
    window.long = [];
    new PerformanceObserver((list) => window.long.push(...list.getEntries().map((entry) => entry.duration)))
      .observe({ type: "longtask", buffered: false });
  });
  const clients = Array.from({ length: 8 }, async () => {
    for (let count = 0; count < 1250; count += 1) await call();
  });
  await Promise.all(clients);
  await page.waitForFunction(() => document.querySelector("#events .facts")?.textContent.includes("10000 rows"));
  const rows = await page.$$eval("#rows .item", (all) => all.length);
  assert.ok(rows < 100, `${rows} rows are in the page`);
  await page.focus("#rows");
  await page.keyboard.press("End");
  await page.waitForFunction(() => document.querySelector('#rows .item[aria-posinset="10000"]'));
  const long = await page.evaluate(() => window.long);
  console.log(`longest task ${Math.max(0, ...long)} ms, ${long.length} over 50 ms`);
  assert.deepEqual(complaints, []);
  agent.destroy();
  await page.close();
});

test("the page goes on when the mock ends and another comes", async () => {
  const first = await mock("--tokens", "any");
  const { port } = new URL(first.url);
  const { page } = await open(first.url);
  await isLive(page);
  await fetch(`${first.url}/2.0/files/1`, { headers: { authorization: "Bearer x" } });
  await page.waitForFunction(() => document.querySelectorAll("#events .item").length === 1);
  first.child.kill();
  await page.waitForFunction(() => document.getElementById("state").textContent === "reconnecting");
  const ready = join(folder, "again.json");
  run(["mock-box", "--listen", `127.0.0.1:${port}`, "--ready-file", ready]).stdout.resume();
  await until(() => existsSync(ready), "the second start");
  await isLive(page);
  await page.waitForFunction(() => document.querySelectorAll("#events .item").length === 0);
  await page.close();
});

test("with an admin token the page has no data until the token is given", async () => {
  const { url } = await mock("--admin-token-env", "INSPECTOR_TOKEN");
  const { page } = await open(url);
  await page.waitForSelector("#login[open]");
  assert.equal((await fetch(`${url}/_mock/inspector/overview`)).status, 401);
  await page.type("#login-token", "wrong");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.getElementById("login-error").textContent !== "");
  await page.$eval("#login-token", (field) => { field.value = ""; });
  await page.type("#login-token", "a-token-for-the-inspector");
  await page.keyboard.press("Enter");
  await isLive(page);
  await page.close();
});

test("a page of another origin changes nothing, reads nothing and frames nothing", async () => {
  const { url } = await mock();
  const server = http.createServer((_, answer) => {
    answer.setHeader("content-type", "text/html");
    answer.end(`<!DOCTYPE html><title>elsewhere</title><iframe src="${url}/_mock/"></iframe>`);
  });
  await new Promise((resolve) => { server.listen(0, "127.0.0.1", resolve); });
  const page = await browser.newPage();
  await page.goto(`http://localhost:${server.address().port}/`);
  const tried = await page.evaluate(async (target) => {
    const outcome = async (path, options) => {
      try {
        const answer = await fetch(`${target}/_mock/${path}`, options);
        return answer.type === "opaque" ? "opaque" : `${answer.status}`;
      } catch {
        return "refused";
      }
    };
    return [
      await outcome("calls"),
      await outcome("faults", { method: "POST", body: "*=503" }),
      await outcome("faults", { method: "POST", body: "*=503", mode: "no-cors" }),
    ];
  }, url);
  assert.deepEqual(tried, ["refused", "refused", "opaque"]);
  const { faults } = await (await fetch(`${url}/_mock/faults`)).json();
  assert.deepEqual(faults, [], "no fault was added");
  const framed = page.frames().find((frame) => frame.url().startsWith(url));
  assert.ok(!framed || !(await framed.$("#events").catch(() => null)), "it is not framed");
  await page.close();
  server.close();
});

test("without scripts there is a plain list, and the page is small and strict", async () => {
  const { url } = await mock("--tokens", "any");
  await fetch(`${url}/2.0/files/1`, { headers: { authorization: "Bearer x" } });
  const page = await browser.newPage();
  await page.setJavaScriptEnabled(false);
  await page.goto(`${url}/_mock/`);
  await page.waitForSelector("td");
  assert.match(await page.$eval("table", (table) => table.textContent), /GET \/2.0\/files\/1/);
  await page.close();

  const answer = await fetch(`${url}/_mock/`);
  const policy = answer.headers.get("content-security-policy");
  assert.ok(!policy.includes("unsafe") && policy.includes("frame-ancestors 'none'"), policy);
  let bytes = (await answer.text()).length;
  for (const part of ["sidebar.css", "style.css", "sidebar.js", "main.js", "admin.js", "model.js", "list.js", "waterfall.js", "call.js", "cards.js", "actions.js"]) {
    bytes += (await (await fetch(`${url}/_mock/inspector/${part}`)).text()).length;
  }
  assert.ok(bytes < 100 * 1024, `${bytes} bytes`);
});

test("the page reloads, and its first paint is measured", async () => {
  const { url } = await mock();
  const { page } = await open(url);
  await isLive(page);
  const times = [];
  for (let round = 0; round < 5; round += 1) {
    await page.reload();
    await isLive(page);
    times.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime));
  }
  console.log(`first contentful paint: ${times.map(Math.round).join(", ")} ms`);
  await page.close();
});
