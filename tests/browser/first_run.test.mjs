// The first run: from an empty inbox to the first request on one page.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { checkPages, checked, shows } from "./pages.mjs";
import { World } from "./world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());
checkPages();

test("a new person names an agent, gets a command with its key, and sees the first request arrive", async () => {
  const made = await world.owner("POST", "/api/users", { email: "first@example.com", displayName: "First", role: "member" });
  const page = checked(await world.visitor());
  await page.goto(`${world.inboxUrl}/login`);
  await page.type("[name=email]", "first@example.com");
  await page.type("[name=password]", made.temporaryPassword);
  await Promise.all([page.waitForNavigation(), page.click("form button")]);
  await page.type("[name=current]", made.temporaryPassword);
  await page.type("[name=new]", "a password of my own");
  await page.type("[name=again]", "a password of my own");
  await Promise.all([page.waitForNavigation(), page.click(".primary")]);
  await page.waitForSelector("#first-run:not([hidden])");
  await page.type("#first-run [name=name]", "Deployer");
  await page.click("#first-run .primary");
  await page.waitForSelector("#first-run-call:not([hidden])");
  await shows(page, "#first-run-state", "Waiting for the first request");
  const command = await page.$eval("#first-run-command", (it) => it.textContent);
  const [, url] = /curl -X POST "([^"]+)"/.exec(command);
  const [, key] = /Bearer (hp_[^"]+)"/.exec(command);
  const [, body] = /-d '([^']+)'/.exec(command);
  assert.equal(new URL(url).pathname, "/api/v1/messages");
  const sent = await fetch(`${world.url}/api/v1/messages`, { method: "POST", headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" }, body });
  assert.equal(sent.status, 201);
  await shows(page, "#first-run-state", "has arrived");
  await shows(page, "#rows", "May I deploy?");
});
