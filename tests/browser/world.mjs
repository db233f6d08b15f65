// A running service with an owner, their agent, and a real browser in front of it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const runner = new URL("../../target/debug/placet-local", import.meta.url).pathname;
const chromium = process.env.CHROMIUM ?? "/usr/bin/chromium";

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

// Also its storage, on a port of its own, and what is no request.
function isOwn(world, url) {
  const { hostname, protocol } = new URL(url);
  return ["127.0.0.1", new URL(world.inboxUrl).hostname].includes(hostname) || ["data:", "blob:", "about:", "chrome-extension:", "chrome:"].includes(protocol);
}

export const phone = { width: 360, height: 740, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
export const desktop = { width: 1280, height: 800 };

export class World {
  // Starts the local runner on storage of its own; `options` are the runner's.
  static async start(...options) {
    const world = new World();
    const port = await freePort();
    world.process = spawn(runner, ["--ephemeral", "--json", "--port", String(port), ...options], { stdio: ["ignore", "pipe", "inherit"] });
    world.exited = once(world.process, "exit");
    try {
      await world.open();
    } catch (error) {
      // What is left running would keep this process from ending.
      world.process.kill();
      world.trap?.close();
      throw error;
    }
    return world;
  }

  async open() {
    const [line] = await once(createInterface({ input: this.process.stdout }), "line");
    Object.assign(this, JSON.parse(line));
    // What hostile content names is this server: whoever asks it was not held back.
    this.strangers = [];
    const trap = (this.trap = createServer((socket) => {
      this.strangers.push(this.at);
      socket.destroy();
    }));
    await once(trap.listen(0, "127.0.0.1"), "listening");
    this.browser = await puppeteer.launch({
      executablePath: chromium,
      args: ["--no-sandbox", "--disable-dev-shm-usage", `--host-resolver-rules=MAP *.example 127.0.0.1:${trap.address().port}`],
    });
  }

  // Ends all, and tells whether any page asked another host.
  async stop() {
    try {
      await this.browser?.close();
    } finally {
      this.trap.close();
      this.process.kill();
    }
    await this.exited;
    assert.deepEqual(this.strangers, []);
  }

  // A call of the agents' API by the agent.
  async agent(method, path, body, expected = [200, 201]) {
    const form = body instanceof FormData;
    const answer = await fetch(this.url + path, {
      method,
      headers: { Authorization: `Bearer ${this.apiKey}`, ...(body && !form ? { "Content-Type": "application/json" } : {}) },
      body: form ? body : body && JSON.stringify(body),
    });
    const said = await answer.json();
    if (!expected.includes(answer.status)) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(said)}`);
    return said;
  }

  // Sends a message in the agent's channel.
  async send(message) {
    return this.agent("POST", "/api/v1/messages", { channelId: this.channelId, ...message });
  }

  // Stores a file of the agent's, to be attached.
  async file(filename, mimeType, bytes) {
    const form = new FormData();
    form.set("channelId", this.channelId);
    form.set("file", new Blob([bytes], { type: mimeType }), filename);
    return this.agent("POST", "/api/v1/files/store", form);
  }

  async wait(id, timeout = 25_000) {
    return this.agent("GET", `/api/v1/reviews/${id}/wait?channel=${this.channelId}&timeout=${timeout}`);
  }

  // A call of the people's API by the owner.
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
    const said = await answer.json();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(said)}`);
    return said;
  }

  // A browser of its own: cookies, storage and cache of nobody else's. What its pages complain
  // about is kept in `complaints`.
  async visitor({ viewport = desktop, scripts = true, dark = false } = {}) {
    const context = await this.browser.createBrowserContext();
    const page = await context.newPage();
    await page.setViewport(viewport);
    await page.setJavaScriptEnabled(scripts);
    await page.emulateMediaFeatures([
      { name: "prefers-color-scheme", value: dark ? "dark" : "light" },
      { name: "prefers-reduced-motion", value: "reduce" },
    ]);
    page.complaints = [];
    page.on("console", (said) => {
      if (["error", "warn"].includes(said.type())) page.complaints.push(`${said.type()}: ${said.text()} (${said.location().url})`);
    });
    page.on("pageerror", (error) => page.complaints.push(`page: ${error.message}`));
    page.on("requestfailed", (request) => {
      // One that a policy held back, before it left, failed without an error.
      if (!isOwn(this, request.url()) && request.failure()) page.complaints.push(`request: ${request.url()} ${request.failure().errorText}`);
    });
    page.on("requestfinished", (request) => isOwn(this, request.url()) || page.complaints.push(`request: ${request.url()}`));
    page.on("framenavigated", (frame) => (this.at = frame.url()));
    return page;
  }

  // The same, signed in through the sign-in page.
  async signedIn(options) {
    const page = await this.visitor(options);
    await page.goto(`${this.inboxUrl}/login`);
    await page.type("[name=email]", this.email);
    await page.type("[name=password]", this.password);
    await Promise.all([page.waitForNavigation(), page.click("form button")]);
    return page;
  }
}
