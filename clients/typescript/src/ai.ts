/**
 * Vercel AI SDK: people decide the calls of tools with `needsApproval`. A call that nobody approves in time is denied,
 * and the model gets the reason.
 */

import type { Placet } from "./client.js";
import { AlreadyConsumed } from "./errors.js";

export interface ApprovalOptions {
  /** Names this run, so that a program that crashed and repeats it does not ask again about the same calls. */
  key?: string;
  expiresInSeconds?: number;
}

/** The SDK's `tool-approval-response`. */
export interface ToolApprovalResponse {
  type: "tool-approval-response";
  approvalId: string;
  approved: boolean;
  reason?: string;
}

interface ApprovalRequest {
  approvalId: string;
  toolCall: { toolCallId: string; toolName: string; input: unknown };
}

interface Step<M> {
  content: readonly { type: string }[];
  response: { messages: readonly M[] };
}

/**
 * Calls `generate` until nothing is left to approve, and returns its last result:
 * `await withApprovals(placet, messages, (messages) => generateText({ model, tools, messages }))`.
 */
export async function withApprovals<M, R extends Step<M>>(
  placet: Placet,
  messages: readonly M[],
  generate: (messages: M[]) => PromiseLike<R>,
  options: ApprovalOptions = {},
): Promise<R> {
  for (let history = [...messages]; ; ) {
    const result = await generate(history);
    const content = await approvalResponses(placet, result.content, options);
    if (!content.length) return result;
    history = [...history, ...result.response.messages, { role: "tool", content } as M];
  }
}

/** The answers to the `tool-approval-request` parts of a result, for a message with the role `tool`. */
export async function approvalResponses(
  placet: Placet,
  content: readonly { type: string }[],
  options: ApprovalOptions = {},
): Promise<ToolApprovalResponse[]> {
  const requests = content.filter((part) => part.type === "tool-approval-request") as unknown as ApprovalRequest[];
  return await Promise.all(
    requests.map(async ({ approvalId, toolCall }) => {
      const refusal = await refusalOf(placet, toolCall, options);
      const response = { type: "tool-approval-response", approvalId, approved: refusal === undefined } as const;
      return refusal === undefined ? response : { ...response, reason: refusal };
    }),
  );
}

/** Why a call is not made, or nothing if it was approved. The input cannot be edited in this SDK. */
async function refusalOf(
  placet: Placet,
  { toolCallId, toolName, input }: ApprovalRequest["toolCall"],
  { key, expiresInSeconds }: ApprovalOptions,
): Promise<string | undefined> {
  if (typeof input !== "object" || input === null || Array.isArray(input)) {
    return "The input of this call is no JSON object, so nobody can be asked about it.";
  }
  const action = { name: toolName, args: input };
  const answer = await placet.ask(`May the agent call ${toolName}?`, {
    action,
    ...(key && { key: `${key}/${toolCallId}` }),
    ...(expiresInSeconds !== undefined && { expiresInSeconds }),
  });
  if (!answer.allowed) return answer.reason;
  try {
    await placet.consume(answer, action);
  } catch (fault) {
    if (fault instanceof AlreadyConsumed) return AlreadyConsumed.reason;
    throw fault;
  }
  return undefined;
}
