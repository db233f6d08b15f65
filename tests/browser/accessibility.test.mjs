// axe-core finds no violation on any page and in any state of the inbox, light on a desktop and dark on a phone; the
// states also the other way round. Nothing is wider than the screen, with large zoom either.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { fillWorld, waitUntilRendered } from "./everything.mjs";
import { createFirstKey, openFirstRun, states } from "./states.mjs";
import { World, desktop, phone } from "./world.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
let world;
let pages;
before(async () => {
  world = await World.start();
  pages = await fillWorld(world);
});
after(() => world.stop());

// What is wrong with the page as it is shown, in sentences.
async function violations(page, name) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate((rules) => axe.run(document, { runOnly: rules, iframes: false }), RULES);
  const found = violations.flatMap((it) => it.nodes.map((node) => `${name}: ${it.id}: ${node.target} ${node.failureSummary.replaceAll("\n", " ")}`));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return wide > 0 ? [...found, `${name}: wider than the screen by ${wide} px`] : found;
}

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

for (const [size, viewport, dark] of [...sizes, ["a desktop, dark", desktop, true], ["a phone, light", phone, false]]) {
  test(`no state of the inbox has an accessibility violation on ${size}`, async () => {
    const signedIn = await world.signedIn({ viewport, dark });
    const found = [];
    for (const [name, reach] of Object.entries(states)) {
      const page = await signedIn.browserContext().newPage();
      await page.setViewport(viewport);
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }, { name: "prefers-reduced-motion", value: "reduce" }]);
      await page.setBypassCSP(true);
      await reach(world, page);
      found.push(...(await violations(page, name)));
      await page.close();
    }
    await signedIn.browserContext().close();
    const first = await openFirstRun(world, { viewport, dark }, `first-${size.replace(/\W+/g, "-")}@example.com`);
    await first.setBypassCSP(true);
    await first.reload();
    await first.waitForSelector("#first-run:not([hidden])");
    found.push(...(await violations(first, "the first run")));
    await createFirstKey(first);
    found.push(...(await violations(first, "the first run, waiting")));
    await first.browserContext().close();
    assert.deepEqual(found, []);
  });
}
