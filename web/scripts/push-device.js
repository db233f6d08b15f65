// Turns push messages on and off on this device, and shows what push services answered to a test message.
import { callApi } from "./api.js";
import { byId, create } from "./dom.js";
import { refresh } from "./refresh.js";
import { startWorker, stopWorker } from "./service-worker.js";

const device = byId("push-device");

const bytesOf = (base64url) => {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
};

const isSameKey = (subscription, key) => {
  const own = new Uint8Array(subscription.options?.applicationServerKey ?? []);
  return own.length === key.length && own.every((byte, at) => byte === key[at]);
};

// Why this browser cannot get push messages, if it cannot.
function obstacle() {
  const isApple = /iPhone|iPad/.test(navigator.userAgent);
  if (isApple && !matchMedia("(display-mode: standalone)").matches)
    return "On an iPhone or iPad, first add this app to the home screen: press Share, then “Add to Home Screen”, and open it there.";
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return "This browser has no push messages.";
  if (Notification.permission === "denied")
    return "This browser blocks notifications of this site. Allow them in its settings of the site, then reload this page.";
  return "";
}

async function subscribe() {
  if ((await Notification.requestPermission()) !== "granted") throw new Error(obstacle() || "Notifications were not allowed.");
  const { publicKey } = await callApi("GET", "/api/push/vapid-key");
  const key = bytesOf(publicKey);
  await startWorker();
  const { pushManager } = await navigator.serviceWorker.ready;
  const earlier = await pushManager.getSubscription();
  if (earlier && !isSameKey(earlier, key)) await earlier.unsubscribe();
  const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key }).catch(() => {
    throw new Error("This browser could not reach its push service. Try again later.");
  });
  const { endpoint, keys } = subscription.toJSON();
  await callApi("POST", "/api/push/subscribe", { endpoint, keys });
}

async function unsubscribe() {
  const registration = await navigator.serviceWorker.getRegistration();
  const subscription = await registration?.pushManager.getSubscription();
  if (subscription) {
    await callApi("DELETE", "/api/push/subscribe", { endpoint: subscription.endpoint });
    await subscription.unsubscribe();
  }
  stopWorker();
}

// Whether the service still knows this browser's subscription: the list of devices has the hash of its endpoint.
async function isListed(subscription) {
  if (!subscription) return false;
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(subscription.endpoint));
  const hex = Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return byId(`device-${hex}`) !== null;
}

async function showState() {
  const registration = await navigator.serviceWorker?.getRegistration();
  const isOn = await isListed(await registration?.pushManager?.getSubscription());
  const why = isOn ? "" : obstacle();
  byId("push-state").textContent = why || (isOn ? "This device gets push messages." : "This device gets no push messages.");
  byId("push-on").hidden = isOn || Boolean(why);
  byId("push-off").hidden = !isOn;
}

async function act(action) {
  const problem = byId("push-problem");
  problem.hidden = true;
  device.ariaBusy = "true";
  try {
    await action();
    await refresh();
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  } finally {
    device.ariaBusy = "false";
    await showState();
  }
}

function showTested({ target: form, detail: results }) {
  if (form.id !== "push-test") return;
  const lines = results.map(({ device, accepted, status, error }) => {
    const text = `${device.name}: ${accepted ? "accepted" : error}${status ? ` (${status})` : ""}`;
    return create("li", { className: accepted ? "good" : "bad", text, dir: "auto" });
  });
  byId("push-tested").replaceChildren(...lines);
}

if (device) {
  byId("push-on").addEventListener("click", () => act(subscribe));
  byId("push-off").addEventListener("click", () => act(unsubscribe));
  document.addEventListener("placet:done", showTested);
  showState();
}
