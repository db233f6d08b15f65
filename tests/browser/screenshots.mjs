// Screenshots of every page and of every state of the inbox, on a desktop and on a phone, light and dark.
// SIZES=1920x1080,360x640 takes other sizes, ONLY=states only the states.
import { mkdirSync, rmSync } from "node:fs";
import { fillWorld, waitUntilRendered } from "./everything.mjs";
import { shapes } from "./shapes.mjs";
import { createFirstKey, openFirstRun, states } from "./states.mjs";
import { World, desktop, phone } from "./world.mjs";

const folder = new URL("screenshots/", import.meta.url).pathname;
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder);

function sizeOf(text) {
  const [width, height] = text.split("x").map(Number);
  return [text, width < 900 ? { ...phone, width, height } : { width, height }];
}

const sizes = process.env.SIZES ? process.env.SIZES.split(",").map(sizeOf) : Object.entries({ desktop, phone });
const world = await World.start();
let users = 0;

async function takeStates(viewport, dark, save) {
  const signedIn = await world.signedIn({ viewport, dark });
  for (const [name, reach] of Object.entries(states)) {
    const page = await signedIn.browserContext().newPage();
    await page.setViewport(viewport);
    await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
    await reach(world, page);
    await save(page, name.replaceAll(" ", "-"));
    await page.close();
  }
  await signedIn.browserContext().close();
  const first = await openFirstRun(world, { viewport, dark }, `new-${(users += 1)}@example.com`);
  await save(first, "first-run");
  await createFirstKey(first);
  await save(first, "first-run-waiting");
  await first.browserContext().close();
}

try {
  const pages = { ...(await fillWorld(world)), ...(await shapes.fillWorld(world)) };
  for (const [size, viewport] of sizes) {
    for (const dark of [false, true]) {
      const save = (page, name) => page.screenshot({ path: `${folder}${name}-${size}-${dark ? "dark" : "light"}.png` });
      if (process.env.ONLY !== "states") {
        const page = await world.signedIn({ viewport, dark });
        for (const [name, path] of Object.entries(pages)) {
          await page.goto(world.inboxUrl + path);
          await waitUntilRendered(page);
          await save(page, name);
        }
        await page.browserContext().close();
      }
      await takeStates(viewport, dark, save);
    }
  }
} finally {
  await world.stop();
}
console.log(`The screenshots are in ${folder}`);
