// Adds a copy button after each address that is shown instead of a link (`code.address`).
import { create } from "./dom.js";
import { onContent } from "./swap.js";
import { toast } from "./toast.js";

function addButtons(root) {
  for (const address of root.querySelectorAll(".md code.address:not(.with-copy)")) {
    address.classList.add("with-copy");
    const button = { type: "button", className: "small copy-address", text: "Copy" };
    address.after(create("button", button, { "aria-label": `Copy ${address.textContent}` }));
  }
}

if (navigator.clipboard) onContent(addButtons);

document.addEventListener("click", async ({ target }) => {
  if (!target.matches?.(".copy-address")) return;
  const address = target.previousElementSibling;
  try {
    await navigator.clipboard.writeText(address.textContent);
    toast("Copied.", "success");
  } catch {
    getSelection().selectAllChildren(address);
    toast("The browser does not allow copying. The address is selected.", "error");
  }
});
