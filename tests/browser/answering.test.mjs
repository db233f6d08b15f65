// Answering reviews: every type, lost connections, concurrent answers, and withdrawn requests.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { checkPages, checked, holdAnswer, settled, shows, text } from "./pages.mjs";
import { World, phone } from "./world.mjs";

let world;
before(async () => (world = await World.start()));
after(() => world.stop());
checkPages();

const signedIn = async (options) => checked(await world.signedIn(options));

// Sends a review, answers it on its page with `answer`, and returns the review that the agent's wait
// returns.
async function answerOnPage(page, message, answer) {
  const { id } = await world.send(message);
  const waited = world.wait(id);
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  await answer(page);
  await shows(page, "#answer .outcome", "Answered by you");
  const { status, message: returned } = await waited;
  assert.equal(status, "completed");
  return returned.review;
}

test("each review type can be answered, and the agent's wait returns the answer", async () => {
  const page = await signedIn();
  const approval = await answerOnPage(page, { text: "Deploy?", review: { type: "approval" } }, async () => {
    await page.type("[name=comment]", "after lunch");
    await page.click("[value=approve]");
  });
  assert.deepEqual(approval.response, { selectedOption: "approve", comment: "after lunch" });

  const items = [{ id: "a", label: "A" }, { id: "b", label: "B", description: "the second" }, { id: "c", label: "C" }];
  const many = await answerOnPage(page, { text: "Which?", review: { type: "selection", payload: { mode: "multi", items } } }, async () => {
    await page.click("[value=a]");
    await page.click("[value=c]");
    await page.type("[name=feedback]", "not B");
    await page.click("#answer .primary");
  });
  assert.deepEqual([many.response, many.feedback], [{ selectedIds: ["a", "c"] }, "not B"]);

  const one = await answerOnPage(page, { text: "Which one?", review: { type: "selection", payload: { mode: "single", items } } }, async () => {
    await page.click("[value=b]");
    await page.click("#answer .primary");
  });
  assert.deepEqual(one.response, { selectedIds: ["b"] });

  const written = await answerOnPage(page, { text: "Say it", review: { type: "text-input", payload: { markdown: true, prefill: "# Hello", maxLength: 40 } } }, async () => {
    await page.waitForSelector("#preview h1");
    await page.focus("#text");
    await page.keyboard.press("End");
    await page.keyboard.type(" **world**");
    await page.waitForSelector("#preview h1 strong");
    assert.match(await text(page, ".counter"), / \/ 40$/);
    await page.click("#answer .primary");
  });
  assert.deepEqual(written.response, { text: "# Hello **world**" });

  const free = await answerOnPage(page, { text: "Anything", review: { type: "vote", payload: { of: "any kind" } } }, async () => {
    const type = async (json) => {
      await page.click("[name=json]", { count: 3 });
      await page.keyboard.type(json);
    };
    await type("{ no json");
    assert.match(await text(page, "#json-state"), /Not valid JSON/);
    assert.equal(await page.$eval("[name=json]", (it) => it.validity.valid), false);
    await type('{"rank": 1.50}');
    await page.click("#answer .primary");
  });
  assert.deepEqual(free.response, { rank: 1.5 });
});

test("a form with all twelve field types enforces its limits and returns typed values", async () => {
  const page = await signedIn();
  const kinds = ["text", "number", "email", "url", "textarea", "select", "checkbox", "date", "time", "datetime", "range", "password"];
  const fields = kinds.map((type) => ({ name: type, type, label: `The ${type}`, required: type === "text", ...(type === "select" ? { options: ["x", { value: "y", label: "Why" }] } : {}), ...(type === "range" || type === "number" ? { min: 1, max: 9 } : {}) }));
  fields[4].defaultValue = "as it was";
  const review = await answerOnPage(page, { text: "Fill in", review: { type: "form", payload: { fields, submitLabel: "Book it", dismissLabel: "Not now" } } }, async () => {
    const field = (name) => `[name="field.${name}"]`;
    assert.equal(await page.$eval(field("textarea"), (it) => it.value), "as it was");
    await page.click("#answer .primary"); // the text field is required
    assert.equal(await page.$eval("#answer form", (it) => it.checkValidity()), false);
    await page.type(field("text"), "words");
    await page.type(field("number"), "7");
    await page.type(field("email"), "a@example.com");
    await page.type(field("url"), "https://example.com/");
    await page.select(field("select"), "y");
    await page.$eval(field("checkbox"), (it) => it.scrollIntoView({ block: "center" })); // not behind the bar
    await page.click(field("checkbox"));
    for (const [name, value] of [["date", "2026-12-24"], ["time", "18:30"], ["datetime", "2026-12-24T18:30"], ["range", "3"]])
      await page.$eval(field(name), (it, value) => ((it.value = value), it.dispatchEvent(new Event("input", { bubbles: true }))), value);
    assert.equal(await page.$eval("[data-range]", (it) => it.textContent.trim()), "3");
    await page.type(field("password"), "hunter2!");
    assert.equal(await text(page, "#answer .primary"), "Book it");
    await page.click("#answer .primary");
  });
  assert.deepEqual(review.response, {
    text: "words", number: 7, email: "a@example.com", url: "https://example.com/", textarea: "as it was", select: "y",
    checkbox: true, date: "2026-12-24", time: "18:30", datetime: review.response.datetime, range: 3, password: "hunter2!",
  });
  assert.match(review.response.datetime, /^2026-12-24T18:30:00(Z|[+-]\d\d:\d\d)$/);
  assert.ok(!(await page.content()).includes("hunter2!"), "a password is not shown on the page");
  const dismissed = await answerOnPage(page, { text: "Or not", review: { type: "form", payload: { fields, dismissLabel: "Not now" } } }, () => page.click("[name=dismiss]"));
  assert.deepEqual(dismissed.response, { _dismissed: true });
});

