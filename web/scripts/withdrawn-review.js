// A request may be withdrawn while somebody writes an answer. The page says so, keeps what was typed, and
// lets nothing be sent any more.
import { byId, create } from "./dom.js";

const SENTENCE =
  "The agent withdrew this request: nothing can be sent any more. " +
  "Your text stays here until you leave, so that you can copy it.";

document.addEventListener("placet:gone", (event) => {
  const review = byId("review");
  if (!review) return;
  event.preventDefault();
  if (byId("withdrawn")) return;
  const notice = create("p", { id: "withdrawn", className: "problem", text: SENTENCE }, { role: "alert" });
  (byId("request-end") ?? review).before(notice);
  for (const element of review.querySelectorAll("button, input[type=file], select")) element.disabled = true;
  for (const field of review.querySelectorAll("input, textarea")) field.readOnly = true;
  notice.scrollIntoView({ block: "nearest" });
});
