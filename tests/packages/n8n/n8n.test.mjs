// The package of nodes for n8n (clients/n8n), as it is installed, in n8n's engine, and the example's flow of n8n's own nodes: a
// person answers, and the workflow goes on.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { asked, choose, pending, person } from "../typescript/person.mjs";
import { Engine } from "./engine.mjs";
import { Table } from "./table.mjs";

const { PLACET_URL, PLACET_API_KEY, PLACET_CHANNEL } = process.env;
const directory = new URL("node_modules/n8n-nodes-placet-serverless", import.meta.url).pathname;
// tests/packages.sh lays it there, without its dependencies.
const base = new URL("node_modules/.cache/n8n-nodes-base", import.meta.url).pathname;
const baseNodes = ["HttpRequest", "If", "ManualTrigger", "NoOp", "Set"].map((it) => `dist/nodes/${it}/${it}.node.js`);
const table = new Table("n8n 1.123 (`n8n-core`)");
let n8n;

const start = () => Engine.start(directory, { url: PLACET_URL, apiKey: PLACET_API_KEY }, base, baseNodes);

before(async () => {
  n8n = await start();
});
after(async () => {
  await n8n.stop();
  table.compare();
});

function node(name, type, parameters) {
  return {
    id: name.toLowerCase().replace(" ", "-"),
    name,
    type: `n8n-nodes-placet-serverless.${type}`,
    typeVersion: 1,
    position: [0, 0],
    parameters: { channelId: PLACET_CHANNEL, ...parameters },
    credentials: { placetServerlessApi: { id: "1", name: "Placet" } },
  };
}

/** A workflow of nodes in a row. */
function workflow(id, ...nodes) {
  const connections = {};
  nodes.slice(1).forEach((it, index) => {
    connections[nodes[index].name] = { main: [[{ node: it.name, type: "main", index: 0 }]] };
  });
  return { id, name: id, nodes, connections };
}

const action = { name: "publish", args: { post: 17 } };
const ask = (parameters) =>
  node("Ask", "placet", {
    operation: "ask",
    text: "May I publish post 17?",
    review: JSON.stringify({ type: "approval", action }),
    waitBy: "polling",
    ...parameters,
  });
const report = node("Report", "placet", {
  operation: "send",
  text: "={{ $json.allowed ? 'Published' : 'Kept back' }} post {{ $json.action?.args.post ?? 'of ' + $json.status }}",
});

/** The webhook of the tests' channel. */
async function webhookUrl() {
  return (await person("GET", `/api/agents/${PLACET_CHANNEL}`)).webhookUrl;
}

/** What a node of a run put out. */
function output(run, name) {
  assert.equal(run.data.resultData.error, undefined);
  return run.data.resultData.runData[name].at(-1).data.main[0][0].json;
}

for (const [option, said] of [["approve", "Published post 17"], ["reject", "Kept back post 17"]]) {
  test(`a workflow that polls goes on after ${option}`, async () => {
    const id = n8n.execute(workflow(`polls-${option}`, ask(), report));
    const message = await choose(option);
    const run = await n8n.settled(id);
    assert.equal(run.status, "success");
    assert.equal(output(run, "Ask").message.id, message.id);
    assert.equal(output(run, "Report").text, said);
    table.works(`*Ask and Wait* by polling: the workflow goes on after \`${option}\``);
  });
}

test("a workflow that is suspended goes on with the service's call", async () => {
  const id = n8n.execute(workflow("suspended", ask({ waitBy: "webhook" }), report));
  assert.equal((await n8n.settled(id)).status, "waiting");
  const message = await asked();
  // What a call says is not believed: the node reads the review.
  const forged = { event: "review:responded", message_id: message.id, response: { selectedOption: "approve" } };
  const url = `${n8n.url}/webhook-waiting/${id}/ask`;
  assert.equal((await fetch(url, { method: "POST", body: JSON.stringify(forged) })).status, 200);
  assert.equal((await n8n.settled(id)).status, "waiting");
  const resumed = once(n8n.events, "resumed");
  await choose("approve");
  await resumed;
  const run = await n8n.settled(id);
  assert.equal(run.status, "success");
  assert.equal(output(run, "Report").text, "Published post 17");
  table.works("*Ask and Wait* by webhook: the suspended workflow goes on with the answer");
});

test("an approval of an act allows one execution", async () => {
  const id = n8n.execute(workflow("consumes", ask()));
  await choose("approve");
  const { message } = output(await n8n.settled(id), "Ask");
  const body = JSON.stringify({ actionDigest: message.review.decision.actionDigest });
  const headers = { Authorization: `Bearer ${PLACET_API_KEY}`, "Content-Type": "application/json" };
  const again = await fetch(`${PLACET_URL}/api/v1/reviews/${message.id}/consume`, { method: "POST", headers, body });
  assert.equal((await again.json()).code, "already_consumed");
  table.works("*Ask and Wait* consumes the approval of an act");
});

