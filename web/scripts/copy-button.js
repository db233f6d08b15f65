// Buttons that copy: the text of another element (`data-copy="ID"`), or a text of their own (`data-copy-text`). They
// stay hidden where the browser cannot copy.
import { byId } from "./dom.js";
import { onContent } from "./swap.js";
import { toast } from "./toast.js";

const BUTTONS = "[data-copy], [data-copy-text]";

onContent((root) => {
  for (const button of root.querySelectorAll(BUTTONS)) button.hidden = !navigator.clipboard;
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest?.(BUTTONS);
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copyText ?? byId(button.dataset.copy).innerText);
  toast("Copied.", "success");
});
