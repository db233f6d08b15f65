// Makes a link that opens a file for an hour: `<button data-share="FILE ID" hidden>`.
import { callApi } from "./api.js";
import { whileBusy } from "./busy-button.js";
import { byId } from "./dom.js";
import { onContent } from "./swap.js";
import { toast } from "./toast.js";

async function share(id) {
  const { url } = await callApi("GET", `/api/files/${id}/share`);
  const box = byId(`share-${id}`);
  const field = box.querySelector("input");
  field.value = url;
  box.hidden = false;
  field.select();
  if (!navigator.clipboard) box.querySelector("[data-copy-link]").hidden = true;
}

async function copy(field) {
  field.select();
  await navigator.clipboard.writeText(field.value);
  toast("Copied.", "success");
}

onContent((root) => {
  for (const button of root.querySelectorAll("[data-share]")) button.hidden = false;
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-share], [data-copy-link]");
  if (!button) return;
  const field = "copyLink" in button.dataset && button.closest(".share").querySelector("input");
  whileBusy(button, () => (field ? copy(field) : share(button.dataset.share)));
});
