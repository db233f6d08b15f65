// HTML files of agents: however a person opens one, it is shown or saved but runs nothing, at the
// inbox's origin and at that of storage.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { World } from "./world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop()); // fails if any other host was requested

// A page whose script changes its title and tries to answer a review.
const script = (id) => `<!doctype html><title>Report</title><script>
document.title = "RAN";
for (const origin of [location.origin, ${JSON.stringify(world.url)}, ${JSON.stringify(world.inboxUrl)}]) {
  for (const path of ["/api/messages/${id}/respond", "/reviews/${id}"]) {
    fetch(origin + path, { method: "POST", mode: "no-cors", credentials: "include", headers: { "Content-Type": "text/plain" }, body: '{"response":{"selectedOption":"approve"}}' });
  }
}
new Image().src = ${JSON.stringify(world.url)} + "/ran";
</script><p>The report.</p>`;

const status = async (id) => (await world.agent("GET", `/api/v1/reviews/${id}?channel=${world.channelId}`)).review.status;

// Uploads a file directly to storage, because it is too large for a request to the service.
async function uploadDirectly(filename, mimeType, text) {
  const bytes = new TextEncoder().encode(text.padEnd(4_600_000));
  const { attachment, upload } = await world.agent("POST", "/api/v1/files/presign", { channelId: world.channelId, filename, mimeType, size: bytes.length });
  const put = await fetch(upload.url, { method: upload.method, headers: upload.headers, body: bytes });
  assert.ok(put.ok, `${put.status} ${await put.text()}`);
  return attachment;
}

test("small files and files served by storage run nothing, under any type that browsers run", async () => {
  const { id } = await world.send({ text: "May I?", review: { type: "approval" } });
  const svg = script(id).replace("<!doctype html><title>Report</title>", '<svg xmlns="http://www.w3.org/2000/svg"><title>Report</title>').replace("<p>The report.</p>", "</svg>");
  const files = [
    await world.file("report.html", "text/html", script(id)),
    await world.file("report.svg", "image/svg+xml", svg),
    await world.file("report.xhtml", "application/xhtml+xml", script(id)),
    await uploadDirectly("large.html", "text/html", script(id)),
    await uploadDirectly("large.htm", "TEXT/HTML; charset=utf-8", script(id)),
    await uploadDirectly("large.svg", "image/svg+xml", svg),
    await uploadDirectly("large.xml", "application/xml", svg),
  ];
  const message = await world.send({ text: "The reports", attachmentIds: files.map((it) => it.id), review: { type: "approval" } });
  const page = await world.signedIn();
  const requests = [];
  page.on("request", (request) => requests.push(`${request.method()} ${request.url()}`));
  const open = async (url) => {
    await page.goto(url, { waitUntil: "load" }).catch((error) => {
      if (!/ERR_ABORTED/.test(error.message)) throw error; // a download
    });
    assert.notEqual(await page.title(), "RAN", url);
  };
  await open(`${world.inboxUrl}/reviews/${message.id}`);
  for (const file of files) {
    for (const path of [`/files/${file.id}`, `/files/${file.id}/frame`, `/api/files/${file.id}/download`]) await open(world.inboxUrl + path);
    const { url } = await world.owner("GET", `/api/files/${file.id}/share`);
    await open(url);
    // Files served by storage at its own origin.
    const answer = await fetch(`${world.url}/api/v1/files/${file.id}/download`, { headers: { Authorization: `Bearer ${world.apiKey}` }, redirect: "manual" });
    if (answer.status === 302) await open(answer.headers.get("location"));
  }
  assert.deepEqual(requests.filter((it) => it.startsWith("POST") || it.endsWith("/ran")), []);
  assert.equal(await status(id), "pending");
  await page.browserContext().close();
});
