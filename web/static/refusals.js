// A refusal stands at its field, or in its form; it goes when what was wrong is changed.
"use strict";
const isPressed = (config) => ["submit", "click"].includes(config.triggeringEvent?.type);
const isPreview = (config) => !isPressed(config);

function showNotice(text) {
  const notice = document.createElement("div");
  notice.className = "notice bad";
  notice.setAttribute("role", "alert");
  notice.textContent = text;
  document.querySelector("#notices").replaceChildren(notice);
  notice.scrollIntoView({ block: "center" });
}

// focus: it was sent; a preview must not take the cursor away.
function showRefusal(form, text, field, focus) {
  clearRefusal(form);
  // "name#2" is the third field of this name.
  const [name, index] = field.split("#");
  const control = name ? form.elements[name] : null;
  const input = control instanceof RadioNodeList ? control[Number(index || 0)] : control;
  const at = input && input.type !== "hidden" ? input : null;
  const box = document.createElement("div");
  box.textContent = text;
  box.setAttribute("role", "alert");
  box.dataset.refusal = field;
  if (at) {
    box.className = "field-error";
    box.id = "field-error";
    at.setAttribute("aria-invalid", "true");
    at.setAttribute("aria-describedby", `${at.getAttribute("aria-describedby") || ""} field-error`.trim());
    for (let d = at.closest("details"); d; d = d.parentElement.closest("details")) d.open = true;
    (at.closest(".day-field") || at.closest("label") || at).after(box);
  } else {
    box.className = "notice bad";
    box.tabIndex = -1;
    const button = form.querySelector("[data-pressed]") || form.querySelector("button.main, button");
    const place = button?.closest(".row") || button;
    if (place && form.contains(place) && place !== form) place.before(box);
    else form.prepend(box);
  }
  previewOf(form)?.classList.add("stale");
  if (!focus) return;
  (at || box).focus({ preventScroll: true });
  (at || box).scrollIntoView({ block: "center" });
}

function clearRefusal(form) {
  form.querySelectorAll("[data-refusal], #field-error").forEach((old) => old.remove());
  form.querySelectorAll("[aria-invalid]").forEach((field) => {
    field.removeAttribute("aria-invalid");
    const rest = (field.getAttribute("aria-describedby") || "").replace(/\s*\bfield-error\b/, "");
    if (rest) field.setAttribute("aria-describedby", rest);
    else field.removeAttribute("aria-describedby");
  });
}

// The part that shows what the form would do.
function previewOf(form) {
  const target = form.getAttribute("hx-target");
  return form.matches("[hx-trigger*=change]") && target?.startsWith("#") ? document.querySelector(target) : null;
}

// How often each form was typed in: a preview of what has been changed since says nothing about the form any more.
const changes = new WeakMap();
const changesOf = (form) => changes.get(form) || 0;

document.addEventListener("input", ({ target }) => {
  if (target.form) changes.set(target.form, changesOf(target.form) + 1);
  if (target.form && (target.matches("[aria-invalid]") || target.form.querySelector('[data-refusal=""]')))
    clearRefusal(target.form);
});
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  const form = detail.elt.closest("form");
  if (!form) return;
  detail.requestConfig.changesBefore = changesOf(form);
  if (isPressed(detail.requestConfig)) clearRefusal(form);
  if (isPreview(detail.requestConfig)) previewOf(form)?.setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  const form = detail.elt.closest("form");
  if (form) previewOf(form)?.removeAttribute("aria-busy");
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  const form = detail.requestConfig.elt.closest("form");
  if (detail.target.id !== "notices") {
    detail.target.classList.remove("stale");
    if (form && isPreview(detail.requestConfig)) clearRefusal(form);
    return;
  }
  const notice = detail.target.firstElementChild;
  if (form && notice?.matches(".notice.bad")) {
    detail.target.replaceChildren();
    if (isPreview(detail.requestConfig) && detail.requestConfig.changesBefore !== changesOf(form)) return;
    showRefusal(form, notice.textContent.trim(), notice.dataset.field || "", isPressed(detail.requestConfig));
  } else detail.target.scrollIntoView({ block: "center" });
});

// What the server marked: script may have moved the field, which takes its focus away. Read out what has succeeded.
const marked = document.querySelector("main [aria-invalid], main .notice[autofocus]");
if (marked) {
  marked.focus({ preventScroll: true });
  marked.scrollIntoView({ block: "center" });
}
const flash = document.querySelector("[data-flash] > span");
if (flash) setTimeout(() => (document.querySelector("#announcements").textContent = flash.textContent), 300);
