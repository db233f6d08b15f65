// An agent of the Vercel AI SDK whose payments a person approves or rejects in the inbox.
//
//   npm install
//   PLACET_URL=... PLACET_API_KEY=... OPENAI_API_KEY=... node agent.mjs
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, stepCountIs, tool } from "ai";
import { Placet } from "placet-serverless";
import { withApprovals } from "placet-serverless/ai";
import { z } from "zod";

const { MODEL = "gpt-5-mini", OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseURL = "https://api.openai.com/v1" } = process.env;
const model = createOpenAICompatible({ name: "openai", baseURL, apiKey })(MODEL);

const pay = tool({
  description: "Pays an amount to somebody.",
  inputSchema: z.object({ amount: z.number(), to: z.string() }),
  needsApproval: true,
  execute: async ({ amount, to }) => `paid ${amount} to ${to}`,
});

const question = [{ role: "user", content: "Pay invoice 17: 82000 to Ada." }];
const result = await withApprovals(
  new Placet(),
  question,
  (messages) => generateText({ model, tools: { pay }, messages, stopWhen: stepCountIs(5) }),
  { expiresInSeconds: 3600 },
);
console.log(result.text);
