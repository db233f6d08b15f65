// Pages without a connection: what was last shown, with a sentence that says so. Signing out removes it.
const PAGES = "placet-pages";
const ASSETS = "placet-assets";
const MAX_PAGES = 40;

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (request.mode === "navigate" && request.method === "GET") event.respondWith(page(event, url));
  else if (request.method === "GET" && url.pathname.startsWith("/assets/")) event.respondWith(asset(request, url));
  else if (request.method === "POST" && url.pathname === "/logout") event.waitUntil(signOut());
});

async function page(event, url) {
  const { request } = event;
  let response;
  try {
    response = await fetch(request);
  } catch {
    return lastShown(request);
  }
  // Whoever signs in next must not see what the person before has seen.
  if (url.pathname === "/login" && response.ok) await caches.delete(PAGES);
  else if (isKept(response)) event.waitUntil(keepPage(request, response.clone()));
  return response;
}

const isKept = (response) =>
  response.ok && !response.redirected && response.headers.get("content-type")?.startsWith("text/html");

async function keepPage(request, response) {
  const headers = new Headers(response.headers);
  // The body is decoded already.
  for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  headers.set("x-kept-at", new Date().toISOString());
  const cache = await caches.open(PAGES);
  await cache.put(request.url, new Response(await response.blob(), { headers }));
  const kept = await cache.keys();
  for (const old of kept.slice(0, Math.max(0, kept.length - MAX_PAGES))) await cache.delete(old);
}

async function lastShown(request) {
  const cache = await caches.open(PAGES);
  const kept = await cache.match(request.url);
  if (!kept) return new Response(OFFLINE, { status: 503, headers: OFFLINE_HEADERS });
  const at = new Date(kept.headers.get("x-kept-at")).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
  const html = await kept.text();
  const said = html.replace(/(<p class="no-connection"[^>]*?) hidden>[^<]*/, `$1>No connection. This is what was shown on ${at}.`);
  return new Response(said, { headers: kept.headers });
}

const OFFLINE_HEADERS = { "content-type": "text/html; charset=utf-8", "content-security-policy": "default-src 'none'" };
const OFFLINE = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>No connection · Placet</title><main><h1>No connection</h1><p>This page was not shown on this device before, so it
cannot be shown without a connection.</p><p><a href="/">Inbox</a></p></main></html>`;

// An asset under its current version never changes.
async function asset(request, url) {
  const cache = await caches.open(ASSETS);
  const kept = await cache.match(request.url);
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok && url.searchParams.has("v")) {
    for (const old of await cache.keys()) if (new URL(old.url).pathname === url.pathname) await cache.delete(old);
    await cache.put(request.url, response.clone());
  }
  return response;
}

// What this device kept of the person, and what it is notified on.
async function signOut() {
  for (const name of await caches.keys()) if (name !== ASSETS) await caches.delete(name);
  for (const notice of await self.registration.getNotifications()) notice.close();
  const subscription = await self.registration.pushManager.getSubscription();
  await subscription?.unsubscribe();
}
