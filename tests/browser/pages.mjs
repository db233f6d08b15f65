// The open pages of a test file: closed and checked after each test.
import assert from "node:assert/strict";
import { afterEach } from "node:test";

const open = [];

// Closes all pages after each test, and fails it if a page has a problem that is not expected.
export function checkPages(isExpected = () => false) {
  afterEach(async () => {
    for (const page of open.splice(0)) {
      const problems = page.problems.filter((it) => !isExpected(it));
      await page.browserContext().close();
      assert.deepEqual(problems, []);
    }
  });
}

// The page, which is closed and checked after the test.
export function checked(page) {
  open.push(page);
  return page;
}

// Waits until no request is being opened, and a part that was just put into the page takes presses.
export const settled = (page) => page.waitForFunction(() => !document.querySelector("[data-settling], #pane[inert]"));

// In the document that is open, the countdown of an answer that is held back stands still. The result lets the next one run.
export async function freezeCountdown(page) {
  await page.evaluate(() => {
    const { setTimeout } = window;
    window.isFrozen = true;
    window.setTimeout = (action, ms, ...values) => (window.isFrozen && ms === 1_000 ? 0 : setTimeout(action, ms, ...values));
  });
  return () => page.evaluate(() => (window.isFrozen = false));
}

export const text = (page, selector) => page.$eval(selector, (it) => it.innerText);

// Waits until an element shows these words.
export const shows = (page, selector, words) =>
  page.waitForFunction((selector, words) => document.querySelector(selector)?.innerText.includes(words), {}, selector, words);

// Holds the answer to a request back on its way to the server. `sent` is fulfilled with its id once it is on the way.
export async function holdAnswer(page, id) {
  const client = await page.createCDPSession();
  await client.send("Fetch.enable", { patterns: [{ urlPattern: `*/reviews/${id}*` }] });
  const sent = new Promise((done) => {
    client.on("Fetch.requestPaused", ({ requestId, request }) => {
      if (request.method === "POST") done(requestId);
      else client.send("Fetch.continueRequest", { requestId }).catch(() => {});
    });
  });
  return { client, sent };
}
