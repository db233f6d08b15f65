// Delivers a message to the agent's webhook again.
import { toast } from "./toast.js";

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-retry]");
  if (!button) return;
  button.disabled = true;
  const response = await fetch(`/api/messages/${button.dataset.retry}/retry`, { method: "POST" }).catch(() => null);
  if (response?.ok) toast("The message is being delivered again.", "success");
  else toast("The message could not be delivered again.", "error");
  button.disabled = false;
});
