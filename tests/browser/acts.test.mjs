// Approving acts: the card, editing in place, high risk, without scripts, hostile arguments.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { fillActs, refund, wipe } from "./acts.mjs";
import { checkPages, checked, freezeCountdown, holdAnswer, settled, shows, text } from "./pages.mjs";
import { World, desktop, phone } from "./world.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let world;
before(async () => (world = await World.start()));
after(() => world.stop());
checkPages();

const signedIn = async (options) => checked(await world.signedIn(options));

async function opened(page, action, more) {
  const { id } = await world.send({ text: "May I?", review: { type: "approval", action, ...more } });
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  await settled(page);
  return id;
}

async function decided(page, id) {
  await page.waitForSelector("#answer .outcome");
  const { message } = await world.wait(id);
  return message.review;
}

// The navigation of a phone covers the end of the screen.
const toMiddle = (button) => button.evaluate((it) => it.scrollIntoView({ block: "center" }));
// The words of an element, those for screen readers included.
const words = (page, selector) => page.$eval(selector, (it) => it.textContent.replace(/\s+/g, " ").trim());
const place = (pointer, more = "") => `#act [data-pointer="${pointer}"] ${more}`;
const isPending = async (id) => (await world.agent("GET", `/api/v1/reviews/${id}?channel=${world.channelId}`)).review.status === "pending";

// Holds the button that allows the act until the page shows what came of it.
const hold = {
  async mouse(page, result = "#answer .outcome") {
    await toMiddle(await page.$("[data-hold]"));
    const { x, y, width, height } = await (await page.$("[data-hold]")).boundingBox();
    await page.mouse.move(x + width / 2, y + height / 2);
    await page.mouse.down();
    await page.waitForSelector(result);
    await page.mouse.up();
  },
  async touch(page, result = "#answer .outcome") {
    await toMiddle(await page.$("[data-hold]"));
    const { x, y, width, height } = await (await page.$("[data-hold]")).boundingBox();
    await page.touchscreen.touchStart(x + width / 2, y + height / 2);
    await page.waitForSelector(result);
    await page.touchscreen.touchEnd();
  },
  async key(page, result = "#answer .outcome") {
    await page.focus("[data-hold]");
    await page.keyboard.down("Enter");
    await page.waitForSelector(result);
    await page.keyboard.up("Enter");
  },
};

// Presses the button too briefly. The end is sent without waiting for the beginning.
const press = {
  async mouse(page) {
    await page.click("[data-hold]");
  },
  async touch(page) {
    const { x, y, width, height } = await (await page.$("[data-hold]")).boundingBox();
    const client = await page.createCDPSession();
    const send = (type, touchPoints) => client.send("Input.dispatchTouchEvent", { type, touchPoints });
    await Promise.all([send("touchStart", [{ x: x + width / 2, y: y + height / 2 }]), send("touchEnd", [])]);
    await client.detach();
  },
  async key(page) {
    await page.focus("[data-hold]");
    await Promise.all([page.keyboard.down("Enter"), page.keyboard.up("Enter")]);
  },
};

// Opens the editor of an argument and types a value, by keyboard alone.
async function editByKeyboard(page, pointer, value) {
  await page.focus(place(pointer, "> .edit-open"));
  await page.keyboard.press("Enter");
  await page.keyboard.down("Control");
  await page.keyboard.press("a");
  await page.keyboard.up("Control");
  await page.keyboard.type(value);
}

test("the card says what will be done before the text of the message", async () => {
  const page = await signedIn();
  await opened(page, refund);
  const card = await text(page, "#act");
  for (const words of ["What will be done", "stripe.refunds.create", "customer cus_9s6XKzkNRiz8i3", "Medium risk", "Cannot be undone", "The agent says:", "82000", "EUR", "Until", "not set"]) assert.ok(card.includes(words), `${words}: ${card}`);
  assert.ok(!card.includes("sk_test"), card);
  const [act, asked] = await page.$$eval("#act, #asked", (all) => all.map((it) => it.getBoundingClientRect().top));
  assert.ok(act < asked);
  await page.click(".act-raw > summary");
  assert.deepEqual(JSON.parse(await text(page, ".act-raw pre")), refund.args);
});

