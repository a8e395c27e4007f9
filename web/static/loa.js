// Small islands; every page works without them.
"use strict";
const t = (name) => document.body.dataset[name] || "";

// Ask before what cannot be undone.
document.addEventListener("submit", (event) => {
  const ask = event.target.dataset.ask;
  if (ask && !window.confirm(ask)) event.preventDefault();
});

// Submit at once: choices that change what is shown.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  if (event.target.matches("[data-shows]")) showChosen(event.target.form);
});

// Show only the fields that belong to what is chosen.
function showChosen(form) {
  form.querySelectorAll("[data-when]").forEach((part) => {
    const [name, ...values] = part.dataset.when.split(" ");
    const field = form.elements[name];
    part.hidden = !values.includes(field instanceof RadioNodeList ? field.value : field.value);
  });
}
document.querySelectorAll("form[data-choices]").forEach(showChosen);

// Uploads: files dropped or chosen, one request each, with a bar.
const drop = document.querySelector("[data-upload]");
if (drop) {
  const picker = drop.querySelector("input[type=file]");
  const list = document.querySelector("#uploads");
  drop.querySelector("[data-fallback]").hidden = true;
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    [...event.dataTransfer.files].forEach(send);
  });
  picker.addEventListener("change", () => { [...picker.files].forEach(send); picker.value = ""; });

  function send(file) {
    const row = document.createElement("li");
    const name = document.createElement("div");
    const bar = document.createElement("progress");
    const said = document.createElement("div");
    name.textContent = file.name;
    bar.max = 1;
    bar.value = 0;
    said.className = "small soft";
    row.append(name, bar, said);
    list.prepend(row);
    const form = drop.querySelector("form");
    const asked = new URLSearchParams({
      name: file.name, size: file.size, trim: form.elements.trim.checked, replaces: drop.dataset.replaces || "",
      language: form.elements.language.value, field: form.elements.field.value,
    });
    const request = new XMLHttpRequest();
    request.open("POST", "/clips/upload?" + asked);
    request.setRequestHeader("X-Form-Token", t("formToken"));
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
      said.textContent = t("sending") + " " + Math.floor(bar.value * 100) + " %";
    };
    request.onload = () => {
      if (request.status === 200) {
        row.remove();
        window.htmx.trigger("#clips", "changed");
      } else {
        bar.remove();
        said.className = "notice bad";
        try { said.textContent = JSON.parse(request.responseText).error; } catch { said.textContent = t("failed"); }
      }
    };
    request.onerror = () => { bar.remove(); said.className = "notice bad"; said.textContent = t("failed"); };
    request.send(file);
  }
}

// One recording at a time.
document.addEventListener("play", (event) => {
  document.querySelectorAll("audio").forEach((other) => { if (other !== event.target) other.pause(); });
}, true);

// Timetable: one airing dragged to another day; the time can be changed before it moves.
const moving = document.querySelector("#move");
if (moving) {
  let taken = null;
  document.addEventListener("dragstart", (event) => { taken = event.target.closest ? event.target.closest("[data-move]") : null; });
  document.querySelectorAll("[data-drop]").forEach((day) => {
    day.addEventListener("dragover", (event) => { if (taken) event.preventDefault(); });
    day.addEventListener("drop", (event) => {
      event.preventDefault();
      if (!taken) return;
      const time = prompt(t("askTime"), taken.dataset.time.slice(0, 5));
      if (!time) return;
      moving.action = taken.dataset.move;
      moving.elements.from_day.value = taken.dataset.day;
      moving.elements.from_time.value = taken.dataset.time;
      moving.elements.to_day.value = day.dataset.drop;
      moving.elements.to_time.value = time;
      moving.submit();
    });
  });
}
