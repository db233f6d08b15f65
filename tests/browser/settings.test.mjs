// The settings pages: keys, themes, webhooks and users.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { World } from "./world.mjs";

let world;
before(async () => (world = await World.start("--allow-loopback-webhooks")));
after(() => world.stop());

async function openSettings(path) {
  const page = await world.signedIn();
  page.on("dialog", (it) => it.accept());
  await page.goto(world.inboxUrl + path);
  return page;
}

// Reads the secret that is shown once, and waits until the page no longer contains it.
async function secretOf(page) {
  await page.waitForSelector("#secret[open]");
  const secret = await page.$eval("#secret-value", (it) => it.textContent);
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => !document.getElementById("secret").open);
  // The dialog's `close` event fires shortly after it closes.
  await page.waitForFunction((secret) => !document.documentElement.outerHTML.includes(secret), {}, secret);
  return secret;
}

const status = async (key) => (await fetch(`${world.url}/api/v1/agents`, { headers: { "x-api-key": key } })).status;

test("a key is created, shown once, rotated and deleted", async () => {
  const page = await openSettings("/settings/keys");
  await page.type("[name=label]", "For the builds");
  await page.click(".primary");
  const first = await secretOf(page);
  assert.equal(await status(first), 200);
  const of = (action) => `[aria-label="${action} For the builds"]`;
  await page.waitForSelector(of("Rotate"));
  await page.locator(of("Rotate")).click(); // again if the list is replaced meanwhile
  const second = await secretOf(page);
  assert.deepEqual([await status(first), await status(second)], [401, 200]);
  await page.locator(of("Delete")).click();
  await page.waitForFunction((of) => !document.querySelector(of), {}, of("Delete"));
  assert.equal(await status(second), 401);
  assert.deepEqual(page.problems, []);
});

test("a chosen theme applies at once and is kept", async () => {
  const page = await openSettings("/settings");
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.click("#theme [value=dark]");
  await page.waitForFunction(() => getComputedStyle(document.body).backgroundColor === "rgb(20, 22, 26)");
  await page.waitForFunction(() => document.querySelector(".toast"));
  await page.reload();
  assert.equal(await ground(), "rgb(20, 22, 26)");
  assert.deepEqual(page.problems, []);
});

test("an agent is created, its webhook set, and a test event shows the receiver's response", async (t) => {
  const seen = [];
  const receiver = createServer((request, response) => {
    seen.push(request.headers);
    response.writeHead(202).end("noted, thank you");
  }).listen(0, "127.0.0.1");
  t.after(() => receiver.close());
  await once(receiver, "listening");
  const page = await openSettings("/settings/agents");
  await page.type("[name=name]", "Nightly");
  await Promise.all([page.waitForNavigation(), page.click(".primary")]);
  assert.match(new URL(page.url()).pathname, /^\/settings\/agents\/agt_/);
  await page.type("[name=webhookUrl]", `http://127.0.0.1:${receiver.address().port}/hook`);
  await page.click("#webhook .primary");
  assert.match(await secretOf(page), /^whsec_/);
  await page.waitForSelector("[data-tested] button");
  await page.click("[data-tested] button");
  await page.waitForFunction(() => document.getElementById("tested")?.innerText.includes("noted, thank you"));
  assert.match(await page.$eval("#tested", (it) => it.innerText), /Delivered: answered with 202/);
  assert.equal(seen.length, 1);
  assert.match(seen[0]["webhook-signature"], /^v1,/);
  await Promise.all([page.waitForNavigation(), page.click(".danger-zone button")]);
  assert.ok(!(await page.content()).includes("Nightly"));
  // The page of the deleted agent may have reloaded once.
  assert.deepEqual(page.problems.filter((it) => !/404/.test(it)), []);
});

test("an owner adds a user, who signs in with the password that is shown once", async () => {
  const page = await openSettings("/settings/users");
  await page.type("[name=email]", "carol@example.com");
  await page.type("[name=displayName]", "Carol");
  await page.click(".primary");
  const password = await secretOf(page);
  const signedIn = await fetch(`${world.url}/api/auth/login`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ email: "carol@example.com", password }) });
  assert.equal((await signedIn.json()).user.mustChangePassword, true);
  assert.deepEqual(page.problems, []);
});