test("arguments are edited by their type and approved on a desk by keyboard", async () => {
  const page = await signedIn();
  const id = await opened(page, refund);
  await editByKeyboard(page, "/amount", "0");
  assert.match(await text(page, place("/amount")), /at least 1/);
  await page.keyboard.press("Backspace");
  await page.keyboard.type("41000");
  await page.keyboard.press("Enter"); // sends nothing
  await page.focus(place("/currency", "> .edit-open"));
  await page.keyboard.press("Enter");
  await page.select(place("/currency", "select"), '"USD"');
  await editByKeyboard(page, "/note", "Half of it");
  assert.match(await words(page, "[data-act-changes]"), /^3 changes .*amount before: 82000 → after: 41000.*currency before: "EUR" → after: "USD".*note before: not set → after: "Half of it"$/);
  assert.equal(await words(page, '[data-effect="allow"]'), "Approve with 3 changes");
  assert.ok(await isPending(id));
  await hold.key(page);
  const { decision, response } = await decided(page, id);
  assert.deepEqual(decision.action.args, { ...refund.args, amount: 41000, currency: "USD", note: "Half of it" });
  assert.equal(typeof response.editedArgs.amount, "number");
  await shows(page, "#act", "Approved with 3 changes");
  assert.match(await words(page, "#act .changes"), /amount before: 82000 → after: 41000/);
  assert.equal(await page.$eval(".act-digest code", (it) => it.title), decision.actionDigest);
  await shows(page, "#act", "Not used yet");
  assert.match(await text(page, "#act"), /Receipt\s+…/);
  await world.agent("POST", `/api/v1/reviews/${id}/consume?channel=${world.channelId}`, { actionDigest: decision.actionDigest });
  await shows(page, "#act", "Used "); // live
  await page.goto(`${world.inboxUrl}/reviews/${id}/history`);
  const history = await words(page, "main");
  for (const part of ["stripe.refunds.create", "Asked by the agent", "First opened by you", "Approved by you (Owner) on a page of the inbox", "Changed: amount, currency, note", "Approval used by the agent", decision.actionDigest]) assert.ok(history.includes(part), `${part}: ${history}`);
});

test("arguments are edited and approved on a phone by touch", async () => {
  const page = await signedIn({ viewport: phone });
  const id = await opened(page, refund);
  await page.tap(place("/lines", "> .edit-open"));
  await page.$eval(place("/lines", "> .edit-field textarea"), (it) => {
    it.value = '[{"invoice": "INV-2210", "cents": 41000}]';
    it.dispatchEvent(new InputEvent("input", { bubbles: true }));
  });
  await page.tap(place("/notify", "> .edit-open"));
  await page.select(place("/notify", "select"), "false");
  await page.tap(place("/reason", "> .edit-open"));
  await page.type(place("/reason", "textarea"), "_charge");
  await page.tap(place("/reason", "> .edit-field .edit-undo"));
  assert.match(await text(page, "[data-act-changes]"), /2 changes/);
  await hold.touch(page);
  const { decision } = await decided(page, id);
  assert.deepEqual(decision.action.args, { ...refund.args, lines: refund.args.lines.slice(0, 1), notify: false });
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
});

test("what the server refuses is shown at its argument, and what was typed stays", async () => {
  const page = checked(await world.signedIn());
  page.problems.push = (entry) => /400/.test(entry) || Array.prototype.push.call(page.problems, entry);
  const id = await opened(page, refund);
  await page.click(place("/reason", "> .edit-open"));
  await page.type(place("/reason", "textarea"), " Charge");
  await hold.mouse(page, "#answer .problem:not([hidden])");
  await shows(page, place("/reason"), "does not match");
  assert.equal(await page.$eval(place("/reason", "textarea"), (it) => it.value), "duplicate Charge");
  assert.ok(await isPending(id));
  await settled(page);
  await page.click('[data-effect="deny"]');
  const { decision, response } = await decided(page, id);
  assert.equal(decision.effect, "deny");
  assert.equal(response.editedArgs, undefined);
});

const event = { name: "calendar.create_event", risk: "low", reversible: true, args: { title: "Retro", isPublic: false }, editable: ["/title", "/isPublic"] };

