// The conversation shows its newest message first and stays at the end while new ones come. Older messages are
// added when somebody scrolls up to them, and what is read stays in its place.
import { byId } from "./dom.js";
import { announceContent, fetchPage, replaceElement } from "./swap.js";
import { toast } from "./toast.js";

const scroller = byId("scroller");
const messages = byId("messages");
let isAtEnd = true;
let isLoading = false;

export function scrollToEnd() {
  isAtEnd = true;
  scroller.scrollTo(0, scroller.scrollHeight);
}

async function loadOlder(link) {
  if (isLoading) return;
  isLoading = true;
  try {
    const { response, page, isSignedOut } = await fetchPage(link.href);
    if (isSignedOut) return location.reload();
    const older = page.getElementById("messages");
    if (!response.ok || !older) throw new Error(response.status);
    const [top, height] = [scroller.scrollTop, scroller.scrollHeight];
    const items = [...older.children].map((item) => document.importNode(item, true));
    messages.prepend(...items);
    for (const item of items) announceContent(item);
    replaceElement(byId("older"), page.getElementById("older"));
    scroller.scrollTop = top + scroller.scrollHeight - height;
    watchStart();
  } catch {
    toast("The older messages could not be loaded. Try again.", "error");
  } finally {
    isLoading = false;
  }
}

const startObserver = new IntersectionObserver(
  (entries) => {
    const link = document.querySelector("#older a");
    // A search for something rare would load the whole conversation by itself.
    const isSearch = link && new URL(link.href).searchParams.get("q");
    if (link && !isSearch && entries.some((it) => it.isIntersecting)) loadOlder(link);
  },
  { root: scroller, rootMargin: "200px 0px 0px 0px" },
);

function showJump() {
  const jump = byId("jump-to-newest");
  if (jump) jump.hidden = isAtEnd;
}

function watchStart() {
  startObserver.disconnect();
  startObserver.observe(byId("older"));
}

function followEnd() {
  scrollToEnd();
  scroller.addEventListener(
    "scroll",
    () => {
      isAtEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 80;
      showJump();
    },
    { passive: true },
  );
  const resizeObserver = new ResizeObserver(() => isAtEnd && scrollToEnd());
  resizeObserver.observe(messages);
  resizeObserver.observe(scroller);
}

if (scroller) {
  followEnd();
  requestAnimationFrame(watchStart);
  byId("jump-to-newest")?.addEventListener("click", () => {
    scrollToEnd();
    showJump();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("#older a");
    if (!link) return;
    event.preventDefault();
    loadOlder(link);
  });
}
