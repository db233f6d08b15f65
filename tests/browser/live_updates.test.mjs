// How often a page asks for changes: at once while somebody is in front of it, rarely otherwise.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { checkPages, checked, shows } from "./pages.mjs";
import { World } from "./world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());
checkPages((problem) => problem.includes("429"));

const asks = (page, isHeld, timeout = 20_000) =>
  page.waitForRequest((it) => new URL(it.url()).pathname === "/api/changes" && new URL(it.url()).searchParams.has("timeout") === isHeld, { timeout });

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
  const page = checked(await world.signedIn());
  await leaveAlone(page, "While somebody is there");
  const shown = Date.now();
  const held = [];
  page.on("request", (it) => it.url().includes("timeout=") && held.push(it.url()));
  await (await asks(page, false)).response();
  assert.ok(Date.now() - shown > 8_000, "it pauses before it asks");
  await world.send({ text: "Nobody saw it come", review: { type: "approval" } });
  assert.deepEqual(held, []);

  const back = Date.now();
  await Promise.all([asks(page, true, 2_000), page.mouse.move(300, 300), shows(page, "#rows", "Nobody saw it come")]);
  assert.ok(Date.now() - back < 3_000, `${Date.now() - back} ms`);
});

test("an unattended page shows what is new by itself", async () => {
  const page = checked(await world.signedIn());
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
  client.on("Fetch.requestPaused", ({ requestId }) => client.send("Fetch.failRequest", { requestId, errorReason: "ConnectionReset" }).catch(() => {}));
  await page.goto(`${world.inboxUrl}/`);
  await page.waitForSelector("#offline:not([hidden])");
  await client.detach();
  // Less than a held request takes.
  await page.waitForSelector("#offline", { hidden: true, timeout: 15_000 });
  page.problems.splice(0); // the browser reports the lost requests
  await page.browserContext().close();
});

test("a page whose request is not admitted asks again after a pause, and does not say that it is offline", async () => {
  const page = checked(await world.signedIn());
  const refused = [];
  await page.setRequestInterception(true);
  page.on("request", (it) => {
    if (!it.url().includes("/api/changes") || refused.length === 2) return it.continue();
    refused.push(Date.now());
    return it.respond({ status: 429, contentType: "application/json", body: '{"message":"Too Many Requests"}' });
  });
  await world.send({ text: "Ends the request that was held", review: { type: "approval" } });
  await asks(page, true);
  await asks(page, true);
  await asks(page, true);
  assert.ok(refused[1] - refused[0] > 8_000, `${refused[1] - refused[0]} ms`);
  assert.ok(await page.$eval("#offline", (it) => it.hidden));
  await world.send({ text: "Heard of after the pauses", review: { type: "approval" } });
  await shows(page, "#rows", "Heard of after the pauses");
});

test("a hidden page holds no request until it is visible again", async () => {
  const page = checked(await world.signedIn());
  const hide = (hidden) =>
    page.evaluate((hidden) => {
      Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, hidden);
  await hide(true);
  const held = [];
  await world.send({ text: "Ends the request that was held", review: { type: "approval" } });
  await shows(page, "#rows", "Ends the request that was held");
  page.on("request", (it) => it.url().includes("/api/changes") && held.push(it.url()));
  await world.send({ text: "Sent while it is hidden", review: { type: "approval" } });
  await new Promise((done) => setTimeout(done, 3_000));
  assert.deepEqual(held, []);
  const [request] = await Promise.all([asks(page, true, 2_000), hide(false)]);
  assert.match(request.url(), /since=/);
  await shows(page, "#rows", "Sent while it is hidden");
});
