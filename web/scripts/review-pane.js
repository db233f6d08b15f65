// Opens a review next to the list: only the pane is replaced, and the address becomes the review's own. Of
// several that are asked for, the last one is opened; nothing of the one before can be pressed meanwhile.
// Back leads to the list as it was left: the same view, the same place, the focus on the same row.
import { byId, isPlainClick } from "./dom.js";
import { ownAction, takeRows } from "./refresh.js";
import { rows, shownRows } from "./review-rows.js";
import { fetchPage, onContent, replaceChanged, replaceElement, reviewId } from "./swap.js";
import { toast } from "./toast.js";

const LINKS = "a[data-row], a[data-next], .versions a, .back";
const wide = matchMedia("(min-width: 900px)");
const here = () => location.pathname + location.search;
let latest = 0;
let shown = here();
let listTop = 0; // where the list was scrolled to before a review took its place, on a phone
let opened = 0; // reviews that were opened from the list, so that back in the history is the list

async function open(path, { isBack = false } = {}) {
  const mine = ++latest;
  const [before, target] = [reviewId(document), new URL(path, location.href)];
  const isOtherView = target.search !== new URL(shown, location.href).search;
  if (!byId("main").classList.contains("open")) listTop = document.scrollingElement.scrollTop;
  byId("pane").inert = true;
  markRow(path); // at once, however slow the network is
  try {
    const parts = isOtherView ? "pane,rows" : "pane";
    const { response, page } = await ownAction(() => fetchPage(path, { parts }));
    const next = page.getElementById("pane");
    if (mine !== latest) return false;
    if (!response.ok || !next) return location.assign(path); // the page says what is wrong
    if (!isBack) history.pushState({}, "", path);
    shown = here();
    replaceElement(byId("pane"), next);
    if (page.getElementById("rows")) takeRows(page);
    replaceChanged(page);
    document.title = page.title;
    showOpened(before);
    return true;
  } catch {
    if (mine !== latest) return false;
    toast("Offline: the request could not be opened.", "error");
    markRow(location.pathname);
    return false;
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

function showOpened(before) {
  const isOpen = location.pathname !== "/";
  markRow(location.pathname);
  const row = rows().find((it) => it.getAttribute("aria-current"));
  row?.classList.remove("unread");
  row?.querySelector(".dot")?.remove();
  if (wide.matches) row?.scrollIntoView({ block: "nearest" });
  byId("main").classList.toggle("open", isOpen);
  byId("pane").scrollTop = 0;
  if (!wide.matches) document.scrollingElement.scrollTop = isOpen ? 0 : listTop;
  if (isOpen) byId("review-title")?.focus({ preventScroll: true });
  else rowToReturnTo(before).focus({ preventScroll: wide.matches === false });
}

function rowToReturnTo(id) {
  const all = shownRows();
  return all.find((it) => it.id === `row-${id}`) ?? all[0] ?? byId("search");
}

async function openLink(event) {
  const link = event.target.closest(LINKS);
  if (!link || !isPlainClick(event)) return;
  event.preventDefault();
  if (link.matches(".back") && opened > 0) return history.back();
  const isFromList = link.matches("[data-row]") && location.pathname === "/";
  if (await open(link.getAttribute("href"))) opened = isFromList ? 1 : 0;
}

async function goBack() {
  if (here() === shown) return;
  opened = 0;
  if (!(await open(here(), { isBack: true }))) location.reload();
}

if (byId("rows")) {
  document.addEventListener("click", openLink);
  addEventListener("popstate", goBack);
  document.addEventListener("placet:view", () => (shown = here()));
  onContent((root) => {
    if (root.id === "rows") markRow(location.pathname);
  });
  // The row of a link that was opened from outside is brought into sight.
  if (wide.matches) rows().find((it) => it.getAttribute("aria-current"))?.scrollIntoView({ block: "center" });
}
