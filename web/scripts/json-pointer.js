// Places of a JSON value, by JSON Pointers (RFC 6901).

const escapeToken = (token) => String(token).replaceAll("~", "~0").replaceAll("/", "~1");

export const tokensOf = (pointer) =>
  pointer.split("/").slice(1).map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));

// The value at a place; undefined where there is none.
export function valueAt(root, pointer) {
  let value = root;
  for (const token of tokensOf(pointer)) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, token)) return undefined;
    value = value[token];
  }
  return value;
}

// A copy of `root` with another value at a place; undefined removes what is there.
export function withValue(root, pointer, value) {
  if (pointer === "") return value;
  const copy = JSON.parse(JSON.stringify(root));
  const tokens = tokensOf(pointer);
  const name = tokens.pop();
  const parent = tokens.reduce((at, token) => valueAt(at, `/${escapeToken(token)}`), copy);
  if (typeof parent !== "object" || parent === null) return copy;
  if (value === undefined) delete parent[name];
  // Assigning to the name `__proto__` would do something else.
  else Object.defineProperty(parent, name, { value, writable: true, enumerable: true, configurable: true });
  return copy;
}

// The places at which two values differ, each the deepest one: as the server names them.
export function changedPlaces(before, after, pointer = "") {
  if (isPlain(before) && isPlain(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => changedBelow(before, after, pointer, name));
  }
  if (Array.isArray(before) && Array.isArray(after)) {
    const indexes = Array.from({ length: Math.max(before.length, after.length) }, (_, index) => index);
    return indexes.flatMap((index) => changedBelow(before, after, pointer, index));
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [pointer];
}

function changedBelow(before, after, pointer, name) {
  const of = (value) => (Object.hasOwn(value, name) ? value[name] : undefined);
  return changedPlaces(of(before), of(after), `${pointer}/${escapeToken(name)}`);
}

const isPlain = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
