// Forms: the page accepts exactly what the service accepts.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import puppeteer from "puppeteer-core";
import { checkPages, checked } from "./pages.mjs";
import { World } from "./world.mjs";
import { SeededRandom, answers, fields } from "./generated.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());
checkPages((it) => /status of 400/.test(it)); // the browser reports the 400

const signedIn = async (options) => checked(await world.signedIn(options));

const ask = (fields) => world.send({ text: "Fill in", review: { type: "form", payload: { fields } } });
const input = (name) => `[name="field.${name}"]`;
const value = (page, name) => page.$eval(input(name), (it) => it.value);
const isValid = (page, name) => page.$eval(input(name), (it) => it.validity.valid);
const setValue = (page, name, value) =>
  page.$eval(input(name), (it, value) => ((it.value = value), it.dispatchEvent(new Event("input", { bubbles: true }))), value);

async function openForm(page, fields) {
  const { id } = await ask(fields);
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  return id;
}

async function submit(page, id) {
  await page.click("#answer .primary");
  await page.waitForSelector("#answer .outcome");
  return (await world.wait(id)).message.review.response;
}

test("a field accepts the steps that the service accepts, and its own default", async () => {
  const page = await signedIn();
  const id = await openForm(page, [
    { name: "five", type: "number", step: 5, defaultValue: 10 },
    { name: "ten", type: "number", min: 1, step: 10, defaultValue: 51 },
    { name: "quarter", type: "time", step: 900, defaultValue: "09:15" },
    { name: "week", type: "date", step: 7, defaultValue: "2026-01-01" },
    { name: "slider", type: "range", max: 20, step: 5, defaultValue: 15 },
  ]);
  assert.equal(await page.$eval("#answer form", (it) => it.checkValidity()), true);
  for (const [name, bad, good] of [["five", "12", "15"], ["ten", "50", "41"], ["quarter", "09:10", "09:30"], ["week", "2026-01-02", "2026-01-08"]]) {
    await setValue(page, name, bad);
    assert.equal(await isValid(page, name), false, name);
    await setValue(page, name, good);
    assert.equal(await isValid(page, name), true, name);
  }
  assert.deepEqual(await submit(page, id), { five: 15, ten: 41, quarter: "09:30", week: "2026-01-08", slider: 15 });
});

test("any RFC 3339 default is shown, a datetime in the reader's time zone", async () => {
  const page = await signedIn();
  await page.emulateTimezone("Asia/Kolkata");
  const id = await openForm(page, [
    { name: "date", type: "date", defaultValue: "2026-12-24T00:00:00.000Z" },
    { name: "time", type: "time", defaultValue: "2026-12-24T18:30:00Z" },
    { name: "at", type: "datetime", defaultValue: "2026-12-24T18:30:00.000Z", min: "2026-12-24T18:00:00Z" },
    { name: "floating", type: "datetime", defaultValue: "2026-12-24T18:30" },
  ]);
  assert.deepEqual([await value(page, "at"), await page.$eval(input("at"), (it) => it.min)], ["2026-12-25T00:00", "2026-12-24T23:30"]);
  assert.deepEqual(await submit(page, id), { date: "2026-12-24", time: "18:30", at: "2026-12-25T00:00:00+05:30", floating: "2026-12-24T18:30:00+05:30" });
});

test("a datetime shows its time zone and is sent with it, with scripts and without", async () => {
  const page = await signedIn();
  await page.emulateTimezone("Europe/Berlin");
  const id = await openForm(page, [{ name: "at", type: "datetime", label: "When" }]);
  assert.match(await page.$eval("[data-zone]", (it) => it.textContent), /^Europe\/Berlin \(UTC\+0[12]:00\)$/);
  await setValue(page, "at", "2026-03-29T02:30"); // the clocks go from 02:00 to 03:00
  assert.equal(await isValid(page, "at"), false);
  await setValue(page, "at", "2026-07-01T09:00");
  assert.match(await page.$eval("[data-zone]", (it) => it.textContent), /UTC\+02:00/);
  await page.reload(); // the restored input keeps its zone
  assert.equal(await value(page, "at"), "2026-07-01T09:00");
  assert.deepEqual(await submit(page, id), { at: "2026-07-01T09:00:00+02:00" });

  const plain = await signedIn({ scripts: false });
  const other = await openForm(plain, [{ name: "at", type: "datetime", defaultValue: "2026-12-24T18:30:00+02:00" }]);
  assert.equal(await plain.$eval("[data-zone]", (it) => it.textContent), "UTC");
  await Promise.all([plain.waitForNavigation(), plain.click("#answer .primary")]);
  assert.deepEqual((await world.wait(other)).message.review.response, { at: "2026-12-24T16:30:00Z" });
});

