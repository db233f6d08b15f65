// Keeps the service worker of a device that gets push messages, or of the installed app, and lets it send what it kept
// once the connection is back. Other browsers have none.
const IN_USE = "placet:push";

export const isPushed = () => localStorage.getItem(IN_USE) === "on";

// The registration of the service worker, which this device has from now on.
export function startWorker() {
  localStorage.setItem(IN_USE, "on");
  return navigator.serviceWorker.register("/sw.js");
}

export function stopWorker() {
  localStorage.removeItem(IN_USE);
}

async function keepWorker() {
  const isApp = matchMedia("(display-mode: standalone)").matches;
  if (!("serviceWorker" in navigator) || !(isApp || isPushed())) return;
  await navigator.serviceWorker.register("/sw.js");
  const tell = () => navigator.serviceWorker.controller?.postMessage("online");
  addEventListener("online", tell);
  tell();
}

keepWorker().catch(() => {});
