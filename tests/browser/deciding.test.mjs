// Deciding without mistakes: no press reaches a request that it was not meant for, the next request is the next of the
// list as it is shown, and the buttons are in sight.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { checkPages, checked, holdAnswer, settled, shows } from "./pages.mjs";
import { World, desktop, phone } from "./world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());
checkPages();

const signedIn = async (options) => checked(await world.signedIn(options));
const small = { ...phone, height: 640 };
const approval = (text, more = {}) => world.send({ text, review: { type: "approval", ...more } });
const openId = (page) => page.$eval("#review", (it) => it.dataset.review);

async function emptyInbox() {
  for (const { id } of await world.owner("GET", "/api/messages/reviews")) await world.agent("DELETE", `/api/v1/messages/${id}?channel=${world.channelId}`);
}

const pendingCount = async () => (await world.owner("GET", "/api/messages/reviews")).filter((it) => it.review.status === "pending").length;

// Delays each request by so many milliseconds.
async function slowDown(page, latency) {
  const client = await page.createCDPSession();
  await client.send("Network.enable");
  await client.send("Network.emulateNetworkConditions", { offline: false, latency, downloadThroughput: 50_000, uploadThroughput: 50_000 });
}

async function middle(page, selector) {
  const box = await (await page.$(selector)).boundingBox();
  return [box.x + box.width / 2, box.y + box.height / 2];
}

for (const [how, viewport, press] of [
  ["taps", { ...phone, width: 390, height: 844 }, (page, x, y) => page.touchscreen.tap(x, y)],
  ["clicks", desktop, (page, x, y) => page.mouse.click(x, y)],
]) {
  test(`ten ${how} on one spot decide one request, and none that was not looked at, on a slow network`, async () => {
    await emptyInbox();
    for (let n = 0; n < 12; n += 1) await approval(`Request ${n}`);
    const page = await signedIn({ viewport });
    await page.waitForSelector("[data-row]");
    await slowDown(page, 300);
    const pressTenTimes = async (selector) => {
      const [x, y] = await middle(page, selector);
      for (let n = 0; n < 10; n += 1) {
        await press(page, x, y);
        await new Promise((done) => setTimeout(done, 450)); // the pace of an impatient person
      }
    };
    await page.$eval("[data-row]", (it) => it.scrollIntoView());
    await pressTenTimes("li:nth-child(8) > [data-row]"); // the spot where the buttons appear afterwards, or near it
    assert.equal(await pendingCount(), 12);
    await page.waitForSelector("#answer form");
    await settled(page);
    const first = await openId(page);
    await pressTenTimes("[value=approve]");
    assert.equal(await pendingCount(), 11);
    assert.equal(await openId(page), first);
    await shows(page, "#answer .outcome", "Approve");
  });
}

test("a held key decides once", async () => {
  await emptyInbox();
  for (let n = 0; n < 3; n += 1) await approval(`Held ${n}`);
  const page = await signedIn();
  await page.click("[data-row]");
  await page.waitForSelector("#answer form");
  await settled(page);
  await page.keyboard.press("1");
  for (let n = 0; n < 20; n += 1) await page.keyboard.down("Enter"); // repeats until it is released
  await page.keyboard.up("Enter");
  await shows(page, "#answer .outcome", "Approve");
  await settled(page);
  for (let n = 0; n < 20; n += 1) await page.keyboard.down("Enter");
  await page.keyboard.up("Enter");
  assert.equal(await pendingCount(), 2);
});

// Two agents' requests in turn; returns the ids by name.
async function fillViews() {
  await emptyInbox();
  const other = await world.owner("POST", "/api/agents", { name: "Refund desk" });
  const ids = {};
  const send = async (name, channelId, minutes, type = "approval") => {
    const payload = type === "selection" ? { items: [{ id: "a", label: "A" }], mode: "single" } : undefined;
    ids[name] = (await world.send({ channelId, text: name, review: { type, payload, expiresInSeconds: minutes * 60 } })).id;
  };
  await send("Refund one", other.id, 300);
  await send("Deploy one", world.channelId, 30);
  await send("Refund two", other.id, 20);
  await send("Pick", world.channelId, 3000, "selection");
  await send("Refund three", other.id, 100);
  await send("Deploy two", world.channelId, 10);
  return { ids, other };
}

