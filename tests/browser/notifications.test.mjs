// The service worker: push messages of the real service, decisions by their buttons, and pages without a connection.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { PushService } from "./push_service.mjs";
import { World } from "./world.mjs";

let world, service, pushed;
before(async () => {
  world = await World.start("--allow-loopback-webhooks");
  service = await PushService.start();
  await subscribe();
});
after(async () => {
  service.stop();
  await world.stop();
});
beforeEach(() => (pushed = service.payloads.length));

async function subscribe() {
  await world.owner("GET", "/api/auth/me");
  const answer = await fetch(`${world.url}/api/push/subscribe`, {
    method: "POST",
    headers: { Authorization: `Bearer ${world.session}`, "Content-Type": "application/json" },
    body: JSON.stringify({ ...service.subscription, name: "A phone" }),
  });
  assert.equal(answer.status, 204);
}

// The next message that the push service receives.
const nextPayload = () => service.payload(pushed++);

const deploy = (risk = "low") => ({
  text: "Deploy?",
  review: { type: "approval", action: { name: "deploy", args: {}, summary: "Version 7", risk } },
});

// A browser of the person with the service worker, as a device that gets push messages.
class Device {
  static async open(path = "/") {
    const device = new Device();
    const page = (device.page = await world.signedIn());
    await page.browserContext().overridePermissions(world.inboxUrl, ["notifications", "background-sync"]);
    const client = await page.createCDPSession();
    const registered = new Promise((done) => {
      client.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => registrations[0] && done(registrations[0]));
    });
    await client.send("ServiceWorker.enable");
    await page.evaluate(() => localStorage.setItem("placet:push", "on"));
    await page.goto(world.inboxUrl + path);
    await page.waitForFunction(() => navigator.serviceWorker.controller);
    const { registrationId } = await registered;
    const isWorker = (target) => target.type() === "service_worker" && target.browserContext() === page.browserContext();
    device.target = await world.browser.waitForTarget(isWorker);
    device.worker = await device.target.worker();
    await device.worker.evaluate(() => {
      self.handledPushes = 0;
      const { waitUntil } = ExtendableEvent.prototype;
      self.syncs = []; // how the work of each `sync` event ended
      ExtendableEvent.prototype.waitUntil = function (work) {
        waitUntil.call(this, work);
        Promise.allSettled([work]).then(([{ status }]) => {
          if (this.type === "push") self.handledPushes += 1;
          if (this.type === "sync") self.syncs.push(status);
        });
      };
    });
    let pushes = 0;
    // Delivers a push message, and waits until the worker has handled it: a notification that is being shown is lost in
    // Chromium when a page lists the notifications.
    device.push = async (payload) => {
      await client.send("ServiceWorker.deliverPushMessage", { origin: world.inboxUrl, registrationId, data: JSON.stringify(payload) });
      pushes += 1;
      while ((await device.worker.evaluate(() => self.handledPushes)) < pushes) await setTimeout(20);
    };
    return device;
  }

  // The notifications that are shown: title, body, tag and buttons.
  shown() {
    return this.worker.evaluate(async () => {
      const all = await self.registration.getNotifications();
      return all.map(({ title, body, tag, actions }) => ({ title, body, tag, actions: actions.map((it) => it.title) }));
    });
  }

  // Waits until a notification says this.
  async says(words) {
    const until = Date.now() + 30_000;
    for (let all = []; !all.some((body) => body.includes(words)); await setTimeout(100)) {
      if (Date.now() > until) assert.fail(`nothing says “${words}”: ${all.join("\n")}`);
      all = (await this.shown()).map((it) => it.body);
    }
  }

  // The outcomes of the `sync` events so far, once there is one.
  async syncs() {
    for (;;) {
      const syncs = await this.worker.evaluate(() => self.syncs);
      if (syncs.length > 0) return syncs;
      await setTimeout(20);
    }
  }

  // Counts the answers that the worker sends. `fate` of a request is its number and method, and gives "pass", "lose" (it
  // arrives, and its response is lost) or a status that is answered in its place.
  async intercept(id, fate) {
    this.network ??= await this.target.createCDPSession();
    const counts = { POST: 0, GET: 0 };
    this.network.on("Fetch.requestPaused", async ({ requestId, request: { method }, responseStatusCode }) => {
      const number = responseStatusCode === undefined ? (counts[method] += 1) : counts[method];
      const what = fate(method, number);
      const isArriving = what === "pass" || (what === "lose" && responseStatusCode === undefined);
      if (isArriving) await this.network.send("Fetch.continueRequest", { requestId });
      else if (what === "lose") await this.network.send("Fetch.failRequest", { requestId, errorReason: "ConnectionReset" });
      else await this.network.send("Fetch.fulfillRequest", { requestId, responseCode: what });
    });
    const patterns = ["Request", "Response"].map((requestStage) => ({ urlPattern: `*/api/messages/${id}*`, requestStage }));
    await this.network.send("Fetch.enable", { patterns });
    return counts;
  }

  // Presses a notification, or one of its buttons, and waits until the worker has handled it.
  press(tag, action = "") {
    return this.worker.evaluate(
      async (tag, action) => {
        const [notification] = await self.registration.getNotifications({ tag });
        const event = new NotificationEvent("notificationclick", { notification, action });
        let handled;
        event.waitUntil = (work) => (handled = work);
        self.dispatchEvent(event);
        await handled;
      },
      tag,
      action,
    );
  }

  async setOffline(offline) {
    const conditions = { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 };
    this.network ??= await this.target.createCDPSession();
    await this.network.send("Network.enable");
    await this.network.send("Network.emulateNetworkConditions", conditions);
    await this.page.setOfflineMode(offline);
  }

  close() {
    return this.page.browserContext().close();
  }
}