test("of two tabs one wins, and the other shows the stored answer", async () => {
  const { id } = await world.send({ text: "Race", review: { type: "approval" } });
  const [one, two] = [await signedIn(), await signedIn()];
  for (const page of [one, two]) await page.goto(`${world.inboxUrl}/reviews/${id}`);
  await two.type("[name=comment]", "typed but late");
  // The outcome of one may replace the form of the other at any moment.
  const press = (page, option) => page.evaluate((option) => document.querySelector(`[value=${option}]`)?.click(), option);
  await Promise.all([press(one, "approve"), press(two, "reject")]);
  for (const page of [one, two]) await shows(page, "#answer .outcome", "Answered by you");
  const { review } = await world.agent("GET", `/api/v1/reviews/${id}?channel=${world.channelId}`);
  const label = review.response.selectedOption === "approve" ? "Approve" : "Reject";
  for (const page of [one, two]) assert.equal(await text(page, ".chosen"), label);
});

test("an answer given elsewhere replaces the form, and so does an expiry", async () => {
  const page = await signedIn();
  const { id } = await world.send({ text: "Elsewhere", review: { type: "approval" } });
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  await world.owner("POST", `/api/messages/${id}/respond`, { response: { selectedOption: "approve" }, feedback: "by API" });
  await shows(page, "#answer .outcome", "by API");

  const late = await world.send({ text: "Late", review: { type: "approval", expiresInSeconds: 1 } });
  await page.goto(`${world.inboxUrl}/reviews/${late.id}`);
  await world.wait(late.id);
  // The outcome may replace the form at any moment.
  await page.$eval("[value=approve]", (it) => it.click()).catch(() => {});
  await shows(page, "#answer .outcome", "Expired");
  page.problems = page.problems.filter((it) => !it.includes("form is not connected"));
});

test("a withdrawn request says so, and keeps what was typed", async () => {
  const page = await signedIn();
  const { id } = await world.send({ text: "Shall I?", review: { type: "approval" } });
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  await page.type("[name=comment]", "half a thought");
  await world.agent("POST", `/api/v1/reviews/${id}/cancel?channel=${world.channelId}`, { reason: "The build failed" });
  await shows(page, "#answer .outcome", "Withdrawn by");
  await shows(page, "#answer .outcome", "The build failed");
  await shows(page, "#answer .outcome", "Your unsent draft");
  assert.equal(await page.$eval("#answer .outcome pre", (it) => it.textContent), "half a thought");
  await page.waitForSelector(`#row-${id}`, { hidden: true });
});

test("an answer to a request that was just withdrawn keeps its text", async () => {
  const page = await signedIn();
  const { id } = await world.send({ text: "Shall I?", review: { type: "approval" } });
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  await page.type("[name=comment]", "a whole thought");
  await world.agent("POST", `/api/v1/reviews/${id}/cancel?channel=${world.channelId}`, {});
  // The outcome may replace the form at any moment.
  await page.$eval("[value=approve]", (it) => it.click()).catch(() => {});
  await shows(page, "#answer .outcome", "Withdrawn by");
  await shows(page, "#answer .outcome", "Your unsent draft");
  assert.equal(await page.$eval("#answer .outcome pre", (it) => it.textContent), "a whole thought");
  page.problems = page.problems.filter((it) => !it.includes("form is not connected"));
});