for (const scripts of [true, false]) {
  test(`answering moves within the search, the filter and the order, ${scripts ? "with" : "without"} scripts`, async () => {
    const { ids, other } = await fillViews();
    const page = await signedIn({ scripts });
    const go = async (action) => (scripts ? action() : Promise.all([page.waitForNavigation(), action()]));
    const cases = [
      ["?q=refund", ["Refund three", "Refund two", "Refund one"]],
      [`?agent=${world.channelId}&type=approval`, ["Deploy two", "Deploy one"]],
      ["?order=due", ["Pick"]],
    ];
    for (const [query, names] of cases) {
      if (query === "?order=due") {
        await approval("Due soon", { expiresInSeconds: 120 }).then(({ id }) => ((ids["Due soon"] = id), names.unshift("Due soon")));
      }
      await page.goto(`${world.inboxUrl}/${query}`);
      assert.deepEqual(await page.$$eval("[data-row]", (all) => all.map((it) => it.id.slice(4))), names.map((name) => ids[name]));
      await go(() => page.click(`#row-${ids[names[0]]}`));
      for (const [index, name] of names.entries()) {
        await page.waitForSelector(`#review[data-review="${ids[name]}"] form`);
        assert.equal(new URL(page.url()).search, query);
        if (scripts) await settled(page);
        if (name === "Pick") await page.click("#answer [value=a]");
        await go(() => page.click(name === "Pick" ? "#answer .primary" : "[value=approve]"));
        await page.waitForSelector("#answer .outcome");
        assert.equal(new URL(page.url()).search, query);
        if (scripts) await settled(page);
        if (index < names.length - 1) await go(() => page.click("[data-next]"));
      }
      assert.match(await page.$eval("#go-on", (it) => it.textContent), query === "?order=due" ? /All done/ : /Nothing else in this view/);
      assert.equal(new URL(await page.$eval("#go-on", (it) => it.href)).search, query);
    }
    await world.owner("DELETE", `/api/agents/${other.id}`);
  });
}

test("a refused answer and an error page stay in the view", async () => {
  await emptyInbox();
  const page = await signedIn({ scripts: false });
  const { id } = await world.send({ text: "Three", review: { type: "text-input", payload: { maxLength: 3 } } });
  await page.goto(`${world.inboxUrl}/reviews/${id}?q=three&order=due`);
  await page.type("#text", "four");
  await Promise.all([page.waitForNavigation(), page.click("#answer .primary")]);
  assert.equal(await page.$eval("#answer form", (it) => it.getAttribute("action")), `/reviews/${id}?q=three&order=due`);
  assert.equal(new URL(await page.$eval(".back", (it) => it.href)).search, "?q=three&order=due");
  await page.goto(`${world.inboxUrl}/reviews/${id.slice(0, -1)}${id.endsWith("0") ? 1 : 0}?q=three`);
  assert.equal(await page.$eval(".narrow a", (it) => it.getAttribute("href")), "/?q=three");
  page.problems.splice(0); // the browser reports the refusals
});

// One request of each kind, with more text than a screen holds.
function kinds() {
  const text = Array.from({ length: 60 }, (_, n) => `Line ${n} of a long proposal.`).join("\n\n");
  const items = Array.from({ length: 12 }, (_, n) => ({ id: `i${n}`, label: `Item ${n}`, description: "What it means" }));
  const fields = Array.from({ length: 14 }, (_, n) => ({ name: `f${n}`, type: "text", label: `Field ${n}`, required: n < 2 }));
  const options = ["Deploy to every region at once", "Hold at 10 %"].map((label, n) => ({ id: `o${n}`, label, description: "What follows from it" }));
  return {
    approval: { text, review: { type: "approval" } },
    "approval with descriptions": { text, review: { type: "approval", payload: { options } } },
    selection: { text, review: { type: "selection", payload: { mode: "multi", items } } },
    form: { text, review: { type: "form", payload: { fields, dismissLabel: "Not now" } } },
    "text input": { text, review: { type: "text-input", payload: { prefill: text, markdown: true } } },
    freeform: { text, review: { type: "vote", payload: { of: text } } },
  };
}

test("the buttons of each kind of request are in sight without scrolling", async () => {
  await emptyInbox();
  const sent = {};
  for (const [name, message] of Object.entries(kinds())) sent[name] = (await world.send(message)).id;
  const measured = [];
  for (const viewport of [{ ...phone, width: 390, height: 844 }, small, desktop]) {
    const page = await signedIn({ viewport });
    for (const [name, id] of Object.entries(sent)) {
      await page.goto(`${world.inboxUrl}/reviews/${id}`);
      const { tops, bottoms, covered, bar } = await page.evaluate(() => {
        const boxes = [...document.querySelectorAll(".decision-bar .buttons button")].map((it) => it.getBoundingClientRect());
        const nav = document.querySelector(".nav").getBoundingClientRect();
        const end = nav.top > 0 ? nav.top : innerHeight;
        const isHit = ({ x, y, width, height }) => document.elementFromPoint(x + width / 2, y + height / 2)?.closest("button") !== null;
        return { tops: boxes.map((it) => it.top), bottoms: boxes.filter((it) => it.bottom > end), covered: boxes.filter((it) => !isHit(it)), bar: document.querySelector(".decision-bar").getBoundingClientRect().height };
      });
      measured.push(`${viewport.width} x ${viewport.height}, ${name}: first button at ${Math.round(tops[0])}, bar ${Math.round(bar)} high`);
      assert.deepEqual([bottoms, covered], [[], []], measured.at(-1));
      assert.ok(bar < viewport.height * 0.45, measured.at(-1));
    }
  }
  console.log(measured.join("\n"));
});

