// A request may be withdrawn while somebody writes. The page says so and stays, with what was typed,
// and lets nothing of it be sent.
"use strict";
document.addEventListener("placet:gone", (gone) => {
  const open = document.getElementById("review");
  if (!open) return;
  gone.preventDefault();
  if (document.getElementById("withdrawn")) return;
  const said = document.createElement("p");
  said.id = "withdrawn";
  said.className = "problem";
  said.setAttribute("role", "alert");
  said.textContent =
    "The agent withdrew this request: nothing can be sent any more. What you typed stays here until you leave, so that you can copy it.";
  (document.getElementById("answer") ?? open).before(said);
  for (const element of open.querySelectorAll("button, input[type=file], select")) element.disabled = true;
  for (const field of open.querySelectorAll("input, textarea")) field.readOnly = true;
  said.scrollIntoView({ block: "nearest" });
});
