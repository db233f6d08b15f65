/** What is asked, and what comes back. */

import type { Claims } from "./receipts.js";

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export type JsonObject = { readonly [name: string]: Json | undefined };

/** An act: the name of what is called, and its arguments. */
export interface Action<Args extends object = JsonObject> {
  name: string;
  args: Args;
  target?: string;
  summary?: string;
  risk?: "low" | "medium" | "high";
  reversible?: boolean;
  /** JSON Pointers into `args` that the person may change; `""` stands for all of them. */
  editable?: readonly string[];
  argsSchema?: JsonObject;
}

/** A button of an approval. Without an effect, the one with the id `approve` allows and every other denies. */
export interface Option {
  id: string;
  label: string;
  style?: "primary" | "danger" | "secondary" | "ghost";
  effect?: "allow" | "deny";
}

/** How a review ended, or that it is still pending. */
export interface Answer {
  id: string;
  status: "pending" | "completed" | "expired" | "cancelled";
  /** Whether the answer allows what was asked. Everything but an answer denies. */
  allowed: boolean;
  /** The answer as the review's type has it, such as `{selectedOption: "approve"}`. */
  response: JsonObject | null;
  /** What the person wrote beside it. */
  comment: string | null;
  /** Why it was not allowed, as a sentence for a model or a log. */
  reason: string;
  /** The act as it was decided: its arguments may have been edited. */
  action: Action | null;
  receipt: string | null;
  /** The whole message, as the API sent it. */
  message: Message;
}

/** The permission to do an act, once: it was verified and consumed. Use `args`, which may have been edited. */
export interface Approval<Args extends object = JsonObject> {
  id: string;
  name: string;
  args: Args;
  comment: string | null;
  claims: Claims;
}

/** The members of the API's message that this package reads. */
export interface Message {
  id: string;
  review: {
    type: string;
    status: Answer["status"];
    payload?: { options?: readonly (Option | string | number)[] } | null;
    response?: JsonObject | null;
    feedback?: string | null;
    cancelReason?: string | null;
    action?: Action | null;
    decision?: { effect: "allow" | "deny"; action: Action } | null;
    receipt?: string | null;
  };
}

/** Reads the review of a message. */
export function answerOf(message: Message): Answer {
  const { review } = message;
  const comment = review.response?.["comment"] || review.feedback || review.cancelReason;
  const answer = {
    id: message.id,
    status: review.status,
    allowed: review.status === "completed" && allows(review),
    response: review.response ?? null,
    comment: typeof comment === "string" ? comment : null,
    action: review.decision?.action ?? null,
    receipt: review.receipt ?? null,
    message,
  };
  return { ...answer, reason: reasonOf(answer) };
}

/** Of an act what was decided, of an approval its option, of others that they were answered. */
function allows({ type, action, decision, payload, response }: Message["review"]): boolean {
  if (action) return decision?.effect === "allow";
  if (type !== "approval") return !response?.["_dismissed"];
  const chosen = response?.["selectedOption"];
  for (const option of payload?.options ?? []) {
    if (typeof option === "object" && option.id === chosen && option.effect) return option.effect === "allow";
  }
  return chosen === "approve";
}

function reasonOf({ status, comment }: Pick<Answer, "status" | "comment">): string {
  switch (status) {
    case "expired":
      return "Nobody answered in time.";
    case "completed":
      return comment ?? "A person denied this.";
    case "cancelled":
      return comment ?? "The request was withdrawn.";
    case "pending":
      return "Not answered yet.";
  }
}
