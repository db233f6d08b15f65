// The flow of n8n: each node's request, with the expressions that n8n evaluates, sent to the service in the order of the
// flow's connections. (n8n itself is too large to install for a test.)
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { choose } from "./person.mjs";

const flow = JSON.parse(await readFile(new URL("../../../examples/n8n/approval.json", import.meta.url), "utf8"));

async function execute(executionId) {
  const outputs = {};
  let at = "Start";
  let $json = {};
  for (;;) {
    const scope = { $json, $env: process.env, $workflow: { id: flow.id }, $execution: { id: executionId }, JSON };
    scope.$ = (name) => ({ item: { json: outputs[name] } });
    // A text of one expression has its value; in any other text they are parts.
    const value = (text) => {
      if (!text.startsWith("=")) return text;
      const whole = /^=\{\{((?:(?!\}\}).)*)\}\}$/s.exec(text);
      if (whole) return runInNewContext(whole[1], scope);
      return text.slice(1).replace(/\{\{(.*?)\}\}/gs, (_, expression) => runInNewContext(expression, scope));
    };
    const { type, parameters } = flow.nodes.find((node) => node.name === at);
    let output = 0;
    if (type.endsWith(".httpRequest")) {
      const headers = parameters.headerParameters.parameters.map(({ name, value: text }) => [name, value(text)]);
      if (parameters.sendBody) headers.push(["Content-Type", "application/json"]);
      const body = parameters.sendBody ? value(parameters.jsonBody) : undefined;
      const response = await fetch(value(parameters.url), { method: parameters.method, headers, body });
      $json = await response.json();
      assert.ok(response.ok, JSON.stringify($json));
    } else if (type.endsWith(".if")) {
      const [{ leftValue, rightValue, operator }] = parameters.conditions.conditions;
      const isEqual = value(leftValue) === rightValue;
      output = isEqual === (operator.operation === "equals") ? 0 : 1;
    }
    outputs[at] = $json;
    const next = flow.connections[at]?.main[output];
    if (!next) return at;
    at = next[0].node;
  }
}

for (const [option, end] of [["approve", "Publish"], ["reject", "Not allowed"]]) {
  test(`the flow of n8n ends at "${end}" after ${option}`, async () => {
    const running = execute(option);
    await choose(option);
    assert.equal(await running, end);
  });
}
