// The inbox: signing in, live updates, keyboard, phone and themes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { checkPages, checked, settled, shows, text } from "./pages.mjs";
import { World, phone } from "./world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());
checkPages();

const signedIn = async (options) => checked(await world.signedIn(options));

test("signing in leads to the requested page, and a wrong password shows an error", async () => {
  const { id } = await world.send({ text: "Behind the door", review: { type: "approval" } });
  const page = checked(await world.visitor());
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  assert.equal(new URL(page.url()).pathname, "/login");
  const signIn = async (password) => {
    await page.$eval("[name=email]", (it) => (it.value = ""));
    await page.type("[name=email]", world.email);
    await page.type("[name=password]", password);
    await Promise.all([page.waitForNavigation(), page.click("form button")]);
  };
  await signIn("wrong-password");
  assert.match(await text(page, ".problem"), /e-mail or password/i);
  page.problems.splice(0); // the browser reports the 401
  await signIn(world.password);
  assert.equal(new URL(page.url()).pathname, `/reviews/${id}`);
  await shows(page, "#review", "Behind the door");
});

test("the first sign-in asks for a new password", async () => {
  const made = await world.owner("POST", "/api/users", { email: "new@example.com", displayName: "New", role: "member" });
  const page = checked(await world.visitor());
  await page.goto(`${world.inboxUrl}/login`);
  await page.type("[name=email]", "new@example.com");
  await page.type("[name=password]", made.temporaryPassword);
  await Promise.all([page.waitForNavigation(), page.click("form button")]);
  assert.equal(new URL(page.url()).pathname, "/password");
  await page.type("[name=current]", made.temporaryPassword);
  await page.type("[name=new]", "a password of my own");
  await page.type("[name=again]", "a password of my own");
  await Promise.all([page.waitForNavigation(), page.click(".primary")]);
  assert.equal(new URL(page.url()).pathname, "/");
  await shows(page, "#rows", "add the first agent");
});

test("a new request appears by itself and is counted in the title", async () => {
  const page = await signedIn();
  const before = Number((await page.title()).match(/\((\d+)\)/)?.[1] ?? 0);
  const began = Date.now();
  const { id } = await world.send({ text: "Look, a new one", review: { type: "approval" } });
  await shows(page, "#rows", "Look, a new one");
  assert.ok(Date.now() - began < 25_000); // before the request that the page holds ends by itself
  assert.match(await page.title(), new RegExp(`^\\(${before + 1}\\) `));
  await world.owner("POST", `/api/messages/${id}/respond`, { response: { selectedOption: "reject" } });
  await page.waitForFunction(() => !document.querySelector("#rows").innerText.includes("Look, a new one"));
});

test("the inbox can be worked through with the keyboard alone", async () => {
  for (const { id } of await world.owner("GET", "/api/messages/reviews")) await world.agent("DELETE", `/api/v1/messages/${id}?channel=${world.channelId}`);
  const ids = [];
  for (const name of ["first", "second", "third"]) ids.unshift((await world.send({ text: `The ${name}`, review: { type: "approval" } })).id);
  const page = await signedIn();
  const press = async (...keys) => {
    for (const key of keys) await page.keyboard.press(key);
  };
  await shows(page, "#rows", "The third");
  await press("?");
  assert.ok(await page.$eval("#keys", (it) => it.open));
  await press("Escape", "j", "j");
  await press("k");
  assert.equal(await page.evaluate(() => document.activeElement.id), `row-${ids[0]}`);
  for (const [index, id] of ids.entries()) {
    if (index > 0) assert.equal(await page.evaluate(() => document.activeElement.matches("[data-next]")), true);
    await press("Enter");
    await page.waitForSelector(`#review[data-review="${id}"]`);
    await page.waitForSelector("#answer form");
    await settled(page);
    await press("2"); // selects the second option; Enter sends it
    await press("Enter");
    await shows(page, "#answer .outcome", "Reject");
    await page.waitForFunction(() => document.activeElement?.matches(".next a"));
    await settled(page);
  }
  await page.waitForFunction(() => document.querySelector("#rows").innerText.includes("Nothing is waiting"));
});