test("a request is shown with two buttons, and a press on one decides it", async () => {
  const device = await Device.open();
  const { id } = await world.send(deploy());
  const payload = await nextPayload();
  await device.push(payload);
  await device.says("Version 7");
  const [notice] = await device.shown();
  assert.deepEqual(notice.actions, ["Approve", "Reject"]);
  assert.match(notice.body, /Answer by /);
  await device.press(payload.tag, "approve");
  await device.says("Answered “Approve”");
  const { message } = await world.wait(id);
  assert.equal(message.review.response.selectedOption, "approve");
  assert.deepEqual((await device.shown()).map((it) => it.actions), [[]]);
  // The push message with the outcome takes the same place.
  await device.push(await nextPayload());
  await device.says("Answered “Approve”: deploy. Version 7");
  assert.equal((await device.shown()).length, 1);
  await device.close();
});

test("a request of high risk has no buttons, and a press opens it", async () => {
  const device = await Device.open("/settings");
  const { id } = await world.send(deploy("high"));
  const payload = await nextPayload();
  await device.push(payload);
  await device.says("High risk");
  assert.deepEqual((await device.shown())[0].actions, []);
  await Promise.all([device.page.waitForNavigation(), device.press(payload.tag)]);
  assert.equal(new URL(device.page.url()).pathname, `/reviews/${id}`);
  await world.agent("POST", `/api/v1/reviews/${id}/cancel`);
  await nextPayload();
  await device.close();
});

test("two devices press at once, and both end on what was stored", async () => {
  const devices = [await Device.open(), await Device.open()];
  const { id } = await world.send(deploy());
  const payload = await nextPayload();
  for (const device of devices) {
    await device.push(payload);
    await device.says("Version 7");
  }
  await Promise.all(devices.map((device, at) => device.press(payload.tag, ["approve", "reject"][at])));
  const { message } = await world.wait(id);
  const stored = message.review.response.selectedOption === "approve" ? "Approve" : "Reject";
  const bodies = (await Promise.all(devices.map((device) => device.shown()))).map(([notice]) => notice.body);
  for (const body of bodies) assert.match(body, new RegExp(`Answered “${stored}”`));
  const late = bodies.filter((body) => body.startsWith("Your answer came too late."));
  assert.equal(late.length, 1, bodies.join("\n"));
  await nextPayload();
  for (const device of devices) await device.close();
});

test("without a connection a decision is kept, and sent when the connection is back", async () => {
  const device = await Device.open();
  const { id } = await world.send(deploy());
  const payload = await nextPayload();
  await device.push(payload);
  await device.says("Version 7");
  await device.setOffline(true);
  await device.press(payload.tag, "reject");
  await device.says("No connection. “Reject” is kept on this device");
  await device.setOffline(false);
  const { message } = await world.wait(id);
  assert.equal(message.review.response.selectedOption, "reject");
  await device.says("Answered “Reject”");
  await nextPayload();
  await device.close();
});

