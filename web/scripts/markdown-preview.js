// Shows what a Markdown answer will look like while it is typed: `<textarea data-preview="ID">`.
import { byId } from "./dom.js";
import { announceContent, fetchPage, onContent } from "./swap.js";
import { debounce } from "./timing.js";

let latest = 0;

async function show(field) {
  const mine = ++latest;
  const body = new URLSearchParams({ text: field.value });
  const fetched = await fetchPage("/preview", { method: "POST", body }).catch(() => null);
  const preview = byId(field.dataset.preview);
  // Without an answer the last preview stays: the text is typed on, and fetched again.
  if (mine !== latest || !preview || !fetched?.response.ok || fetched.isSignedOut) return;
  preview.replaceChildren(...fetched.page.body.childNodes);
  announceContent(preview);
}

onContent((root) => {
  for (const field of root.querySelectorAll("textarea[data-preview]")) {
    show(field);
    field.addEventListener("input", debounce(300, () => show(field)));
  }
});
