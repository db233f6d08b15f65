// axe-core finds no violation on any page, light on a desktop and dark on a phone.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { violations } from "./axe.mjs";
import { fillWorld, waitUntilRendered } from "./everything.mjs";
import { World, desktop, phone } from "./world.mjs";

let world;
let pages;
before(async () => {
  world = await World.start();
  pages = await fillWorld(world);
});
after(() => world.stop());

const sizes = [["a desktop, light", desktop, false], ["a phone, dark", phone, true]];

for (const [size, viewport, dark] of sizes) {
  test(`no page has an accessibility violation on ${size}`, async () => {
    const page = await world.signedIn({ viewport, dark });
    await page.setBypassCSP(true); // axe itself is not part of the page
    const found = [];
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(world.inboxUrl + path);
      await waitUntilRendered(page);
      await page.$$eval("details", (all) => all.forEach((it) => (it.open = true)));
      found.push(...(await violations(page, name)));
      if (name === "media") assert.deepEqual(await page.$$eval(".attachment > :first-child", (all) => all.map((it) => it.tagName)), ["IFRAME", "AUDIO", "VIDEO"]);
    }
    await page.browserContext().close();
    assert.deepEqual(found, []);
  });
}
