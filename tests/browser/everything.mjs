// Fills a service with data of every kind, and lists the pages that show it.
import { deflateSync } from "node:zlib";

// A small picture of a rising line.
function chart() {
  const [width, height] = [320, 120];
  const rows = Buffer.alloc((width * 3 + 1) * height, 0xee);
  for (let y = 0; y < height; y += 1) rows[y * (width * 3 + 1)] = 0;
  for (let x = 0; x < width; x += 1) {
    const top = Math.round(100 - 80 * (x / width) + 8 * Math.sin(x / 14));
    for (let y = top; y < height; y += 1) rows.set(y < top + 3 ? [0x2f, 0x5f, 0xd0] : [0xc9, 0xd8, 0xf8], y * (width * 3 + 1) + 1 + x * 3);
  }
  const crc = (bytes) => {
    let sum = 0xffffffff;
    for (const byte of bytes) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
    }
    return (sum ^ 0xffffffff) >>> 0;
  };
  const chunk = (name, data) => {
    const body = Buffer.concat([Buffer.from(name), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

// A second of a falling tone.
function sound() {
  const [rate, samples] = [8_000, 8_000];
  const bytes = Buffer.alloc(44 + samples, 128);
  bytes.write("RIFF", 0);
  bytes.writeUInt32LE(36 + samples, 4);
  bytes.write("WAVEfmt ", 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(1, 22);
  bytes.writeUInt32LE(rate, 24);
  bytes.writeUInt32LE(rate, 28);
  bytes.writeUInt16LE(1, 32);
  bytes.writeUInt16LE(8, 34);
  bytes.write("data", 36);
  bytes.writeUInt32LE(samples, 40);
  for (let n = 0; n < samples; n += 1) bytes[44 + n] = 128 + 60 * Math.sin((n * (700 - n / 20)) / rate);
  return bytes;
}

const PDF = `%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 120]/Contents 4 0 R/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj
4 0 obj<</Length 44>>stream
BT /F 20 Tf 40 60 Td (The signed offer) Tj ET
endstream endobj
trailer<</Root 1 0 R>>
`;

// Fills the service; returns the paths of its pages by name.
export async function fillWorld(world) {
  const channel = world.channelId;
  await world.owner("PATCH", `/api/agents/${channel}`, { name: "Release bot", description: "Asks before anything reaches customers", tag: "ci" });
  await world.agent("POST", "/api/v1/status/ping", { agentId: channel, status: "active" });
  await world.agent("POST", "/api/v1/status/ping", { agentId: channel, status: "busy", message: "Running the integration tests" });
  const other = await world.owner("POST", "/api/agents", { name: "Support triage", description: "Sorts what customers write" });
  await world.agent("PUT", `/api/v1/agents/${channel}/commands`, { commands: [{ command: "deploy", description: "Deploys a branch", acceptsArgs: true, argHint: "<branch>" }, { command: "status", description: "Says how it is" }] });
  const files = {
    chart: await world.file("error-rate.png", "image/png", chart()),
    csv: await world.file("tenants.csv", "text/csv", "tenant,plan,seats,region\nAcme,team,12,eu\nGlobex,solo,1,us\nInitech,team,40,eu\n"),
    plan: await world.file("rollback.md", "text/markdown", "# Rolling back\n\n1. Flip the flag `tax-v2`.\n2. Redeploy **4.1.9**.\n\n> Takes four minutes."),
    code: await world.file("migration.sql", "application/sql", "ALTER TABLE invoices\n  ADD COLUMN tax_rule TEXT NOT NULL DEFAULT 'v1';\n"),
    html: await world.file("report.html", "text/html", "<h1 style='font-family:sans-serif'>Coverage 94 %</h1><p>Nothing new is untested.</p>"),
    pdf: await world.file("offer.pdf", "application/pdf", PDF),
    sound: await world.file("call.wav", "audio/wav", sound()),
    video: await world.file("demo.mp4", "video/mp4", Buffer.alloc(64)),
    log: await world.file("build.log", "text/plain", "compiling\nlinking\nok\n"),
  };
  const say = (message) => world.send(message);
  await say({ text: "Nightly build **812** is green.", status: "success", attachmentIds: [files.log.id] });
  await world.owner("POST", "/api/messages", { channelId: channel, text: "Thanks! What about the *tax rules*?" });
  await world.agent("POST", "/api/v1/messages/streams/tax/status", { channelId: channel, text: "Reading the change" });
  await world.agent("POST", "/api/v1/messages/streams/tax/status", { channelId: channel, text: "Comparing 40 invoices", toolHint: true });
  await say({ streamId: "tax", streamState: "streaming", text: "So far 38 of 40 invoices come out the same…" });
  await world.send({ channelId: other.id, text: "A customer asks for a refund of 1,900 €", review: { type: "approval", expiresInSeconds: 600, payload: { options: [{ id: "yes", label: "Refund", style: "primary" }, { id: "part", label: "Refund half" }, { id: "no", label: "Refuse", style: "danger" }] } } });
  const first = await say({ text: "Release note for 4.2:\nFaster invoices.\nNew tax rules.", review: { type: "approval" } });
  await world.owner("POST", `/api/messages/${first.id}/respond`, { response: { selectedOption: "reject", comment: "Say what customers have to do." } });
  const second = await say({ text: "Release note for 4.2:\nFaster invoices.\nNew tax rules: nothing to do, they apply from January.", iterationOf: first.id, review: { type: "approval" } });
  const gone = await say({ text: "Restart the worker?", review: { type: "approval", expiresInSeconds: 1 } });
  const selection = await say({ text: "Which tenants get 4.2 first?", review: { type: "selection", payload: { mode: "multi", items: [{ id: "a", label: "Acme", description: "12 seats, friendly" }, { id: "g", label: "Globex", description: "1 seat" }, { id: "i", label: "Initech", description: "40 seats, asked twice" }] } } });
  const types = ["text", "number", "email", "url", "textarea", "checkbox", "date", "time", "datetime", "range", "password"];
  const form = await say({ text: "When may the window be?", review: { type: "form", payload: { submitLabel: "Plan it", dismissLabel: "Not this week", fields: [...types.map((type) => ({ name: type, type, label: `A ${type}`, description: `What goes into a ${type}`, ...(type === "range" ? { min: 0, max: 10, unit: "h" } : {}) })), { name: "room", type: "select", label: "Region", options: ["eu", "us"], required: true }] } } });
  const input = await say({ text: "Write the note for the status page", review: { type: "text-input", payload: { markdown: true, prefill: "## Maintenance\n\nFrom **22:00** to 22:30 invoices are read-only.", maxLength: 500 } } });
  const free = await say({ text: "How should the retry go?", review: { type: "backoff", payload: { attempts: 3, base: "5s" } } });
  const plugin = await say({ text: "Where should it go?", metadata: { plugin: "form-answer", title: "Target", fields: [{ name: "host", label: "Host", type: "text", required: true }] }, review: { type: "freeform" } });
  const media = await say({ text: "Is this the offer that was agreed on the phone?", attachmentIds: [files.pdf.id, files.sound.id, files.video.id], review: { type: "approval" } });
  const approval = await say({
    text: "# Deploy **api 4.2** to production?\n\nTests are green, the migration was tried on a copy.\n\n| area | change |\n|--|--|\n| billing | new tax rules |\n| auth | none |\n\n- [x] migration dry-run\n- [ ] announced\n\n```sh\nmake deploy STAGE=production\n```\n\n![Error rate](error-rate.png)",
    status: "warning",
    attachmentIds: [files.chart.id, files.csv.id, files.plan.id, files.code.id, files.html.id],
    metadata: { build: 812, branch: "main" },
    review: { type: "approval", payload: { options: [{ id: "now", label: "Deploy now", style: "primary" }, { id: "night", label: "Tonight" }, { id: "no", label: "Do not deploy", style: "danger" }] } },
  });
  await world.wait(gone.id);
  await world.owner("POST", "/api/users", { email: "ben@example.com", displayName: "Ben Okri", role: "member" });
  await world.agent("GET", `/api/v1/reviews/nothing?channel=${channel}`, undefined, [404]);
  return {
    login: "/login",
    password: "/password",
    inbox: "/",
    answered: "/?tab=completed",
    expired: "/?tab=expired",
    withdrawn: "/?tab=cancelled",
    approval: `/reviews/${approval.id}`,
    selection: `/reviews/${selection.id}`,
    form: `/reviews/${form.id}`,
    text: `/reviews/${input.id}`,
    freeform: `/reviews/${free.id}`,
    plugin: `/reviews/${plugin.id}`,
    media: `/reviews/${media.id}`,
    version: `/reviews/${second.id}`,
    outcome: `/reviews/${first.id}`,
    "too-late": `/reviews/${gone.id}`,
    channels: "/channels",
    channel: `/channels/${channel}`,
    files: "/files",
    "files-list": "/files?view=list",
    file: `/files/${files.csv.id}`,
    status: "/status",
    "status-agent": `/status/${channel}`,
    logs: "/logs",
    settings: "/settings",
    notifications: "/settings/notifications",
    keys: "/settings/keys",
    agents: "/settings/agents",
    agent: `/settings/agents/${channel}`,
    users: "/settings/users",
    plugins: "/settings/plugins",
    docs: "/api/docs",
    missing: "/reviews/nothing",
  };
}

// Waits until a page is fully rendered.
export async function waitUntilRendered(page) {
  await page.waitForFunction(() => document.readyState === "complete" && [...document.images].every((it) => it.complete));
  const framed = await page.$("iframe[data-placet-plugin]");
  if (framed) {
    await page.waitForSelector("iframe[data-placet-plugin][src]");
    await (await framed.contentFrame()).waitForFunction(() => window.Placet?.message);
  }
  await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
}
