// Keeps what is typed into the form of an answer in the tab's storage until the answer is known to be stored.
import { create } from "./dom.js";

const keyOf = (form) => `placet:draft:${form.getAttribute("action").split("?")[0]}`;
const TEXTS = /^(text|textarea|email|url)/;

// Passwords are not kept, nor what confirms an act.
export function saveDraft(form) {
  const fields = [...form.elements].filter(
    (field) => field.name && !("undrafted" in field.dataset) && !["password", "submit"].includes(field.type) && field.tagName !== "BUTTON",
  );
  const draft = fields.map((field) => ({
    name: field.name,
    value: field.value,
    checked: field.checked ?? false,
    isWritten: TEXTS.test(field.type) && field.value !== field.defaultValue,
  }));
  try {
    sessionStorage.setItem(keyOf(form), JSON.stringify(draft));
  } catch {
    // The storage is full: the answer can be sent all the same.
  }
}

export function restoreDraft(form) {
  const draft = JSON.parse(sessionStorage.getItem(keyOf(form)) ?? "[]");
  for (const { name, value, checked } of draft) {
    for (const field of form.elements) {
      if (field.name !== name || field.tagName === "BUTTON") continue;
      if (field.type === "checkbox" || field.type === "radio") {
        if (field.value === value) field.checked = checked;
      } else field.value = value;
    }
  }
}

export function removeDraft(form) {
  sessionStorage.removeItem(keyOf(form));
}

// The review was decided or expired while somebody wrote: shows below the outcome what was not sent. The draft is kept,
// because an outcome that is fetched again replaces this one.
export function showUnsent(reviewId, outcome) {
  const key = `placet:draft:/reviews/${reviewId}`;
  const draft = JSON.parse(sessionStorage.getItem(key) ?? "[]");
  const unsent = draft.filter((it) => it.isWritten && !outcome.textContent.includes(it.value.trim()));
  if (unsent.length === 0) return;
  const fold = create("details", { className: "unsent" });
  const text = unsent.map((it) => it.value).join("\n\n");
  fold.append(
    create("summary", { text: "Your unsent draft" }),
    create("pre", { text, tabIndex: 0, dir: "auto" }),
  );
  outcome.append(fold);
}
