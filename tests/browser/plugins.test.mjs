// The global `Placet` in a plugin's frame, and its page.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { wipe } from "./acts.mjs";
import { World } from "./world.mjs";

let world;
before(async () => (world = await World.start("--allow-loopback-webhooks")));
after(() => world.stop());

async function frameOf(page, id) {
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  const element = await page.waitForSelector("iframe[data-placet-plugin][src]");
  const frame = await element.contentFrame();
  await frame.waitForFunction(() => window.Placet?.message);
  return frame;
}

const fields = [{ name: "host", label: "Host", type: "text", required: true }];

test("a form in a frame answers its review once", async () => {
  const { id } = await world.send({ text: "Where to?", metadata: { plugin: "form-answer", title: "Target", fields }, review: { type: "freeform" } });
  const waited = world.wait(id);
  const page = await world.signedIn();
  const frame = await frameOf(page, id);
  assert.equal(await page.$eval("details:has(> [data-with-plugin])", (it) => it.open), false);
  await frame.type("input", "db-1");
  await frame.click("button");
  await page.waitForFunction(() => document.querySelector("#answer .outcome")?.innerText.includes("Answered by you"));
  const { message } = await waited;
  assert.deepEqual(message.review.response, { host: "db-1" });
  await assert.rejects(frame.evaluate(() => Placet.respond({ host: "again" })), /answer/);
  assert.deepEqual(page.problems, []);
});

test("a form in a frame accepts localised numbers and returns options with their types", async () => {
  const definitions = [
    { name: "price", label: "", type: "number", step: 5, defaultValue: 10 },
    { name: "rate", type: "number", defaultValue: 1.234 },
    { name: "size", type: "select", options: [1, { value: 2, label: "Two" }], defaultValue: 1 },
    { name: "day", type: "date", defaultValue: "2026-12-24T00:00:00.000Z" },
  ];
  const { id } = await world.send({ text: "How much?", metadata: { plugin: "form-answer", fields: definitions }, review: { type: "freeform" } });
  const page = await world.signedIn();
  const frame = await frameOf(page, id);
  assert.match(await frame.$eval("label", (it) => it.textContent), /^price/);
  const type = async (text) => {
    await frame.$eval("#field-0", (it) => (it.value = ""));
    await frame.type("#field-0", text);
    return frame.$eval("form", (it) => it.checkValidity());
  };
  assert.deepEqual([await type("12"), await type("1.005"), await type("five"), await type("12,5"), await type("15,0")], [false, false, false, false, true]);
  await frame.select("#field-2", "2");
  await frame.click("button");
  await page.waitForSelector("#answer .outcome");
  assert.deepEqual((await world.wait(id)).message.review.response, { price: 15, rate: 1.234, size: 2, day: "2026-12-24" });
});