test("on a phone of 360 px one pane is shown at a time, and nothing is wider than the screen", async () => {
  const page = await signedIn({ viewport: phone });
  const wide = "A".repeat(300);
  const { id } = await world.send({ text: `# ${wide}\n\n\`\`\`\n${wide}\n\`\`\`\n\n| ${wide} | b |\n|--|--|\n| c | d |`, metadata: { wide }, review: { type: "approval", payload: { options: [{ id: "x", label: wide }, { id: "y", label: "No" }] } } });
  await page.goto(world.inboxUrl);
  const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth);
  assert.ok(await fits());
  await page.tap(`#row-${id}`);
  await page.waitForSelector("#review");
  assert.ok(await fits());
  assert.equal(await page.$eval(".list", (it) => it.checkVisibility()), false);
  const small = await page.$$eval("#answer button, .back", (all) => all.map((it) => it.getBoundingClientRect()).filter((it) => it.height < 44 || it.width < 44).length);
  assert.equal(small, 0);
  await settled(page);
  await page.tap(".back");
  await page.waitForFunction(() => document.querySelector(".list").checkVisibility());
  await page.goto(`${world.inboxUrl}/channels/${world.channelId}`);
  assert.ok(await fits());
});

test("the theme follows the system unless one was chosen", async () => {
  const dark = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const page = await signedIn({ dark: true });
  assert.equal(await dark(page), "rgb(20, 22, 26)");
  await world.owner("PATCH", "/api/preferences", { theme: "light" });
  await page.reload();
  assert.equal(await dark(page), "rgb(246, 247, 249)");
  await world.owner("PATCH", "/api/preferences", { theme: "system" });
});

test("a new version shows what changed and the feedback on the previous one", async () => {
  const first = await world.send({ text: "Tagline:\nAsk people.", review: { type: "approval" } });
  await world.owner("POST", `/api/messages/${first.id}/respond`, { response: { selectedOption: "reject", comment: "Say who asks." } });
  const second = await world.send({ text: "Tagline:\nAgents ask people.", iterationOf: first.id, review: { type: "approval" } });
  const page = await signedIn();
  await page.goto(`${world.inboxUrl}/reviews/${second.id}`);
  assert.match(await text(page, ".versions"), /Version 1\s+Reject\s+Version 2/);
  assert.match(await text(page, ".feedback"), /Say who asks/);
  await page.click(".diff-card summary");
  assert.deepEqual(await page.$$eval(".diff .added, .diff .removed", (all) => all.map((it) => it.innerText.replaceAll("\n", "").trim())), ["−removed:Ask people.", "+added:Agents ask people."]);
});

test("the first page takes three requests, and less than 100 kB", async () => {
  const page = checked(await world.visitor());
  let bytes = 0;
  const paths = [];
  const client = await page.createCDPSession();
  await client.send("Network.enable");
  client.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
  // Each request is a run of a function. `/api/changes` follows when the page is complete.
  client.on("Network.requestWillBeSent", ({ request }) => request.url.startsWith("data:") || paths.push(new URL(request.url).pathname));
  await page.goto(`${world.inboxUrl}/login`, { waitUntil: "networkidle0" });
  await page.type("[name=email]", world.email);
  await page.type("[name=password]", world.password);
  await Promise.all([page.waitForNavigation(), page.click("form button")]);
  await page.waitForSelector("#keys-button:not([hidden])");
  await page.waitForFunction(() => [...document.images].every((it) => it.complete));
  assert.ok(bytes > 10_000 && bytes < 100_000, `${bytes} bytes`);

  // Once more with an empty cache, when the list includes the changes of the tests before.
  while (await page.$("body[data-changing]")) await page.reload();
  await client.send("Network.clearBrowserCache");
  await page.evaluate(() => localStorage.clear());
  paths.length = 0;
  await page.goto(world.inboxUrl, { waitUntil: "load" });
  // The next list would be requested within a second and a half of the page.
  await new Promise((done) => setTimeout(done, 2_000));
  assert.deepEqual(paths.filter((it) => it !== "/api/changes").sort(), ["/", "/assets/app.js", "/assets/style.css"]);
  // The browser requests these outside of what a page can see.
  const linked = await page.$$eval("link:not([rel=stylesheet], [rel=apple-touch-icon])", (all) => all.map((it) => it.href.slice(0, 19)));
  assert.deepEqual(linked, ["data:image/svg+xml,"]);
  await page.reload();
  assert.equal(await page.$$eval("link[rel=manifest]", (all) => all.length), 1);
});
