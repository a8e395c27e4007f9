// The grid of hours: plan by clicking or dragging over free space, move an airing by dragging or with the keyboard.
"use strict";
const grid = document.querySelector(".timegrid");
const strip = document.querySelector("#judgement");
const dialog = document.querySelector("#move");
const wide = window.matchMedia("(min-width: 761px)");
const FIRST = grid.dataset.first * 60;
const LAST = FIRST + grid.dataset.hours * 60;
const SNAP_MIN = 5;
const PLAN_SNAP_MIN = 15;
const DAY_MIN = 1440;

const clockText = (minute) =>
  [Math.floor(minute / 60), minute % 60].map((n) => String(n).padStart(2, "0")).join(":");
const days = [...grid.querySelectorAll(".day[data-day]")];
const columnAt = (x) =>
  days.find((day) => x < day.getBoundingClientRect().right) || days[days.length - 1];
function minuteAt(day, y, snap, round = Math.round) {
  const box = day.querySelector(".hours").getBoundingClientRect();
  const minute = FIRST + ((y - box.top) / box.height) * (LAST - FIRST);
  return round(minute / snap) * snap;
}
const clamp = (minute) => Math.min(Math.max(minute, 0), DAY_MIN - SNAP_MIN);
function put(element, minute, minutes) {
  element.style.setProperty("--h", Math.floor(minute / 60));
  element.style.setProperty("--m", minute % 60);
  if (minutes === undefined) return;
  element.style.setProperty("--k", 0);
  element.style.setProperty("--n", minutes);
}

// The line of now.
const nowLine = grid.querySelector(".now");
if (nowLine) {
  const shown = Date.now() - nowLine.dataset.minute * 60_000;
  setInterval(() => {
    const minute = Math.floor((Date.now() - shown) / 60_000);
    if (minute < DAY_MIN) put(nowLine, minute);
  }, 20_000);
}

// Moving. One at a time: which airing, where it stands now, and the block that shows it there.
let move = null;
let judging = null;
let timer = 0;
function begin(slot, grabbed) {
  cancel();
  const day = slot.closest(".day");
  const [hours, minutes] = slot.dataset.time.split(":").map(Number);
  const ghost = slot.cloneNode(true);
  ghost.classList.add("ghost");
  ghost.removeAttribute("href");
  ghost.setAttribute("aria-hidden", "true");
  ghost.style.setProperty("--l", 0);
  ghost.style.setProperty("--w", 1);
  slot.classList.add("moving");
  const minute = hours * 60 + minutes;
  move = { slot, ghost, day, minute, fromDay: day, fromMinute: minute, grabbed };
}
function show(day, minute) {
  minute = clamp(minute);
  if (move.day === day && move.minute === minute && move.ghost.isConnected) return;
  Object.assign(move, { day, minute });
  put(move.ghost, minute);
  const ends = move.minute + Number(move.slot.dataset.minutes);
  move.ghost.querySelector(".num").textContent = `${clockText(minute)}–${clockText(ends % DAY_MIN)}`;
  move.ghost.classList.remove("good", "warning", "refused");
  day.querySelector(".hours").append(move.ghost);
  clearTimeout(timer);
  timer = setTimeout(judge, 150);
}
function address(more) {
  const row = document.querySelector(`#schedule-${move.slot.dataset.move}`);
  const query = new URLSearchParams({
    from_day: move.fromDay.dataset.day,
    from_time: move.slot.dataset.time,
    to_day: move.day.dataset.day,
    to_time: clockText(move.minute),
    revision: row ? row.dataset.revision : "",
    ...more,
  });
  return `/timetable/${move.slot.dataset.move}/move?${query}`;
}
/** A part of a page; a refusal comes as one too. Throws when there is no answer. */
async function ask(more, signal) {
  const answer = await fetch(address(more), { headers: { "HX-Request": "true" }, signal });
  if (!answer.ok || answer.redirected) throw new Error(answer.status);
  return answer.text();
}
async function judge() {
  if (judging) judging.abort();
  const asked = move;
  judging = new AbortController();
  try {
    const html = await ask({ brief: 1 }, judging.signal);
    if (move !== asked) return;
    strip.innerHTML = html;
    const judgement = strip.querySelector("[data-verdict]");
    const verdict = judgement ? judgement.dataset.verdict : "refused";
    const place = document.createElement("strong");
    place.textContent = `${clockText(move.minute)} ${move.day.dataset.name}. `;
    (judgement || strip).prepend(place);
    const low = move.ghost.getBoundingClientRect().top > window.innerHeight / 2;
    strip.className = `strip ${verdict}${low ? " above" : ""}`;
    move.ghost.classList.add(verdict);
  } catch (error) {
    if (error.name !== "AbortError" && move === asked) tellFailure();
  }
}
function tellFailure() {
  strip.textContent = strip.dataset.unreachable;
  strip.className = "strip refused";
}
// Out of sight, but not hidden: what is put into it is read aloud.
function clearStrip() {
  strip.className = "vh";
  strip.textContent = "";
}
function cancel() {
  clearTimeout(timer);
  if (judging) judging.abort();
  if (!move) return;
  move.ghost.remove();
  move.slot.classList.remove("moving");
  clearStrip();
  move = null;
}
async function settle() {
  if (!move) return;
  if (move.day === move.fromDay && move.minute === move.fromMinute) {
    cancel();
    return;
  }
  clearTimeout(timer);
  try {
    dialog.innerHTML = await ask({});
    if (!dialog.querySelector("[data-close]")) {
      strip.innerHTML = dialog.innerHTML;
      strip.className = "strip refused";
      return;
    }
    clearStrip();
    enhanceDays(dialog);
    dialog.showModal();
  } catch {
    tellFailure();
  }
}
if (dialog) {
  dialog.addEventListener("click", (event) => {
    if (!event.target.closest("[data-close]")) return;
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    const { slot } = move || {};
    cancel();
    if (slot) slot.focus();
  });
}

