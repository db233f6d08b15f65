/** Ask a person from an agent: questions, approvals that hold, and their answers. */

export { Placet, type ApproveOptions, type AskOptions, type Settings, type WaitOptions } from "./client.js";
export { AlreadyConsumed, Conflict, InvalidReceipt, NotApproved, NotFound, PlacetError, Unavailable } from "./errors.js";
export { needsApproval, type NeedsApprovalOptions } from "./needs-approval.js";
export { digest, verify, type Claims, type Jwks } from "./receipts.js";
export type { Action, Answer, Approval, Json, JsonObject, Option } from "./types.js";
