// Judges what is typed into a request's fields as the service judges it, before it is sent, and
// says in which zone a datetime is. Numbers are read as functions/web/src/number.rs reads them.
"use strict";
(() => {
  // ---- numbers
  const ZEROS = [0x660, 0x6f0, 0x966, 0x9e6, 0xff10];
  const ALIKE = { "\u2212": "-", "\ufe63": "-", "\uff0d": "-", "\uff0b": "+", "\u066b": "|", "\u066c": "'", "\u2019": "'", "\u02bc": "'", "\u060c": ",", "|": "?", "\t": " ", "\u00a0": " ", "\u2007": " ", "\u2009": " ", "\u202f": " ", "\u200e": "", "\u200f": "", "\u061c": "" };
  const UNKNOWN = { problem: "must be a number, like 1234.5 or 1234,5" };

  function canonical(text) {
    const one = (c) => {
      if (c in ALIKE) return ALIKE[c];
      const zero = ZEROS.find((zero) => c.codePointAt(0) >= zero && c.codePointAt(0) < zero + 10);
      return zero === undefined ? c : String(c.codePointAt(0) - zero);
    };
    return [...text].map(one).join("").replace(/^ +| +$/g, "");
  }

  // Groups of three digits, or as in India of two and at last three.
  function grouped(text, separator) {
    const groups = text.split(separator);
    const [first, last] = [groups[0], groups.at(-1)];
    if (groups.length < 2 || !groups.every((it) => /^\d*$/.test(it)) || first.startsWith("0") || last.length !== 3) return null;
    const middle = (length) => groups.slice(1, -1).every((it) => it.length === length);
    const three = first.length >= 1 && first.length <= 3 && middle(3);
    const india = separator === "," && first.length >= 1 && first.length <= 2 && middle(2);
    return three || india ? groups.join("") : null;
  }

  // The digits before and after the decimal separator, or why there are none.
  function parts(body, sign, mayGroup) {
    const separators = body.replace(/[0-9]/g, "");
    if (separators === "") return body === "" ? UNKNOWN : { whole: body, fraction: "" };
    if (/[^.,' |]/.test(separators)) return UNKNOWN;
    const last = separators.at(-1);
    const mixed = [...separators].some((c) => c !== last);
    if (!".,|".includes(last) || separators.split(last).length !== 2) {
      const whole = mayGroup && !mixed ? grouped(body, last) : null;
      return whole === null ? UNKNOWN : { whole, fraction: "" };
    }
    const [whole, fraction] = body.split(last);
    if (mixed) {
      const group = separators[0];
      const joined = mayGroup && group !== "|" && /^\d*$/.test(fraction) ? grouped(whole, group) : null;
      return joined === null ? UNKNOWN : { whole: joined, fraction };
    }
    if (whole === "" && fraction === "") return UNKNOWN;
    if (mayGroup && last !== "|" && fraction.length === 3 && grouped(body, last) !== null)
      return { problem: `can be read as two numbers: write ${sign}${whole}${fraction} or ${sign}${whole}.${fraction}0` };
    return { whole, fraction };
  }

  const digits = (text) => text.replace(/e.*/, "").replace(/[^0-9]/g, "").replace(/^0+|0+$/g, "");

  // `{ number }` or `{ problem }`.
  function readNumber(text) {
    const [, sign, rest] = /^([+-]?)(.*)$/su.exec(canonical(text));
    const [, body, exponent] = /^([^eE]*)(?:[eE](.*))?$/su.exec(sign ? rest.trimStart() : rest);
    if (exponent !== undefined && !/^[+-]?[0-9]{1,4}$/.test(exponent)) return UNKNOWN;
    const minus = sign === "-" ? "-" : "";
    const { whole, fraction, problem } = parts(body, minus, exponent === undefined);
    if (problem) return { problem };
    const number = Number(`${minus}${whole}.${fraction}0e${exponent ?? 0}`);
    if (!Number.isFinite(number) || digits(number.toExponential()) !== digits(whole + fraction)) return { problem: "has more digits than are kept exactly" };
    return { number: number === 0 ? 0 : number };
  }

  function numberProblem(field) {
    const { number, problem } = readNumber(field.value);
    if (problem) return problem;
    const [min, max, step] = ["min", "max", "step"].map((name) => (name in field.dataset ? Number(field.dataset[name]) : null));
    if (min !== null && number < min) return `must be at least ${min}`;
    if (max !== null && number > max) return `may be at most ${max}`;
    if (step === null) return "";
    const steps = (number - (min ?? 0)) / step;
    const fits = Math.abs(steps - Math.round(steps)) <= Math.max(1e-6, Math.abs(steps) * 1e-15) || !Number.isFinite(steps);
    return fits ? "" : `must lie on a step of ${step}${min ? ` from ${min}` : ""}`;
  }

  // ---- texts
  const isBlank = (text) => /^[\s\p{Cc}\p{Default_Ignorable_Code_Point}\u2800]*$/u.test(text);

  function lengthProblem(field) {
    const length = [...field.value].length;
    const { min, max } = field.dataset;
    if (min && length < Number(min)) return `must have at least ${min} characters`;
    return max && length > Number(max) ? `may have at most ${max} characters` : "";
  }

  // As the service has it: something on both sides of one @, no blanks.
  function emailProblem(field) {
    const bytes = new TextEncoder().encode(field.value).length;
    return /^[^@\p{White_Space}\p{Cc}]+@[^@\p{White_Space}\p{Cc}]+$/u.test(field.value) && bytes <= 254 ? "" : "must be an e-mail address";
  }

  // ---- datetimes: shown and sent in the zone of the browser
  const two = (number) => String(Math.trunc(number)).padStart(2, "0");
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  function offsetOf(date) {
    const minutes = -date.getTimezoneOffset();
    const size = Math.abs(minutes);
    return `${minutes < 0 ? "-" : "+"}${two(size / 60)}:${two(size % 60)}`;
  }

  // A moment as the value of a datetime-local input.
  function local(text) {
    const at = new Date(text);
    const clock = `${two(at.getHours())}:${two(at.getMinutes())}`;
    const seconds = at.getSeconds() || at.getMilliseconds() ? `:${two(at.getSeconds())}` : "";
    const fraction = at.getMilliseconds() ? `.${String(at.getMilliseconds()).padStart(3, "0")}` : "";
    return `${String(at.getFullYear()).padStart(4, "0")}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${clock}${seconds}${fraction}`;
  }

  function intoZone(field) {
    const { zonedMin, zonedMax, zonedValue } = field.dataset;
    if (zonedMin) field.min = local(zonedMin);
    if (zonedMax) field.max = local(zonedMax);
    if (zonedValue) field.value = local(zonedValue);
    delete field.dataset.zonedValue;
  }

  // Clocks that go forward leave out an hour.
  function clockProblem(field) {
    const shown = field.parentElement.querySelector("[data-zone]");
    const at = new Date(field.value || Date.now());
    if (shown) shown.textContent = `${zone} (UTC${offsetOf(at)})`;
    return field.value && local(field.value).slice(0, 16) !== field.value.slice(0, 16) ? "does not exist on that day in your zone" : "";
  }

  // ---- which field is judged how
  function problemOf(field) {
    if (field.type === "datetime-local") return clockProblem(field);
    if (field.type === "checkbox" || field.type === "radio") return oneOf(field);
    if (typeof field.value !== "string" || field.value === "") return "";
    const typed = /^(text|textarea|url|password)$/.test(field.type);
    if (field.required && typed && isBlank(field.value)) return "must not be blank";
    if ("number" in field.dataset) return numberProblem(field);
    if ("counted" in field.dataset) return lengthProblem(field);
    // Browsers that write a blank in a host as %20 take what the service does not.
    if (field.type === "url") return /^\w[\w+.-]*:\/*[^/?#]*\s/.test(field.value) ? "must be an absolute URL" : "";
    return field.inputMode === "email" ? emailProblem(field) : "";
  }

  function oneOf(field) {
    const group = field.closest("[data-one-of]");
    if (!group || field !== group.querySelector("input")) return "";
    return group.querySelector(":checked") ? "" : "Choose at least one.";
  }

  function judge(field) {
    if ("json" in field.dataset || !field.setCustomValidity) return; // the answer's script judges those
    const problem = problemOf(field);
    field.setCustomValidity(problem && /^[a-z]/.test(problem) ? `This ${problem}.` : problem);
  }

  const fieldsOf = (form) => [...form.elements].filter((field) => field.dataset && field.name);

  function prepare(root) {
    for (const field of root.querySelectorAll('[data-answer] input[type="datetime-local"]')) intoZone(field);
    for (const form of root.querySelectorAll("[data-answer]")) form.addEventListener("formdata", addZones);
  }

  function addZones({ target, formData }) {
    for (const field of target.querySelectorAll('input[type="datetime-local"]')) {
      if (field.value) formData.set(field.name.replace(/^field\./, "zone."), offsetOf(new Date(field.value)));
    }
  }

  prepare(document);
  document.addEventListener("placet:swapped", () => prepare(document));
  document.addEventListener("placet:fresh", ({ target }) => prepare(target));
  document.addEventListener("placet:filled", ({ target }) => fieldsOf(target).forEach(judge));
  document.addEventListener("input", ({ target }) => {
    if (!target.closest("[data-answer]")) return;
    judge(target.closest("[data-one-of]")?.querySelector("input") ?? target);
  });
})();
