// The bundled plugins that do what Placet's do: a form that is sent on, and diagrams of a Kroki server.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { violations } from "./axe.mjs";
import { World, phone } from "./world.mjs";

let world, server, address;
const received = [];
const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="320" height="80" viewBox="0 0 320 80"><rect x="2" y="20" width="120" height="40" fill="none" stroke="black"/><path d="M122 40h70" stroke="black"/><rect x="192" y="20" width="120" height="40" fill="none" stroke="black"/></svg>`;

before(async () => {
  world = await World.start("--allow-loopback-webhooks");
  server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    received.push({ method: request.method, path: request.url, type: request.headers["content-type"], body });
    const status = body.includes("broken") ? 400 : 200;
    response.writeHead(status, { "Content-Type": "image/svg+xml" }).end(status === 200 ? svg : "Syntax error in line 1");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  address = `http://127.0.0.1:${server.address().port}`;
  await world.owner("PUT", "/api/plugins/kroki-diagram/config", { envValues: { KROKI_URL: address } });
  await world.owner("PUT", "/api/plugins/form-submit/config", { envValues: { WEBHOOK_URL: `${address}/form` } });
});
after(async () => {
  server?.close();
  await world.stop();
});

async function frameOf(page, { id }, holder = "") {
  const element = await page.waitForSelector(`${holder} iframe[data-placet-plugin][src]`);
  await element.scrollIntoView();
  const frame = await element.contentFrame();
  await frame.waitForFunction((id) => window.Placet?.message?.id === id, {}, id);
  return frame;
}

const looks = [{}, { dark: true }, { viewport: phone }, { viewport: phone, dark: true }];

test("a diagram is drawn by the Kroki server that the owner has set", async () => {
  const message = await world.send({ text: "The plan", metadata: { plugin: "kroki-diagram", title: "Deployment", diagramType: "mermaid", source: "graph LR; A-->B" } });
  for (const look of looks) {
    const page = await world.signedIn(look);
    await page.goto(`${world.inboxUrl}/channels/${world.channelId}`);
    const frame = await frameOf(page, message, `#${message.id}`);
    await frame.waitForSelector("img", { visible: true });
    const shown = await frame.evaluate(() => ({ width: document.querySelector("img").naturalWidth, alt: document.querySelector("img").alt, title: document.querySelector("h1").innerText, waits: !document.querySelector("[role=status]").hidden, problem: document.querySelector("[role=alert]").textContent }));
    assert.deepEqual(shown, { width: 320, alt: "Deployment", title: "Deployment", waits: false, problem: "" });
    assert.deepEqual(await violations(frame, "kroki-diagram"), []);
    assert.deepEqual(page.problems, []);
    await page.browserContext().close();
  }
  assert.deepEqual(received[0], { method: "POST", path: "/mermaid/svg", type: "text/plain", body: "graph LR; A-->B" });
});

test("a diagram that cannot be drawn says why, with its source", async () => {
  const message = await world.send({ text: "The plan", metadata: { plugin: "kroki-diagram", source: "broken" } });
  const page = await world.signedIn();
  await page.goto(`${world.inboxUrl}/channels/${world.channelId}`);
  const frame = await frameOf(page, message, `#${message.id}`);
  await frame.waitForSelector("[role=alert]", { visible: true });
  assert.match(await frame.$eval("[role=alert]", (it) => it.innerText), /answered with 400: Syntax error in line 1/);
  assert.equal(await frame.$eval("pre", (it) => it.innerText), "broken");
  assert.deepEqual(await violations(frame, "kroki-diagram that failed"), []);
  assert.deepEqual(page.problems, []);
});

test("a form is sent to the URL that the owner has set, and answers its review", async () => {
  const data = { plugin: "form-submit", title: "New customer", description: "Please complete.", name: "Ada", customerEmail: "", visits: 3, isVip: false, submitLabel: "Send it" };
  const message = await world.send({ text: "Who?", metadata: data, review: { type: "freeform" } });
  for (const look of looks) {
    const page = await world.signedIn(look);
    await page.goto(`${world.inboxUrl}/reviews/${message.id}`);
    const frame = await frameOf(page, message);
    await frame.waitForFunction(() => !document.querySelector("button").disabled);
    // Members of metadata are stored without their order.
    assert.deepEqual(await frame.$$eval("label", (all) => all.map((it) => it.innerText.trim())), ["Customer email", "Is vip", "Name", "Visits"]);
    assert.deepEqual(await violations(frame, "form-submit"), []);
    assert.deepEqual(page.problems, []);
    if (look !== looks.at(-1)) {
      await page.browserContext().close();
      continue;
    }
    await frame.type("label:nth-of-type(1) input", "ada@customer.test");
    await frame.click("label:nth-of-type(2) input");
    await frame.click("button");
    await frame.waitForFunction(() => document.querySelector("[role=status]").innerText === "The form was sent.");
    assert.deepEqual(page.problems, []);
  }
  const entered = { name: "Ada", customerEmail: "ada@customer.test", visits: 3, isVip: true };
  const sent = received.filter(({ path }) => path === "/form");
  assert.deepEqual(sent.map(({ method, type, body }) => [method, type, JSON.parse(body)]), [["POST", "application/json", entered]]);
  assert.deepEqual((await world.wait(message.id)).message.review.response, entered);
});

test("a receiver that refuses the form is shown, and the review stays open", async () => {
  const message = await world.send({ text: "Who?", metadata: { plugin: "form-submit", note: "broken" }, review: { type: "freeform" } });
  const page = await world.signedIn();
  await page.goto(`${world.inboxUrl}/reviews/${message.id}`);
  const frame = await frameOf(page, message);
  await frame.click("button");
  await frame.waitForFunction(() => document.querySelector("[role=alert]").innerText === "The receiver answered with 400.");
  assert.equal((await world.agent("GET", `/api/v1/reviews/${message.id}?channel=${world.channelId}`)).review.status, "pending");
  assert.deepEqual(await violations(frame, "form-submit that failed"), []);
  assert.deepEqual(page.problems, []);
});
