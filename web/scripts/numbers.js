// Reads numbers as people write them, in step with functions/web/src/review/number.rs.

const ZEROS = [0x660, 0x6f0, 0x966, 0x9e6, 0xff10]; // the digits of other scripts
const ALIKE = {
  "\u2212": "-", "\ufe63": "-", "\uff0d": "-", "\uff0b": "+", "\u066b": "|", "\u066c": "'", "\u2019": "'",
  "\u02bc": "'", "\u060c": ",", "|": "?", "\t": " ", "\u00a0": " ", "\u2007": " ", "\u2009": " ",
  "\u202f": " ", "\u200e": "", "\u200f": "", "\u061c": "",
};
const NOT_A_NUMBER = { problem: "must be a number, like 1234.5 or 1234,5" };

// Returns `{ number }` or `{ problem }`.
export function readNumber(text) {
  const [, sign, rest] = /^([+-]?)(.*)$/su.exec(canonical(text));
  const [, body, exponent] = /^([^eE]*)(?:[eE](.*))?$/su.exec(sign ? rest.trimStart() : rest);
  if (exponent !== undefined && !/^[+-]?[0-9]{1,4}$/.test(exponent)) return NOT_A_NUMBER;
  const minus = sign === "-" ? "-" : "";
  const { whole, fraction, problem } = parts(body, minus, exponent === undefined);
  if (problem) return { problem };
  const number = Number(`${minus}${whole}.${fraction}0e${exponent ?? 0}`);
  if (!Number.isFinite(number) || digits(number.toExponential()) !== digits(whole + fraction)) {
    return { problem: "has more digits than are kept exactly" };
  }
  return { number: number === 0 ? 0 : number };
}

function canonical(text) {
  const one = (c) => {
    if (c in ALIKE) return ALIKE[c];
    const zero = ZEROS.find((zero) => c.codePointAt(0) >= zero && c.codePointAt(0) < zero + 10);
    return zero === undefined ? c : String(c.codePointAt(0) - zero);
  };
  return [...text].map(one).join("").replace(/^ +| +$/g, "");
}

// The digits before and after the decimal separator, or why there are none.
function parts(body, sign, mayGroup) {
  const separators = body.replace(/[0-9]/g, "");
  if (separators === "") return body === "" ? NOT_A_NUMBER : { whole: body, fraction: "" };
  if (/[^.,' |]/.test(separators)) return NOT_A_NUMBER;
  const last = separators.at(-1);
  const isMixed = [...separators].some((c) => c !== last);
  if (!".,|".includes(last) || separators.split(last).length !== 2) {
    const whole = mayGroup && !isMixed ? joinGroups(body, last) : null;
    return whole === null ? NOT_A_NUMBER : { whole, fraction: "" };
  }
  const [whole, fraction] = body.split(last);
  if (isMixed) {
    const group = separators[0];
    const joined = mayGroup && group !== "|" && /^\d*$/.test(fraction) ? joinGroups(whole, group) : null;
    return joined === null ? NOT_A_NUMBER : { whole: joined, fraction };
  }
  if (whole === "" && fraction === "") return NOT_A_NUMBER;
  if (mayGroup && last !== "|" && fraction.length === 3 && joinGroups(body, last) !== null) {
    return { problem: `can be read as two numbers: write ${sign}${whole}${fraction} or ${sign}${whole}.${fraction}0` };
  }
  return { whole, fraction };
}

// Joins groups of three digits, or as in India of two and at last three; null when they are none.
function joinGroups(text, separator) {
  const groups = text.split(separator);
  const [first, last] = [groups[0], groups.at(-1)];
  if (groups.length < 2 || !groups.every((it) => /^\d*$/.test(it))) return null;
  if (first.startsWith("0") || last.length !== 3) return null;
  const middle = (length) => groups.slice(1, -1).every((it) => it.length === length);
  const isThree = first.length >= 1 && first.length <= 3 && middle(3);
  const isIndian = separator === "," && first.length >= 1 && first.length <= 2 && middle(2);
  return isThree || isIndian ? groups.join("") : null;
}

const digits = (text) => text.replace(/e.*/, "").replace(/[^0-9]/g, "").replace(/^0+|0+$/g, "");