test("a decision that was kept too long says what was stored instead", async () => {
  const device = await Device.open();
  const { id } = await world.send(deploy());
  const payload = await nextPayload();
  await device.push(payload);
  await device.says("Version 7");
  await device.setOffline(true);
  await device.press(payload.tag, "approve");
  await device.says("No connection");
  await world.agent("POST", `/api/v1/reviews/${id}/cancel`);
  await device.setOffline(false);
  await device.says("Your answer came too late. Withdrawn");
  await nextPayload();
  await device.close();
});

test("while the service does not answer, a decision is repeated by the browser after pauses, not at once", async () => {
  for (const status of [503, 429]) {
    const device = await Device.open();
    const { id } = await world.send(deploy());
    const payload = await nextPayload();
    await device.push(payload);
    await device.says("Version 7");
    const counts = await device.intercept(id, () => status);
    await device.press(payload.tag, "approve");
    await device.says("The service is busy. “Approve” is kept on this device and sent later.");
    // Chromium repeats the work of a failed event minutes later, and what was registered during the event at once.
    assert.deepEqual(await device.syncs(), ["rejected"]);
    assert.deepEqual(counts, { POST: 2, GET: 0 });
    await device.network.send("Fetch.disable");
    await device.page.reload();
    await device.says("Answered “Approve”");
    assert.equal((await world.wait(id)).message.review.response.selectedOption, "approve");
    await nextPayload();
    await device.close();
  }
});

test("a decision that is kept while no page is open says so, and is sent when one is opened", async () => {
  const device = await Device.open();
  const { id } = await world.send(deploy());
  const payload = await nextPayload();
  await device.push(payload);
  await device.says("Version 7");
  await device.page.goto("about:blank");
  await device.setOffline(true);
  await device.press(payload.tag, "approve");
  await device.says("No connection. “Approve” is kept on this device: open Placet to send it.");
  await device.setOffline(false);
  assert.equal((await world.agent("GET", `/api/v1/reviews/${id}?channel=${world.channelId}`)).review.status, "pending");
  await device.page.goto(world.inboxUrl);
  await device.says("Answered “Approve”");
  assert.equal((await world.wait(id)).message.review.response.selectedOption, "approve");
  await nextPayload();
  await device.close();
});

test("a decision whose response was lost is kept until it is known what was stored", async () => {
  for (const status of [429, 500, 503, 401]) {
    const device = await Device.open();
    const { id } = await world.send(deploy());
    const payload = await nextPayload();
    await device.push(payload);
    await device.says("Version 7");
    // The first attempt is stored, and the first look at what was stored is turned away.
    const counts = await device.intercept(id, (method, number) => (number > 1 ? "pass" : method === "POST" ? "lose" : status));
    await device.press(payload.tag, "approve");
    await device.says("“Approve” is kept on this device");
    assert.equal((await world.wait(id)).message.review.response.selectedOption, "approve");
    await nextPayload();
    while (counts.GET < 2) {
      await device.page.reload();
      await setTimeout(50);
    }
    await device.says("Answered “Approve”");
    assert.ok((await device.shown()).every(({ body }) => !/not answered|too late|not there/i.test(body)), `${status}`);
    await device.close();
  }
});

test("it is not said that a decision was not stored where nobody knows", async () => {
  // Its request is deleted, or its session ends, after the response was lost.
  for (const [end, words] of [["delete", "This request is not there any more. We can't tell whether “Approve” was stored before."], ["sign out", "We can't tell whether “Approve” was stored: you are signed out."]]) {
    const device = await Device.open();
    const { id } = await world.send(deploy());
    const payload = await nextPayload();
    await device.push(payload);
    await device.says("Version 7");
    await device.page.goto("about:blank"); // so that nothing is sent by itself
    await device.intercept(id, (method, number) => (method === "POST" && number === 1 ? "lose" : "pass"));
    await device.press(payload.tag, "approve");
    await device.says("“Approve” is kept on this device");
    await world.wait(id);
    const outcome = await nextPayload();
    if (end === "delete") {
      await world.agent("DELETE", `/api/v1/messages/${id}?channel=${world.channelId}`);
    } else {
      const cookies = await device.page.browserContext().cookies();
      await device.page.browserContext().deleteCookie(...cookies);
    }
    await device.push({ ...outcome, tag: "another", messageId: "msg_another" });
    await device.says(words);
    await device.close();
  }
});

