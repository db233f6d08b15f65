// Texts on a phone: a page shows each text as it was sent, in the text's own direction, and scrolls only vertically.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { shapes } from "./shapes.mjs";
import { checkPages, checked, settled, shows, text } from "./pages.mjs";
import { World } from "./world.mjs";

const phone = { width: 390, height: 844, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };
let world;
before(async () => (world = await World.start()));
after(() => world.stop());
checkPages();

const signedIn = async (options) => checked(await world.signedIn({ viewport: phone, ...options }));

async function opened(page, text, payload) {
  const { id } = await world.send({ text, review: { type: "approval", payload } });
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  return id;
}

// The words of an element that are broken over several lines.
const brokenWords = (page, selector) =>
  page.$$eval(selector, (all) =>
    all.flatMap((element) => {
      const broken = [];
      const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        for (const word of node.data.matchAll(/[\p{L}\p{N}.,:/_-]+/gu)) {
          const range = document.createRange();
          range.setStart(node, word.index);
          range.setEnd(node, word.index + word[0].length);
          if (new Set([...range.getClientRects()].map((it) => Math.round(it.top))).size > 1) broken.push(word[0]);
        }
      }
      return broken;
    }));

const sideways = (page) => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

test("the cells of a table keep their words whole, and the table scrolls", async () => {
  const page = await signedIn();
  const row = (cells) => `| ${cells.join(" | ")} |\n`;
  const two = `${row(["Setting", "Value of the setting"])}|--|--|\n${row(["replicas", "three, as in the plan that was agreed on"])}`;
  const five = `${row(["Environment", "Replicas", "Image tag", "Owner", "Cost/month"])}|--|--|--|--|--|\n${row(["production", "3", "web:2026.11.28", "payments", "1,234.50"])}`;
  const names = Array.from({ length: 14 }, (_, n) => `Department${n}`);
  const many = `${row(names)}${row(names.map(() => "--"))}${row(names.map((_, n) => `reading-${n * 1111}`))}`;
  const files = [await world.file("table.md", "text/markdown", many), await world.file("table.csv", "text/csv", `${names}\n${names.map((it) => `${it} value`)}\n`)];
  const { id } = await world.send({ text: [two, five, many].join("\n\n"), attachmentIds: files.map((it) => it.id), review: { type: "approval" } });
  for (const path of [`/reviews/${id}`, `/channels/${world.channelId}`, ...files.map((it) => `/files/${it.id}`)]) {
    await page.goto(world.inboxUrl + path);
    assert.ok((await page.$$("main td")).length > 0, path);
    assert.deepEqual(await brokenWords(page, "main :is(th, td)"), [], path);
    assert.equal(await sideways(page), 0, path);
  }
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  // Scrolling a wide table shows its last column.
  const seen = await page.$$eval("#asked .md table", (all) => all.map((table) => {
    table.scrollLeft = table.scrollWidth;
    return table.querySelector("th:last-child").getBoundingClientRect().right <= innerWidth;
  }));
  assert.ok(seen.length >= 3 && seen.every(Boolean), `${seen}`);
});

test("what is nested deeply fits the screen", async () => {
  const page = await signedIn();
  for (const levels of [16, 30]) {
    for (const text of [shapes.nested(levels), `${"> ".repeat(levels)}quoted`]) {
      await opened(page, text);
      assert.equal(await sideways(page), 0, text.slice(0, 40));
      const narrow = await page.$$eval("#asked :is(li, blockquote)", (all) => Math.min(...all.map((it) => it.getBoundingClientRect().width)));
      assert.ok(levels > 16 || narrow > 100, `${narrow} px are left`);
    }
  }
});

