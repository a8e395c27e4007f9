// Progressive enhancement: every page works without JavaScript.
"use strict";
const t = (name) => document.body.dataset[name] || "";

// Confirmation before actions that cannot be undone; then the buttons are dead while the request runs.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.confirmed) {
    delete event.target.dataset.confirmed; // asked already, before the server was looked for
    whileSent(event);
    return;
  }
  if (waitsForPreview(event)) return;
  const previewed = event.target.querySelector("[data-question]");
  const question = previewed ? previewed.dataset.question : event.target.dataset.ask;
  if (question && !window.confirm(question)) event.preventDefault();
  else if (event.target.method === "post") whileSent(event);
});
// A question that a preview asks must be about what is chosen now: sending waits for the preview of the last change.
const changed = new Map();
function waitsForPreview(event) {
  const change = changed.get(event.target);
  if (!change) return false;
  change.submitter = event.submitter;
  event.preventDefault();
  return true;
}
document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-asks-preview]");
  if (form) changed.set(form, { asked: false });
});
document.addEventListener("htmx:beforeRequest", (event) => {
  const change = changed.get(event.detail.elt);
  if (change) change.asked = true;
});
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.detail.elt;
  const change = changed.get(form);
  if (!change || !change.asked) return;
  changed.delete(form);
  if (!event.detail.successful) form.querySelectorAll("[data-question]").forEach((old) => old.remove());
  if (change.submitter) form.requestSubmit(change.submitter);
});
function whileSent(event) {
  const form = event.target;
  if (form.dataset.sent) event.preventDefault();
  // After this event: a button that is dead already would not be part of what is sent.
  else setTimeout(() => event.defaultPrevented || showSent(form, event.submitter), 0);
}
// An answer that is a file (data-download) leaves the page as it is: its button must come back by itself.
const DOWNLOAD_MS = 1500;
function showSent(form, submitter) {
  setBusy(form, true, submitter);
  if ("download" in form.dataset) setTimeout(() => setBusy(form, false), DOWNLOAD_MS);
}
// pressed: the button that shows that it works.
function setBusy(form, busy, pressed) {
  if (busy) form.dataset.sent = "1";
  else delete form.dataset.sent;
  form.toggleAttribute("aria-busy", false);
  if (busy) form.setAttribute("aria-busy", "true");
  form.querySelectorAll("button").forEach((button) => {
    button.disabled = busy;
    if (busy && button === pressed) button.dataset.pressed = "1";
    else if (!busy) delete button.dataset.pressed;
  });
}
// A page that comes back from the browser's memory is a new page: its forms may be sent again, with new keys.
window.addEventListener("pageshow", (event) => {
  document.querySelectorAll("form[data-sent]").forEach((form) => setBusy(form, false));
  if (event.persisted) window.location.reload();
});
document.addEventListener("htmx:beforeRequest", (event) => markRequest(event, true));
document.addEventListener("htmx:afterRequest", (event) => markRequest(event, false));
function markRequest(event, busy) {
  const { elt, requestConfig } = event.detail;
  const cause = requestConfig.triggeringEvent && requestConfig.triggeringEvent.type;
  const form = elt.closest("form");
  const pressed = requestConfig.triggeringEvent?.submitter || (elt.matches("button") ? elt : null);
  if (form && (cause === "submit" || cause === "click")) setBusy(form, busy, pressed);
}

// Fields that submit their form, or show other fields, when they change.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  if (event.target.matches("[data-shows]")) showChosen(event.target.form);
});

// Show only the fields that belong to the current choice.
function showChosen(form) {
  form.querySelectorAll("[data-when]").forEach((part) => {
    const [name, ...values] = part.dataset.when.split(" ");
    const field = form.elements[name];
    part.hidden = !values.includes(field instanceof RadioNodeList ? field.value : field.value);
  });
}
document.querySelectorAll("form[data-choices]").forEach(showChosen);

// Uploads: one request per dropped or chosen file, each with a progress bar.
const drop = document.querySelector("[data-upload]");
if (drop) {
  const picker = drop.querySelector("input[type=file]");
  const list = document.querySelector("#uploads");
  drop.querySelector("[data-fallback]").hidden = true;
  drop.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    [...event.dataTransfer.files].forEach((file) => send(file));
  });
  document.addEventListener("recorded", ({ detail }) => send(detail.file, detail.title));
  picker.addEventListener("change", () => {
    [...picker.files].forEach((file) => send(file));
    picker.value = "";
  });

  function send(file, title = "") {
    const row = document.createElement("li");
    const name = document.createElement("div");
    const bar = document.createElement("progress");
    const status = document.createElement("div");
    name.textContent = title || file.name;
    bar.max = 1;
    bar.value = 0;
    status.className = "small soft";
    row.append(name, bar, status);
    list.prepend(row);
    const form = drop.querySelector("form");
    const query = new URLSearchParams({
      name: file.name,
      title,
      size: file.size,
      trim: form.elements.trim.checked,
      replaces: drop.dataset.replaces || "",
      language: form.elements.language.value,
      field: form.elements.field.value,
      urgent: Boolean(form.elements.urgent?.checked),
    });
    const request = new XMLHttpRequest();
    request.open("POST", "/clips/upload?" + query);
    request.setRequestHeader("X-Form-Token", t("formToken"));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
      status.textContent = t("sending") + " " + Math.floor(bar.value * 100) + " %";
    };
    request.onload = () => {
      if (request.status === 200) {
        row.remove();
        window.htmx.trigger(document.body, "uploaded");
      } else {
        bar.remove();
        status.className = "notice bad";
        try {
          status.textContent = JSON.parse(request.responseText).error;
        } catch {
          status.textContent = t("failed");
        }
      }
    };
    request.onerror = () => {
      bar.remove();
      status.className = "notice bad";
      status.textContent = t("failed");
    };
    request.send(file);
  }
}

// New options in a list: what was chosen may be gone.
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.matches("select")) detail.target.dispatchEvent(new Event("change", { bubbles: true }));
});

// The menus of the header: Escape closes an open one and gives the focus back; a click elsewhere closes it.
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector(".top details[open]");
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});
document.addEventListener("click", (event) => {
  document.querySelectorAll(".top details[open]").forEach((menu) => {
    if (!event.target.closest(".top")) menu.open = false;
  });
});

// Play one recording at a time.
document.addEventListener(
  "play",
  (event) => {
    event.target.preload = "auto"; // its times are shown from now on
    document.querySelectorAll("audio").forEach((other) => {
      if (other !== event.target) other.pause();
    });
  },
  true,
);
