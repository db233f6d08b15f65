// Buttons that copy the text of another element: `<button data-copy="ID" hidden>`. They stay hidden where the
// browser cannot copy.
import { byId } from "./dom.js";
import { onContent } from "./swap.js";
import { toast } from "./toast.js";

onContent((root) => {
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(byId(button.dataset.copy).innerText);
  toast("Copied.", "success");
});
