/** Receipts: the digest of an act, and the verification of what was signed about it. */

import { InvalidReceipt } from "./errors.js";

const CLOCK_SKEW_SECONDS = 60;

/** What a receipt says; see docs/APPROVALS.md. */
export interface Claims {
  sub: string;
  channel: string;
  effect: "allow" | "deny";
  action: string;
  digest: string;
  decided_by: string;
  iat: number;
  exp: number;
  jti: string;
}

/** `/.well-known/jwks.json`. */
export interface Jwks {
  keys: readonly (JsonWebKey & { kid?: string })[];
}

/** `sha256:` and the hash of the act's name and arguments in the form of RFC 8785. */
export async function digest({ name, args }: { name: string; args: object }): Promise<string> {
  return `sha256:${await sha256(canonical({ args, name }))}`;
}

/** The claims of a receipt, if it is genuine and allows exactly this act. */
export async function verify(receipt: string, action: { name: string; args: object }, jwks: Jwks): Promise<Claims> {
  const [head = "", body = "", signature = "", ...rest] = receipt.split(".");
  const header = parse(head) as { alg?: string; kid?: string; typ?: string };
  if (rest.length || header.alg !== "EdDSA" || header.typ !== "placet-receipt+jwt") {
    throw new InvalidReceipt("this is not a receipt");
  }
  const key = jwks.keys.find((it) => it.kid === header.kid && it.kty === "OKP" && it.crv === "Ed25519");
  if (!key?.x) throw new InvalidReceipt("the receipt is signed with an unknown key");
  const jwk = { kty: "OKP", crv: "Ed25519", x: key.x };
  const imported = await crypto.subtle.importKey("jwk", jwk, { name: "Ed25519" }, false, ["verify"]);
  const signed = new TextEncoder().encode(`${head}.${body}`);
  if (!(await crypto.subtle.verify({ name: "Ed25519" }, imported, bytes(signature), signed))) {
    throw new InvalidReceipt("the signature is not valid");
  }
  const claims = parse(body) as Claims;
  const now = Date.now() / 1000;
  if (!(claims.exp > now - CLOCK_SKEW_SECONDS)) throw new InvalidReceipt("the receipt has ended");
  if (!claims.sub || !claims.jti) throw new InvalidReceipt("the receipt is not complete");
  if (claims.effect !== "allow") throw new InvalidReceipt("the act was denied");
  if (claims.digest !== (await digest(action))) throw new InvalidReceipt("another act was approved");
  return claims;
}

/** The hash in lower-case hexadecimal. */
export async function sha256(text: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** RFC 8785: names sorted by UTF-16 code units; numbers and strings as JavaScript writes them. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    members.sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
  }
  if (typeof value === "number" && !Number.isFinite(value)) throw new TypeError(`${value} is not JSON`);
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`a ${typeof value} is not JSON`);
  return text;
}

function parse(part: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes(part))) as unknown;
  } catch {
    throw new InvalidReceipt("this is not a receipt");
  }
}

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(atob(base64url.replace(/-/g, "+").replace(/_/g, "/")), (it) => it.charCodeAt(0));
  } catch {
    throw new InvalidReceipt("this is not a receipt");
  }
}
