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
    await page.browserContext().overridePermissions(world.inboxUrl, ["notifications"]);
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
      ExtendableEvent.prototype.waitUntil = function (work) {
        waitUntil.call(this, work);
        if (this.type === "push") Promise.allSettled([work]).then(() => (self.handledPushes += 1));
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
    return this.page.evaluate(async () => {
      const { getNotifications } = ServiceWorkerRegistration.prototype;
      const all = await getNotifications.call(await navigator.serviceWorker.ready);
      return all.map(({ title, body, tag, actions }) => ({ title, body, tag, actions: actions.map((it) => it.title) }));
    });
  }

  // Waits until a notification says this.
  async says(words) {
    await this.page.waitForFunction(
      async (words) => (await (await navigator.serviceWorker.ready).getNotifications()).some((it) => it.body.includes(words)),
      { polling: 250 },
      words,
    );
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
  const field = await page.$("#devices [name=name]");
  await field.click({ count: 3 });
  await field.type("My phone");
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
