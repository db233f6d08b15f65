// Hostile content of agents and people is only shown: nothing of it runs on any page or in any frame.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { World } from "./world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop()); // fails if any other host was requested

const run = "top.hacked=1;window.hacked=1";
const payloads = [
  `<script>${run}</script>`,
  `<img src=x onerror="${run}">`,
  `<svg onload="${run}"><animate onbegin="${run}" attributeName=x></svg>`,
  `"><iframe srcdoc="<script>${run}</script>"></iframe>`,
  `[a](javascript:${run})`,
  `![a](javascript:${run})`,
  `<a href="javascript:${run}">link</a>`,
  `[b](data:text/html,<script>${run}</script>)`,
  `<form action="https://evil.example"><button>Send</button></form>`,
  `![pixel](https://evil.example/pixel.png)`,
  `<style>@import "https://evil.example/a.css"; body { display: none }</style>`,
  `<link rel=stylesheet href=https://evil.example/a.css><base href=https://evil.example/><meta http-equiv=refresh content="0;url=https://evil.example/">`,
  `</textarea></template></title></noscript><script>${run}</script>`,
  `\`\`\`html\n<script>${run}</script>\n\`\`\``,
  `<details open ontoggle="${run}"><summary>x</summary></details>`,
  `<math><mtext><table><mglyph><style><!--</style><img src onerror="${run}">`,
  `{{constructor.constructor('${run}')()}} \${${run}}`,
  `<div hx-get="https://evil.example/" hx-trigger="load" hx-on:load="${run}" data-hx-get="https://evil.example/"></div>`,
];
const everything = payloads.join("\n\n");

test("hostile texts, names, files and metadata are shown and do nothing", async () => {
  const files = [
    await world.file(`<img src=x onerror=${run}>.html`, "text/html", `<script>${run}</script><img src=https://evil.example/a.png>${everything}`),
    await world.file("picture.svg", "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg" width="50" height="50" onload="${run}"><script>${run}</script><image href="https://evil.example/a.png"/></svg>`),
    await world.file('"><script>.md', "text/markdown", everything),
    await world.file("table.csv", "text/csv", payloads.map((it) => `"${it.replaceAll('"', '""')}"`).join("\n")),
    await world.file("page.xhtml", "application/xhtml+xml", `<html xmlns="http://www.w3.org/1999/xhtml"><script>${run}</script></html>`),
    await world.file("code.js", "text/plain", everything),
  ];
  const name = `<img src=x onerror="${run}">`;
  await world.owner("PATCH", `/api/agents/${world.channelId}`, { name, description: everything.slice(0, 1900), tag: "<script>top.hacked=1</script>", avatarUrl: "https://evil.example/avatar.png" });
  await world.agent("POST", "/api/v1/status/ping", { agentId: world.channelId, status: "busy", message: name });
  await world.agent("PUT", `/api/v1/agents/${world.channelId}/commands`, { commands: [{ command: name.slice(0, 60), description: name }] });
  const types = [
    { type: "approval", payload: { options: payloads.slice(0, 9).map((label, n) => ({ id: `${label}${n}`, label })) } },
    { type: "selection", payload: { mode: "multi", items: payloads.map((label, n) => ({ id: `${n}`, label, description: label })) } },
    { type: "form", payload: { submitLabel: name, dismissLabel: name, fields: payloads.map((label, n) => ({ name: `${label}${n}`.slice(0, 250), type: n % 2 ? "text" : "textarea", label, description: label, placeholder: label, defaultValue: label })).concat([{ name: "s", type: "select", options: payloads }]) } },
    { type: "text-input", payload: { markdown: true, prefill: everything, placeholder: name } },
    { type: `<script>${run}</script>`.slice(0, 60), payload: { a: everything } },
  ];
  const ids = [];
  for (const review of types) {
    const metadata = { plugin: name, [name]: everything, "__proto__": { x: name } };
    ids.push((await world.send({ text: everything, metadata, review, ...(ids.length ? {} : { attachmentIds: files.map((it) => it.id) }) })).id);
  }
  await world.owner("POST", `/api/messages/${ids[1]}/respond`, { response: { selectedIds: ["0"] }, feedback: everything });
  await world.send({ text: everything, iterationOf: ids[1], review: { type: "approval" } });
  await world.owner("POST", "/api/messages", { channelId: world.channelId, text: everything });

  const page = await world.signedIn();
  let dialogs = 0;
  page.on("dialog", (it) => (dialogs += 1, it.dismiss()));
  const paths = ["/", "/?tab=completed", `/?q=${encodeURIComponent(everything)}`, ...ids.map((id) => `/reviews/${id}`), "/channels", `/channels/${world.channelId}`, `/channels/${world.channelId}?q=${encodeURIComponent(name)}`, "/files", ...files.map((it) => `/files/${it.id}`), ...files.map((it) => `/files/${it.id}/frame`), ...files.map((it) => `/api/files/${it.id}/download`), "/status", "/logs", "/settings", "/settings/keys", "/settings/agents", `/settings/agents/${world.channelId}`, "/settings/users", "/settings/plugins", `/login?next=${encodeURIComponent(`javascript:${run}`)}`, "/login?next=//evil.example"];
  for (const path of paths) {
    await page.goto(world.inboxUrl + path, { waitUntil: "load" }).catch((error) => {
      if (!/ERR_ABORTED/.test(error.message)) throw error; // a download
    });
    await page.evaluate(() => Promise.all([...document.images].map((it) => it.decode().catch(() => {}))));
    for (const frame of page.frames()) {
      // Evaluating in a frame that was removed meanwhile fails at once.
      const found = await Promise.resolve().then(() => frame.evaluate(() => [window.hacked, document.querySelectorAll("[onerror], [onload], [ontoggle], a[href^='javascript:' i], a[href^='data:' i]").length].join())).catch(() => ",0");
      const isFile = /\/(frame|download)$/.test(frame.url());
      assert.match(found, isFile ? /^,/ : /^,0$/, `${path} ${frame.url()}`);
    }
    assert.equal(new URL(page.url()).origin, world.inboxUrl, path);
  }
  assert.equal(dialogs, 0);
  // Browsers report what sandbox and policy refuse inside the frames of files.
  const problems = page.problems.filter((it) => !/sandboxed|Content Security Policy|404|400/.test(it));
  assert.deepEqual(problems, []);
});

test("the sign-in page redirects to no other site", async () => {
  for (const next of ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)"]) {
    const page = await world.visitor();
    await page.goto(`${world.inboxUrl}/login?next=${encodeURIComponent(next)}`);
    await page.type("[name=email]", world.email);
    await page.type("[name=password]", world.password);
    await Promise.all([page.waitForNavigation(), page.click("form button")]);
    assert.equal(page.url(), `${world.inboxUrl}/`);
    await page.browserContext().close();
  }
});