test("lengths count characters as the service does: five emoji are five", async () => {
  const page = await signedIn();
  const { id } = await world.send({ text: "Five", review: { type: "text-input", payload: { minLength: 5, maxLength: 5 } } });
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  const valid = () => page.$eval("#text", (it) => it.validity.valid);
  await page.focus("#text");
  await page.keyboard.sendCharacter("😀".repeat(4));
  assert.equal(await valid(), false);
  await page.keyboard.sendCharacter("😀");
  assert.equal(await page.$eval("[data-counter]", (it) => it.textContent), "5 / 5");
  assert.equal(await valid(), true);
  await page.keyboard.sendCharacter("!");
  assert.equal(await valid(), false);
  await page.keyboard.press("Backspace");
  await page.click("#answer .primary");
  await page.waitForSelector("#answer .outcome");
  assert.deepEqual((await world.wait(id)).message.review.response, { text: "😀".repeat(5) });
});

test("a password field is not filled by the browser", async () => {
  const page = await signedIn();
  await openForm(page, [{ name: "user", type: "text", label: "Username" }, { name: "p", type: "password", label: "Database password" }]);
  assert.deepEqual(await page.$$eval('#answer [name^="field."]', (all) => all.map((it) => it.autocomplete)), ["off", "new-password"]);
});

test("checkboxes and radio buttons send the values that were offered", async () => {
  const page = await signedIn();
  const id = await openForm(page, [
    { name: "many", type: "select", multiple: true, required: true, options: [1, { value: "b", label: "Bee" }] },
    { name: "one", type: "radio", options: [1, 2], defaultValue: 2 },
  ]);
  assert.equal(await page.$eval("#answer form", (it) => it.checkValidity()), false);
  for (const wanted of ["1", "b"]) await page.click(`${input("many")}[value="${wanted}"]`);
  assert.deepEqual(await submit(page, id), { many: [1, "b"], one: 2 });
});

// A number in a locale's notation is read as that number or refused, but never as another one.
test("a number typed in five locales is never read as another number", async () => {
  const seeded = SeededRandom.fromEnv();
  const numbers = [1.5, 1234.5, 1234, 0.125, 1.234, -1234567.25, 1e6, 12, ...Array.from({ length: 12 }, () => seeded.decimal())];
  const { id } = await ask([...numbers.map((_, n) => ({ name: `n${n}`, type: "number", label: `n${n}` })), { name: "guard", type: "text", required: true }]);
  for (const locale of ["en-US", "de-DE", "fr-FR", "hi-IN", "ar-EG"]) {
    const browser = await puppeteer.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-dev-shm-usage", `--lang=${locale}`] });
    try {
      const page = await browser.newPage();
      await page.goto(`${world.inboxUrl}/login`);
      await page.type("[name=email]", world.email);
      await page.type("[name=password]", world.password);
      await Promise.all([page.waitForNavigation(), page.click("form button")]);
      await page.goto(`${world.inboxUrl}/reviews/${id}`);
      const written = numbers.map((number) => new Intl.NumberFormat(locale, { maximumFractionDigits: 9 }).format(number));
      for (const [n, text] of written.entries()) {
        await page.focus(input(`n${n}`));
        await page.keyboard.sendCharacter(text);
      }
      const { refused, invalid } = await validationResults(page);
      const values = await storedNumbers(page, numbers.length);
      for (const [n, number] of numbers.entries()) {
        const name = `n${n}`;
        assert.equal(invalid.has(name), refused.has(name), `${locale} ${written[n]}`);
        if (!refused.has(name)) assert.equal(values[name], number, `${locale} ${written[n]}`);
        // Only notations that another locale reads as another number are refused.
        else assert.match(canonicalGroups(written[n]), /^-?[1-9]\d{0,2}[.,]\d{3}$/, `${locale} ${written[n]}`);
      }
    } finally {
      await browser.close();
    }
  }
});

