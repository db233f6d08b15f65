/** Calls of the API. Each is safe to repeat, and is repeated while the service is busy or unreachable. */

import { AlreadyConsumed, Conflict, NotFound, PlacetError, Unavailable } from "./errors.js";

const ATTEMPTS = 6;
const BUSY = new Set([429, 502, 503, 504]);
const TIMEOUT_MS = 30_000;
/** A longer timer fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface Request {
  body?: object;
  idempotencyKey?: string;
  signal?: AbortSignal;
}

export class Http {
  constructor(
    private readonly url: string,
    private readonly apiKey: string,
  ) {}

  /** The body of the answer, after up to `ATTEMPTS` attempts. */
  async call<T>(method: string, path: string, request: Request = {}): Promise<T> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.once<T>(method, path, request);
      } catch (fault) {
        if (!(fault instanceof Unavailable) || attempt + 1 === ATTEMPTS) throw fault;
        await sleep(pause(attempt, fault));
      }
    }
  }

  /** The body of the answer to one attempt. */
  async once<T>(method: string, path: string, { body, idempotencyKey, signal }: Request = {}): Promise<T> {
    const headers: Record<string, string> = { Authorization: `Bearer ${this.apiKey}` };
    if (body) headers["Content-Type"] = "application/json";
    if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
    const attempt = new AbortController();
    const abort = () => attempt.abort();
    const timer = setTimeout(abort, TIMEOUT_MS);
    signal?.addEventListener("abort", abort);
    try {
      signal?.throwIfAborted();
      const init = { method, headers, body: body ? JSON.stringify(body) : null, signal: attempt.signal };
      const response = await fetch(this.url + path, init);
      if (!response.ok) throw await errorOf(response);
      return (await response.json()) as T;
    } catch (fault) {
      if (fault instanceof PlacetError || signal?.aborted) throw fault;
      throw new Unavailable(`${method} ${path}: ${String((fault as Error).cause ?? fault)}`);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }
}

/** Milliseconds to the next attempt: what the service asked for, else twice as long each time, up to 30 s. */
export function pause(attempt: number, fault: Unavailable): number {
  if (fault.retryAfterMs !== undefined) return fault.retryAfterMs + Math.random() * 500;
  return Math.min(250 * 2 ** attempt, 30_000) * (0.5 + Math.random() / 2);
}

/** Ends early, without an error, when the signal aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const cancel = after(ms, end);
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end);
  });
}

/** Calls `act` after any time, `Infinity` too, unless what it returns is called before. */
export function after(ms: number, act: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const arm = (left: number) => {
    timer = setTimeout(() => (left > MAX_TIMER_MS ? arm(left - MAX_TIMER_MS) : act()), Math.min(left, MAX_TIMER_MS));
  };
  arm(ms);
  return () => clearTimeout(timer);
}

async function errorOf(response: Response): Promise<PlacetError> {
  const { status } = response;
  const body = (await response.json().catch(() => ({}))) as { message?: string; code?: string };
  const message = body.message ?? `the service answered ${status}`;
  if (BUSY.has(status)) {
    const after = response.headers.get("Retry-After") ?? "";
    return new Unavailable(message, status, /^\d+$/.test(after) ? Number(after) * 1000 : undefined);
  }
  if (status === 409 && body.code === "already_consumed") return new AlreadyConsumed(message, status, body.code);
  const kind = status === 409 ? Conflict : status === 404 ? NotFound : PlacetError;
  return new kind(message, status, body.code);
}
