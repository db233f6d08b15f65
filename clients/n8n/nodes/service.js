"use strict";
// Calls of the API, for both nodes.

const { randomUUID } = require("node:crypto");
const { setTimeout: sleep } = require("node:timers/promises");
const { NodeApiError } = require("n8n-workflow");

const CREDENTIAL = "placetServerlessApi";
const HOLD_MS = 25_000;
const ATTEMPTS = 6;
const BUSY = [429, 502, 503, 504];

/** The body of the answer, after up to `ATTEMPTS` attempts: each call is safe to repeat. */
async function call(context, method, path, { body, headers } = {}) {
  const signal = context.getExecutionCancelSignal?.();
  const { url } = await context.getCredentials(CREDENTIAL);
  for (let attempt = 1; ; attempt++) {
    const request = { method, url: url.replace(/\/+$/, "") + path, body, headers: { ...headers } };
    const { answer, fault, isTemporary, retryAfterMs } = await send(context, request);
    if (!fault) return answer;
    if (!isTemporary || attempt === ATTEMPTS || signal?.aborted) throw fault;
    await sleep(retryAfterMs ?? 250 * 2 ** attempt, undefined, { signal });
  }
}

/** The body of one answer, or what went wrong: whether to try again, and when, if the service says it. */
async function send(context, request) {
  const options = { ...request, json: true, timeout: 35_000, returnFullResponse: true, ignoreHttpStatusErrors: true };
  try {
    const { statusCode, headers, body } = await context.helpers.httpRequestWithAuthentication.call(context, CREDENTIAL, options);
    if (statusCode < 400) return { answer: body };
    const fault = new NodeApiError(context.getNode(), { ...body }, { message: body?.message, httpCode: String(statusCode) });
    const after = headers["retry-after"];
    const retryAfterMs = /^\d+$/.test(after) ? Number(after) * 1000 + Math.random() * 500 : undefined;
    return { fault, isTemporary: BUSY.includes(statusCode), retryAfterMs };
  } catch (fault) {
    // The service was not reached, if it is n8n's error of a request.
    return { fault, isTemporary: fault.name === "NodeApiError" };
  }
}

/** The message, once its review is no longer pending. */
async function untilDecided(context, id) {
  for (;;) {
    const answer = await call(context, "GET", `/api/v1/reviews/${id}/wait?timeout=${HOLD_MS}&patient=true`);
    if (answer.status !== "timeout") return answer.message;
    await sleep(answer.pollAfterMs, undefined, { signal: context.getExecutionCancelSignal() });
  }
}

/**
 * What this execution of the node is called. n8n counts its executions, and counts anew in another database, so a number is of
 * several. What is random is stored with the execution: it stays when n8n tries the node again, and over a suspension.
 */
function nameOf(context, stored) {
  stored.nonce ??= randomUUID();
  return `n8n-${context.getExecutionId()}-${stored.nonce}`;
}

/** What a node puts out of a decided review. An approval of an act is consumed first, so that it allows once. */
async function answerOf(context, message, name) {
  const { review } = message;
  const allowed = review.status === "completed" && allows(review);
  if (allowed && review.action) {
    const body = { actionDigest: review.decision.actionDigest };
    const headers = { "Idempotency-Key": `${name}-${message.id}` };
    await call(context, "POST", `/api/v1/reviews/${message.id}/consume`, { body, headers });
  }
  const { status, response = null, feedback = null } = review;
  return { allowed, status, response, feedback, action: review.decision?.action ?? null, message };
}

/** Of an act what was decided, of an approval its option, of others that they were answered. */
function allows({ type, action, decision, payload, response }) {
  if (action) return decision?.effect === "allow";
  if (type !== "approval") return !response?._dismissed;
  const option = payload?.options?.find((it) => it.id === response?.selectedOption && it.effect);
  return option ? option.effect === "allow" : response?.selectedOption === "approve";
}

module.exports = { CREDENTIAL, answerOf, call, nameOf, untilDecided };
