// Many waits in one process: how many connections they hold, how soon they wake, and what they heed.
import assert from "node:assert/strict";
import { readdir, readFile, readlink } from "node:fs/promises";
import { createServer } from "node:http";
import { once } from "node:events";
import { test } from "node:test";
import { Placet } from "placet-serverless";
import { respond } from "./person.mjs";

const WAITS = 1000;

/** The connections of this process to a port. */
async function connections(port) {
  const descriptors = await readdir("/proc/self/fd");
  const links = await Promise.all(descriptors.map((it) => readlink(`/proc/self/fd/${it}`).catch(() => "")));
  const rows = (await readFile("/proc/net/tcp", "utf8")).trim().split("\n").slice(1).map((row) => row.trim().split(/\s+/));
  return rows.filter(
    ([, , to, state, , , , , , inode]) =>
      Number.parseInt(to.split(":")[1], 16) === port && state === "01" && links.includes(`socket:[${inode}]`),
  ).length;
}

test("a thousand waits hold ten connections and wake at once", { timeout: 60_000 }, async () => {
  const placet = new Placet();
  const port = Number(new URL(process.env.PLACET_URL).port);
  const questions = (await readFile(process.env.PLACET_QUESTIONS, "utf8")).trim().split("\n");
  // The test in Python has answered some of the first thousand.
  const ids = [...questions.slice(0, WAITS).filter((_, nth) => nth % 100), ...questions.slice(WAITS)];
  assert.equal(ids.length, WAITS);
  const end = new AbortController();
  const waits = ids.map((id) => placet.wait(id, { signal: end.signal }));
  const ended = Promise.allSettled(waits);
  // The connection that signed in goes after a few idle seconds.
  while ((await connections(port)) !== WAITS / 100) await new Promise((resolve) => setTimeout(resolve, 20));
  const delays = [];
  for (let nth = 0; nth < WAITS; nth += 100) {
    await respond(ids[nth], { selectedOption: "approve" });
    const answered = performance.now();
    assert.equal((await waits[nth]).allowed, true);
    delays.push(performance.now() - answered);
    // And the one that answers.
    assert.ok((await connections(port)) <= WAITS / 100 + 1);
  }
  end.abort();
  const left = (await ended).filter((it) => it.status === "rejected");
  assert.equal(left.length, WAITS - 10);
  delays.sort((a, b) => a - b);
  console.log("milliseconds from the answer to the wake, median:", Math.round(delays[delays.length / 2]));
  // The runner looks at a wait that nothing wakes every 20 seconds.
  assert.ok(delays.at(-1) < 10_000, String(delays));
});

/** A service that answers as it was told; the result has the times of the calls. */
async function scripted(t, answers) {
  const calls = [];
  const server = createServer((request, response) => {
    calls.push(performance.now());
    const [status, headers, body] = answers.shift();
    response.writeHead(status, headers).end(JSON.stringify(body));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close().closeAllConnections());
  return { calls, placet: new Placet({ url: `http://127.0.0.1:${server.address().port}`, apiKey: "hp_x" }) };
}

function waited(decided, more = [], pollAfterMs = 0) {
  const review = { type: "approval", status: "completed", response: { selectedOption: "approve" } };
  return [200, {}, { decided: decided.map((id) => ({ id, review })), more, pending: [], unknown: [], pollAfterMs }];
}

test("waits heed Retry-After and pollAfterMs", async (t) => {
  const busy = [503, { "Retry-After": "1" }, { message: "busy", code: "unavailable" }];
  const { calls, placet } = await scripted(t, [busy, waited([], [], 400), waited(["msg_1"])]);
  assert.equal((await placet.wait("msg_1")).allowed, true);
  // Timers may fire a millisecond early.
  assert.ok(calls[1] - calls[0] >= 999 && calls[2] - calls[1] >= 399, String(calls));
});

test("what a response had no room for is asked for at once", { timeout: 10_000 }, async (t) => {
  const { placet } = await scripted(t, [waited(["msg_1"], ["msg_2"], 60_000), waited(["msg_2"])]);
  await Promise.all([placet.wait("msg_1"), placet.wait("msg_2")]);
});
