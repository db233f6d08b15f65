// The button that asks for permission to notify: browsers want a click for it.
import { byId } from "./dom.js";
import { toast } from "./toast.js";

const button = byId("notify-button");
const mayAsk = () =>
  "Notification" in window && Notification.permission === "default" && !/Android/.test(navigator.userAgent);

async function askPermission() {
  const permission = await Notification.requestPermission();
  button.hidden = !mayAsk();
  if (permission === "granted") toast("New requests are announced while this page is in the background.", "success");
}

if (button) {
  button.hidden = !mayAsk();
  button.addEventListener("click", askPermission);
}