test("members of a payload that no type knows stand on the page in the order sent", async () => {
  const page = await signedIn();
  const details = { title: "Wire 5,000 EUR", command: "transfer --to ACME", amount: 5000, account: { to: "DE89", zone: null }, about: ["a", "b"] };
  const id = await opened(page, "", { ...details, options: [{ id: "y", label: "OK", description: "Pays at once" }] });
  const shown = await page.$eval("#review", (it) => it.innerText);
  for (const word of ["Wire 5,000 EUR", "transfer --to ACME", "5000", "DE89", "null", "Pays at once"]) assert.ok(shown.includes(word), `${word}: ${shown}`);
  assert.deepEqual(await page.$$eval(".details > dl > div > dt", (all) => all.map((it) => it.textContent)), Object.keys(details));
  await page.goto(world.inboxUrl);
  assert.equal(await page.$eval(`#row-${id} .excerpt`, (it) => it.textContent), "Wire 5,000 EUR");
});

test("JSON is shown truthfully: secrets hidden until opened, look-alike names flagged, the copy exact", async () => {
  const page = await signedIn();
  await page.browserContext().overridePermissions(world.inboxUrl, ["clipboard-read", "clipboard-sanitized-write"]);
  const metadata = `{"tool": "pay", "\u0430mount": 820000, "amount": 82000, "api_key": "hunter2-hunter2", "run": "curl https://app:s3cret@db/ -k\u00a0x", "note": "${"long ".repeat(600)}", "__proto__": {"x": 1.50}}`;
  const { id } = await world.sendRaw(`{"channelId": "${world.channelId}", "text": "Pay?", "metadata": ${metadata}, "review": {"type": "approval"}}`);
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  await page.click(".metadata > summary");
  const tree = ".metadata > .tree";
  const shown = await text(page, tree);
  for (const words of ["reads like “amount”", "82000", "820000", "U+00A0", "https://app:", "3000 characters", "1.50", "__proto__"]) assert.ok(shown.includes(words), `${words}: ${shown}`);
  for (const words of ["hunter2", "s3cret", "long long"]) assert.ok(!shown.includes(words), `${words}: ${shown}`);
  await page.click(`${tree} .secret > summary`);
  assert.ok((await text(page, tree)).includes("hunter2-hunter2"));
  assert.equal(await sideways(page), 0);
  await page.click(".metadata .copy");
  await shows(page, "#toasts", "Copied.");
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), metadata);
});

test("a stored answer is shown in the order stored", async () => {
  const page = await signedIn();
  const { id } = await world.send({ text: "How?", review: { type: "freeform" } });
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  await page.$eval("[name=json]", (it) => (it.value = '{"zone":"eu","amount":1.50,"at":{"late":true,"early":false}}'));
  await page.click("#answer .primary");
  await page.waitForSelector("#answer .outcome");
  await settled(page);
  await page.click("#answer summary");
  assert.deepEqual(await page.$$eval("#answer .tree dt", (all) => all.map((it) => it.textContent)), ["zone", "amount", "at", "late", "early"]);
  assert.ok((await page.$eval("#answer .outcome", (it) => it.innerText)).includes("1.50"));
});

