// The page of files.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { phone, World } from "./world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

const names = (page) => page.$$eval(".file .name", (all) => all.map((it) => it.textContent));

test("a file can be dropped, previewed and shared", async () => {
  const page = await world.signedIn();
  await page.goto(`${world.inboxUrl}/files`);
  await page.waitForSelector("#upload:not([hidden])");
  await page.evaluate(() => {
    const files = new DataTransfer();
    files.items.add(new File(["# A *plan*"], "plan.md", { type: "text/markdown" }));
    for (const kind of ["dragenter", "dragover", "drop"]) document.body.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
  });
  await page.waitForFunction(() => document.querySelector(".file .name")?.textContent === "plan.md");
  await page.click(".file .name");
  await page.waitForSelector("#preview[open] .md h1 em");
  await page.click("#preview [data-share]");
  const link = await page.waitForFunction(() => document.querySelector("#preview .share input")?.value);
  const shared = await fetch(await link.jsonValue());
  assert.deepEqual([shared.status, await shared.text()], [200, "# A *plan*"]);
  assert.deepEqual(page.problems, []);
});

test("files can be found, selected, downloaded together and deleted", async () => {
  for (const name of ["one.txt", "two.txt"]) await world.file(name, "text/plain", name);
  await world.file("dot.svg", "image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  const page = await world.signedIn();
  page.on("dialog", (it) => it.accept());
  await page.goto(`${world.inboxUrl}/files?type=image`);
  assert.deepEqual(await names(page), ["dot.svg"]);
  await page.goto(`${world.inboxUrl}/files?view=list`);
  await page.type("[name=q]", "TXT");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  assert.deepEqual((await names(page)).sort(), ["one.txt", "two.txt"]);
  for (const box of await page.$$("[data-pick]")) await box.click();
  const zip = page.waitForResponse((it) => it.url().endsWith("/api/files/bulk-download"));
  await page.click("#download-chosen");
  assert.ok((await zip).ok());
  await page.click("#delete-chosen");
  await page.waitForFunction(() => document.querySelectorAll(".file").length === 0);
  const left = (await world.owner("GET", "/api/files")).data.map((it) => it.filename);
  assert.ok(left.includes("dot.svg") && !left.includes("one.txt"));
  assert.deepEqual(page.problems, []);
});

test("a long text shows its first part, then all of it", async () => {
  const lines = Array.from({ length: 9000 }, (_, n) => `line ${n}`).join("\n");
  const { id: file } = await world.file("big.log", "text/plain", lines);
  const page = await world.signedIn(phone);
  await page.goto(`${world.url}/files/${file}`);
  const text = () => page.$eval("pre.sheet", (it) => it.textContent);
  assert.ok((await text()).includes("line 100\n") && !(await text()).includes("line 8999"));
  const notice = await page.$eval("[data-cut]", (it) => it.innerText);
  assert.match(notice, /^The first 64 KiB of 88\.9 kB are shown\. Show all Download the file$/);
  await Promise.all([page.waitForNavigation(), page.click("[data-cut] a")]);
  assert.equal(await text(), lines);
  assert.equal(await page.$("[data-cut]"), null);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  assert.deepEqual(page.problems, []);
});

test("a picture that browsers cannot show is a link in its message and in the list of files", async () => {
  const { id: file } = await world.file("photo.heic", "image/heic", "\0\0\0\x18ftypheic");
  const sent = await world.agent("POST", "/api/v1/messages", { channelId: world.channelId, text: "![the photo](photo.heic)", attachmentIds: [file], review: { type: "approval" } });
  const page = await world.signedIn();
  for (const path of [`/reviews/${sent.id}`, `/files/${file}`, "/files?type=image"]) {
    await page.goto(world.url + path);
    const broken = await page.$$eval("main img", (all) => all.filter((it) => it.complete && it.naturalWidth === 0).length);
    assert.equal(broken, 0, path);
  }
  await page.goto(`${world.url}/reviews/${sent.id}`);
  assert.match(await page.$eval(`#file-${file} figcaption`, (it) => it.textContent), /photo\.heic\s+12 bytes · image\/heic/);
  assert.deepEqual(page.problems, []);
});
