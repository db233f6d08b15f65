import { Conflict, InvalidReceipt, NotApproved } from "./errors.js";
import { after, Http } from "./http.js";
import { digest, sha256, verify, type Claims, type Jwks } from "./receipts.js";
import { answerOf, type Action, type Answer, type Approval, type JsonObject, type Message, type Option } from "./types.js";
import { Waits } from "./waits.js";

/** `PLACET_URL`, `PLACET_API_KEY` and `PLACET_CHANNEL` of the environment where absent. */
export interface Settings {
  url?: string;
  apiKey?: string;
  channel?: string;
}

export interface WaitOptions {
  /** How long to wait; then the answer is pending, and `wait` continues with its `id`. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

export interface ApproveOptions extends WaitOptions {
  text?: string;
  options?: readonly Option[];
  /** Makes the question safe to repeat, after a crash too: the same key asks once and gets the same answer. */
  key?: string;
  /** How long the person has: a day unless given, at most 30 days. */
  expiresInSeconds?: number;
}

export interface AskOptions extends Omit<ApproveOptions, "text"> {
  /** `approval` unless given. */
  type?: string;
  payload?: JsonObject;
  action?: Action<object>;
}

/** A client of one service. */
export class Placet {
  private readonly http: Http;
  private readonly waits: Waits;
  private channel: string | undefined;
  private jwks: Jwks = { keys: [] };

  constructor(settings: Settings = {}) {
    const url = settings.url ?? setting("PLACET_URL");
    const apiKey = settings.apiKey ?? setting("PLACET_API_KEY");
    if (!url || !apiKey) throw new TypeError("set PLACET_URL and PLACET_API_KEY, or pass url and apiKey");
    this.http = new Http(url.replace(/\/+$/, ""), apiKey);
    this.waits = new Waits(this.http);
    this.channel = settings.channel ?? setting("PLACET_CHANNEL");
  }

  /** Asks a person and waits for the answer. */
  async ask(text: string, options: AskOptions = {}): Promise<Answer> {
    const { type = "approval", action, key, expiresInSeconds } = options;
    const payload = { ...options.payload, ...(options.options && { options: options.options }) };
    const review = {
      type,
      ...(Object.keys(payload).length && { payload }),
      ...(action && { action }),
      ...(expiresInSeconds !== undefined && { expiresInSeconds, longLived: expiresInSeconds > 36 * 3600 }),
    };
    const clientId = await clientIdOf(key);
    const body = { channelId: await this.channelId(), clientId, text, review };
    const { id } = await this.http.call<Message>("POST", "/api/v1/messages", { body });
    return await this.wait(id, options);
  }

  /**
   * Asks for the permission to act, waits, verifies the receipt and consumes the approval. Use the `args` of the
   * result, which the person may have edited. Everything but an approval throws: `NotApproved` when it was denied or
   * not answered in time, `AlreadyConsumed` when a call before a crash used it.
   */
  async approve<Args extends object>(action: Action<Args>, options: ApproveOptions = {}): Promise<Approval<Args>> {
    const text = options.text ?? action.summary ?? `May I call ${action.name}?`;
    return (await this.consume(await this.ask(text, { ...options, action }))) as Approval<Args>;
  }

  /** Waits until a review is decided, expired or cancelled. */
  async wait(id: string, { timeoutMs, signal }: WaitOptions = {}): Promise<Answer> {
    if (!/^[\w-]+$/.test(id)) throw new TypeError(`${id} is not the id of a message`);
    if (timeoutMs === undefined) return answerOf(await this.waits.untilDecided(id, signal));
    const limit = new AbortController();
    const abort = () => limit.abort(signal?.reason);
    const cancel = after(timeoutMs, () => limit.abort());
    signal?.addEventListener("abort", abort);
    try {
      signal?.throwIfAborted();
      return answerOf(await this.waits.untilDecided(id, limit.signal));
    } catch (fault) {
      if (!limit.signal.aborted || signal?.aborted) throw fault;
      return await this.get(id);
    } finally {
      cancel();
      signal?.removeEventListener("abort", abort);
    }
  }

  /**
   * Uses an approval, which allows to act once: verifies the receipt, then tells the service. With `action`, exactly
   * that act must have been approved; otherwise it is the one that was decided.
   */
  async consume(answer: Answer, action: Action<object> | null = answer.action): Promise<Approval> {
    const { id, receipt, comment } = answer;
    if (!answer.allowed || !action || !receipt) throw new NotApproved(answer);
    const claims = await this.verify(receipt, action);
    if (claims.sub !== id) throw new InvalidReceipt("the receipt is of another review");
    // The same key in all attempts of this call, and in no other call.
    const request = { body: { actionDigest: await digest(action) }, idempotencyKey: randomId() };
    await this.http.call("POST", `/api/v1/reviews/${id}/consume`, request);
    return { id, name: action.name, args: action.args as JsonObject, comment, claims };
  }

  /** The claims of a receipt, if it is genuine and allows exactly this act. The public keys are cached. */
  async verify(receipt: string, action: Action<object>): Promise<Claims> {
    try {
      return await verify(receipt, action, this.jwks);
    } catch (fault) {
      if (!(fault instanceof InvalidReceipt)) throw fault;
      this.jwks = await this.http.call<Jwks>("GET", "/.well-known/jwks.json");
      return await verify(receipt, action, this.jwks);
    }
  }

  /** Withdraws a question. If it was decided or had expired before, the answer says so. */
  async cancel(id: string, reason?: string): Promise<Answer> {
    try {
      const body = reason ? { reason } : {};
      return answerOf(await this.http.call<Message>("POST", `/api/v1/reviews/${encodeURIComponent(id)}/cancel`, { body }));
    } catch (fault) {
      if (fault instanceof Conflict) return await this.get(id);
      throw fault;
    }
  }

  private async get(id: string): Promise<Answer> {
    return answerOf(await this.http.call<Message>("GET", `/api/v1/reviews/${encodeURIComponent(id)}`));
  }

  /** The configured channel, or that of the key's only agent. */
  private async channelId(): Promise<string> {
    if (!this.channel) {
      const [agent, ...others] = await this.http.call<{ id: string }[]>("GET", "/api/v1/agents");
      if (!agent || others.length) throw new TypeError("set PLACET_CHANNEL: the API key reaches several agents or none");
      this.channel = agent.id;
    }
    return this.channel;
  }
}

/** The message's `clientId`: of any length in, of a fixed one out. The Python package derives the same. */
async function clientIdOf(key: string | undefined): Promise<string> {
  return key ? `key-${await sha256(key)}` : `once-${randomId()}`;
}

function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function setting(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } };
  return process?.env?.[name] || undefined;
}