test("arguments that are changed while the approval is held back are part of it", async () => {
  const page = await signedIn();
  await page.goto(`${world.inboxUrl}/settings`);
  await page.click("#undo-setting");
  const id = await opened(page, event);
  const thaw = await freezeCountdown(page);
  await page.click('[data-effect="allow"]');
  await shows(page, "#undo", "Sending in");
  await editByKeyboard(page, "/title", "Review");
  await page.waitForFunction(() => document.querySelector("#undo") === null);
  assert.ok(await isPending(id));
  await thaw();
  await page.click('[data-effect="allow"]');
  const { decision } = await decided(page, id);
  assert.deepEqual(decision.action.args, { ...event.args, title: "Review" });
});

test("nothing can be changed while an answer is sent, and everything again when it did not arrive", async () => {
  const page = await signedIn();
  const id = await opened(page, event);
  await editByKeyboard(page, "/title", "Review");
  await page.click(place("/isPublic", "> .edit-open"));
  const { client, sent } = await holdAnswer(page, id);
  await page.click('[data-effect="allow"]');
  const requestId = await sent;
  const change = async () => {
    await page.click(place("/title", "textarea"));
    await page.keyboard.type("s");
    await page.click("[name=comment]");
    await page.keyboard.type("soon");
    await page.$eval(place("/isPublic", "select"), (it) => it.focus());
    await page.keyboard.press("ArrowUp");
    await page.evaluate(() => document.activeElement.blur());
    return page.$eval("#answer-form", (form) => [...new FormData(form)].map(([, value]) => value).join());
  };
  const before = await page.$eval("#answer-form", (form) => [...new FormData(form)].map(([, value]) => value).join());
  assert.equal(await change(), before);
  assert.equal(await words(page, "[data-act-changes] [data-count]"), "1 change");
  await client.send("Fetch.failRequest", { requestId, errorReason: "ConnectionReset" });
  await client.send("Fetch.disable");
  await shows(page, "[data-trouble]", "was not stored");
  assert.match(await change(), /soon/);
  assert.equal(await words(page, "[data-act-changes] [data-count]"), "2 changes");
  await page.click('[data-effect="allow"]');
  const { decision, response } = await decided(page, id);
  assert.deepEqual([decision.action.args.isPublic, response.comment], [true, "soon"]);
  page.problems = page.problems.filter((it) => !it.includes("ERR_CONNECTION_RESET"));
});

test("without scripts arguments are edited as JSON, with the same checks", async () => {
  const page = await signedIn({ scripts: false });
  const id = await opened(page, { ...refund, reversible: true });
  const send = async (args, button) => {
    if (!(await page.$("details.act-json[open]"))) await page.click(".act-json > summary");
    await page.focus("[name=editedArgs]");
    await page.keyboard.down("Control");
    await page.keyboard.press("a");
    await page.keyboard.up("Control");
    await page.keyboard.type(JSON.stringify(args));
    await toMiddle(await page.$(button));
    await Promise.all([page.waitForNavigation(), page.click(button)]);
  };
  page.problems.push = (entry) => /400/.test(entry) || Array.prototype.push.call(page.problems, entry);
  await send({ ...refund.args, charge: "ch_other" }, '[data-effect="allow"]');
  assert.match(await text(page, "#answer .problem"), /charge.*not editable/);
  assert.match(await page.$eval("[name=editedArgs]", (it) => it.value), /ch_other/);
  await send({ ...refund.args, amount: "41000" }, '[data-effect="allow"]');
  assert.match(await text(page, "#answer .problem"), /type of \/amount/);
  await send({ ...refund.args, amount: 41000 }, "[name=preview]"); // needs no second step
  assert.match(await words(page, "[data-act-changes]"), /^1 change .*amount before: 82000 → after: 41000$/);
  assert.equal(await words(page, '[data-effect="allow"]'), "Approve with 1 change");
  assert.ok(await isPending(id));
  await Promise.all([page.waitForNavigation(), page.click('[data-effect="allow"]')]);
  const { decision } = await decided(page, id);
  assert.equal(decision.action.args.amount, 41000);
});

