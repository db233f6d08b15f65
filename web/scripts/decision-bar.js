// The bar with the buttons of an answer: the way to the end of the request, how many are chosen, Ctrl+Enter, and
// the button that was pressed.
import { byId, create } from "./dom.js";
import { onContent } from "./swap.js";

// The link to the end of the request is shown while the end is below what is in sight.
function watchEnd(bar) {
  const end = byId("request-end");
  const link = bar.querySelector("[data-to-end]");
  if (!end || !link) return;
  const show = ([{ isIntersecting, boundingClientRect, rootBounds }]) => {
    link.hidden = isIntersecting || !rootBounds || boundingClientRect.top < rootBounds.top;
  };
  const rootMargin = `0px 0px -${Math.round(bar.getBoundingClientRect().height)}px 0px`;
  new IntersectionObserver(show, { rootMargin }).observe(end);
}

function goToEnd(event) {
  if (!event.target.closest("[data-to-end]")) return;
  event.preventDefault();
  byId("request-end").scrollIntoView({ block: "center" });
  byId("request-end").focus({ preventScroll: true });
}

function countChosen(form) {
  const shown = form.querySelector("[data-chosen-count]");
  if (!shown || !form.querySelector("[name=item][type=checkbox]")) return;
  shown.hidden = false;
  shown.textContent = `${form.querySelectorAll("[name=item]:checked").length} chosen`;
}

// Ctrl+Enter sends the answer: with the one primary button. Where there are several, and for an act of high risk, it
// only goes to the first one. It sends nothing while the focus is on something else: on the list, or on a link or a
// button, which the key opens or presses.
function sendByKey(event) {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.repeat) return;
  const form = document.querySelector("[data-answer]");
  if (!form || !isAbout(event.target, form)) return;
  event.preventDefault();
  const primary = form.querySelectorAll(".decision-bar .buttons .primary");
  if (primary.length === 1 && !("highRisk" in form.dataset)) {
    if (!primary[0].disabled) form.requestSubmit(primary[0]);
  } else form.querySelector(".decision-bar .buttons button").focus();
}

// Whether a key at this element is meant for the form of the open request, which is not being replaced.
function isAbout(target, form) {
  if (form.closest("[data-settling], [inert]")) return false;
  return target === document.body || (byId("pane").contains(target) && !target.closest("a, button, summary"));
}

// Shows on a button that its answer is on the way; returns what takes that back.
export function showSending(button) {
  if (!button) return () => {};
  const note = create("span", { className: "sending-note", text: "Sending…" }, { role: "status" });
  button.classList.add("pressed");
  button.append(note);
  return () => {
    note.remove();
    button.classList.remove("pressed");
  };
}

if (byId("pane")) {
  document.addEventListener("click", goToEnd);
  document.addEventListener("keydown", sendByKey);
  document.addEventListener("input", ({ target }) => target.form?.matches("[data-answer]") && countChosen(target.form));
  onContent((root) => {
    for (const form of root.querySelectorAll("[data-answer]")) {
      countChosen(form);
      watchEnd(form.querySelector(".decision-bar"));
    }
  });
}