const canonicalGroups = (text) => text.replace(/[\u200e\u200f\u061c]/g, "").replace(/\u2212/g, "-");

// The names of invalid fields of the open form: in the browser, and in the service.
async function validationResults(page) {
  const [refused, invalid] = await page.evaluate(async () => {
    const form = document.querySelector("[data-answer]");
    const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const problems = [...page.querySelectorAll("#answer .problem:not([hidden])")].map((it) => it.textContent.split(" ")[0]);
    const wrong = [...form.elements].filter((it) => it.willValidate && !it.validity.valid).map((it) => it.name.replace("field.", ""));
    return [problems, wrong];
  });
  return { refused: new Set(refused), invalid: new Set(invalid) };
}

// The numbers that the service stores.
async function storedNumbers(page, count) {
  const texts = await page.evaluate((count) => Array.from({ length: count }, (_, n) => document.querySelector(`[name="field.n${n}"]`).value), count);
  const { id } = await ask(texts.map((_, n) => ({ name: `n${n}`, type: "number", label: `n${n}` })));
  await page.evaluate(
    async (id, texts) => {
      const send = async (entries) => {
        const answer = await fetch(`/reviews/${id}`, { method: "POST", body: new URLSearchParams(entries) });
        return new DOMParser().parseFromString(await answer.text(), "text/html");
      };
      const entries = texts.map((text, n) => [`field.n${n}`, text]);
      const page = await send(entries);
      const refused = [...page.querySelectorAll("#answer .problem:not([hidden])")].map((it) => it.textContent.split(" ")[0]);
      if (refused.length > 0) await send(entries.filter(([name]) => !refused.includes(name.replace("field.", ""))));
    },
    id,
    texts,
  );
  return (await world.wait(id)).message.review.response;
}

function mixesZones({ min, max, defaultValue }) {
  const moments = [min, max, defaultValue].filter((it) => typeof it === "string");
  return new Set(moments.map((it) => /(Z|[+-]\d\d:\d\d)$/.test(it))).size > 1;
}

test("for random fields and values, the page accepts exactly what the service accepts", async () => {
  const seeded = SeededRandom.fromEnv();
  const page = await signedIn();
  for (const zone of ["UTC", "Asia/Kolkata", "America/New_York"]) {
    await page.emulateTimezone(zone);
    const accepted = [];
    for (const field of fields(seeded, 40)) {
      const created = await world.agent("POST", "/api/v1/messages", { channelId: world.channelId, review: { type: "form", payload: { fields: [field] } } }, [201, 400]);
      if (created.id) accepted.push(field);
    }
    assert.ok(accepted.length > 12, `${accepted.length} fields can be answered`);
    await openForm(page, [...accepted, { name: "guard", type: "text", required: true }]);
    // An untouched form is valid except for empty required fields.
    const before = await validationResults(page);
    for (const field of accepted) {
      const shown = JSON.stringify(field);
      assert.equal(before.invalid.has(field.name), before.refused.has(field.name), `untouched ${shown}`);
      // A default address may be incomplete, such as "https://". A default may be outside of the limits in another zone than
      // UTC, in which the service checked it, if only some of them say their zone.
      const isForAll = zone === "UTC" || !mixesZones(field);
      if ("defaultValue" in field && isForAll && !["email", "url"].includes(field.type)) assert.ok(!before.invalid.has(field.name) || field.required, `default of ${shown}`);
    }
    for (let round = 0; round < 4; round += 1) {
      const given = answers(seeded, accepted);
      await page.evaluate((given) => {
        for (const [name, value] of Object.entries(given)) {
          const all = [...document.querySelectorAll(`[name="field.${name}"]`)];
          if (Array.isArray(value)) for (const it of all) it.checked = value.includes(it.value);
          else all[0].value = value;
          for (const it of all) it.dispatchEvent(new Event("input", { bubbles: true }));
        }
      }, given);
      const { invalid, refused } = await validationResults(page);
      for (const field of accepted) {
        const shown = `${zone}: ${JSON.stringify(given[field.name])} in ${JSON.stringify(field)}`;
        assert.equal(invalid.has(field.name), refused.has(field.name), shown);
      }
    }
  }
});