test("an act of high risk needs the button held, by touch, mouse or key, or its name typed", async () => {
  const typeName = async (page) => {
    await page.click("[data-second-step] > summary");
    await page.type("[name=confirm]", wipe.name);
    await page.keyboard.press("Enter"); // sends nothing
    assert.equal(await page.$("#answer .outcome"), null);
    await (await page.$("[data-hold]")).press("Enter");
  };
  for (const [how, act] of Object.entries({ ...hold, name: typeName })) {
    const page = await signedIn(how === "touch" ? { viewport: phone } : {});
    const id = await opened(page, wipe);
    await toMiddle(await page.$("[data-hold]"));
    await (press[how] ?? press.mouse)(page);
    await shows(page, "[data-second-step]", "Not sent: hold the button");
    assert.ok(await isPending(id), how);
    await act(page);
    const { decision } = await decided(page, id);
    assert.equal(decision.effect, "allow", how);
  }
});

test("an act that cannot be undone needs the second step of high risk, whatever its risk, and says why", async () => {
  for (const [risk, mark, warning] of [["low", "Low risk", "Low risk, cannot be undone."], ["medium", "Medium risk", "Medium risk, cannot be undone."], ["high", "High risk", "High risk, cannot be undone."], [undefined, "", "Cannot be undone."]]) {
    const page = await signedIn();
    const id = await opened(page, { ...wipe, risk });
    assert.deepEqual(await page.$$eval(".act-marks li", (all) => all.map((it) => it.innerText.trim())), [mark, "Cannot be undone"].filter(Boolean));
    assert.ok((await words(page, "[data-second-step] > summary")).startsWith(warning), warning);
    await press.mouse(page);
    await shows(page, "[data-second-step]", "Not sent: hold the button");
    assert.ok(await isPending(id));
    await hold.mouse(page);
    assert.equal((await decided(page, id)).decision.effect, "allow");
  }
  const plain = await signedIn({ scripts: false });
  plain.problems.push = (entry) => /400/.test(entry) || Array.prototype.push.call(plain.problems, entry);
  const id = await opened(plain, { ...wipe, risk: "low" });
  await Promise.all([plain.waitForNavigation(), plain.click('[data-effect="allow"]')]);
  assert.match(await text(plain, "#answer .problem"), /^Low risk, cannot be undone: type db.drop_table to confirm it/);
  assert.ok(await isPending(id));
});

test("an act that can be undone, or of which that is not said, is allowed by one press unless it is of high risk", async () => {
  for (const action of [{ ...wipe, risk: "medium", reversible: true }, { ...wipe, risk: undefined, reversible: undefined }]) {
    const page = await signedIn();
    const id = await opened(page, action);
    assert.equal(await page.$("[data-second-step]"), null);
    await page.click('[data-effect="allow"]');
    assert.equal((await decided(page, id)).decision.effect, "allow");
  }
});

test("without scripts an act of high risk needs its name typed", async () => {
  const page = await signedIn({ scripts: false });
  page.problems.push = (entry) => /400/.test(entry) || Array.prototype.push.call(page.problems, entry);
  const id = await opened(page, wipe);
  await Promise.all([page.waitForNavigation(), page.click('[data-effect="allow"]')]);
  assert.match(await text(page, "#answer .problem"), /type db.drop_table to confirm/);
  assert.ok(await isPending(id));
  await page.type("[name=confirm]", wipe.name);
  await Promise.all([page.waitForNavigation(), page.click('[data-effect="allow"]')]);
  assert.equal((await decided(page, id)).decision.effect, "allow");
  const denied = await opened(page, wipe);
  await Promise.all([page.waitForNavigation(), page.click('[data-effect="deny"]')]);
  assert.equal((await decided(page, denied)).decision.effect, "deny");
});