test("an answer that crosses another outcome keeps its text, whichever is shown first", async () => {
  const page = await signedIn();
  const outcomes = {
    "Withdrawn by": (id) => world.agent("POST", `/api/v1/reviews/${id}/cancel`, {}),
    "Answered by": (id) => world.owner("POST", `/api/messages/${id}/respond`, { response: { selectedOption: "approve" } }),
  };
  for (const [words, end] of Object.entries(outcomes)) {
    for (const isShownFirst of [true, false]) {
      const { id } = await world.send({ text: "Shall I?", review: { type: "approval" } });
      await page.goto(`${world.inboxUrl}/reviews/${id}`);
      await page.type("[name=comment]", "a whole thought");
      const { client, sent } = await holdAnswer(page, id);
      await page.click("[value=reject]");
      const requestId = await sent;
      await end(id);
      // A refresh waits while an answer is sent, at most ten seconds.
      if (isShownFirst) await shows(page, "#answer .outcome", words);
      await client.send("Fetch.continueRequest", { requestId });
      await page.waitForFunction(() => !document.querySelector(".sending, [data-answer]"));
      await shows(page, "#answer .outcome", words);
      await shows(page, "#answer .outcome", "Your unsent draft");
      assert.equal(await page.$eval("#answer .unsent pre", (it) => it.textContent), "a whole thought");
      await client.detach();
    }
  }
});

test("a review can be answered without scripts", async () => {
  const page = await signedIn({ scripts: false });
  const { id } = await world.send({ text: "Plain **HTML**", review: { type: "selection", payload: { mode: "multi", items: [{ id: "a", label: "A" }, { id: "b", label: "B" }] } } });
  await page.goto(world.inboxUrl);
  await Promise.all([page.waitForNavigation(), page.click(`#row-${id}`)]);
  await page.click("[value=b]");
  await Promise.all([page.waitForNavigation(), page.click("#answer .primary")]);
  assert.ok((await page.$eval("#answer .outcome", (it) => it.textContent)).includes("Answered by you"));
  const { review } = await world.agent("GET", `/api/v1/reviews/${id}?channel=${world.channelId}`);
  assert.deepEqual(review.response, { selectedIds: ["b"] });
});

test("after a lost connection the input is kept and the page says whether the answer was stored", async () => {
  const page = await signedIn();
  for (const arrives of [false, true]) {
    const { id } = await world.send({ text: `Wi-Fi ${arrives}`, review: { type: "approval" } });
    await page.goto(`${world.inboxUrl}/reviews/${id}`);
    await page.type("[name=comment]", "hard to type again");
    // Either the request or its response is lost.
    const client = await page.createCDPSession();
    await client.send("Fetch.enable", { patterns: [{ urlPattern: `*/reviews/${id}`, requestStage: arrives ? "Response" : "Request" }] });
    let lost = 0;
    client.on("Fetch.requestPaused", ({ requestId, request }) => {
      const lose = request.method === "POST" && lost++ === 0;
      client.send(lose ? "Fetch.failRequest" : "Fetch.continueRequest", { requestId, ...(lose ? { errorReason: "ConnectionReset" } : {}) }).catch(() => {});
    });
    await page.click("[value=approve]");
    if (arrives) await shows(page, "#answer .outcome", "hard to type again");
    else {
      await shows(page, "[data-trouble]", "was not stored");
      assert.equal(await page.$eval("[name=comment]", (it) => it.value), "hard to type again");
      await page.reload(); // a reload keeps it, too
      assert.equal(await page.$eval("[name=comment]", (it) => it.value), "hard to type again");
      await page.click("[value=approve]");
      await shows(page, "#answer .outcome", "hard to type again");
    }
    await client.detach();
    page.problems.splice(0); // the browser reports the lost request
  }
});

test("a late response for one request never shows under another", async () => {
  const [a, b] = [await world.send({ text: "The first of two", review: { type: "approval" } }), await world.send({ text: "The second of two", review: { type: "approval" } })];
  const page = await signedIn();
  await page.goto(`${world.inboxUrl}/reviews/${a.id}`);
  // From here on, requests of the page for the first review are held back.
  const client = await page.createCDPSession();
  await client.send("Fetch.enable", { patterns: [{ urlPattern: `*/reviews/${a.id}` }] });
  const heldRequests = [];
  let isHeld = true;
  const continueRequest = (requestId) => client.send("Fetch.continueRequest", { requestId }).catch(() => {});
  const firstHeld = new Promise((done) => client.on("Fetch.requestPaused", ({ requestId }) => (isHeld ? heldRequests.push(requestId) : continueRequest(requestId), done())));
  const release = () => ((isHeld = false), heldRequests.splice(0).forEach(continueRequest));
  await page.click("[value=approve]"); // an answer in flight
  await firstHeld;
  await page.click(`#row-${b.id}`);
  await page.waitForSelector(`#review[data-review="${b.id}"] form[action="/reviews/${b.id}"]`);
  await page.mouse.move(1000, 300); // the list takes no new rows under the pointer
  release();
  await shows(page, "#toasts", "previous answer was sent");
  await world.send({ text: "One more arrives", review: { type: "approval" } });
  await shows(page, "#rows", "One more arrives");
  assert.equal(await page.$eval("#answer form", (it) => it.getAttribute("action")), `/reviews/${b.id}`);
  assert.equal((await world.wait(a.id)).message.review.response.selectedOption, "approve");
  await client.detach();
});

