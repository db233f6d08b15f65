// The settings of notifications: surfaces, quiet hours, the webhook, and what differs for one agent.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { checkPages, checked, shows } from "./pages.mjs";
import { World } from "./world.mjs";

let world, receiver;
const calls = [];
before(async () => {
  // Nothing listens there, which the test e-mail shows.
  world = await World.start("--allow-loopback-webhooks", "--smtp", "smtp://127.0.0.1:9");
  receiver = createServer((request, response) => {
    request.on("data", (body) => calls.push(JSON.parse(body)));
    request.on("end", () => response.end("ok"));
  }).listen(0, "127.0.0.1");
  await once(receiver, "listening");
});
after(async () => {
  receiver.close();
  await world.stop();
});
checkPages();

const preferences = async () => (await world.owner("GET", "/api/preferences")).notifications;
const section = (title) => `section[aria-labelledby="${title}"]`;

// Presses a button that saves, and waits until that is done and the page says so.
async function save(page, button, call = "PATCH /api/preferences") {
  const isCall = (it) => `${it.request().method()} ${new URL(it.url()).pathname}` === call;
  const [saved] = await Promise.all([page.waitForResponse(isCall), page.click(button)]);
  assert.ok(saved.ok(), `${saved.status()}`);
  await shows(page, "#toasts", "Saved.");
}

test("quiet hours are set in the browser's zone and turned off, and a reminder is chosen", async () => {
  const page = checked(await world.signedIn());
  await page.emulateTimezone("Europe/Berlin");
  await page.goto(`${world.inboxUrl}/settings/notifications`);
  await page.waitForFunction(() => document.querySelector("[data-own-zone]").value === "Europe/Berlin");
  await save(page, `${section("times-title")} form button.primary`);
  await page.waitForSelector("#quiet-off form");
  const quiet = { from: "22:00", to: "07:00", timeZone: "Europe/Berlin", minRisk: "high" };
  assert.deepEqual((await preferences()).quietHours, quiet);
  await page.select('[name="notifications.remindAfterSeconds"]', "3600");
  await save(page, `${section("times-title")} form.inline button`);
  await page.click("#quiet-off button");
  await page.waitForSelector("#quiet-off form", { hidden: true });
  const { quietHours, remindAfterSeconds } = await preferences();
  assert.deepEqual([quietHours, remindAfterSeconds], [null, 3600]);
});

test("a webhook is set, shows its secret once, and its test shows what came back", async () => {
  const page = checked(await world.signedIn());
  await page.goto(`${world.inboxUrl}/settings/notifications`);
  const form = 'form[data-api="PUT /api/notifications/webhook"]';
  await page.type(`${form} [name=url]`, `http://127.0.0.1:${receiver.address().port}/services/secret-path`);
  await page.click(`${form} button`);
  await page.waitForFunction(() => document.querySelector("#secret-value")?.textContent.startsWith("whsec_"));
  await page.keyboard.press("Escape");
  await page.waitForSelector('form[data-api="POST /api/notifications/webhook/test"]');
  assert.ok(!(await page.content()).includes("secret-path"));
  await page.click('form[data-api="POST /api/notifications/webhook/test"] button');
  await shows(page, "#hook-tested", "Delivered: answered with 200");
  assert.equal(calls.at(-1).text, "Placet: This is a test message.");
});

test("e-mails are turned on, and the test shows that the mail server is not reachable", async () => {
  const page = checked(await world.signedIn());
  await page.goto(`${world.inboxUrl}/settings/notifications`);
  await page.click('[name="notifications.email.enabled"]');
  await save(page, `${section("email-title")} form button.primary`);
  assert.equal((await preferences()).email.enabled, true);
  await page.click("#email-test button");
  await page.waitForFunction(() => document.querySelector("#email-tested").textContent.startsWith("Not sent to"));
});

test("an agent is muted for a time, unmuted, and gets preferences of its own", async () => {
  const page = checked(await world.signedIn());
  await page.goto(`${world.inboxUrl}/settings/agents/${world.channelId}`);
  await page.select("[name=muteForSeconds]", "28800");
  await page.click("#mute button");
  await shows(page, "#mute", "Muted until");
  await page.click("#mute button");
  await shows(page, "#mute", "Mute this agent for");
  await page.select('[name="push.minRisk"]', "high");
  await page.select('[name="push.afterSeconds"]', "0");
  await save(page, `${section("notifications-title")} button.primary`, `PATCH /api/agents/${world.channelId}/notifications`);
  const { push } = await world.owner("GET", `/api/agents/${world.channelId}/notifications`);
  assert.deepEqual(push, { enabled: null, minRisk: "high", afterSeconds: 0 });
});
