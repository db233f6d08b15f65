// Random fields and values, generated from a seed.

export class SeededRandom {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  // A generator with a new seed, or with the one in PLACET_TEST_SEED, which repeats a run.
  static fromEnv() {
    const seed = Number(process.env.PLACET_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));
    console.error(`PLACET_TEST_SEED=${seed} repeats this run`);
    return new SeededRandom(seed);
  }

  // A number from 0 up to but not including `end` (mulberry32).
  below(end) {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % end;
  }

  oneIn = (chances) => this.below(chances) === 0;
  pick = (from) => from[this.below(from.length)];

  // Up to seven digits before and four after the decimal point.
  decimal() {
    const whole = this.below(10 ** (1 + this.below(7)));
    const number = this.oneIn(3) ? whole : Number(`${whole}.${this.below(10_000)}`);
    return number && this.oneIn(4) ? -number : number;
  }
}

const two = (number) => String(number).padStart(2, "0");
const date = (seeded) => `2026-12-${two(1 + seeded.below(8))}`;
const time = (seeded) => `${two(seeded.below(24))}:${two(seeded.below(60))}${seeded.oneIn(4) ? `:${two(seeded.below(60))}` : ""}`;
const datetime = (seeded) => `${date(seeded)}T${time(seeded)}`;
const moments = { date, time, datetime };
const zones = ["Z", "+05:30", "-08:00", "+00:00"];
const TYPES = ["number", "number", "range", "date", "time", "datetime", "datetime", "text", "textarea", "email", "url", "password", "select", "radio", "many", "checkbox"];

function moment(seeded, type) {
  const full = (text) => (text.length === 16 ? `${text}:00` : text);
  if (seeded.oneIn(3)) return full(datetime(seeded)) + seeded.pick(zones);
  return moments[type](seeded);
}

function limits(seeded, type) {
  const some = (value) => (seeded.oneIn(2) ? value : undefined);
  if (type === "number" || type === "range") {
    const number = () => (seeded.below(41) - 20) * seeded.pick([1, 0.5, 0.1]);
    return { min: some(number()), max: some(number() + 10), step: some(seeded.pick([1, 5, 0.1, 0.25, 3])), defaultValue: seeded.oneIn(3) ? number() : undefined };
  }
  if (type in moments) {
    const step = type === "date" ? seeded.pick([1, 2, 7]) : seeded.pick([60, 900, 1, 3600]);
    return { min: some(moment(seeded, type)), max: some(moment(seeded, type)), step: seeded.oneIn(4) ? step : undefined, defaultValue: seeded.oneIn(3) ? moment(seeded, type) : undefined };
  }
  if (type === "checkbox") return { defaultValue: some(seeded.oneIn(2)) };
  if (["select", "radio", "many"].includes(type)) {
    const options = [1, "two", { value: 3.5, label: "Three and a half" }, { value: "4", label: "" }];
    return { options, ...(type === "many" ? { multiple: true } : {}), defaultValue: some(seeded.pick([1, "two", "3.5", "five"])) };
  }
  return { defaultValue: some(seeded.pick(["", "words", "a@b", "https://example.com/"])) };
}

// Fields as agents define them, some of which cannot be answered.
export function fields(seeded, count) {
  return Array.from({ length: count }, (_, n) => {
    const type = seeded.pick(TYPES);
    const field = { name: `f${n}`, label: `f${n}`, type: type === "many" ? "select" : type, required: seeded.oneIn(2), ...limits(seeded, type) };
    return JSON.parse(JSON.stringify(field));
  });
}

const texts = {
  number: (seeded) => (seeded.oneIn(2) ? String((seeded.below(61) - 30) * seeded.pick([1, 0.5, 0.1, 0.25])) : Array.from({ length: 1 + seeded.below(8) }, () => seeded.pick([..."0123456789.,' \u202f\u2019-+eE٠١٫٬|x"])).join("")),
  range: (seeded) => String(seeded.below(40) - 10),
  text: (seeded) => seeded.pick(["", " ", "\u200b", "\u3000\u2060", "word", " x "]),
  email: (seeded) => seeded.pick(["", "a@b", "a@b.example", "müller@straße.de", "a", "@b", "a@", "a@b@c", "a b@c", "x".repeat(260) + "@y"]),
  url: (seeded) => seeded.pick(["", "https://example.com/", "example.com", "http://", "https://a b/", "mailto:x@y", "//x", "https://[::1]/", "foo"]),
};

// A value for each field, as its input expects it; for checkboxes and radio buttons, the chosen ones.
export function answers(seeded, defined) {
  const valueOf = (field) => {
    if (field.type === "checkbox") return seeded.oneIn(2) ? ["on"] : [];
    if (field.multiple) return ["1", "two", "3.5"].filter(() => seeded.oneIn(3));
    if (field.type === "radio") return [seeded.pick(["1", "two", field.required ? "4" : ""])];
    if (field.type === "select") return seeded.pick(["", "1", "two", "3.5", "4"]);
    if (field.type in moments) return seeded.oneIn(6) ? "" : moments[field.type](seeded);
    return (texts[field.type] ?? texts.text)(seeded);
  };
  return Object.fromEntries(defined.map((field) => [field.name, valueOf(field)]));
}
