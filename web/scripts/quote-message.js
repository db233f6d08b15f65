// Replies with a quote: puts the quoted message before what is being written.
import { byId } from "./dom.js";

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-quote]");
  const field = byId("say");
  if (!button || !field) return;
  const lines = button.dataset.quote.split("\n").map((line) => `> ${line}`);
  field.value = `${lines.join("\n")}\n\n${field.value}`;
  field.focus();
});
