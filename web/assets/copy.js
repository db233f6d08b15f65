// Beside an address that is shown instead of a link (`code.address`): a button that copies it.
"use strict";
(() => {
  if (!navigator.clipboard) return;

  function add() {
    for (const address of document.querySelectorAll(".md code.address:not(.with-copy)")) {
      address.classList.add("with-copy");
      const button = document.createElement("button");
      button.type = "button";
      button.className = "small copy-address";
      button.textContent = "Copy";
      button.setAttribute("aria-label", `Copy ${address.textContent}`);
      address.after(button);
    }
  }
  add();
  new MutationObserver(add).observe(document.body, { childList: true, subtree: true });

  document.addEventListener("click", async ({ target }) => {
    if (!target.matches?.(".copy-address")) return;
    const address = target.previousElementSibling;
    try {
      await navigator.clipboard.writeText(address.textContent);
      placet.toast("Copied.", "success");
    } catch {
      getSelection().selectAllChildren(address);
      placet.toast("The browser does not allow copying. The address is selected.", "error");
    }
  });
})();