test("the end of a long proposal is reached from the bar", async () => {
  await emptyInbox();
  const { id } = await world.send(kinds().approval);
  const page = await signedIn({ viewport: small });
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  await page.waitForSelector("[data-to-end]:not([hidden])");
  await page.tap("[data-to-end]");
  await page.waitForSelector("[data-to-end][hidden]");
});

test("Ctrl+Enter sends, the pressed button says so, and the number of chosen items is shown", async () => {
  await emptyInbox();
  const page = await signedIn();
  const { id } = await world.send(kinds().selection);
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  for (const item of ["i1", "i2", "i3"]) await page.click(`#answer [value=${item}]`);
  await shows(page, "[data-chosen-count]", "3 chosen");
  await page.type("[name=feedback]", "these");
  const { client, sent } = await holdAnswer(page, id);
  await pressCtrlEnter(page);
  const requestId = await sent;
  await shows(page, "#answer .pressed", "Sending");
  await client.send("Fetch.continueRequest", { requestId });
  await shows(page, "#answer .outcome", "Item 3");
  const { review } = await world.agent("GET", `/api/v1/reviews/${id}?channel=${world.channelId}`);
  assert.deepEqual([review.response.selectedIds, review.feedback], [["i1", "i2", "i3"], "these"]);
});

// Holds every form back from now on, and returns the values of the buttons that they were sent with.
async function recordSubmits(page) {
  await page.evaluate(() => {
    window.submitted = [];
    const record = (event) => {
      event.preventDefault();
      event.stopImmediatePropagation();
      window.submitted.push(event.submitter?.value);
    };
    addEventListener("submit", record, true);
  });
  return () => page.evaluate(() => window.submitted.splice(0));
}

async function pressCtrlEnter(page) {
  await page.keyboard.down("Control");
  await page.keyboard.press("Enter");
  await page.keyboard.up("Control");
}

test("Ctrl+Enter approves the open request only while the focus is in it, and on nothing that has a use for the key", async () => {
  await emptyInbox();
  const [{ id: other }, { id }] = [await approval("The other"), await approval("The open one")];
  const page = await signedIn();
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  await settled(page);
  const submitted = await recordSubmits(page);
  for (const selector of [`#row-${other}`, `#row-${id}`, "#search", "#view select", "#review-title a", "#answer [value=reject]"]) {
    await page.focus(selector);
    await pressCtrlEnter(page);
    assert.ok(!(await submitted()).includes("approve"), selector);
  }
  await page.focus(`#row-${other}`);
  await page.keyboard.press("x");
  await page.focus("#bulk-cancel");
  await pressCtrlEnter(page);
  assert.ok(!(await submitted()).includes("approve"), "the bar of several answers");
  for (const selector of ["#answer .comment textarea", "#review-title"]) {
    await page.focus(selector);
    await pressCtrlEnter(page);
    assert.deepEqual(await submitted(), ["approve"], selector);
  }
  await page.evaluate(() => document.activeElement.blur());
  await pressCtrlEnter(page);
  assert.deepEqual(await submitted(), ["approve"], "the page");

  // Not what just took the place of another request.
  await page.$eval(`#row-${other}`, (it) => it.click());
  await page.waitForFunction((id) => {
    if (!document.querySelector(`#pane[data-settling] #review[data-review="${id}"] [data-answer]`)) return false;
    return document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true }));
  }, { polling: "mutation" }, other);
  assert.deepEqual(await submitted(), []);
  // Nor what was withdrawn.
  await settled(page);
  await world.agent("DELETE", `/api/v1/messages/${other}?channel=${world.channelId}`);
  await page.waitForSelector("#withdrawn");
  await page.focus("#answer .comment textarea");
  await pressCtrlEnter(page);
  assert.deepEqual(await submitted(), []);
  page.problems = page.problems.filter((it) => !it.includes("404")); // the browser reports what is gone
});
