// The conversation with an agent.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { World } from "./world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

const showsLast = (page, words) => page.waitForFunction((words) => document.querySelector("#messages > li:last-child")?.innerText.includes(words), {}, words);
const newest = async () => (await world.agent("GET", `/api/v1/messages?channel=${world.channelId}&limit=1`)).data[0];

// Waits until what was sent has left the field.
const isEmptied = (page) => page.waitForFunction(() => document.querySelector("#say").value === "");

async function openChannel() {
  const page = await world.signedIn();
  await page.goto(`${world.inboxUrl}/channels/${world.channelId}`);
  await page.waitForSelector("#compose:not([hidden])");
  return page;
}

test("a person's messages, quotes and commands are sent, and the agent's messages appear by themselves", async () => {
  await world.agent("PUT", `/api/v1/agents/${world.channelId}/commands`, { commands: [{ command: "deploy", description: "Deploys a branch", acceptsArgs: true, argHint: "<branch>" }, { command: "status", description: "Says how it is" }] });
  const page = await openChannel();
  await page.type("#say", "Hello **agent**");
  await page.click("#compose .primary");
  await showsLast(page, "Hello agent");
  await isEmptied(page);
  assert.equal((await newest()).text, "Hello **agent**");
  assert.equal((await newest()).senderType, "user");

  await page.type("#say", "/");
  assert.equal((await page.$$("#suggestions li")).length, 2);
  await page.keyboard.type("de");
  await page.keyboard.press("Enter");
  assert.equal(await page.$eval("#say", (it) => it.value), "/deploy ");
  await page.keyboard.type("main");
  await page.keyboard.down("Control");
  await page.keyboard.press("Enter");
  await page.keyboard.up("Control");
  await showsLast(page, "/deploy main");
  await isEmptied(page);

  await world.send({ text: "Which one?\nThe old?", status: "info" });
  await showsLast(page, "The old?");
  await page.click("#messages > li:last-child [data-quote]");
  assert.equal(await page.$eval("#say", (it) => it.value), "> Which one?\n> The old?\n\n");
  await page.$eval("#say", (it) => (it.value = ""));

  const stream = { channelId: world.channelId, streamId: "s" };
  await world.agent("POST", "/api/v1/messages/streams/s/status", { channelId: world.channelId, text: "Reading the report" });
  await world.send({ streamId: "s", streamState: "streaming", text: "So far" });
  await showsLast(page, "So far");
  assert.match(await page.$eval("#messages > li:last-child", (it) => it.innerText), /Reading the report[^]*Typing/);
  await world.agent("PATCH", "/api/v1/messages/streams/s", { ...stream, text: "So far, so good", complete: true });
  await showsLast(page, "so good");
  await page.waitForFunction(() => !document.querySelector("#messages > li:last-child").innerText.includes("Typing"));
  assert.deepEqual(page.problems, []);
});

test("the list of channels has the last message and how many are unread, until the channel is read", async () => {
  const other = await world.owner("POST", "/api/agents", { name: "Quiet agent" });
  for (let n = 0; n < 12; n += 1) await world.send({ channelId: other.id, text: `Update ${n}` });
  const page = await openChannel();
  const unread = () => page.$eval(`#agent-${other.id}`, (it) => it.querySelector(".unread-count")?.firstChild.textContent ?? "");
  assert.equal(await unread(), "9+");
  assert.match(await page.$eval(`#agent-${other.id}`, (it) => it.innerText), /Update 11/);
  await Promise.all([page.waitForNavigation(), page.click(`#agent-${other.id}`)]);
  await page.waitForFunction((id) => !document.querySelector(`#agent-${id} .unread-count`), {}, other.id);
  await page.goto(`${world.inboxUrl}/channels/${world.channelId}`);
  assert.equal(await unread(), "");
  await world.send({ channelId: other.id, text: "One more" });
  await page.waitForFunction((id) => document.querySelector(`#agent-${id} .unread-count`)?.firstChild.textContent === "1", {}, other.id);
  await page.browserContext().close();
});

test("days, the first new message and the way to the newest one are marked, and a time shows its date", async () => {
  const page = await openChannel();
  for (let n = 0; n < 30; n += 1) await world.send({ text: `Line ${n}` });
  await showsLast(page, "Line 29");
  assert.ok((await page.$eval("#messages > li", (it) => it.dataset.day)).length > 5);
  await page.$eval("#scroller", (it) => it.scrollTo(0, 0));
  await page.waitForSelector("#jump-to-newest:not([hidden])");
  await page.click("#jump-to-newest");
  await page.waitForSelector("#jump-to-newest[hidden]");
  const title = await page.$eval("#messages > li:last-child .bubble-end time", (it) => [it.textContent, it.title]);
  assert.match(title[0], /^\d{1,2}:\d\d/);
  assert.match(title[1], /2\d{3}/);
  await page.goto("about:blank");
  await world.send({ text: "While away" });
  await page.goto(`${world.inboxUrl}/channels/${world.channelId}`);
  await page.waitForSelector("#messages > [data-new]");
  assert.match(await page.$eval("#messages > [data-new]", (it) => it.innerText), /While away/);
  await page.browserContext().close();
});

