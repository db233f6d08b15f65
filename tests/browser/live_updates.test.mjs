// How often a page asks for changes: at once while somebody is in front of it, rarely otherwise.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { checkPages, checked, shows } from "./pages.mjs";
import { World } from "./world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());
checkPages((problem) => problem.includes("429"));

const isAsk = (request) => new URL(request.url()).pathname === "/api/changes";
const isHeld = (request) => new URL(request.url()).searchParams.has("timeout");
const asks = (page, held) => page.waitForRequest((it) => isAsk(it) && isHeld(it) === held);

// A page that holds its first request for a change.
async function watching() {
  const page = checked(await world.signedIn());
  await Promise.all([asks(page, true), page.reload()]);
  return page;
}

// From now on the page's timers of ten seconds and more, its pauses among them, end only when the test ends them.
const stopPauses = (page) =>
  page.evaluate(() => {
    const { setTimeout } = window;
    window.stopped = [];
    window.setTimeout = (action, ms, ...values) => {
      if (ms < 10_000) return setTimeout(action, ms, ...values);
      window.stopped.push({ action, ms });
      return 0;
    };
  });
const pauses = (page, ms) => page.waitForFunction((ms) => window.stopped.some((it) => it.ms === ms), {}, ms);
const endPauses = (page, ms) => page.evaluate((ms) => window.stopped.filter((it) => it.ms === ms).forEach((it) => it.action()), ms);

// Lets six minutes pass for the page, and ends the request that it holds.
async function leaveAlone(page, text) {
  await page.evaluate(() => {
    const now = Date.now.bind(Date);
    Date.now = () => now() + 6 * 60_000;
  });
  await world.send({ text, review: { type: "approval" } });
  await shows(page, "#rows", text);
}

test("an unattended page holds no request, and is up to date once somebody is back", async () => {
  const page = await watching();
  const asked = [];
  page.on("request", (it) => isAsk(it) && asked.push(it));
  await stopPauses(page);
  await leaveAlone(page, "While somebody is there");
  await pauses(page, 10_000);
  assert.deepEqual(asked.map((it) => it.url()), [], "it pauses before it asks");
  const [request] = await Promise.all([asks(page, false), endPauses(page, 10_000)]);
  await request.response();
  await world.send({ text: "Nobody saw it come", review: { type: "approval" } });
  assert.deepEqual(asked.filter(isHeld).map((it) => it.url()), []);

  // No pause ends by itself: only that somebody is back makes it ask.
  await Promise.all([asks(page, true), page.mouse.move(300, 300), shows(page, "#rows", "Nobody saw it come")]);
});

test("an unattended page shows what is new by itself", async () => {
  const page = await watching();
  await leaveAlone(page, "The last that was announced");
  await (await asks(page, false)).response();
  await world.send({ text: "Seen by the next look", review: { type: "approval" } });
  await shows(page, "#rows", "Seen by the next look");
  assert.equal(await page.evaluate(() => document.visibilityState), "visible");
});

test("after a lost connection a page does not wait for the next change to say that it is back", async () => {
  const page = await world.signedIn();
  const client = await page.createCDPSession();
  await client.send("Fetch.enable", { patterns: [{ urlPattern: "*/api/changes*" }] });
  // Two requests fail, and those after them wait until the page has said that it is offline.
  let lost = 0;
  let arrive;
  const isBack = new Promise((done) => (arrive = done));
  client.on("Fetch.requestPaused", async ({ requestId }) => {
    lost += 1;
    if (lost > 2) await isBack;
    client.send(lost > 2 ? "Fetch.continueRequest" : "Fetch.failRequest", { requestId, ...(lost > 2 ? {} : { errorReason: "ConnectionReset" }) }).catch(() => {});
  });
  const asked = [];
  page.on("request", (it) => isAsk(it) && asked.push(it));
  await page.goto(`${world.inboxUrl}/`);
  await page.waitForSelector("#offline:not([hidden])");
  arrive();
  await page.waitForSelector("#offline", { hidden: true });
  // A held request would be answered only with the next change.
  assert.ok(asked.slice(1, 3).length === 2 && !asked.slice(1, 3).some(isHeld), asked.map((it) => it.url()).join(" "));
  page.problems.splice(0); // the browser reports the lost requests
  await page.browserContext().close();
});

test("a page whose request is not admitted asks again after a pause, and does not say that it is offline", async () => {
  const page = await watching();
  const refused = [];
  await page.setRequestInterception(true);
  page.on("request", (it) => {
    if (!it.url().includes("/api/changes") || refused.length === 2) return it.continue();
    refused.push(Date.now());
    return it.respond({ status: 429, contentType: "application/json", body: '{"message":"Too Many Requests"}' });
  });
  const first = asks(page, true);
  await world.send({ text: "Ends the request that was held", review: { type: "approval" } });
  await first;
  await asks(page, true);
  await asks(page, true);
  assert.ok(refused[1] - refused[0] > 8_000, `${refused[1] - refused[0]} ms`);
  assert.ok(await page.$eval("#offline", (it) => it.hidden));
  await world.send({ text: "Heard of after the pauses", review: { type: "approval" } });
  await shows(page, "#rows", "Heard of after the pauses");
});

test("a hidden page holds no request until it is visible again", async () => {
  const page = await watching();
  const hide = (hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  const asked = [];
  page.on("request", (it) => isAsk(it) && asked.push(it));
  await stopPauses(page);
  await hide(true);
  await world.send({ text: "Ends the request that was held", review: { type: "approval" } });
  await shows(page, "#rows", "Ends the request that was held");
  await world.send({ text: "Sent while it is hidden", review: { type: "approval" } });
  await pauses(page, 30_000);
  assert.deepEqual(asked.map((it) => it.url()), []);
  // No pause ends by itself: only that it is visible makes it ask.
  const [request] = await Promise.all([asks(page, true), hide(false)]);
  assert.match(request.url(), /since=/);
  await shows(page, "#rows", "Sent while it is hidden");
});