test("the frame gets the data of the contract and cannot reach its page", async () => {
  const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
  const file = await world.file("dot.png", "image/png", png);
  const other = await world.file("other.txt", "text/plain", "not of this message");
  const { id } = await world.send({ text: "x", attachmentIds: [file.id], metadata: { plugin: "status-card", title: "Up" }, review: { type: "freeform", payload: { a: 1 } } });
  const page = await world.signedIn({ dark: true });
  const frame = await frameOf(page, id);
  const received = await frame.evaluate(() => ({
    data: Placet.data, env: Placet.env, attachments: Placet.attachments, message: Placet.message, theme: Placet.theme,
    review: Placet.review, isPreview: Placet.isPreview, kinds: ["fetch", "getFile", "getFileUrl", "respond", "resize", "toast", "emit", "on"].filter((it) => typeof Placet[it] !== "function"),
  }));
  assert.deepEqual(received.data, { plugin: "status-card", title: "Up", a: 1 });
  assert.deepEqual(received.attachments, [{ id: file.id, filename: "dot.png", mimeType: "image/png", size: png.length }]);
  assert.deepEqual([received.message.id, received.message.channelId, received.message.senderType], [id, world.channelId, "agent"]);
  assert.match(received.message.createdAt, /Z$/);
  assert.deepEqual([received.theme, received.review, received.isPreview, received.kinds], ["dark", { type: "freeform", status: "pending", payload: { a: 1 } }, false, []]);
  assert.equal(typeof received.env, "object");

  const read = await frame.evaluate((id) => Placet.getFile(id), file.id);
  assert.deepEqual(read, { ok: true, data: `data:image/png;base64,${png.toString("base64")}`, mimeType: "image/png", filename: "dot.png" });
  assert.equal((await frame.evaluate((id) => Placet.getFile(id), other.id)).ok, false);
  const url = await frame.evaluate((id) => Placet.getFileUrl(id), file.id);
  assert.deepEqual([url.ok, /^blob:/.test(url.url)], [true, true]);
  // As a string it is the URL, too.
  assert.equal(await frame.evaluate(async (id) => `${await Placet.getFileUrl(id)}`.startsWith("blob:"), file.id), true);
  assert.deepEqual(await frame.evaluate((id) => Placet.getFileUrl(id), other.id), { ok: false, url: null });
  // The manifest's permissions refuse the request with an error that the plugin can catch.
  await assert.rejects(frame.evaluate(() => Placet.fetch("https://example.com/")), /status-card|request|allowed|permission/i);

  const theme = frame.evaluate(() => new Promise((done) => Placet.on("theme-changed", done)));
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: "light" }]);
  assert.deepEqual(await theme, { theme: "light" });
  await frame.evaluate(() => Placet.toast("Hello from the frame", "success"));
  await page.waitForFunction(() => document.querySelector(".toast.success")?.textContent === "Hello from the frame");
  const emitted = page.evaluate(() => new Promise((done) => addEventListener("placet:emit", ({ detail }) => done(detail), { once: true })));
  await frame.evaluate(() => Placet.emit("opened", { n: 1 }));
  assert.deepEqual(await emitted, { action: "opened", data: { n: 1 } });
  await frame.evaluate(() => {
    document.body.replaceChildren(Object.assign(document.createElement("div"), { textContent: "tall" }));
    document.body.firstChild.style.height = "700px";
    Placet.resize();
  });
  await page.waitForFunction(() => document.querySelector("iframe[data-placet-plugin]").getBoundingClientRect().height >= 700);

  // The frame has no cookie, no storage, no access to its page, and no network.
  const attempts = await frame.evaluate(async () => {
    const attempt = (act) => {
      try {
        return act() ?? "nothing";
      } catch (error) {
        return error.name;
      }
    };
    const request = await fetch("/api/auth/me").then(() => "answered", () => "refused");
    return [attempt(() => parent.document.title), attempt(() => document.cookie), attempt(() => localStorage.length), request, origin];
  });
  assert.deepEqual(attempts, ["SecurityError", "SecurityError", "SecurityError", "refused", "null"]);
});

test("a message without a review cannot be answered from its frame, and a missing plugin leaves the form", async () => {
  const { id } = await world.send({ text: "Nothing asked", metadata: { plugin: "status-card", title: "Up" } });
  const page = await world.signedIn();
  await page.goto(`${world.inboxUrl}/channels/${world.channelId}`);
  const element = await page.waitForSelector(`#${id} iframe[src]`);
  const frame = await element.contentFrame();
  await frame.waitForFunction(() => window.Placet?.message);
  await assert.rejects(frame.evaluate(() => Placet.respond({})), /No answer is waited for/);

  const missing = await world.send({ text: "No such plugin", metadata: { plugin: "not-there" }, review: { type: "approval" } });
  await page.goto(`${world.inboxUrl}/reviews/${missing.id}`);
  await page.waitForFunction(() => document.querySelector("[data-plugin-card]").innerText.includes("not installed"));
  await page.waitForSelector("[value=approve]", { visible: true });
  await page.click("[value=approve]");
  await page.waitForSelector("#answer .outcome");
  assert.deepEqual(page.problems, []);
});

// Asks the page for something without the bridge, as any script in a frame can.
const askPage = (frame, kind, body) =>
  frame.evaluate(
    (kind, body) =>
      new Promise((done) => {
        addEventListener("message", ({ data }) => data.placet === "answer" && data.id === 99 && done(data.body));
        parent.postMessage({ placet: kind, id: 99, body }, "*");
      }),
    kind,
    body,
  );

