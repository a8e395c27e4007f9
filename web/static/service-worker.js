// Keeps the shell (style, script, signs) for a start without waiting, and says so when there is no network. A page is
// never kept: it shows what is on air, and an old one would be wrong. The server puts CACHE and SHELL before this.
/* global CACHE, SHELL */
const NO_NETWORK = "/without-network";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll([...SHELL, NO_NETWORK])));
  self.skipWaiting();
});
self.addEventListener("activate", (event) => {
  const isOld = (name) => name !== CACHE;
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name)))),
  );
  self.clients.claim();
});
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (SHELL.includes(url.pathname + url.search)) {
    event.respondWith(caches.match(request).then((kept) => kept || fetch(request)));
  } else if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match(NO_NETWORK)));
  }
});
