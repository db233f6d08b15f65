"use strict";
// Calls of the API, for both nodes.

const { setTimeout: sleep } = require("node:timers/promises");

const CREDENTIAL = "placetServerlessApi";
const HOLD_MS = 25_000;
const ATTEMPTS = 6;
const BUSY = [429, 502, 503, 504];

/** The body of the answer, after up to `ATTEMPTS` attempts: each call is safe to repeat. */
async function call(context, method, path, { body, headers } = {}) {
  const signal = context.getExecutionCancelSignal?.();
  const { url } = await context.getCredentials(CREDENTIAL);
  for (let attempt = 1; ; attempt++) {
    try {
      const request = { method, url: url.replace(/\/+$/, "") + path, body, headers: { ...headers }, json: true, timeout: 35_000 };
      return await context.helpers.httpRequestWithAuthentication.call(context, CREDENTIAL, request);
    } catch (fault) {
      if (!isTemporary(fault) || attempt === ATTEMPTS || signal?.aborted) throw fault;
      await sleep(250 * 2 ** attempt, undefined, { signal });
    }
  }
}

/** Whether the service was busy, or not reached: then the code is none or a name, such as ECONNRESET. */
function isTemporary({ name, httpCode }) {
  return name === "NodeApiError" && (!/^\d+$/.test(httpCode ?? "") || BUSY.includes(Number(httpCode)));
}

/** The message, once its review is no longer pending. */
async function untilDecided(context, id) {
  for (;;) {
    const answer = await call(context, "GET", `/api/v1/reviews/${id}/wait?timeout=${HOLD_MS}&patient=true`);
    if (answer.status !== "timeout") return answer.message;
    await sleep(answer.pollAfterMs, undefined, { signal: context.getExecutionCancelSignal() });
  }
}

/** What a node puts out of a decided review. An approval of an act is consumed first, so that it allows once. */
async function answerOf(context, message) {
  const { review } = message;
  const allowed = review.status === "completed" && allows(review);
  if (allowed && review.action) {
    const body = { actionDigest: review.decision.actionDigest };
    const headers = { "Idempotency-Key": `n8n-${context.getExecutionId()}-${message.id}` };
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

module.exports = { CREDENTIAL, answerOf, call, untilDecided };
