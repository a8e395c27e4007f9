// Whether the server answers: a banner while it does not, and the parts of a page that are read again and again.
"use strict";
const PULSE_MS = 1500; // a person who may confirm an emergency sees it within 2 s
const ANSWER_MS = 2500; // with the pause before: a server that hangs is noticed within 5 s
const FRESH_MS = 3000;
const LONGEST_PAUSE_MS = 30000;
const banner = document.querySelector("#connection");
let lastAnswerAt = Date.now();
let lastClock = t("clock");
let lost = false;

function showBanner(text, className) {
  banner.className = "notice " + className;
  if (banner.textContent !== text) banner.textContent = text;
  banner.hidden = !text;
}

// What waits for a person or is in force: on every page. The server writes it, with the links.
function showEmergency(html) {
  const part = document.querySelector("#emergency-banner");
  if (!part || part.dataset.shown === html) return;
  part.dataset.shown = html;
  part.innerHTML = html;
}

async function pulse() {
  let answer = null;
  let ended = false;
  try {
    const headers = { Accept: "application/json" };
    const signal = AbortSignal.timeout(ANSWER_MS);
    const response = await fetch(t("pulse"), { headers, signal, cache: "no-store" });
    ended = response.status === 401;
    if (response.ok) answer = await response.json();
  } catch {
    // not reached, or no answer in time
  }
  if (answer) {
    lastAnswerAt = Date.now();
    lastClock = answer.clock;
    showBanner(answer.same_commune ? "" : t("elsewhere"), "warn");
    showEmergency(answer.emergency);
    document.querySelectorAll("[data-faults]").forEach((badge) => {
      badge.textContent = answer.faults;
      badge.hidden = !answer.faults;
    });
  } else if (ended) showBanner(t("ended"), "warn");
  else showBanner(t("lost").replace("{at}", lastClock), "bad");
  setLost(!answer && !ended);
  return lost === false;
}

function setLost(now) {
  const was = lost;
  lost = now;
  document.body.classList.toggle("lost", lost);
  if (lost && !was) {
    const waiting = document.querySelectorAll("form[data-sent]");
    if (waiting.length) window.stop(); // a page that never comes would leave the form busy
    waiting.forEach((form) => {
      setBusy(form, false);
      showRefusal(form, t("unreached"), "", true);
    });
  }
  if (was && !lost) document.dispatchEvent(new Event("server-back"));
}

async function keepPulse() {
  if (!document.hidden) await pulse();
  setTimeout(keepPulse, PULSE_MS);
}
setTimeout(keepPulse, PULSE_MS);
document.addEventListener("visibilitychange", () => document.hidden || pulse());

// A form that is sent as a page: ask first whether the server is there, since a page that cannot be reached takes the
// place of this one, and what was typed is gone. Where nothing was typed, a fresh answer is enough.
const checkedForms = new WeakSet();
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (checkedForms.has(form)) return;
  const byHtmx = form.hasAttribute("hx-post") || event.submitter?.hasAttribute("hx-post");
  if (event.defaultPrevented || form.method !== "post" || byHtmx) return;
  const typed = form.querySelector("input:not([type=hidden]), select, textarea");
  if (!typed && !lost && Date.now() - lastAnswerAt < FRESH_MS) return;
  event.preventDefault();
  setBusy(form, true, event.submitter);
  const reached = await pulse();
  setBusy(form, false);
  if (!reached) return showRefusal(form, t("unreached"), "", true);
  form.dataset.confirmed = "1";
  checkedForms.add(form);
  form.requestSubmit(event.submitter);
  checkedForms.delete(form);
});

// Requests by htmx that fail say so where they were made; while the server is lost they are not tried.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (!lost) return;
  event.preventDefault();
  sayFailed(event.detail.requestConfig, t("unreached"));
});
function sayFailed(config, text) {
  const form = config.elt.closest("form");
  if (form) {
    setBusy(form, false);
    showRefusal(form, text, "", isPressed(config));
  } else if (isPressed(config)) showNotice(text);
}
for (const failure of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(failure, ({ detail }) => {
    const answered = failure === "htmx:responseError";
    sayFailed(detail.requestConfig, answered ? t("broken") : t("unreached"));
    if (!answered) pulse();
  });
}

