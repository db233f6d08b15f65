// Opens a file of the list in a dialog.
import { byId, isPlainClick } from "./dom.js";
import { announceContent, fetchPage } from "./swap.js";

const dialog = byId("preview");

async function open(path) {
  try {
    const { response, page } = await fetchPage(path);
    const file = page.getElementById("file");
    if (!response.ok || !file) return location.assign(path);
    const shown = document.importNode(file, true);
    // The dialog closes after a form is done, instead of leaving the page.
    for (const form of shown.querySelectorAll("[data-then]")) form.removeAttribute("data-then");
    byId("preview-body").replaceChildren(shown);
    announceContent(shown);
    dialog.showModal();
  } catch {
    location.assign(path);
  }
}

function start() {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-preview]");
    if (!link || !isPlainClick(event)) return;
    event.preventDefault();
    open(link.href);
  });
  byId("preview-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  dialog.addEventListener("close", () => byId("preview-body").replaceChildren());
  dialog.addEventListener("placet:done", () => dialog.close());
}

if (dialog?.matches(".preview-dialog")) start();
