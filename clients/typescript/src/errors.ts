/** What can go wrong. Every error means that nothing was allowed. */

import type { Answer } from "./types.js";

/** The service refused a call: `status` and `code` are those of its error. */
export class PlacetError extends Error {
  constructor(
    message: string,
    readonly status?: number,
    readonly code?: string,
  ) {
    super(message);
    this.name = new.target.name;
  }
}

/** The service could not be reached, or was busy, for as long as the call was repeated. */
export class Unavailable extends PlacetError {
  constructor(
    message: string,
    status?: number,
    readonly retryAfterMs?: number,
  ) {
    super(message, status);
  }
}

/** There is no such review among those of this API key. */
export class NotFound extends PlacetError {}

/** 409: the `key` was used for another question, or the review is in another state. */
export class Conflict extends PlacetError {}

/** The approval was used already, so it is unknown whether the act was done. Ask anew, under another key. */
export class AlreadyConsumed extends Conflict {
  /** For a model. */
  static readonly reason =
    "This approval was used by an earlier run, which may have made the call. Check that before asking again.";
}

/** The act was denied, or its review expired, was cancelled or is still pending: see `answer`. */
export class NotApproved extends PlacetError {
  constructor(readonly answer: Answer) {
    super(answer.reason);
  }
}

/** The receipt is not genuine, has ended, or is about something else. */
export class InvalidReceipt extends PlacetError {}
