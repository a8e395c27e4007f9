// Fields in the language of the page, whatever the language of the browser: days, files, and what is wrong with a value.
"use strict";

// Days are typed as 25/11/2026 in every language, with the weekday beside; a button opens the browser's calendar.
function enhanceDays(root) {
  root.querySelectorAll("input[data-day]").forEach((field) => {
    if (field.dataset.enhanced) return;
    field.dataset.enhanced = "1";
    field.inputMode = "numeric";
    field.autocomplete = "off";
    field.placeholder = "25/11/2026";
    const weekday = document.createElement("span");
    weekday.className = "weekday soft small";
    weekday.setAttribute("aria-live", "polite");
    const picker = document.createElement("input");
    picker.type = "date";
    picker.tabIndex = -1;
    picker.setAttribute("aria-hidden", "true");
    picker.className = "picker";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain pick-day";
    button.textContent = "▾";
    button.setAttribute("aria-label", t("chooseDay"));
    const frame = document.createElement("span");
    frame.className = "day-field";
    field.replaceWith(frame);
    frame.append(field, picker, button, weekday);
    const tell = () => {
      const [, day, month, year] = /^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})$/.exec(field.value.trim()) || [];
      const at = new Date(year, month - 1, day);
      const exists = day && at.getMonth() === month - 1;
      const language = document.documentElement.lang;
      weekday.textContent = exists ? at.toLocaleDateString(language, { weekday: "long" }) : "";
      picker.value = exists ? [year, month.padStart(2, "0"), day.padStart(2, "0")].join("-") : "";
    };
    field.addEventListener("input", tell);
    picker.addEventListener("change", () => {
      field.value = picker.value.split("-").reverse().join("/");
      tell();
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
    button.addEventListener("click", () => picker.showPicker());
    tell();
  });
}
enhanceDays(document);

// The browser's file button speaks the browser's language: a label of ours stands before it.
document.querySelectorAll("input[type=file]").forEach((field) => {
  if (field.closest("[data-upload]")) return;
  const frame = document.createElement("label");
  const button = document.createElement("span");
  const name = document.createElement("span");
  frame.className = "file-field";
  button.className = "button";
  button.textContent = t("chooseFile");
  name.className = "soft";
  const tell = () => (name.textContent = [...field.files].map((file) => file.name).join(", ") || t("noFile"));
  field.before(frame);
  frame.append(field, button, name);
  field.addEventListener("change", tell);
  field.form?.addEventListener("reset", () => setTimeout(tell));
  tell();
});

// What the browser finds wrong, said by the page.
document.addEventListener(
  "invalid",
  ({ target }) => {
    const { validity } = target;
    if (validity.customError) return;
    const limit = (name, number) => t(name).replace("{n}", number);
    const choice = ["select-one", "radio", "checkbox", "file"].includes(target.type);
    target.setCustomValidity(
      validity.valueMissing
        ? t(choice ? "choice" : "required")
        : validity.badInput
          ? t("number")
          : validity.rangeUnderflow
            ? limit("least", target.min)
            : validity.rangeOverflow
              ? limit("most", target.max)
              : t("format"),
    );
  },
  true,
);
["input", "change"].forEach((kind) =>
  document.addEventListener(kind, ({ target }) => target.setCustomValidity && target.setCustomValidity(""), true),
);