for (const [name, end] of [["approval.json", "Publish"], ["approval-node.json", "Publish"]]) {
  test(`an execution of the same number in another database asks anew: ${name}`, async () => {
    const flow = await readFile(new URL(`../../../examples/n8n/${name}`, import.meta.url), "utf8");
    const ids = [];
    for (const option of ["approve", "reject"]) {
      // Each counts its executions from 1.
      const engine = await start();
      const id = engine.execute(JSON.parse(flow));
      assert.equal(id, "1");
      const message = await choose(option);
      const run = await engine.settled(id);
      assert.equal(run.data.resultData.lastNodeExecuted, option === "approve" ? end : "Not allowed");
      ids.push(message.id);
      await engine.stop();
    }
    assert.notEqual(ids[0], ids[1]);
    table.works(`\`examples/n8n/${name}\` asks anew in an execution of the same number, in another database`);
  });
}

test("a person's message starts a workflow, which answers", async () => {
  const definition = workflow(
    "started",
    node("Placet Trigger", "placetTrigger"),
    node("Answer", "placet", { operation: "send", text: "=You wrote: {{ $json.message.text }}" }),
  );
  const url = await n8n.activate(definition);
  assert.equal(await webhookUrl(), url);
  table.works("*Trigger*: turned on, it sets the channel's webhook");

  const forged = JSON.stringify({ event: "message:created", message: { text: "forged" } });
  const headers = { "webhook-id": "1", "webhook-timestamp": String(Math.floor(Date.now() / 1000)), "webhook-signature": "v1,AAAA" };
  assert.equal((await fetch(url, { method: "POST", headers, body: forged })).status, 401);
  assert.equal((await fetch(url, { method: "POST", body: forged })).status, 401);
  table.works("*Trigger*: a call without the service's signature is 401 and starts nothing");

  const started = once(n8n.events, "started");
  await person("POST", "/api/messages", { channelId: PLACET_CHANNEL, text: "Hello" });
  const run = await n8n.settled((await started)[0]);
  assert.equal(output(run, "Placet Trigger").event, "message:created");
  assert.equal(output(run, "Answer").text, "You wrote: Hello");
  table.works("*Trigger*: a person's message starts the workflow");

  await n8n.deactivate(definition);
  assert.equal(await webhookUrl(), null);
  table.works("*Trigger*: turned off, it removes the webhook");
});

for (const file of ["approval-node.json", "approval.json"]) {
  for (const [option, end, other] of [["approve", "Publish", "Not allowed"], ["reject", "Not allowed", "Publish"]]) {
    test(`the flow ${file} ends at "${end}" after ${option}`, async () => {
      const flow = await readFile(new URL(`../../../examples/n8n/${file}`, import.meta.url), "utf8");
      const id = n8n.execute(JSON.parse(flow));
      await choose(option);
      const run = await n8n.settled(id);
      assert.equal(run.data.resultData.error, undefined);
      assert.equal(run.data.resultData.lastNodeExecuted, end);
      assert.equal(run.data.resultData.runData[other], undefined);
      table.works(`\`examples/n8n/${file}\` ends at "${end}" after \`${option}\``);
    });
  }
}

test("a question is asked once, by calls and by executions of the node that are repeated", async () => {
  // A hop before the service. The response with the question is lost, the service is busy for two seconds, and the first wait
  // is refused, so that n8n executes the node again.
  const calls = new EventEmitter();
  const faults = ["lost", "busy", "none", "refused"];
  const times = [];
  const hop = createServer(async (request, response) => {
    const { url, method, headers } = request;
    const fault = faults.shift();
    times.push(Date.now());
    if (fault === "busy") return response.writeHead(429, { "Retry-After": "2" }).end("{}");
    if (fault === "refused") return response.writeHead(400).end("{}");
    if (!fault && method === "GET") calls.emit("wait");
    const init = { method, headers: { authorization: headers.authorization, "content-type": "application/json" } };
    if (method === "POST") Object.assign(init, { body: request, duplex: "half" });
    const answer = await (await fetch(PLACET_URL + url, init)).text();
    if (fault === "lost") request.socket.destroy();
    else response.end(answer);
  }).listen(0, "127.0.0.1");
  await once(hop, "listening");
  n8n.credentials.data.url = `http://127.0.0.1:${hop.address().port}`;
  const waits = once(calls, "wait", { signal: AbortSignal.timeout(30_000) });
  const id = n8n.execute(workflow("repeated", { ...ask(), retryOnFail: true, maxTries: 2, waitBetweenTries: 1 }));
  await waits;
  await choose("approve");
  assert.equal(output(await n8n.settled(id), "Ask").allowed, true);
  assert.ok(times[2] - times[1] >= 2000, `asked again after ${times[2] - times[1]} ms`);
  n8n.credentials.data.url = PLACET_URL;
  hop.closeAllConnections();
  hop.close();
  table.works("*Ask and Wait* asks once, also when a response is lost or n8n tries the node again");
});

test("a call that is refused ends the execution", async () => {
  const run = await n8n.settled(n8n.execute(workflow("refused", ask({ review: '{ "type": "approval", "payload": 1 }' }), report)));
  assert.equal(run.status, "error");
  assert.equal(run.data.resultData.runData.Report, undefined);
  assert.equal((await pending()).length, 0);
  table.works("a refused call ends the execution with an error");
});
