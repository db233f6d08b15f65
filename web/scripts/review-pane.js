// Opens a review beside the list: only the pane is replaced, and the address becomes the review's own. Of
// several that are asked for, the last one is opened; nothing of the one before can be pressed meanwhile.
import { byId, isPlainClick } from "./dom.js";
import { fetchPage, onContent, replaceElement } from "./swap.js";
import { toast } from "./toast.js";

const LINKS = "a[data-row], a[data-next], .versions a, .back";
const wide = matchMedia("(min-width: 900px)");
const rows = () => [...document.querySelectorAll("[data-row]")];
let latest = 0;
let shownPath = location.pathname;

async function open(path) {
  const mine = ++latest;
  byId("pane").inert = true;
  markRow(path); // at once, however slow the network is
  try {
    const { response, page } = await fetchPage(path);
    const next = page.getElementById("pane");
    if (mine !== latest) return;
    if (!response.ok || !next) return location.assign(path); // the page says what is wrong
    history.pushState({}, "", path);
    shownPath = location.pathname;
    replaceElement(byId("pane"), next);
    document.title = page.title;
    showOpened();
  } catch {
    if (mine !== latest) return;
    toast("There is no connection: the request could not be opened.", "error");
    markRow(location.pathname);
  } finally {
    if (mine === latest) byId("pane").inert = false;
  }
}

function markRow(path) {
  const { pathname } = new URL(path, location.href);
  for (const row of rows()) {
    if (new URL(row.href).pathname === pathname) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
}

function showOpened() {
  markRow(location.pathname);
  const row = rows().find((it) => it.getAttribute("aria-current"));
  row?.classList.remove("unread");
  row?.querySelector(".dot")?.remove();
  row?.scrollIntoView({ block: "nearest" });
  byId("main").classList.toggle("open", location.pathname !== "/");
  byId("pane").scrollTop = 0;
  if (!wide.matches) scrollTo(0, 0);
}

async function openLink(event) {
  const link = event.target.closest(LINKS);
  if (!link || !isPlainClick(event)) return;
  event.preventDefault();
  await open(link.getAttribute("href"));
  // Where the list and the pane take each other's place, focus goes along.
  if (wide.matches && event.detail !== 0) return;
  const list = rows()[0] ?? byId("search");
  (location.pathname === "/" ? list : byId("pane")).focus({ preventScroll: true });
}

if (byId("rows")) {
  document.addEventListener("click", openLink);
  addEventListener("popstate", () => {
    if (location.pathname !== shownPath) location.reload();
  });
  onContent((root) => {
    if (root.id === "rows") markRow(location.pathname);
  });
}
