import type { ApproveOptions, Placet } from "./client.js";
import type { Action } from "./types.js";

export interface NeedsApprovalOptions<Args extends object>
  extends Omit<ApproveOptions, "key">,
    Omit<Action<Args>, "name" | "args"> {
  /** Makes a call safe to repeat: the `key` of `approve`, from the arguments. */
  key?: (args: Args) => string;
}

/**
 * A function that runs only after a person approved its name and arguments, with the approved arguments. Without an
 * approval the call throws what `approve` throws.
 */
export function needsApproval<Args extends object, Result>(
  placet: Placet,
  name: string,
  run: (args: Args) => Result | PromiseLike<Result>,
  options: NeedsApprovalOptions<Args> = {},
): (args: Args) => Promise<Result> {
  const { key, text, options: buttons, expiresInSeconds, timeoutMs, signal, ...about } = options;
  return async (given) => {
    // A copy, which nobody can change meanwhile.
    const args = JSON.parse(JSON.stringify(given)) as Args;
    const approval = await placet.approve<Args>(
      { ...about, name, args },
      {
        ...(key && { key: key(args) }),
        ...(text !== undefined && { text }),
        ...(buttons && { options: buttons }),
        ...(expiresInSeconds !== undefined && { expiresInSeconds }),
        ...(timeoutMs !== undefined && { timeoutMs }),
        ...(signal && { signal }),
      },
    );
    return await run(approval.args);
  };
}