// Opens the form of a request in its conversation and presses Approve, again if the page put a new form there meanwhile.
const pressHere = (page, id) =>
  page.waitForFunction(
    (id) => {
      const button = document.querySelector(`#${id} [value=approve]`);
      if (!button) return true; // the answer is there already
      button.closest("details").open = true;
      button.click();
      return button.classList.contains("pressed");
    },
    { polling: 1_000 },
    id,
  );

for (const scripts of [true, false]) {
  test(`an approval is answered in the conversation, ${scripts ? "with" : "without"} scripts`, async () => {
    const { id } = await world.send({ text: "Here?", review: { type: "approval" } });
    const act = await world.send({ text: "An act?", review: { type: "approval", action: { name: "drop", args: {} } } });
    const page = await world.signedIn({ scripts });
    await page.goto(`${world.inboxUrl}/channels/${world.channelId}`);
    assert.equal(await page.$(`#${act.id} [data-answer-here]`), null, "an act is looked at first");
    if (scripts) {
      await pressHere(page, id);
    } else {
      await page.click(`#${id} .answer-here summary`);
      await Promise.all([page.waitForNavigation(), page.click(`#${id} [value=approve]`)]);
    }
    await page.waitForFunction((id) => document.getElementById(id).innerText.includes("Approve"), {}, id);
    assert.equal(new URL(page.url()).pathname, `/channels/${world.channelId}`);
    await page.waitForFunction((id) => document.querySelector(`#${id} .answer-here`) === null, {}, id);
    assert.equal((await world.wait(id)).status, "completed");
    await page.browserContext().close();
  });
}

test("an answer in the conversation whose response was lost can be sent again", async () => {
  const { id } = await world.send({ text: "Heard?", review: { type: "approval" } });
  const page = await openChannel();
  const client = await page.createCDPSession();
  // The page hears of no change either.
  await client.send("Fetch.enable", { patterns: [{ urlPattern: `*/reviews/${id}*`, requestStage: "Response" }, { urlPattern: "*/api/changes*" }] });
  client.on("Fetch.requestPaused", ({ requestId }) => client.send("Fetch.failRequest", { requestId, errorReason: "ConnectionReset" }).catch(() => {}));
  await pressHere(page, id);
  await page.waitForFunction(() => document.getElementById("toasts").innerText.includes("we can't tell whether your answer was stored"));
  assert.equal((await world.wait(id)).status, "completed");
  await client.detach();
  await pressHere(page, id);
  await page.waitForFunction((id) => document.getElementById(id).innerText.includes("Approve") && !document.querySelector(`#${id} .answer-here`), {}, id);
  page.problems.splice(0); // the browser reports the lost requests
  await page.browserContext().close();
});

test("files can be dropped, pasted and picked: small ones go through the API, large ones directly to storage", async () => {
  const page = await openChannel();
  await page.evaluate(() => {
    const files = new DataTransfer();
    files.items.add(new File(["a,b\n1,2\n"], "dropped.csv", { type: "text/csv" }));
    document.getElementById("pane").dispatchEvent(new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
    const pasted = new DataTransfer();
    pasted.items.add(new File(["# Pasted"], "pasted.md", { type: "text/markdown" }));
    document.getElementById("say").dispatchEvent(new ClipboardEvent("paste", { clipboardData: pasted, bubbles: true, cancelable: true }));
  });
  const dir = mkdtempSync(join(tmpdir(), "placet-"));
  const large = join(dir, "large.bin");
  writeFileSync(large, Buffer.alloc(6_000_000, 7));
  await (await page.$("#attach")).uploadFile(large);
  await page.waitForFunction(() => document.querySelectorAll("#uploads [data-stored]").length === 3);
  rmSync(dir, { recursive: true });
  await page.type("#say", "Three files");
  await page.click("#compose .primary");
  await showsLast(page, "Three files");
  const { attachments } = await newest();
  assert.deepEqual(attachments.map((it) => [it.filename, it.size]), [["dropped.csv", 8], ["pasted.md", 8], ["large.bin", 6_000_000]]);
  await page.waitForSelector("#messages > li:last-child table");
  assert.equal(await page.$eval("#messages > li:last-child .md.sheet h1", (it) => it.textContent), "Pasted");
  assert.deepEqual(page.problems, []);
});

test("older messages load when a person scrolls up, and the visible ones keep their place", async () => {
  for (let n = 0; n < 70; n += 1) await world.send({ text: `Old ${n}` });
  const page = await openChannel();
  const count = () => page.$$eval("#messages > li", (all) => all.length);
  await showsLast(page, "Old 69");
  assert.ok(await page.$eval("#messages > li:last-child", (it) => it.getBoundingClientRect().top < innerHeight), "the newest message is visible");
  while (await page.$("#older a")) {
    const before = await count();
    const first = await page.$eval("#messages > li", (it) => it.id);
    await page.$eval("#scroller", (it) => it.scrollTo(0, 0));
    await page.waitForFunction((before) => document.querySelectorAll("#messages > li").length > before, {}, before);
    await page.waitForFunction((first) => {
      const { top } = document.getElementById(first).getBoundingClientRect();
      return top > 0 && top < innerHeight;
    }, {}, first);
  }
  const ids = await page.$$eval("#messages > li", (all) => all.map((it) => it.id));
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(ids, [...ids].sort());
  await page.type("#search", "old 3");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  assert.equal(await count(), 11);
  assert.deepEqual(page.problems, []);
});
