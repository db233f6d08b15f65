// axe-core finds no violation on any page, light on a desktop and dark on a phone.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { fillWorld, waitUntilRendered } from "./everything.mjs";
import { World, desktop, phone } from "./world.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
let world;
let pages;
before(async () => {
  world = await World.start();
  pages = await fillWorld(world);
});
after(() => world.stop());

for (const [size, viewport, dark] of [["a desktop, light", desktop, false], ["a phone, dark", phone, true]]) {
  test(`no page has an accessibility violation on ${size}`, async () => {
    const page = await world.signedIn({ viewport, dark });
    await page.setBypassCSP(true); // axe itself is not part of the page
    const found = [];
    for (const [name, path] of Object.entries(pages)) {
      await page.goto(world.inboxUrl + path);
      await waitUntilRendered(page);
      await page.$$eval("details", (all) => all.forEach((it) => (it.open = true)));
      await page.evaluate(axe);
      const { violations } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"], iframes: false }));
      found.push(...violations.flatMap((it) => it.nodes.map((node) => `${name}: ${it.id}: ${node.target} ${node.failureSummary.replaceAll("\n", " ")}`)));
      if (name === "media") assert.deepEqual(await page.$$eval(".attachment > :first-child", (all) => all.map((it) => it.tagName)), ["IFRAME", "AUDIO", "VIDEO"]);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) found.push(`${name}: wider than the screen by ${wide} px`);
    }
    assert.deepEqual(found, []);
  });
}
