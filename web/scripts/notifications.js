// Browser notifications of new requests, where no push messages announce them.
import { isPushed } from "./service-worker.js";

export function mayNotify() {
  return "Notification" in window && Notification.permission === "granted";
}

// Notifies of the newest request in `page`, while this page is hidden.
export function notifyRequest(page) {
  if (!document.hidden || !mayNotify() || isPushed()) return;
  const newest = page.querySelector("[data-row].unread .excerpt")?.textContent ?? "An agent asks for an answer.";
  try {
    const notification = new Notification("Placet", { body: newest, icon: "/assets/icon-192.png", tag: "placet" });
    notification.onclick = () => {
      window.focus();
      notification.close();
    };
  } catch {
    // Browsers of phones have the class but refuse to construct it.
  }
}