test("a decision about a request that is gone, and whose only attempt was refused, was not stored", async () => {
  const device = await Device.open();
  const { id } = await world.send(deploy());
  const payload = await nextPayload();
  await device.push(payload);
  await device.says("Version 7");
  await world.agent("DELETE", `/api/v1/messages/${id}?channel=${world.channelId}`);
  await nextPayload();
  await device.press(payload.tag, "approve");
  await device.says("Not answered: this request is not there any more.");
  await device.close();
});

test("more than three requests are shown as one", async () => {
  const device = await Device.open();
  const message = (number) => ({ title: "An agent", body: `Request ${number}`, url: "/", tag: `tag-${number}`, status: "pending", actions: [] });
  for (let number = 1; number <= 3; number += 1) await device.push(message(number));
  assert.deepEqual((await device.shown()).map((it) => it.body).sort(), ["Request 1", "Request 2", "Request 3"]);
  await device.push(message(4));
  assert.deepEqual((await device.shown()).map((it) => it.title), ["4 requests are waiting"]);
  await device.push({ ...message(2), status: "completed", body: "Answered" });
  assert.deepEqual((await device.shown()).map((it) => it.body).sort(), ["Answered", "Request 1", "Request 3", "Request 4"]);
  await device.close();
});

test("offline the app shows what it last showed and says so, until somebody signs out", async () => {
  const { id } = await world.send(deploy("high"));
  await nextPayload();
  const device = await Device.open();
  const { page } = device;
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  await page.waitForFunction(async () => (await caches.open("placet-pages")).match(location.href).then(Boolean));
  await device.setOffline(true);
  await page.reload();
  const text = await page.$eval("body", (it) => it.innerText);
  assert.match(text, /Version 7/);
  assert.match(text, /No connection\. This is what was shown on /);
  await page.goto(`${world.inboxUrl}/settings/keys`);
  assert.match(await page.$eval("body", (it) => it.innerText), /was not shown on this device before/);
  await device.setOffline(false);
  await page.goto(world.inboxUrl);
  await Promise.all([page.waitForNavigation(), page.click(".me button")]);
  await page.waitForFunction(async () => !(await caches.has("placet-pages")));
  await world.agent("POST", `/api/v1/reviews/${id}/cancel`);
  await nextPayload();
  await device.close();
});

test("devices are listed, tested, renamed and removed in the settings", async () => {
  const page = await world.signedIn();
  page.on("dialog", (it) => it.accept());
  await page.browserContext().overridePermissions(world.inboxUrl, ["notifications"]);
  await page.goto(`${world.inboxUrl}/settings/notifications`);
  await page.waitForFunction(() => document.getElementById("push-state").textContent.includes("This device gets no push messages."));
  await page.click("#push-test button");
  await page.waitForFunction(() => document.getElementById("push-tested").innerText.includes("A phone: accepted (201)"));
  assert.equal((await nextPayload()).body, "This is a test message.");
  // The page refreshes itself after the test, which may replace the list of devices.
  await page.waitForFunction(() => document.getElementById("push-test").ariaBusy !== "true");
  await page.locator("#devices [name=name]").fill("My phone");
  await page.click("[aria-label='Rename A phone']");
  await page.waitForSelector("[aria-label='Remove My phone']");
  assert.equal((await world.owner("GET", "/api/push/devices"))[0].name, "My phone");
  await page.select("[name='notifications.push.minRisk']", "high");
  const saved = page.waitForResponse((it) => it.url().endsWith("/api/preferences") && it.ok());
  await Promise.all([saved, page.click("[data-api='PATCH /api/preferences'] .primary")]);
  const { notifications } = await world.owner("GET", "/api/preferences");
  assert.deepEqual(notifications.push, { enabled: true, minRisk: "high", afterSeconds: null, showContent: true });
  await page.click("[aria-label='Remove My phone']");
  await page.waitForFunction(() => document.getElementById("devices").innerText.includes("No device gets push messages yet."));
  assert.deepEqual(page.problems, []);
});
