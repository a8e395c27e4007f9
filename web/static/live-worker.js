// One stream of events for all tabs of a browser: a browser keeps six connections to a server, and each stream holds one.
"use strict";
const RETRY_MS = 5000;
const streams = new Map(); // by URL: the tabs that show it, what was sent last, the source

self.onconnect = (event) => {
  const port = event.ports[0];
  port.onmessage = ({ data }) => (data.visible ? join(data.url, port) : leave(data.url, port));
};

function join(url, port) {
  if (!streams.has(url)) {
    streams.set(url, { ports: new Set(), last: null, source: null });
    open(url);
  }
  const stream = streams.get(url);
  stream.ports.add(port);
  if (stream.last !== null) port.postMessage({ html: stream.last });
}

function leave(url, port) {
  const stream = streams.get(url);
  if (!stream) return;
  stream.ports.delete(port);
  if (stream.ports.size === 0) {
    stream.source.close();
    streams.delete(url);
  }
}

function open(url) {
  const stream = streams.get(url);
  if (!stream) return;
  stream.source = new EventSource(url);
  stream.source.addEventListener("on_air", ({ data }) => {
    stream.last = data;
    stream.ports.forEach((port) => port.postMessage({ html: data }));
  });
  stream.source.addEventListener("end", () => {
    stream.source.close();
    streams.delete(url);
    stream.ports.forEach((port) => port.postMessage({ end: true }));
  });
  stream.source.addEventListener("error", () => {
    if (stream.source.readyState === EventSource.CLOSED) setTimeout(() => open(url), RETRY_MS);
  });
}
