// Searches the list of reviews while its field is typed in. The open review stays.
import { byId } from "./dom.js";
import { fetchPage, replaceElement } from "./swap.js";
import { debounce } from "./timing.js";
import { toast } from "./toast.js";

const field = document.querySelector("#rows") && byId("search");
let latest = 0;

async function search() {
  const mine = ++latest;
  const values = [...new FormData(field.form)].filter(([, value]) => value !== "");
  const query = new URLSearchParams(values).toString();
  try {
    const { response, page, isSignedOut } = await fetchPage(query ? `/?${query}` : "/");
    const rows = page.getElementById("rows");
    if (mine !== latest) return;
    if (isSignedOut) return location.reload();
    if (!response.ok || !rows) throw new Error(response.status);
    replaceElement(byId("rows"), rows);
    history.replaceState(history.state, "", location.pathname + (query ? `?${query}` : ""));
  } catch {
    if (mine === latest) toast("The reviews could not be searched. Try again.", "error");
  }
}

field?.addEventListener("input", debounce(250, search));
