// The history of decisions: its order, its filters in the address, its search, and what it shows of each decision.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { checkPages, checked, settled, shows } from "./pages.mjs";
import { World, desktop, phone } from "./world.mjs";

let world;
let ids;
let other;
before(async () => {
  world = await World.start();
  other = await world.owner("POST", "/api/agents", { name: "Refund desk" });
  ids = {};
  const ask = async (name, message = {}) => (ids[name] = (await world.send({ text: name, ...message, review: { type: "approval", ...message.review } })).id);
  const answer = (name, option, feedback) => world.owner("POST", `/api/messages/${ids[name]}/respond`, { response: { selectedOption: option }, feedback });
  await ask("Deploy");
  await ask("Refund", { channelId: other.id });
  await ask("Withdrawn");
  await ask("Late", { review: { expiresInSeconds: 1 } });
  await world.wait(ids.Late);
  await answer("Refund", "reject", "Not this quarter.");
  await world.agent("POST", `/api/v1/reviews/${ids.Withdrawn}/cancel?channel=${world.channelId}`, { reason: "Solved." });
  await answer("Deploy", "approve");
});
after(() => world.stop());
checkPages();

const rows = (page) => page.$$eval("[data-row]", (all) => all.map((it) => it.id.slice(4)));
const order = () => [ids.Deploy, ids.Withdrawn, ids.Refund, ids.Late];

for (const [scripts, viewport] of [[true, desktop], [false, phone]]) {
  test(`decisions stand in their order and are filtered, ${scripts ? "with" : "without"} scripts`, async () => {
    const page = checked(await world.signedIn({ scripts, viewport }));
    await Promise.all([page.waitForNavigation(), page.click(".tabs a:last-child")]);
    assert.deepEqual(await rows(page), order());
    const row = (name) => page.$eval(`#row-${ids[name]}`, (it) => it.innerText.replace(/\s+/g, " "));
    assert.match(await row("Deploy"), /Approve .*by you through the API/);
    assert.match(await row("Refund"), /Reject .*by you through the API/);
    assert.match(await row("Withdrawn"), /withdrawn .*by the agent/);
    assert.match(await row("Late"), /expired/);
    const filter = async (name, value, found) => {
      await page.$eval(`#view [name=${name}]`, (it, value) => (it.value = value), value).catch(() => {});
      if (scripts) await page.$eval(`#view [name=${name}]`, (it) => it.dispatchEvent(new Event(it.matches("select, [type=date]") ? "change" : "input", { bubbles: true })));
      else await Promise.all([page.waitForNavigation(), page.click("#view [data-without-scripts]")]);
      await page.waitForFunction((found) => [...document.querySelectorAll("[data-row]")].map((it) => it.id.slice(4)).join() === found.join(), {}, found);
      if (value) assert.equal(new URL(page.url()).searchParams.get(name), value);
    };
    await filter("agent", other.id, [ids.Refund]);
    await filter("agent", "", order());
    await filter("tab", "expired", [ids.Late]);
    await filter("tab", "decided", order());
    await filter("person", await page.$eval("#view [name=person] option:last-child", (it) => it.value), [ids.Deploy, ids.Refund]);
    await filter("person", "", order());
    await filter("to", "2020-01-01", []);
    await filter("to", "", order());
    await filter("q", "this quarter", [ids.Refund]);
    const csv = await page.$eval(".export a", (it) => it.href);
    assert.ok(csv.includes("search=this"), csv);
    await page.goto(`${world.inboxUrl}/?tab=decided&agent=${other.id}`);
    await page.reload();
    assert.deepEqual(await rows(page), [ids.Refund]);
  });
}

test("days of the history are those of the reader's zone, also where its clocks change between them", async () => {
  const page = checked(await world.signedIn());
  const chosen = async (zone, from, to) => {
    await page.emulateTimezone(zone);
    await page.goto(`${world.inboxUrl}/?tab=decided`);
    await page.evaluate((days) => {
      for (const [name, value] of Object.entries(days)) document.querySelector(`#view [name=${name}]`).value = value;
      document.querySelector("#view [name=to]").dispatchEvent(new Event("change", { bubbles: true }));
    }, { from, to });
    await page.waitForFunction((to) => new URLSearchParams(location.search).get("to") === to, {}, to);
    const query = new URL(page.url()).searchParams;
    return [query.get("zone"), query.get("toZone")];
  };
  assert.deepEqual(await chosen("Europe/Berlin", "2024-03-31", "2024-03-31"), ["60", "120"]);
  assert.deepEqual(await chosen("America/New_York", "2024-11-03", "2024-11-03"), ["-240", "-300"]);
  assert.deepEqual(await chosen("Pacific/Auckland", "2024-04-07", "2024-04-07"), ["780", "720"]);
  assert.deepEqual(await chosen("America/Havana", "2024-03-10", "2024-03-10"), ["-300", "-240"]); // there is no midnight
  assert.deepEqual(await chosen("Europe/London", "2024-01-15", "2024-01-16"), [null, null]);
  assert.deepEqual(await chosen("Europe/Berlin", "2024-01-15", "2090-07-15"), ["60", "120"]);
  assert.deepEqual(await rows(page), order());
  const csv = new URL(await page.$eval(".export a", (it) => it.href)).searchParams;
  assert.deepEqual([csv.get("from"), csv.get("to")], ["2024-01-14T23:00:00.000Z", "2090-07-15T22:00:00.000Z"]);
  await page.reload();
  assert.deepEqual(await rows(page), order());
});

test("opening a decision keeps the filters, and leads on to the one below", async () => {
  const page = checked(await world.signedIn());
  await page.goto(`${world.inboxUrl}/?tab=decided`);
  await page.click(`#row-${ids.Withdrawn}`);
  await shows(page, "#answer .outcome", "Withdrawn");
  assert.equal(new URL(page.url()).search, "?tab=decided");
  await settled(page);
  await page.click("[data-next]");
  await shows(page, "#answer .outcome", "Not this quarter.");
});

test("the file of what is shown is CSV that a browser saves", async () => {
  const page = checked(await world.signedIn());
  await page.goto(`${world.inboxUrl}/?tab=decided&agent=${other.id}`);
  const file = await page.$eval(".export a", async (it) => {
    const answer = await fetch(it.href);
    return { type: answer.headers.get("content-type"), text: await answer.text() };
  });
  assert.match(file.type, /^text\/csv/);
  const lines = file.text.trimEnd().split("\r\n");
  assert.equal(lines.length, 2);
  assert.ok(lines[1].includes(ids.Refund) && lines[1].includes("Refund desk"), lines[1]);
});
