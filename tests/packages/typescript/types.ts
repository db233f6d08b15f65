// What an application writes, checked as strict TypeScript against the installed package. It is not run.
import { generateText, type LanguageModel, type ModelMessage, tool } from "ai";
import { needsApproval, NotApproved, Placet, type Answer, type Claims } from "placet-serverless";
import { approvalResponses, withApprovals } from "placet-serverless/ai";
import { z } from "zod";

const placet = new Placet({ url: "https://inbox.example.com", apiKey: "hp_..." });

export async function answers(): Promise<[Answer, Claims]> {
  const answer = await placet.ask("May I deploy?", { key: "release-2", expiresInSeconds: 3600, timeoutMs: 1000 });
  // @ts-expect-error: a misspelt option
  await placet.ask("May I deploy?", { expires: 1 });
  const approval = await placet.approve({ name: "pay", args: { amount: 1, to: "Ada" }, editable: ["/amount"] });
  const amount: number = approval.args.amount;
  // @ts-expect-error: an argument that the act does not have
  approval.args.currency;
  return [answer, { ...approval.claims, iat: amount }];
}

interface Payment {
  amount: number;
  to: string;
}
export const pay: (payment: Payment) => Promise<string> = needsApproval(
  placet,
  "pay",
  async ({ amount, to }: Payment) => `paid ${amount} to ${to}`,
  { risk: "high", key: ({ to }) => to },
);

export async function agent(model: LanguageModel): Promise<string> {
  const tools = {
    pay: tool({ inputSchema: z.object({ amount: z.number() }), needsApproval: true, execute: ({ amount }) => amount }),
  };
  const question: ModelMessage[] = [{ role: "user", content: "Pay" }];
  const result = await withApprovals(placet, question, (messages) => generateText({ model, tools, messages }));
  const content: ModelMessage = { role: "tool", content: await approvalResponses(placet, result.content) };
  return `${result.text} ${content.role}`;
}

export function reason(fault: unknown): string {
  return fault instanceof NotApproved ? fault.answer.reason : String(fault);
}