test("a frame cannot answer an approval of an act, which is answered with the buttons of the page", async () => {
  const ticket = [{ name: "selectedOption", type: "text", label: "Ticket", defaultValue: "approve" }];
  const metadata = { plugin: "form-answer", submitLabel: "Keep it", fields: ticket };
  const { id } = await world.send({ text: "Which ticket?", metadata, review: { type: "approval", action: wipe } });
  const page = await world.signedIn();
  await frameOf(page, id);
  assert.ok(await page.$eval("[data-hold]", (it) => it.checkVisibility()));
  assert.equal(await page.$("[data-with-plugin]"), null);
  for (const path of [`/reviews/${id}`, `/channels/${world.channelId}`]) {
    await page.goto(world.inboxUrl + path);
    const element = await page.waitForSelector(`iframe[data-placet-init*="${id}"][src]`);
    const frame = await element.contentFrame();
    await frame.waitForFunction(() => window.Placet?.message);
    assert.equal(await frame.evaluate(() => Placet.review), null);
    assert.equal(await frame.$eval("button", (it) => it.hidden), true);
    const { error } = await askPage(frame, "respond", { response: { selectedOption: "approve" } });
    assert.equal(error, "This cannot be answered here.");
  }
  const { review } = await world.agent("GET", `/api/v1/reviews/${id}?channel=${world.channelId}`);
  assert.equal(review.status, "pending");
  await world.agent("DELETE", `/api/v1/messages/${id}?channel=${world.channelId}`);
  assert.deepEqual(page.problems, []);
});

test("a frame takes no press for a moment after its request was opened", async () => {
  const { id } = await world.send({ text: "Where?", metadata: { plugin: "form-answer", fields }, review: { type: "freeform" } });
  const page = await world.signedIn();
  await page.waitForSelector(`#row-${id}`);
  await page.click(`#row-${id}`);
  const events = await page.waitForFunction(() => {
    const frame = document.querySelector("#pane[data-settling] iframe[data-placet-plugin]");
    return frame && getComputedStyle(frame).pointerEvents;
  }, { polling: "mutation" });
  assert.equal(await events.jsonValue(), "none");
  await page.waitForFunction(() => getComputedStyle(document.querySelector("iframe[data-placet-plugin]")).pointerEvents === "auto");
  assert.deepEqual(page.problems, []);
});

test("an answer from the frame returns ok, and a review type that names a plugin is shown by it", async () => {
  const { id, metadata } = await world.send({ text: "?", review: { type: "status-card", payload: { title: "From the payload", headline: "H" } } });
  assert.deepEqual(metadata, { plugin: "status-card" });
  const page = await world.signedIn();
  const frame = await frameOf(page, id);
  assert.deepEqual(await frame.evaluate(() => Placet.data), { plugin: "status-card", title: "From the payload", headline: "H" });
  assert.match(await frame.evaluate(() => document.body.innerText), /From the payload/);
  const answered = await frame.evaluate(() => Placet.respond({ seen: true }));
  assert.deepEqual([answered.ok, answered.status], [true, "completed"]);
  assert.deepEqual(page.problems, []);
});

test("a fetch from the frame returns ok, status, headers and body", async () => {
  const { id } = await world.send({ text: "?", metadata: { plugin: "http-check", urls: [] } });
  const page = await world.signedIn();
  await page.goto(`${world.url}/channels/${world.channelId}`);
  const element = await page.waitForSelector(`#${id} iframe[src]`);
  const frame = await element.contentFrame();
  await frame.waitForFunction(() => window.Placet?.message);
  const fetchFrom = (path) => frame.evaluate((url) => Placet.fetch(url), world.url + path);
  const [good, bad, moved] = [await fetchFrom("/health"), await fetchFrom("/api/v1/nothing"), await fetchFrom("/health/")];
  assert.deepEqual([good.ok, good.status, JSON.parse(good.body).status], [true, 200, "ok"]);
  assert.equal(typeof good.headers, "object");
  assert.deepEqual([bad.ok, bad.status, moved.ok, moved.status], [false, 404, false, 308]);
  assert.deepEqual(page.problems, []);
});
