// The files' page.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { World } from "./world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

const names = (page) => page.$$eval(".file .name", (all) => all.map((it) => it.textContent));

test("a file is dropped, previewed and shared", async () => {
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
  assert.deepEqual(page.complaints, []);
});

test("files are found, chosen, fetched together and deleted", async () => {
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
  assert.deepEqual(page.complaints, []);
});
