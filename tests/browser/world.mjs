// A running service with an owner and an agent, and a real browser.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const runner = new URL("../../target/debug/placet-local", import.meta.url).pathname;
const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";

// Whether a URL belongs to the service, its storage on another port, or the browser itself.
function isOwn(world, url) {
  const { hostname, protocol } = new URL(url);
  return ["127.0.0.1", new URL(world.inboxUrl).hostname].includes(hostname) || ["data:", "blob:", "about:", "chrome-extension:", "chrome:"].includes(protocol);
}

export const phone = { width: 360, height: 740, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
export const desktop = { width: 1280, height: 800 };

export class World {
  // Starts the local runner with its own storage; `options` are arguments of the runner.
  static async start(...options) {
    const world = new World();
    world.process = spawn(runner, ["--ephemeral", "--json", "--port", "0", ...options], { stdio: ["ignore", "pipe", "inherit"] });
    world.exited = once(world.process, "exit");
    try {
      await world.open();
    } catch (error) {
      // Processes left running would keep this process from exiting.
      world.process.kill();
      world.foreignHost?.close();
      throw error;
    }
    return world;
  }

  async open() {
    const [line] = await Promise.race([once(createInterface({ input: this.process.stdout }), "line"), this.exited]);
    assert.equal(typeof line, "string", `the runner ended with ${line}`);
    Object.assign(this, JSON.parse(line));
    // Hosts named in hostile content resolve to this server, which records each request to it.
    this.foreignRequests = [];
    const foreignHost = (this.foreignHost = createServer((socket) => {
      this.foreignRequests.push(this.at);
      socket.destroy();
    }));
    await once(foreignHost.listen(0, "127.0.0.1"), "listening");
    this.browser = await puppeteer.launch({
      executablePath: chromium,
      args: ["--no-sandbox", "--disable-dev-shm-usage", `--host-resolver-rules=MAP *.example 127.0.0.1:${foreignHost.address().port}`],
    });
  }

  // Stops everything, and fails if any page requested another host.
  async stop() {
    try {
      await this.browser?.close();
    } finally {
      this.foreignHost.close();
      this.process.kill();
    }
    await this.exited;
    assert.deepEqual(this.foreignRequests, []);
  }

  // Calls the agents' API as the agent.
  async agent(method, path, body, expected = [200, 201]) {
    const form = body instanceof FormData;
    const answer = await fetch(this.url + path, {
      method,
      headers: { Authorization: `Bearer ${this.apiKey}`, ...(body && !form ? { "Content-Type": "application/json" } : {}) },
      body: form || typeof body === "string" ? body : body && JSON.stringify(body),
    });
    const result = await answer.json();
    if (!expected.includes(answer.status)) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(result)}`);
    return result;
  }

  // Sends a message in the agent's channel.
  async send(message) {
    return this.agent("POST", "/api/v1/messages", { channelId: this.channelId, ...message });
  }

  // The same for a body that is JSON as the agent wrote it.
  async sendRaw(json) {
    return this.agent("POST", "/api/v1/messages", json);
  }

  // Stores a file of the agent, which a message can attach.
  async file(filename, mimeType, bytes) {
    const form = new FormData();
    form.set("channelId", this.channelId);
    form.set("file", new Blob([bytes], { type: mimeType }), filename);
    return this.agent("POST", "/api/v1/files/store", form);
  }

  // Waits until a review is decided or has ended, in several calls if one is too short for that.
  async wait(id) {
    for (let calls = 1; ; calls += 1) {
      const result = await this.agent("GET", `/api/v1/reviews/${id}/wait?channel=${this.channelId}&timeout=25000`);
      if (result.status !== "timeout" || calls === 4) return result;
    }
  }

  // Calls the people's API as the owner.
  async owner(method, path, body) {
    if (!this.session) {
      const answer = await fetch(`${this.url}/api/auth/login`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ email: this.email, password: this.password }),
      });
      this.session = /access_token=([^;]+)/.exec(answer.headers.get("set-cookie"))[1];
    }
    const answer = await fetch(this.url + path, {
      method,
      headers: { Authorization: `Bearer ${this.session}`, ...(body ? { "Content-Type": "application/json" } : {}) },
      body: body && JSON.stringify(body),
    });
    const result = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(result)}`);
    return result;
  }

  // A page with its own cookies, storage and cache. Its console errors and failed requests are
  // collected in `problems`.
  async visitor({ viewport = desktop, scripts = true, dark = false } = {}) {
    const context = await this.browser.createBrowserContext();
    const page = await context.newPage();
    await page.setViewport(viewport);
    await page.setJavaScriptEnabled(scripts);
    await page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: dark ? "dark" : "light" },
      { name: "prefers-reduced-motion", value: "reduce" },
    ]);
    page.problems = [];
    page.on("console", (entry) => {
      if (["error", "warn"].includes(entry.type())) page.problems.push(`${entry.type()}: ${entry.text()} (${entry.location().url})`);
    });
    page.on("pageerror", (error) => page.problems.push(`page: ${error.message}`));
    page.on("requestfailed", (request) => {
      // A request that a policy blocked before it was sent fails without an error.
      if (!isOwn(this, request.url()) && request.failure()) page.problems.push(`request: ${request.url()} ${request.failure().errorText}`);
    });
    page.on("requestfinished", (request) => isOwn(this, request.url()) || page.problems.push(`request: ${request.url()}`));
    page.on("framenavigated", (frame) => (this.at = frame.url()));
    return page;
  }

  // The same, signed in on the sign-in page.
  async signedIn(options) {
    const page = await this.visitor(options);
    await page.goto(`${this.inboxUrl}/login`);
    await page.type("[name=email]", this.email);
    await page.type("[name=password]", this.password);
    await Promise.all([page.waitForNavigation(), page.click("form button")]);
    return page;
  }
}
