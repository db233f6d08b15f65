// From the list to the stored answer: how many taps, swipes and keys each kind of request takes, and how long the page
// takes for it. The table that is printed is that of the usability review.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { checkPages, checked, settled } from "./pages.mjs";
import { World, desktop, phone } from "./world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());
checkPages();

const large = { ...phone, width: 390, height: 844 };
const lines = (count, line) => Array.from({ length: count }, (_, n) => line(n)).join("\n");
const approval = (text, more = {}) => ({ text, review: { type: "approval", ...more } });
const records = Array.from({ length: 16 }, (_, n) => ({ id: `rec_${n}`, status: "closed", amount: n * 100, note: "Imported from the old system" }));
const items = Array.from({ length: 12 }, (_, n) => ({ id: `i${n}`, label: `Item ${n}`, description: "What it means" }));
const fields = Array.from({ length: 14 }, (_, n) => ({ name: `f${n}`, type: "text", label: `Field ${n}`, required: n < 2 }));

// Each job: its message; what is tapped after the row, and what is typed into what; the keys after `Enter` on the row.
const approve = { taps: ["[value=approve]"], keys: ["1", "Enter"] };
const jobs = {
  "approval (refund)": { ...approve, message: approval("Refund EUR 25 to Ada?") },
  "tool call, 2.7 KB": { ...approve, message: approval("May I run this tool?", { action: { name: "salesforce.bulk_update", args: { risk: "medium", records, target: "production" } } }) },
  "SQL migration": { ...approve, message: approval(`Migrate?\n\n\`\`\`sql\n${lines(20, (n) => `ALTER TABLE invoices ADD COLUMN a_rather_long_column_name_${n} integer NOT NULL DEFAULT 0;`)}\n\`\`\``) },
  "deploy with diff": { ...approve, message: approval(`Deploy?\n\n\`\`\`diff\n${lines(60, (n) => `+ line ${n} of the change`)}\n\`\`\``) },
  "long proposal": { ...approve, message: approval(lines(120, (n) => `Paragraph ${n} of a long proposal.\n`)) },
  "choice of 12, three of them": {
    message: { text: "Which three?", review: { type: "selection", payload: { mode: "multi", items } } },
    taps: ["[value=i0]", "[value=i1]", "[value=i2]", ".decision-bar .primary"],
    keys: ["1", "2", "3", "Control+Enter"],
  },
  "form of 14, two required": {
    message: { text: "Fill this in.", review: { type: "form", payload: { fields } } },
    taps: ["[name='field.f0']=one", "[name='field.f1']=two", ".decision-bar .primary"],
    keys: ["[name='field.f0']=one", "[name='field.f1']=two", "Control+Enter"],
  },
  "edited draft": {
    message: { text: "Edit this draft.", review: { type: "text-input", payload: { prefill: lines(8, (n) => `Line ${n} of the draft.`), markdown: true } } },
    taps: ["#text= More.", ".decision-bar .primary"],
    keys: ["#text= More.", "Control+Enter"],
  },
};

// Scrolls as a person does until an element is in sight; returns the number of swipes of 60 % of the screen.
async function swipeTo(page, selector) {
  const swipes = await page.$eval(selector, (it) => {
    const bar = document.querySelector(".decision-bar").getBoundingClientRect();
    const { top, bottom } = (it.closest("label") ?? it).getBoundingClientRect();
    const end = it.closest(".decision-bar") ? innerHeight : bar.top;
    const away = Math.max(bottom - end, -top, 0);
    return Math.ceil(away / (innerHeight * 0.6));
  });
  if (swipes > 0) await page.$eval(selector, (it) => it.scrollIntoView({ block: "center" }));
  return swipes;
}

async function byTouch(page, job, id) {
  const counts = { taps: 1, swipes: 0 };
  await page.tap(`#row-${id}`);
  await page.waitForSelector("#answer form");
  await settled(page);
  for (const step of job.taps) {
    const [selector, typed] = parts(step);
    counts.swipes += await swipeTo(page, selector);
    counts.taps += 1;
    await page.tap(selector);
    if (typed) await page.keyboard.type(typed);
  }
  return `${counts.taps} taps, ${counts.swipes} swipes`;
}

// A selector that contains "=" itself is in brackets.
function parts(step) {
  const at = step.lastIndexOf("=");
  return at > step.lastIndexOf("]") ? [step.slice(0, at), step.slice(at + 1)] : [step, ""];
}

async function byKeys(page, job) {
  let presses = 0;
  const press = async (key) => {
    presses += 1;
    const [modifier, last] = key.includes("+") ? key.split("+") : [null, key];
    if (modifier) await page.keyboard.down(modifier);
    await page.keyboard.press(last);
    if (modifier) await page.keyboard.up(modifier);
  };
  await press("j");
  await press("Enter");
  await page.waitForSelector("#answer form");
  await settled(page);
  for (const step of job.keys) {
    const [selector, typed] = parts(step);
    if (!/[=#[]/.test(step)) {
      await press(step);
      continue;
    }
    for (let n = 0; n < 40 && !(await page.$eval(selector, (it) => it === document.activeElement)); n += 1) await press("Tab");
    assert.ok(await page.$eval(selector, (it) => it === document.activeElement), `Tab reaches ${selector}`);
    await page.keyboard.type(typed);
  }
  return `${presses} keys`;
}

async function measure(viewport, act) {
  const page = checked(await world.signedIn({ viewport }));
  const found = {};
  for (const [name, job] of Object.entries(jobs)) {
    const { id } = await world.send(job.message);
    await page.goto(world.inboxUrl);
    await page.waitForSelector(`#row-${id}`);
    const began = performance.now();
    const steps = await act(page, job, id);
    await page.waitForSelector("#answer .outcome");
    found[name] = `${steps}, ${Math.round(performance.now() - began)} ms`;
    assert.equal((await world.wait(id)).status, "completed", name);
  }
  return found;
}

test("an approval takes two taps without a swipe, or four keys, however much it says; the others are counted", async () => {
  const touch = await measure(large, byTouch);
  const keys = await measure(desktop, byKeys);
  for (const name of Object.keys(jobs)) console.log(`${name}: ${touch[name]}; ${keys[name]}`);
  for (const name of ["approval (refund)", "tool call, 2.7 KB", "SQL migration", "deploy with diff", "long proposal"]) {
    assert.match(touch[name], /^2 taps, 0 swipes/, name);
    assert.match(keys[name], /^4 keys/, name);
  }
  assert.match(touch["choice of 12, three of them"], /^5 taps/);
  assert.match(keys["choice of 12, three of them"], /^6 keys/);
});
