// Verifies the receipt of a decision before the action is done.
//
//   npm ci
//   echo '{"receipt": "...", "action": {"name": "...", "args": {...}}}' | PLACET_URL=... node verify_receipt.mjs

import { createHash } from "node:crypto";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import canonicalize from "canonicalize";
import { createRemoteJWKSet, jwtVerify } from "jose";

/** The claims of a receipt, if it is genuine and allows exactly this action. */
export async function verify(receipt, action, keys) {
  const { payload } = await jwtVerify(receipt, keys, {
    algorithms: ["EdDSA"], typ: "placet-receipt+jwt", requiredClaims: ["exp", "sub", "jti"],
  });
  const canonical = canonicalize({ args: action.args, name: action.name });
  const digest = "sha256:" + createHash("sha256").update(canonical).digest("hex");
  if (payload.effect !== "allow") throw new Error("the action was denied");
  if (payload.digest !== digest) throw new Error("another action was approved");
  return payload;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { receipt, action } = await json(process.stdin);
  const keys = createRemoteJWKSet(new URL(process.env.PLACET_URL.replace(/\/$/, "") + "/.well-known/jwks.json"));
  try {
    console.log(JSON.stringify(await verify(receipt, action, keys)));
  } catch (refused) {
    console.error(`refused: ${refused.message}`);
    process.exitCode = 1;
  }
}