// Parts that are read again: data-poll is the address, unless data-next in the part names another; data-every the
// seconds; data-while what must be in it; data-also an event after which it is read at once.
const withoutKeys = (html) => html.replace(/name="once" value="[^"]*"/g, "");
function startPolls(root) {
  root.querySelectorAll("[data-poll]").forEach((part) => {
    if (part.dataset.polled) return;
    part.dataset.polled = "1";
    keepReading(part);
  });
}
function keepReading(part) {
  const everyMs = Number(part.dataset.every) * 1000;
  let pauseMs = everyMs;
  let timer = setTimeout(read, pauseMs);
  let shown = "";
  let asked = false;
  let reading = false;
  const events = ["server-back", ...(part.dataset.also ? [part.dataset.also] : [])];
  async function read() {
    if (reading) return; // what was asked for meanwhile is read next
    clearTimeout(timer);
    if (!part.isConnected) return events.forEach((name) => document.removeEventListener(name, soon));
    const wanted = asked || !part.dataset.while || part.querySelector(part.dataset.while);
    if (wanted && !document.hidden && !isInUse(part)) {
      try {
        const headers = { "HX-Request": "true", "HX-Target": part.id };
        const signal = AbortSignal.timeout(10000);
        const address = part.querySelector("[data-next]")?.dataset.next || part.dataset.poll;
        asked = false;
        reading = true;
        const response = await fetch(address, { headers, signal });
        if (response.status !== 200) throw new Error(response.status);
        const html = await response.text();
        if (withoutKeys(html) !== shown && !isInUse(part)) {
          swap(part, html);
          shown = withoutKeys(html);
        }
        pauseMs = everyMs;
      } catch {
        pauseMs = Math.min(Math.max(pauseMs * 2, 2000), LONGEST_PAUSE_MS);
        asked = true; // what was wanted before a failure is wanted still
      }
      reading = false;
    }
    timer = setTimeout(read, pauseMs);
  }
  function soon() {
    pauseMs = everyMs;
    asked = true;
    read();
  }
  events.forEach((name) => document.addEventListener(name, soon));
}
// What is being pressed, typed or sent, or listened to, must not be replaced.
let pressed = null;
document.addEventListener("pointerdown", ({ target }) => (pressed = target));
for (const ending of ["pointerup", "pointercancel"])
  document.addEventListener(ending, () => setTimeout(() => (pressed = null), 0)); // after the click
function isInUse(part) {
  const active = document.activeElement;
  const typing = part.contains(active) && active.matches("input, select, textarea");
  const busy = typing || part.contains(pressed) || part.querySelector("form[data-sent]");
  return busy || [...part.querySelectorAll("audio")].some((a) => !a.paused);
}
// Elements that stay are kept, and with them the focus and what is open. Where the focused one goes, its part has it.
function swap(part, html) {
  const focused = part.contains(document.activeElement);
  window.Idiomorph.morph(part, html, {
    morphStyle: "innerHTML",
    callbacks: { beforeAttributeUpdated: (name, element) => name !== "open" || !element.matches("details") },
  });
  window.htmx.process(part);
  part.querySelectorAll("[data-joins]").forEach((joining) => {
    document.querySelector(joining.dataset.joins)?.prepend(...joining.children);
    joining.remove();
  });
  part.dispatchEvent(new CustomEvent("read-again", { bubbles: true }));
  if (!focused || part.contains(document.activeElement)) return;
  part.tabIndex = -1;
  part.focus({ preventScroll: true });
}
startPolls(document);
document.addEventListener("htmx:load", ({ detail }) => startPolls(detail.elt));

// The live part of a page: one stream for all tabs of the browser, none while no tab is visible.
const livePart = document.querySelector("[data-live]");
if (livePart) watchLive(livePart);
function watchLive(part) {
  const url = part.dataset.live;
  let timer = 0;
  const show = (html) => {
    clearTimeout(timer);
    if (isInUse(part)) timer = setTimeout(() => show(html), 200);
    else swap(part, html);
  };
  const end = () => window.location.reload();
  let source = null;
  let follow = () => {
    if (document.hidden && source) {
      source.close();
      source = null;
    } else if (!document.hidden && !source) {
      source = new EventSource(url);
      source.addEventListener("on_air", (event) => show(event.data));
      source.addEventListener("end", end);
      source.addEventListener("error", () => {
        if (source?.readyState === EventSource.CLOSED) source = null; // tried again when the server is back
      });
    }
  };
  if (window.SharedWorker) {
    const { port } = new SharedWorker(part.dataset.worker);
    port.onmessage = ({ data }) => (data.end ? end() : show(data.html));
    follow = () => port.postMessage({ url, visible: !document.hidden });
    window.addEventListener("pagehide", () => port.postMessage({ url, visible: false }));
  }
  document.addEventListener("visibilitychange", follow);
  document.addEventListener("server-back", follow);
  follow();
}
