// Searches, filters and orders the list while its form is used. The open review stays; the address keeps the view.
import { byId } from "./dom.js";
import { fetchPage, replaceElement } from "./swap.js";
import { debounce } from "./timing.js";
import { toast } from "./toast.js";

const form = byId("view");
let latest = 0;

// The values of the form that are set. Days are those of this browser's zone, whose offset may differ between the
// beginning of the first day and the end of the last one.
function viewValues() {
  const values = [...new FormData(form)].filter(([, value]) => value !== "");
  const { from, to } = Object.fromEntries(values);
  const zone = from ? offsetAtMidnight(from, 0) : 0;
  const toZone = to ? offsetAtMidnight(to, 1) : zone;
  if (zone !== 0) values.push(["zone", zone]);
  if (toZone !== zone) values.push(["toZone", toZone]);
  return values;
}

// How many minutes east of UTC this browser's zone is when the day so many days after `day` begins.
function offsetAtMidnight(day, later) {
  const [year, month, date] = day.split("-").map(Number);
  const local = new Date(year, month - 1, date + later);
  return Math.round((Date.UTC(year, month - 1, date + later) - local) / 60_000);
}

async function showView() {
  const mine = ++latest;
  const query = new URLSearchParams(viewValues()).toString();
  try {
    const { response, page, isSignedOut } = await fetchPage(query ? `/?${query}` : "/", { parts: "rows" });
    const rows = page.getElementById("rows");
    if (mine !== latest) return;
    if (isSignedOut) return location.reload();
    if (!response.ok || !rows) throw new Error(response.status);
    replaceElement(byId("rows"), rows);
    keepView(query ? `?${query}` : "");
  } catch {
    if (mine === latest) toast("The requests could not be loaded. Try again.", "error");
  }
}

// The open review and its answer stay in the view that is shown.
function keepView(query) {
  history.replaceState(history.state, "", location.pathname + query);
  document.dispatchEvent(new CustomEvent("placet:view"));
  for (const link of document.querySelectorAll("#pane .back, #pane .versions a")) link.search = query;
  const answer = document.querySelector("[data-answer]");
  if (answer) answer.setAttribute("action", answer.getAttribute("action").split("?")[0] + query);
}

if (form) {
  form.addEventListener("input", debounce(250, ({ target }) => target.id === "search" && showView()));
  form.addEventListener("change", ({ target }) => target.matches("select, [type=date]") && showView());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    showView();
  });
  for (const element of form.querySelectorAll("[data-without-scripts]")) element.hidden = true;
}
