// Answers an approval in its conversation. The answer counts once the server says so; until then the buttons take no
// further press.
import { announce } from "./announce.js";
import { byId } from "./dom.js";
import { refresh } from "./refresh.js";
import { announceContent, fetchPage } from "./swap.js";
import { toast } from "./toast.js";

async function answer(form, button) {
  if (form.ariaBusy === "true") return;
  const body = new URLSearchParams(new FormData(form, button));
  form.ariaBusy = "true";
  button.classList.add("pressed");
  button.textContent = "Sending…";
  try {
    const { response, page } = await fetchPage(form.action, { method: "POST", body, parts: "answer" });
    const outcome = page.querySelector("#answer .outcome h2")?.textContent.trim();
    if (!response.ok || !outcome) return location.assign(form.action); // its page says what is wrong
    const tooLate = page.querySelector("[data-too-late]");
    if (tooLate) toast(tooLate.textContent, "error");
    announce(outcome.replace(/\s+/g, " "));
    form.closest("details").replaceWith(Object.assign(document.createElement("strong"), { className: "meta", textContent: outcome }));
    announceContent(byId("pane")); // what moved up takes no press for a moment
    await refresh();
  } catch {
    toast("The connection was lost. Reload the page to see whether your answer was stored.", "error");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-answer-here]");
  if (!form) return;
  event.preventDefault();
  answer(form, event.submitter);
});
