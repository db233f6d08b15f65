/** Waits for answers. Up to a hundred share one call, so a thousand waits hold ten connections. */

import { NotFound, PlacetError, Unavailable } from "./errors.js";
import { pause, sleep, type Http } from "./http.js";
import type { Message } from "./types.js";

const IDS_PER_CALL = 100;
const HOLD_MS = 25_000;
/** How long a call is put off for further waits to join it. */
const JOIN_WINDOW_MS = 10;

interface Decided {
  decided: Message[];
  more: string[];
  unknown: string[];
  pollAfterMs: number;
}

interface Wait {
  resolve(message: Message): void;
  reject(fault: unknown): void;
}

/** The waits of one client. */
export class Waits {
  readonly groups = new Set<Group>();

  constructor(readonly http: Http) {}

  /** The message, once its review is no longer pending. Rejects with the signal's reason when it aborts. */
  async untilDecided(id: string, signal?: AbortSignal): Promise<Message> {
    signal?.throwIfAborted();
    const group = [...this.groups].find((it) => it.hasRoom(id)) ?? new Group(this);
    let end = () => {};
    try {
      return await new Promise<Message>((resolve, reject) => {
        const wait = { resolve, reject };
        end = () => {
          for (const one of this.groups) one.remove(id, wait);
          reject(signal?.reason);
        };
        signal?.addEventListener("abort", end);
        group.add(id, wait);
      });
    } finally {
      signal?.removeEventListener("abort", end);
    }
  }
}

/** Waits that share a call. */
class Group {
  private waiting = new Map<string, Wait[]>();
  /** Aborted when a wait joins, or when all have gone. */
  private round = new AbortController();
  private failures = 0;

  constructor(private readonly waits: Waits) {
    waits.groups.add(this);
    // The first wait is added before this runs.
    queueMicrotask(() => void this.run());
  }

  hasRoom(id: string): boolean {
    return this.waiting.has(id) || this.waiting.size < IDS_PER_CALL;
  }

  add(id: string, ...waits: Wait[]): void {
    const known = this.waiting.get(id);
    this.waiting.set(id, [...(known ?? []), ...waits]);
    if (!known) this.round.abort();
  }

  remove(id: string, wait: Wait): void {
    const left = this.waiting.get(id)?.filter((it) => it !== wait);
    if (left?.length) this.waiting.set(id, left);
    else this.waiting.delete(id);
    if (!this.waiting.size) this.round.abort();
  }

  private async run(): Promise<void> {
    try {
      while (this.waiting.size && !this.joinsAnother()) {
        await sleep(JOIN_WINDOW_MS);
        this.round = new AbortController();
        if (this.waiting.size) await this.once(this.round.signal);
      }
    } catch (fault) {
      this.fail(this.waiting.keys(), fault);
    } finally {
      this.waits.groups.delete(this);
    }
  }

  /** One call, and the pause that its answer asks for. */
  private async once(signal: AbortSignal): Promise<void> {
    const ids = [...this.waiting.keys()].join(",");
    const query = new URLSearchParams({ ids, timeout: String(HOLD_MS), patient: "true" });
    let answer: Decided;
    try {
      answer = await this.waits.http.once<Decided>("GET", `/api/v1/reviews/wait?${query}`, { signal });
    } catch (fault) {
      if (signal.aborted) return;
      if (fault instanceof Unavailable) await sleep(pause(this.failures++, fault));
      else if (fault instanceof PlacetError) this.fail(this.waiting.keys(), fault);
      else throw fault;
      return;
    }
    this.failures = 0;
    for (const message of answer.decided) {
      for (const wait of this.take(message.id)) wait.resolve(message);
    }
    this.fail(answer.unknown, new NotFound("there is no such review", 404, "not_found"));
    if (answer.pollAfterMs && !answer.more.length) await sleep(answer.pollAfterMs, signal);
  }

  /** Moves the waits to a group that has room for all of them. */
  private joinsAnother(): boolean {
    for (const other of this.waits.groups) {
      if (other === this || other.waiting.size + this.waiting.size > IDS_PER_CALL) continue;
      for (const [id, waits] of this.waiting) other.add(id, ...waits);
      this.waiting.clear();
      return true;
    }
    return false;
  }

  private fail(ids: Iterable<string>, fault: unknown): void {
    for (const id of [...ids]) for (const wait of this.take(id)) wait.reject(fault);
  }

  private take(id: string): Wait[] {
    const waits = this.waiting.get(id) ?? [];
    this.waiting.delete(id);
    return waits;
  }
}