test("hostile arguments are shown harmlessly and truthfully, and stay what they are when others are edited", async () => {
  const page = await signedIn({ viewport: phone });
  const deep = JSON.parse(`${'{"a":'.repeat(99)}1${"}".repeat(99)}`);
  const html = `<img src=x onerror="top.hacked=1"><script>top.hacked=1</script></textarea></template>`;
  const args = JSON.parse(`{"__proto__": {"admin": true}, "constructor": 1, "toString": null, "": "empty"}`);
  Object.assign(args, { [html]: html, path: "/srv/\u202etmp\u202c", "\u0430mount": 820000, amount: 82000, "to\u200b": "x", long: "3 KB ".repeat(600), deep, space: "rm\u00a0-rf", "a/b~c": 1.5, quote: `"'&<>`, tag: "\u{e0041}", n: 1 });
  const action = { name: `pay\u202e${html}`.slice(0, 128), target: html, summary: `${html}\u2066`, args, editable: [""], risk: "high" };
  const id = await opened(page, action, { payload: { options: [{ id: "x", label: "Cancel", effect: "allow" }, { id: "y", label: "Approve", effect: "deny" }] } });
  const card = await text(page, "#act");
  for (const words of ["__proto__", "admin", "U+202E", "U+200B", "U+00A0", "U+E0041", "reads like “amount”", "3000 characters", "<img src=x", "constructor"]) assert.ok(card.includes(words), `${words}: ${card}`);
  const names = await page.$$eval("#act .act-args > .edit > dl > div > dt", (all) => all.map((it) => it.firstChild.data));
  assert.ok(names.indexOf("__proto__") === 0 && names.includes("amount"), `${names}`);
  assert.equal(await page.evaluate(() => [window.hacked, document.querySelectorAll("[onerror]").length].join()), ",0");
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), 0);
  // Labels that lie are put right.
  assert.equal(await words(page, '[data-effect="allow"]'), "Cancel (allows it)");
  assert.equal(await words(page, '[data-effect="deny"]'), "Approve (does not allow it)");
  await page.tap(place("/n", "> .edit-open"));
  await page.type(place("/n", "[data-control]"), "7");
  await page.click("[data-second-step] > summary");
  await page.type("[name=confirm]", "approve");
  await toMiddle(await page.$('[data-effect="allow"]'));
  await page.tap('[data-effect="allow"]');
  const { decision } = await decided(page, id);
  const { message } = await world.wait(id);
  assert.deepEqual(JSON.stringify(Object.entries(decision.action.args).sort()), JSON.stringify(Object.entries({ ...args, n: 17 }).sort()));
  assert.ok(Object.hasOwn(message.review.decision.action.args, "__proto__"));
});

for (const [size, viewport, dark] of [["a desktop, light", desktop, false], ["a phone, dark", phone, true]]) {
  test(`no state of the card has an accessibility violation on ${size}`, async () => {
    const page = await world.signedIn({ viewport, dark });
    await page.setBypassCSP(true); // axe itself is not part of the page
    const found = [];
    // What the bar covers can be scrolled: axe judges targets by where they are now.
    const uncover = () => page.addStyleTag({ content: ".decision-bar { position: static !important } .to-end { display: none !important }" });
    const scheme = (dark) => page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }, { name: "prefers-reduced-motion", value: "reduce" }]);
    const check = async (name) => {
      await uncover();
      await page.$$eval("#review details", (all) => all.forEach((it) => (it.open = true)));
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], iframes: false }));
      found.push(...violations.flatMap((it) => it.nodes.map((node) => `${name}: ${it.id}: ${node.target} ${node.failureSummary.replaceAll("\n", " ")}`)));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) found.push(`${name}: wider than the screen by ${wide} px`);
      // The other theme has the same elements in other colours.
      await scheme(!dark);
      const { violations: colours } = await page.evaluate(() => axe.run(document, { runOnly: { type: "rule", values: ["color-contrast"] }, iframes: false }));
      found.push(...colours.flatMap((it) => it.nodes.map((node) => `${name}, ${dark ? "light" : "dark"}: ${node.target} ${node.failureSummary.replaceAll("\n", " ")}`)));
      await scheme(dark);
    };
    for (const [name, path] of Object.entries(await fillActs(world))) {
      await page.goto(world.inboxUrl + path);
      await check(name);
      if (name !== "act-editable") continue;
      await page.$$eval("#act .edit-open", (all) => all.forEach((it) => it.click()));
      await page.type(place("/amount", "[data-control]"), "x");
      await page.select(place("/currency", "select"), '"USD"');
      await check("act-editing");
    }
    assert.deepEqual(found, []);
    await page.browserContext().close();
  });
}
