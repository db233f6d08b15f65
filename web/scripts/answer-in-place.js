// Answers an approval in its conversation. The answer counts once the server says so; until then the buttons take no
// further press. If nothing is heard, the same button asks again: the server says which answer is stored.
import { announce } from "./announce.js";
import { byId, create } from "./dom.js";
import { refresh } from "./refresh.js";
import { announceContent, fetchPage } from "./swap.js";
import { toast } from "./toast.js";

async function answer(form, button) {
  if (form.ariaBusy === "true") return;
  const body = new URLSearchParams(new FormData(form, button));
  form.ariaBusy = "true";
  button.classList.add("pressed");
  const label = [...button.childNodes];
  button.textContent = "Sending…";
  try {
    const { response, page } = await fetchPage(form.action, { method: "POST", body, parts: "answer" });
    const outcome = page.querySelector("#answer .outcome h2")?.textContent.trim();
    if (!response.ok || !outcome) return location.assign(form.action); // its page says what is wrong
    const tooLate = page.querySelector("[data-too-late]");
    if (tooLate) toast(tooLate.textContent, "error");
    const chosen = page.querySelector("#answer .outcome .chosen")?.textContent;
    const said = [outcome.replace(/\s+/g, " "), chosen].filter(Boolean).join(": ");
    announce(said);
    form.closest("details").replaceWith(create("strong", { className: "meta", text: said, dir: "auto" }));
    announceContent(byId("pane")); // what moved up takes no press for a moment
    refresh().catch(() => {});
  } catch {
    form.ariaBusy = "false";
    button.classList.remove("pressed");
    button.replaceChildren(...label);
    toast("The connection was lost, so we can't tell whether your answer was stored. Send it again to see.", "error");
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-answer-here]");
  if (!form) return;
  event.preventDefault();
  answer(form, event.submitter);
});