// With a mouse or a pen. A finger scrolls.
let pick = null;
grid.addEventListener("pointerdown", (event) => {
  if (event.button || event.pointerType === "touch" || !wide.matches) return;
  const slot = event.target.closest(".slot");
  if (slot && slot.dataset.move) {
    const day = slot.closest(".day");
    const offset = event.clientY - slot.getBoundingClientRect().top;
    pick = { slot, day, offset, x: event.clientX, y: event.clientY };
  } else if (!slot && event.target.closest(".hours") && "plans" in grid.dataset) {
    const day = event.target.closest(".day");
    pick = { day, x: event.clientX, y: event.clientY, from: minuteAt(day, event.clientY, PLAN_SNAP_MIN, Math.floor) };
    event.preventDefault();
  }
});
document.addEventListener("pointermove", (event) => {
  if (!pick) return;
  if (!pick.dragged && Math.hypot(event.clientX - pick.x, event.clientY - pick.y) < 5) return;
  if (!pick.dragged && pick.slot) begin(pick.slot, true);
  pick.dragged = true;
  const toEdge = Math.min(event.clientY - 120, window.innerHeight - event.clientY);
  if (toEdge < 40) window.scrollBy(0, event.clientY < window.innerHeight / 2 ? -16 : 16);
  if (pick.slot) {
    if (!move) return;
    const day = columnAt(event.clientX);
    show(day, minuteAt(day, event.clientY - pick.offset, SNAP_MIN));
  } else {
    showPicked(minuteAt(pick.day, event.clientY, PLAN_SNAP_MIN));
  }
});
document.addEventListener("pointercancel", () => {
  if (pick && pick.box) pick.box.remove();
  pick = null;
  cancel();
});
document.addEventListener("pointerup", () => {
  const done = pick;
  pick = null;
  if (!done) return;
  if (done.slot) {
    if (!done.dragged) return;
    // The click that follows must not open the schedule.
    const swallow = (event) => event.preventDefault();
    window.addEventListener("click", swallow, true);
    setTimeout(() => {
      window.removeEventListener("click", swallow, true);
      settle();
    }, 0);
    return;
  }
  plan(done);
});
function showPicked(until) {
  if (!pick.box) {
    pick.box = document.createElement("div");
    pick.box.className = "pick num";
    pick.day.querySelector(".hours").append(pick.box);
  }
  pick.until = Math.max(until, pick.from + PLAN_SNAP_MIN);
  put(pick.box, pick.from, pick.until - pick.from);
  pick.box.textContent = `${clockText(pick.from)}–${clockText(pick.until % DAY_MIN)}`;
}
function plan({ day, from, until }) {
  const query = new URLSearchParams({ day: day.dataset.day, time: clockText(clamp(from)) });
  if (until) query.set("minutes", until - from);
  window.location.assign(`/timetable/new?${query}`);
}
grid.addEventListener("dragstart", (event) => event.preventDefault());
grid.addEventListener("click", (event) => {
  // A tap of a finger on free space; the mouse was handled above.
  if (event.pointerType !== "touch" || !wide.matches || !("plans" in grid.dataset)) return;
  if (event.target.closest("a") || !event.target.closest(".hours")) return;
  const day = event.target.closest(".day");
  plan({ day, from: minuteAt(day, event.clientY, PLAN_SNAP_MIN, Math.floor) });
});

// With the keyboard: arrows move the focused airing, Enter opens the choice, Esc cancels.
grid.addEventListener("keydown", (event) => {
  const slot = event.target.closest("[data-move]");
  if (!slot || !wide.matches || event.ctrlKey || event.altKey || event.metaKey) return;
  const step = event.shiftKey ? 3 * SNAP_MIN : SNAP_MIN;
  const steps = { ArrowUp: [-step, 0], ArrowDown: [step, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (steps) {
    event.preventDefault();
    if (!move || move.slot !== slot) begin(slot, false);
    const index = Math.min(Math.max(days.indexOf(move.day) + steps[1], 0), days.length - 1);
    show(days[index], move.minute + steps[0]);
    move && move.ghost.scrollIntoView({ block: "nearest" });
  } else if (event.key === "Enter" && move) {
    event.preventDefault();
    settle();
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || (dialog && dialog.open)) return;
  if (pick && pick.box) pick.box.remove();
  pick = null;
  cancel();
});
grid.addEventListener("focusout", () => {
  if (move && !move.grabbed && dialog && !dialog.open) setTimeout(() => dialog.open || cancel(), 300);
});
