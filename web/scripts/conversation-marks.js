// Marks in a conversation: the day above the first message of each day, in the reader's zone, and a line above the first
// message that came since this browser last showed the conversation's end.
import { callApi } from "./api.js";
import { byId } from "./dom.js";
import { onContent } from "./swap.js";

const messages = byId("messages");
const key = `placet:read:${location.pathname}`;
const lastRead = localStorage.getItem(key) ?? "";

const dayOf = (bubble) => new Date(bubble.querySelector(".bubble-end time").dateTime);
const inWords = (day) => day.toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });

function mark() {
  let [day, isNewMarked] = ["", false];
  for (const bubble of messages.children) {
    const words = inWords(dayOf(bubble));
    if (words === day) delete bubble.dataset.day;
    else bubble.dataset.day = words;
    day = words;
    const isNew = lastRead !== "" && bubble.id > lastRead && bubble.matches(".theirs");
    if (isNew && !isNewMarked && bubble.previousElementSibling) bubble.dataset.new = "New";
    else delete bubble.dataset.new;
    isNewMarked ||= isNew;
  }
}

let noted = "";

// Notes what was read: here for the line above new messages, at the server for the counts in the list of channels.
function noteRead() {
  const newest = messages.lastElementChild?.id ?? "";
  if (document.hidden || newest <= noted) return;
  noted = newest;
  if (newest > lastRead) localStorage.setItem(key, newest);
  const isUnread = document.querySelector("#agents [aria-current] .unread-count") !== null;
  if (isUnread) callApi("POST", `/api/agents/${byId("compose").dataset.channel}/read`).catch(() => (noted = ""));
}

if (messages?.matches("[data-live-items]")) {
  onContent(() => {
    mark();
    noteRead();
  });
  document.addEventListener("visibilitychange", noteRead);
}
