// Shows next to the buttons which arguments of an act were changed; a button that allows says how many.
import { create } from "./dom.js";
import { changedPlaces, tokensOf, valueAt } from "./json-pointer.js";

const MAX_SHOWN = 50;
const LONG = 160;
const CONTEXT = 30;
// Characters that are not seen or move others, and spaces that look like the plain one: the list of
// functions/web/src/text/visible.rs.
const HIDDEN =
  /[\0-\x08\v\f\x0e-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{13430}-\u{1345f}\u{1bca0}-\u{1bca3}\u{1d159}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

export function showChanges(asked, edited) {
  const list = document.querySelector("[data-act-changes]");
  if (!list) return;
  const places = changedPlaces(asked, edited);
  const count = `${places.length} ${places.length === 1 ? "change" : "changes"}`;
  list.hidden = places.length === 0;
  list.querySelector("[data-count]").textContent = count;
  const items = places.slice(0, MAX_SHOWN).map((place) => changeOf(place, asked, edited));
  if (places.length > MAX_SHOWN) items.push(create("li", { className: "meta", text: `and ${places.length - MAX_SHOWN} more` }));
  list.querySelector(".changes").replaceChildren(...items);
  for (const word of document.querySelectorAll("#answer [data-with-changes]")) {
    word.textContent = places.length ? `with ${count}` : "";
  }
}

function changeOf(place, asked, edited) {
  const [before, after] = [valueAt(asked, place), valueAt(edited, place)];
  const isSecret = document.querySelector(`#act [data-pointer="${CSS.escape(place)}"]:has(.secret)`) !== null;
  const [was, is] = isSecret ? ["•••••• hidden", "•••••• hidden"] : cut(JSON.stringify(before), JSON.stringify(after));
  const item = create("li");
  const name = tokensOf(place).join(" › ") || "all arguments";
  item.append(
    create("span", { className: "place", text: visible(name), dir: "auto" }),
    create("span", { className: "unseen", text: " before: " }),
    create("del", { text: before === undefined ? "not set" : visible(was), dir: "auto" }),
    create("span", { text: " → " }, { "aria-hidden": "true" }),
    create("span", { className: "unseen", text: " after: " }),
    create("ins", { text: after === undefined ? "removed" : visible(is), dir: "auto" }),
  );
  return item;
}

const visible = (text) =>
  text.replace(HIDDEN, (it) => `[U+${it.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);

// Long values without most of what they have in common.
function cut(before = "", after = "") {
  const shortest = Math.min(before.length, after.length);
  let start = 0;
  while (start < shortest && before[start] === after[start]) start += 1;
  let end = 0;
  while (end < shortest - start && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return [before, after].map((text) => {
    if (text.length <= LONG) return text;
    const from = Math.max(0, start - CONTEXT);
    const until = Math.min(text.length - end + CONTEXT, from + 4 * LONG);
    return `${from > 0 ? "…" : ""}${text.slice(from, until)}${until < text.length ? "…" : ""}`;
  });
}
