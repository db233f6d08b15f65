// The official TypeScript client through every tool: node every_tool.mjs URL KEY, and the arguments on standard input.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { readFileSync } from "node:fs";

const [url, key] = process.argv.slice(2);
const given = JSON.parse(readFileSync(0, "utf8"));
const client = new Client({ name: "tests", version: "1" });
const headers = { Authorization: `Bearer ${key}` };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
const { tools } = await client.listTools();
const called = {};
for (const { name } of tools) {
  // The client checks each answer against the tool's output schema.
  const result = await client.callTool({ name, arguments: given[name] ?? {} });
  called[name] = result.isError ? result.content[0].text : "ok";
}
await client.close();
console.log(JSON.stringify(called));