test("what became of an answer is said truthfully when another request is open by then", async () => {
  const { id: other } = await world.send({ text: "The one that is open", review: { type: "approval" } });
  const ends = {
    "came too late and was not stored: Answered by you.": (id) => world.owner("POST", `/api/messages/${id}/respond`, { response: { selectedOption: "reject" } }),
    "came too late and was not stored: Withdrawn by": (id) => world.agent("POST", `/api/v1/reviews/${id}/cancel`, {}),
    "An earlier request: The agent withdrew this request, so your answer was not stored.": (id) => world.agent("DELETE", `/api/v1/messages/${id}?channel=${world.channelId}`),
  };
  for (const [words, end] of Object.entries(ends)) {
    const { id } = await world.send({ text: "The one before", review: { type: "approval" } });
    const page = await signedIn();
    await page.goto(`${world.inboxUrl}/reviews/${id}`);
    const { client, sent } = await holdAnswer(page, id);
    await page.click("[value=approve]");
    const requestId = await sent;
    await page.click(`#row-${other}`);
    await page.waitForSelector(`#review[data-review="${other}"] form`);
    await end(id);
    await client.send("Fetch.continueRequest", { requestId });
    await shows(page, "#toasts", words);
    assert.ok(!(await text(page, "#toasts")).includes("was sent"));
    await client.detach();
    page.problems = page.problems.filter((it) => !it.includes("404")); // the browser reports what is gone
  }
});

test("the page does not say that an answer was not stored when it cannot know", async () => {
  const ends = {
    "This request is not there any more, so we can't tell whether your answer was stored.": (id) => world.agent("DELETE", `/api/v1/messages/${id}?channel=${world.channelId}`),
    "You are signed out, so we can't tell whether your answer was stored.": (_, client) => client.send("Network.clearBrowserCookies"),
  };
  for (const [words, end] of Object.entries(ends)) {
    const { id } = await world.send({ text: "Stored, but unheard", review: { type: "approval" } });
    const page = await signedIn();
    const client = await page.createCDPSession();
    // The response of the answer is lost, and the page hears of no change: it would load itself again when it is signed out.
    await client.send("Fetch.enable", { patterns: [{ urlPattern: `*/reviews/${id}`, requestStage: "Response" }, { urlPattern: "*/api/changes*" }] });
    client.on("Fetch.requestPaused", async ({ requestId, request }) => {
      const isAnswer = request.method === "POST";
      if (isAnswer) await end(id, client);
      const isLost = isAnswer || request.url.includes("/api/changes");
      client.send(isLost ? "Fetch.failRequest" : "Fetch.continueRequest", { requestId, ...(isLost ? { errorReason: "ConnectionReset" } : {}) }).catch(() => {});
    });
    await page.goto(`${world.inboxUrl}/reviews/${id}`);
    await page.type("[name=comment]", "kept");
    await page.click("[value=approve]");
    await shows(page, "[data-trouble]", words);
    assert.equal(await page.$eval("[name=comment]", (it) => it.value), "kept");
    await page.close(); // it goes on asking for what is gone
    page.problems.splice(0); // the browser reports the lost requests
  }
});

test("of an answer whose response was lost the page says that another one is stored", async () => {
  const page = await signedIn();
  const { id } = await world.send({ text: "Lost and late", review: { type: "approval" } });
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  await page.type("[name=comment]", "a whole thought");
  const client = await page.createCDPSession();
  await client.send("Fetch.enable", { patterns: [{ urlPattern: `*/reviews/${id}` }] });
  let lost = 0;
  client.on("Fetch.requestPaused", async ({ requestId, request }) => {
    const isLost = request.method === "POST" && lost++ === 0;
    if (isLost) await world.owner("POST", `/api/messages/${id}/respond`, { response: { selectedOption: "approve" } });
    client.send(isLost ? "Fetch.failRequest" : "Fetch.continueRequest", { requestId, ...(isLost ? { errorReason: "ConnectionReset" } : {}) }).catch(() => {});
  });
  await page.click("[value=reject]");
  await shows(page, "#answer .outcome", "Your answer came too late and was not stored.");
  assert.equal(await page.$eval("#answer .unsent pre", (it) => it.textContent), "a whole thought");
  assert.equal(await page.$$eval("#answer .unsent", (all) => all.length), 1);
  await client.detach();
  page.problems.splice(0); // the browser reports the lost request
});

