// Reading a text aloud: listen on this page, and take a doubtful piece into the field of corrections.
"use strict";
const readAloud = document.querySelector("#read-aloud");
if (readAloud) {
  const player = readAloud.querySelector("[data-player]");
  const text = readAloud.elements.text;
  // The server speaks so much at a time.
  const LONGEST = 500;
  let playing = "";

  document.addEventListener("click", (event) => {
    const listen = event.target.closest("[data-listen]");
    if (listen) {
      event.preventDefault();
      speak(listen).catch(() => showRefusal(readAloud, document.body.dataset.unreached, "", true));
      return;
    }
    const piece = event.target.closest("[data-correct]");
    if (!piece) return;
    readAloud.elements.piece.value = piece.dataset.correct;
    readAloud.elements.spoken.value = "";
    readAloud.elements.spoken.focus();
  });
  // Enter in these fields must not make the recording.
  for (const field of [readAloud.elements.piece, readAloud.elements.spoken]) {
    field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      readAloud.querySelector("[data-remember]").click();
    });
  }
  const showButtons = () => readAloud.querySelectorAll("[data-correct]").forEach((button) => (button.hidden = false));
  new MutationObserver(showButtons).observe(readAloud.querySelector("#reading"), { childList: true });
  showButtons();

  async function speak(button) {
    clearRefusal(readAloud);
    const form = new FormData(readAloud);
    form.delete("once");
    form.set("part", button.value || selected());
    button.disabled = true;
    try {
      const answer = await fetch("/read-aloud/preview", {
        method: "POST",
        body: new URLSearchParams(form),
        headers: { "X-Form-Token": document.body.dataset.formToken, Accept: "application/json, audio/wav" },
      });
      if (!answer.ok) {
        showRefusal(readAloud, (await answer.json()).error, "", true);
        return;
      }
      URL.revokeObjectURL(playing);
      playing = URL.createObjectURL(await answer.blob());
      player.hidden = false;
      player.src = playing;
      await player.play().catch(() => player.focus());
    } finally {
      button.disabled = false;
    }
  }

  // What is selected, else the line with the cursor, else the beginning.
  function selected() {
    const { value, selectionStart: from, selectionEnd: to } = text;
    if (to > from) return value.slice(from, to).slice(0, LONGEST);
    const start = value.lastIndexOf("\n", Math.max(0, from - 1)) + 1;
    const end = value.indexOf("\n", from);
    const line = value.slice(start, end < 0 ? undefined : end).trim();
    return (line || value.trim()).slice(0, LONGEST);
  }
}
