// axe-core finds no violation in any state of the inbox, on a desktop and on a phone, light and dark. At 640 x 400 the
// desktop is what 200 % of zoom makes of 1280 x 800.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { violations } from "./axe.mjs";
import { createFirstKey, openFirstRun, states } from "./states.mjs";
import { World, desktop, phone } from "./world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());

const zoomed = { width: 640, height: 400, deviceScaleFactor: 2 };
const sizes = [["a desktop, light", desktop, false], ["a phone, dark", phone, true], ["a desktop with large zoom, dark", zoomed, true], ["a phone, light", phone, false]];

for (const [size, viewport, dark] of sizes) {
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