// A page contains no invisible character and none that reorders others: a mark stands in its place.
test("direction controls and invisible characters are marks in texts, labels and names", async () => {
  const page = await signedIn();
  const evil = (word) => `${word}\u202e gnp.temp/ \u200bACME\u2066`;
  const control = /[\u200b\u202a-\u202e\u2066-\u2069]/;
  await world.owner("PATCH", `/api/agents/${world.channelId}`, { name: evil("agent"), description: evil("about"), tag: evil("tag") });
  const file = await world.file(evil("file") + ".txt", "text/plain", evil("content"));
  const field = (type, more) => ({ name: evil(type), type, label: evil(type), description: evil("d"), placeholder: evil("p"), ...more });
  const reviews = [
    { type: "approval", payload: { [evil("member")]: evil("value"), options: [{ id: "y", label: evil("option"), description: evil("described") }] } },
    { type: "selection", payload: { mode: "single", items: [{ id: "a", label: evil("item"), description: evil("described") }] } },
    { type: "form", payload: { submitLabel: evil("submit"), dismissLabel: evil("dismiss"), fields: [field("text", { unit: evil("unit") }), field("checkbox"), field("radio", { options: [{ value: "r", label: evil("radio") }] }), field("select", { options: [{ value: "s", label: evil("select") }] })] } },
    { type: "text-input", payload: { placeholder: evil("placeholder") } },
    { type: evil("type").slice(0, 60), payload: { a: evil("value") } },
  ];
  const text = `Run \`rm -rf ${evil("/home")}\` and ${evil("pay")}\n\n\`\`\`\n${evil("code")}\n\`\`\`\n\n| ${evil("cell")} |\n|--|\n| x |\n\n[${evil("link")}](https://e.example)\n\n<b>${evil("html")}</b>`;
  const ids = [];
  for (const review of reviews) ids.push((await world.send({ text, attachmentIds: ids.length ? [] : [file.id], metadata: { m: evil("meta") }, review })).id);
  await world.send({ text: evil("plain"), format: "plain" });
  for (const path of ["/", ...ids.map((id) => `/reviews/${id}`), "/channels", `/channels/${world.channelId}`, "/files", `/files/${file.id}`, "/status", `/status/${world.channelId}`, "/settings/agents"]) {
    await page.goto(world.inboxUrl + path);
    const found = await page.evaluate((control) => {
      const bad = new RegExp(control);
      const texts = [];
      const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) if (bad.test(node.data) && node.parentElement.tagName !== "TEXTAREA") texts.push(node.parentElement.outerHTML);
      for (const element of document.querySelectorAll("*")) for (const name of ["title", "aria-label", "alt", "placeholder"]) if (bad.test(element.getAttribute(name) ?? "")) texts.push(`${name} of ${element.outerHTML}`);
      return texts;
    }, control.source);
    assert.deepEqual(found, [], path);
    assert.match(await page.content(), /U\+202E/, path);
  }
  await page.goto(`${world.inboxUrl}/reviews/${ids[0]}`);
  assert.ok((await page.$$eval("#asked .hidden-char", (all) => all.length)) > 10);
  await world.owner("PATCH", `/api/agents/${world.channelId}`, { name: "Agent", description: "", tag: "" });
});

