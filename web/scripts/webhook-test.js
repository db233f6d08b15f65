// Shows how the webhook answered a test event: `data-tested` names the element to show it in.
import { byId, create } from "./dom.js";

function resultOf({ delivered, status, durationMs, error }) {
  const reason = status ? `answered with ${status}${error ? `: ${error}` : ""}` : `the URL ${error}`;
  const text = `${delivered ? "Delivered" : "Not delivered"}: ${reason}, in ${durationMs} ms`;
  return create("p", { className: `code ${delivered ? "good" : "bad"}`, text });
}

document.addEventListener("placet:done", ({ target: form, detail: answer }) => {
  if (!form.dataset.tested) return;
  const place = byId(form.dataset.tested);
  place.replaceChildren(resultOf(answer));
  if (answer.body) place.append(create("pre", { tabIndex: 0, text: answer.body, dir: "auto" }));
});