test("input is kept after a refusal and when other requests arrive", async () => {
  const page = await signedIn();
  const { id } = await world.send({ text: "Exactly three", review: { type: "text-input", payload: { maxLength: 3 } } });
  await page.goto(`${world.inboxUrl}/reviews/${id}`);
  await page.$eval("#answer form", (it) => (it.noValidate = true)); // as in a browser without scripts
  await page.type("#text", "four");
  await page.click("#answer .primary");
  await shows(page, "#answer", "at most 3");
  await world.send({ text: "Something else arrives", review: { type: "approval" } });
  await shows(page, "#rows", "Something else arrives");
  assert.equal(await page.$eval("#text", (it) => it.value), "four");
  assert.match(await text(page, "#answer .problem:not([hidden])"), /3/);
  await world.owner("POST", `/api/messages/${id}/respond`, { response: { text: "two" } });
  await shows(page, "#answer .outcome", "Your unsent draft");
  assert.match(await page.$eval("#answer .outcome", (it) => it.textContent), /four/);
  page.problems = page.problems.filter((it) => !/status of 400/.test(it)); // the browser reports the 400
});

// Opens a review, types with `type`, and withdraws the request as the agent.
async function withdrawWhile(page, id, type) {
  await page.goto(`${world.url}/reviews/${id}`);
  await type(page);
  await world.agent("DELETE", `/api/v1/messages/${id}?channel=${world.channelId}`);
  await page.waitForSelector("#withdrawn");
}

test("a request withdrawn while a person types shows a notice and keeps the input", async () => {
  const page = await signedIn();
  const left = await world.send({ text: "This one stays", review: { type: "approval" } });
  const { id } = await world.send({ text: "May I drop the table?", review: { type: "approval" } });
  await withdrawWhile(page, id, () => page.type("[name=comment]", "only after the backup is"));
  assert.match(await text(page, "#withdrawn"), /withdrew this request/);
  assert.equal(new URL(page.url()).pathname, `/reviews/${id}`);
  assert.match(await text(page, "#asked"), /drop the table/);
  assert.equal(await page.$eval("[name=comment]", (it) => it.value), "only after the backup is");
  assert.deepEqual(await page.$$eval("#answer button", (all) => all.map((it) => it.disabled)), [true, true]);
  // The list still updates: the request is gone, and new ones appear and can be opened.
  await page.waitForFunction((id) => !document.getElementById(`row-${id}`), {}, id);
  const next = await world.send({ text: "Another one", review: { type: "approval" } });
  await page.waitForSelector(`#row-${next.id}`);
  assert.equal(await page.$$eval("#withdrawn", (all) => all.length), 1);
  await page.click(`#row-${left.id}`);
  await shows(page, "#review", "This one stays");
  assert.equal(await page.$("#withdrawn"), null);
  await settled(page);
  await page.click("[value=approve]");
  await shows(page, "#answer .outcome", "Answered by you");
  page.problems.splice(0, page.problems.length, ...page.problems.filter((it) => !it.includes("404")));
});

test("withdrawn forms and texts keep their input on a phone", async () => {
  const page = await signedIn({ viewport: phone });
  const fields = [{ name: "why", type: "textarea", label: "Why" }, { name: "sure", type: "checkbox", label: "Sure" }];
  const form = await world.send({ text: "A form", review: { type: "form", payload: { fields } } });
  await withdrawWhile(page, form.id, () => page.type("[name='field.why']", "a long story"));
  assert.equal(await page.$eval("[name='field.why']", (it) => it.value), "a long story");
  const written = await world.send({ text: "A text", review: { type: "text-input" } });
  await withdrawWhile(page, written.id, () => page.type("[name=text]", "three paragraphs"));
  assert.equal(await page.$eval("[name=text]", (it) => it.value), "three paragraphs");
  assert.equal(await page.$eval("[name=text]", (it) => it.disabled), false, "the text can be selected and copied");
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  page.problems.splice(0, page.problems.length, ...page.problems.filter((it) => !it.includes("404")));
});