// The test finds each Hebrew text by its letters. The element around the text must set its direction.
test("each text, label and name runs in its own direction, and so does what is typed", async () => {
  const page = await signedIn();
  const word = (name) => `שלום, ${name}.`;
  await world.owner("PATCH", `/api/agents/${world.channelId}`, { name: word("agent"), description: word("about"), tag: word("tag") });
  const me = (await world.owner("GET", "/api/users")).data?.[0] ?? (await world.owner("GET", "/api/users"))[0];
  await world.owner("PATCH", `/api/users/${me.id}`, { displayName: word("person") });
  await world.agent("POST", "/api/v1/status/ping", { agentId: world.channelId, status: "busy", message: word("status") });
  await world.owner("POST", "/api/api-keys", { label: word("key") });
  const files = [
    await world.file(word("file") + ".txt", "text/plain", word("content")),
    await world.file(word("table") + ".csv", "text/csv", `${word("head").replace(",", "")};b\n${word("cell").replace(",", "")};d\n`),
    await world.file(word("doc") + ".md", "text/markdown", `# ${word("doc")}`),
  ];
  const kinds = ["text", "number", "email", "url", "textarea", "checkbox", "date", "time", "datetime", "range", "password"];
  const fields = kinds.map((type) => ({ name: type, type, label: word(type), description: word("described"), placeholder: word("placeholder"), unit: word("unit") }));
  const options = [{ value: "s", label: word("option"), description: word("described") }];
  for (const type of ["select", "radio"]) fields.push({ name: type, type, label: word(type), description: word("described"), options });
  fields.push({ name: "many", type: "select", multiple: true, label: word("many"), options });
  const choice = { id: "a", label: word("choice"), description: word("described") };
  const text = `${word("text")}\n\n- ${word("item")}\n\n> ${word("quote")}\n\n# ${word("heading")}\n\n| ${word("th")} |\n|--|\n| ${word("td")} |\n\n\`\`\`\n${word("code")}\n\`\`\``;
  const reviews = [
    { type: "approval", payload: { allowComment: true, title: word("title"), options: [choice] } },
    { type: "selection", payload: { mode: "single", items: [choice] } },
    { type: "form", payload: { submitLabel: word("submit"), dismissLabel: word("dismiss"), fields } },
    { type: "text-input", payload: { placeholder: word("placeholder"), markdown: true } },
    { type: "freeform", payload: { [word("member")]: word("value") } },
  ];
  const ids = [];
  for (const review of reviews) ids.push((await world.send({ text, attachmentIds: ids.length ? [] : files.map((it) => it.id), metadata: { [word("m")]: word("meta") }, review })).id);
  const answered = await world.send({ text: word("asked"), review: reviews[0] });
  await world.owner("POST", `/api/messages/${answered.id}/respond`, { response: { selectedOption: "a", comment: word("comment") }, feedback: word("feedback") });
  const next = await world.send({ text: word("again"), iterationOf: answered.id, review: reviews[0] });
  await world.owner("POST", "/api/messages", { channelId: world.channelId, text: word("mine") });
  await world.agent("POST", "/api/v1/messages/streams/s/status", { channelId: world.channelId, text: word("step") });
  await world.send({ text: word("plain"), format: "plain" });
  const missing = [];
  const paths = ["/", "/?tab=completed", `/?q=${encodeURIComponent(word("none"))}`, ...[...ids, answered.id, next.id].map((id) => `/reviews/${id}`), "/channels", `/channels/${world.channelId}`, `/channels/${world.channelId}?q=${encodeURIComponent(word("none"))}`, "/files", "/files?view=list", ...files.map((it) => `/files/${it.id}`), "/status", `/status/${world.channelId}`, "/settings", "/settings/keys", "/settings/agents", `/settings/agents/${world.channelId}`, "/settings/users", "/settings/plugins", "/settings/notifications", "/password"];
  for (const path of paths) {
    await page.goto(world.inboxUrl + path);
    if (path === "/settings/plugins") await page.waitForSelector("#plugins form, #plugins article");
    const found = await page.evaluate(() => {
      const bad = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.parentElement;
        if (!/^[^A-Za-z]*\p{Script=Hebrew}/u.test(node.data) || element.closest("script, .avatar")) continue;
        const isLine = getComputedStyle(element).unicodeBidi === "plaintext";
        if (!isLine && !element.closest('[dir="auto"]')?.matches(":dir(rtl)")) bad.push(`${element.tagName}.${element.className}: ${node.data.trim()}`);
      }
      const typed = "textarea, select, input:not([type=hidden], [type=checkbox], [type=radio], [type=file], [type=password], [readonly])";
      for (const field of document.querySelectorAll(typed)) if (field.dir !== "auto" && field.name !== "role") bad.push(field.outerHTML.slice(0, 80));
      return bad;
    });
    missing.push(...found.map((it) => `${path}: ${it}`));
  }
  assert.deepEqual(missing, []);
});

for (const [theme, dark] of [["light", false], ["dark", true]]) {
  test(`whatever shape a text has, no page scrolls sideways on a phone, ${theme}`, async () => {
    const page = await signedIn({ dark });
    const found = [];
    for (const [name, path] of Object.entries(await shapes.fillWorld(world))) {
      await page.goto(world.inboxUrl + path);
      if ((await sideways(page)) !== 0) found.push(`${name}: wider by ${await sideways(page)} px`);
      // An element wider than its container scrolls inside it, so that everything on the page can be reached.
      const lost = await page.$$eval("#review *", (all) => all.filter((it) => {
        const { left, right, width } = it.getBoundingClientRect();
        if (width === 0 || (left >= -1 && right <= innerWidth + 1)) return false;
        for (let above = it; above; above = above.parentElement) if (/auto|scroll/.test(getComputedStyle(above).overflowX)) return false;
        return it.closest(".unseen") === null;
      }).map((it) => `${it.tagName}.${it.className}`));
      found.push(...lost.map((it) => `${name}: ${it}`));
    }
    assert.deepEqual(found, []);
  });
}
