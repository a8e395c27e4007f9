// The items of a programme: dragged, moved with the keyboard, and followed while the programme is listened to.
"use strict";
const items = document.querySelector("#items");
const rows = () => [...items.querySelectorAll("li[data-key]")];
const control = (key, name) => items.querySelector(`li[data-key="${key}"] [data-control="${name}"]`);
// Which control is focused again, and what is announced, when the changed items have come.
let afterwards = null;

function prepare() {
  const sound = items.querySelector("[data-programme-sound]");
  items.querySelectorAll(".grip").forEach((grip) => (grip.hidden = false));
  items.querySelectorAll("[data-control=play]").forEach((button) => (button.hidden = !sound));
}
prepare();

// Moving

items.addEventListener("keydown", (event) => {
  const grip = event.target.closest(".grip");
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!grip || !step) return;
  event.preventDefault();
  const row = grip.closest("li");
  const position = rows().indexOf(row) + step;
  if (!items.dataset.moving && position >= 0 && position < rows().length) sendMove(row, position, rows());
});

items.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest(".grip");
  if (!grip || event.button || items.dataset.moving) return;
  const row = grip.closest("li");
  const before = rows();
  grip.setPointerCapture(event.pointerId);
  row.classList.add("dragged");
  const drag = ({ clientY }) => {
    // The others are moved around it: an element that leaves the document loses the pointer.
    while (row.previousElementSibling && clientY < middle(row.previousElementSibling)) row.after(row.previousElementSibling);
    while (row.nextElementSibling && clientY > middle(row.nextElementSibling)) row.before(row.nextElementSibling);
    if (clientY < 80) window.scrollBy(0, -12);
    if (clientY > window.innerHeight - 80) window.scrollBy(0, 12);
  };
  const finish = (finished) => {
    grip.removeEventListener("pointermove", drag);
    grip.removeEventListener("pointerup", finish);
    grip.removeEventListener("pointercancel", finish);
    document.removeEventListener("keydown", escape);
    row.classList.remove("dragged");
    const position = rows().indexOf(row);
    if (finished.type !== "pointerup") restore(before);
    else if (position !== before.indexOf(row)) sendMove(row, position, before);
  };
  const escape = (pressed) => pressed.key === "Escape" && finish(pressed);
  grip.addEventListener("pointermove", drag);
  grip.addEventListener("pointerup", finish);
  grip.addEventListener("pointercancel", finish);
  document.addEventListener("keydown", escape);
});

function middle(row) {
  const box = row.getBoundingClientRect();
  return box.top + box.height / 2;
}

function restore(before) {
  before.forEach((row) => row.parentNode && row.parentNode.append(row));
}

async function sendMove(row, position, before) {
  items.dataset.moving = "1";
  const values = Object.fromEntries(new FormData(control(row.dataset.key, "down").form));
  afterwards = { key: row.dataset.key, name: "grip" };
  try {
    await window.htmx.ajax("POST", row.dataset.move, { target: "#items", values: { ...values, position } });
  } finally {
    delete items.dataset.moving;
    // Refused, or no answer: the items stand as they were.
    if (row.isConnected) restore(before);
  }
}

// Focus and announcement after every change

document.addEventListener("htmx:configRequest", ({ detail }) => {
  const row = detail.elt.closest("li[data-key]");
  const button = row && detail.elt.querySelector("[data-control]");
  const arrived = detail.elt.closest("#uploading li");
  if (arrived) afterwards = { arrived };
  const added = detail.elt.matches("form") && items.contains(detail.elt) && detail.elt.querySelector("select");
  if (added) afterwards = { field: "#" + added.id };
  if (!button) return;
  const next = row.nextElementSibling || row.previousElementSibling;
  const removed = button.dataset.control === "remove";
  afterwards = { key: removed ? next && next.dataset.key : row.dataset.key, name: button.dataset.control };
});

document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target !== items) return;
  prepare();
  if (!afterwards) return;
  const { key, name, field, arrived } = afterwards;
  afterwards = null;
  arrived?.remove(); // it is in the programme now
  const focused = key ? control(key, name) : items.querySelector(field || "#what");
  if (focused) focused.focus();
  const moved = document.querySelector("#moved");
  const place = rows().findIndex((row) => row.dataset.key === key);
  moved.textContent =
    place < 0 || name === "remove"
      ? ""
      : moved.dataset.text
          .replace("{title}", rows()[place].dataset.title)
          .replace("{n}", place + 1)
          .replace("{total}", rows().length);
});

// Listening

items.addEventListener("click", (event) => {
  const button = event.target.closest("[data-control=play]");
  const sound = items.querySelector("[data-programme-sound]");
  if (!button || !sound) return;
  const fromS = Number(button.closest("li").dataset.fromS);
  const begin = () => {
    sound.currentTime = fromS;
    sound.play();
  };
  if (sound.readyState) begin();
  else {
    sound.addEventListener("loadedmetadata", begin, { once: true });
    sound.load();
    sound.preload = "auto";
  }
});

items.addEventListener(
  "timeupdate",
  ({ target }) => {
    const heard = rows().filter((row) => Number(row.dataset.fromS) <= target.currentTime);
    rows().forEach((row) => row.classList.toggle("heard", row === heard.at(-1) && !target.ended));
  },
  true,
);
