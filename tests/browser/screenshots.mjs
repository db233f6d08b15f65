// Screenshots of every page, on a desktop and on a phone, light and dark.
import { mkdirSync, rmSync } from "node:fs";
import { fillWorld, waitUntilRendered } from "./everything.mjs";
import { shapes } from "./shapes.mjs";
import { World, desktop, phone } from "./world.mjs";

const folder = new URL("screenshots/", import.meta.url).pathname;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);
const world = await World.start();
try {
  const pages = { ...(await fillWorld(world)), ...(await shapes.fillWorld(world)) };
  for (const [size, viewport] of Object.entries({ desktop, phone })) {
    for (const dark of [false, true]) {
      const page = await world.signedIn({ viewport, dark });
      for (const [name, path] of Object.entries(pages)) {
        await page.goto(world.inboxUrl + path);
        await waitUntilRendered(page);
        await page.screenshot({ path: `${folder}${name}-${size}-${dark ? "dark" : "light"}.png` });
      }
      await page.browserContext().close();
    }
  }
} finally {
  await world.stop();
}
console.log(`The screenshots are in ${folder}`);
