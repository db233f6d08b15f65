// The states of the inbox that a path alone does not lead to: each brings a signed-in page into one, and waits for it.
import { settled, shows } from "./pages.mjs";

const approval = (world, text, more = {}) => world.send({ text, review: { type: "approval", ...more } });

async function open(world, page, path) {
  await page.goto(world.inboxUrl + path);
  await page.waitForSelector("#main");
}

async function openApproval(world, page, text, more) {
  const { id } = await approval(world, text, more);
  await open(world, page, `/reviews/${id}`);
  await page.waitForSelector("#answer form");
  await settled(page);
  return id;
}

// Answers to requests that match are held back until the page is closed.
async function holdAnswers(page) {
  await page.setRequestInterception(true);
  page.on("request", (request) => request.method() === "POST" || request.continue());
}

async function setUndo(world, page, isOn) {
  await open(world, page, "/settings");
  await page.evaluate((isOn) => localStorage.setItem("placet:undo", String(isOn)), isOn);
}

async function choose(world, page, count) {
  await open(world, page, "/?q=together");
  await page.waitForSelector("[data-row][data-options]");
  await page.focus("[data-row][data-options]");
  await page.keyboard.press("x");
  for (let n = 1; n < count; n += 1) await page.keyboard.press("J");
  await shows(page, "#bulk-count", `${count} chosen`);
}

export const states = {
  "an answer that can be undone": async (world, page) => {
    await setUndo(world, page, true);
    await openApproval(world, page, "May this be undone?");
    await page.$eval("[value=approve]", (it) => it.click());
    await shows(page, "#undo", "Sending in");
  },
  "an answer on its way": async (world, page) => {
    await setUndo(world, page, false);
    await openApproval(world, page, "Is this on its way?");
    await holdAnswers(page);
    await page.$eval("[value=approve]", (it) => it.click());
    await shows(page, "#answer .pressed", "Sending");
  },
  "an answer that may be lost": async (world, page) => {
    await openApproval(world, page, "Did this arrive?");
    await page.setRequestInterception(true);
    page.on("request", (request) => (request.method() === "POST" || request.url().includes("/reviews/") ? request.abort("internetdisconnected") : request.continue()));
    await page.$eval("[value=approve]", (it) => it.click());
    await page.waitForSelector("#answer .problem:not([hidden])");
  },
  "a refused answer": async (world, page) => {
    const { id } = await world.send({ text: "How many?", review: { type: "form", payload: { fields: [{ name: "count", type: "number", label: "Count", required: true, max: 3 }] } } });
    await open(world, page, `/reviews/${id}`);
    await page.$eval("#answer form", (it) => (it.noValidate = true));
    await page.type("#answer input", "9");
    await page.evaluate(() => HTMLFormElement.prototype.submit.call(document.querySelector("#answer form")));
    await page.waitForSelector("#answer .problem:not([hidden])");
  },
  "an answer": async (world, page) => {
    await openApproval(world, page, "Was this answered?");
    await page.$eval("[value=reject]", (it) => it.click());
    await page.waitForSelector("#answer .outcome");
    await settled(page);
  },
  "a part that takes no presses yet": async (world, page) => {
    await openApproval(world, page, "Is this settling?");
    await page.$eval("#pane", (it) => (it.dataset.settling = ""));
  },
  "a request withdrawn while somebody writes": async (world, page) => {
    const id = await openApproval(world, page, "Is this still wanted?");
    await page.type(".decision-bar textarea", "I think");
    await world.agent("DELETE", `/api/v1/messages/${id}?channel=${world.channelId}`);
    await page.waitForSelector("#withdrawn");
  },
  "several chosen requests": async (world, page) => {
    for (let n = 0; n < 3; n += 1) await approval(world, `Together ${n}`);
    await choose(world, page, 3);
  },
  "chosen requests of different options": async (world, page) => {
    await approval(world, "Together, otherwise", { payload: { options: ["Yes", "No"] } });
    await choose(world, page, 2);
    await shows(page, "#bulk-result", "different options");
  },
  "results of several answers": async (world, page) => {
    for (let n = 0; n < 2; n += 1) await approval(world, `Together again ${n}`);
    await open(world, page, "/?q=together+again");
    await page.waitForSelector("[data-row][data-options]");
    await page.focus("[data-row]");
    for (const key of ["x", "J"]) await page.keyboard.press(key);
    await page.waitForSelector("#bulk-options button");
    await page.$eval("#bulk-options button", (it) => it.click());
    await shows(page, "#bulk-result", "2 Approve");
  },
  "requests hidden until later": async (world, page) => {
    const id = await openApproval(world, page, "Can this wait?");
    await page.click("[data-later] summary");
    await page.click("[data-hide-for=hour]");
    await page.waitForFunction((id) => document.getElementById(`row-${id}`)?.closest("li").hidden, {}, id);
    await page.waitForFunction((id) => document.getElementById("review")?.dataset.review !== id, {}, id);
    await settled(page);
    await page.$eval("#later-count", (it) => it.click());
  },
  "new requests that wait behind a button": async (world, page) => {
    const name = `Arriving ${Date.now()}`;
    const { id } = await approval(world, `${name} first`);
    await open(world, page, `/?q=${encodeURIComponent(name)}`);
    await page.focus(`#row-${id}`);
    for (let n = 0; n < 2; n += 1) await approval(world, `${name} ${n}`);
    await shows(page, "#new-rows", "2 new");
  },
  "the keyboard shortcuts": async (world, page) => {
    await open(world, page, "/");
    await page.keyboard.press("?");
    await page.waitForSelector("#keys[open]");
  },
  "the history": (world, page) => open(world, page, "/?tab=decided"),
  "an open request of the history": async (world, page) => {
    await open(world, page, "/?tab=decided");
    await page.$eval("[data-row]", (it) => it.click());
    await page.waitForSelector("#answer .outcome");
    await settled(page);
  },
  "a search in the history": (world, page) => open(world, page, "/?tab=completed&q=undone&from=2026-01-01"),
  "a history without matches": (world, page) => open(world, page, "/?tab=expired&q=nothing"),
  "a list without matches": (world, page) => open(world, page, "/?q=nothing+of+the+kind"),
  "a view without requests": (world, page) => open(world, page, "/?type=selection&q="),
};

// Signs a new person in, who has no agent yet: the first run.
export async function openFirstRun(world, options, email) {
  const made = await world.owner("POST", "/api/users", { email, displayName: "New", role: "member" });
  const page = await world.visitor(options);
  await page.goto(`${world.inboxUrl}/login`);
  await page.type("[name=email]", email);
  await page.type("[name=password]", made.temporaryPassword);
  await Promise.all([page.waitForNavigation(), page.click("form button")]);
  await page.type("[name=current]", made.temporaryPassword);
  await page.type("[name=new]", "a password of my own");
  await page.type("[name=again]", "a password of my own");
  await Promise.all([page.waitForNavigation(), page.click(".primary")]);
  await page.waitForSelector("#first-run:not([hidden])");
  return page;
}

export async function createFirstKey(page) {
  await page.type("#first-run [name=name]", "Deployer");
  await page.click("#first-run .primary");
  await page.waitForSelector("#first-run-call:not([hidden])");
}
