// Delay measurement: play the test, record it, upload the recording. Without it, upload a file.
"use strict";
const measuring = document.querySelector("[data-measure]");
if (measuring) {
  const texts = measuring.dataset;
  const recordButton = measuring.querySelector("[data-record]");
  const panel = measuring.querySelector("[data-measuring]");
  const [status, bar, level] = ["status", "bar", "level"].map((name) => panel.querySelector(`[data-${name}]`));
  const open = navigator.mediaDevices && window.AudioWorkletNode;

  if (open) recordButton.hidden = false;
  else showStatus(texts.insecure);
  measuring.addEventListener("submit", (event) => {
    if (event.submitter !== recordButton) return;
    event.preventDefault();
    measuring.querySelectorAll("button").forEach((button) => {
      button.disabled = true;
    });
    measure()
      .catch((failed) => showStatus(failed.text || texts.broken))
      .finally(() => {
        measuring.querySelectorAll("button").forEach((button) => {
          button.disabled = false;
        });
      });
  });

  async function measure() {
    const stream = await microphone();
    const context = new AudioContext();
    const wakeLock = navigator.wakeLock ? await navigator.wakeLock.request("screen").catch(() => null) : null;
    try {
      // 1. Start recording first, so that nothing is missed; then start the test.
      const blocks = await record(context, stream);
      const began = await fetchJson(
        fetch(measuring.action, {
          method: "POST",
          body: new URLSearchParams(new FormData(measuring)),
          headers: { Accept: "application/json" },
        }),
      );
      // 2. Wait until the test has ended.
      const startsAt = performance.now() + began.starts_in_ms,
        endsAt = startsAt + began.length_ms;
      panel.hidden = false;
      while (performance.now() < endsAt) {
        const now = performance.now();
        if (stream.getAudioTracks()[0].readyState === "ended") throw new Error();
        const left = Math.ceil(((now < startsAt ? startsAt : endsAt) - now) / 1000);
        showStatus((now < startsAt ? texts.soon : texts.listens).replace("{s}", left));
        bar.value = now < startsAt ? 0 : (now - startsAt) / began.length_ms;
        await new Promise((done) => {
          setTimeout(done, 200);
        });
      }
      // 3. Upload the recording for analysis.
      bar.value = 1;
      showStatus(texts.looks);
      const result = await fetchJson(
        fetch(began.path + "/recording", {
          method: "POST",
          body: wav(blocks, context.sampleRate),
          headers: { "Content-Type": "audio/wav", "X-Form-Token": document.body.dataset.formToken },
        }),
      );
      location.assign(result.path);
    } finally {
      stream.getTracks().forEach((track) => track.stop());
      context.close();
      if (wakeLock) wakeLock.release();
    }
  }

  async function microphone() {
    // Speech enhancement removes parts of the sweeps.
    const plain = { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 };
    try {
      return await navigator.mediaDevices.getUserMedia({ audio: plain });
    } catch (refused) {
      throw Object.assign(new Error(), { text: refused.name === "NotFoundError" ? texts.missing : texts.denied });
    }
  }

  async function record(context, stream) {
    const blocks = [];
    await context.audioWorklet.addModule(texts.worklet);
    const node = new AudioWorkletNode(context, "recorder");
    node.port.onmessage = (event) => {
      blocks.push(event.data);
      level.value = Math.max(0, 1 + Math.log10(Math.max(...event.data.map(Math.abs), 1e-4)) / 3);
    };
    context.createMediaStreamSource(stream).connect(node);
    node.connect(context.destination); // silent, but a node without a destination is not run
    await context.resume();
    return blocks;
  }

  async function fetchJson(asked) {
    const answer = await asked;
    const result = await answer.json().catch(() => ({}));
    if (!answer.ok) throw Object.assign(new Error(), { text: result.error });
    return result;
  }

  // WAV: 16 bits, one channel.
  function wav(blocks, rate) {
    const frames = blocks.reduce((sum, block) => sum + block.length, 0);
    const view = new DataView(new ArrayBuffer(44 + 2 * frames));
    const word = (at, text) => [...text].forEach((letter, k) => view.setUint8(at + k, letter.charCodeAt(0)));
    word(0, "RIFF");
    view.setUint32(4, 36 + 2 * frames, true);
    word(8, "WAVEfmt ");
    view.setUint32(16, 16, true);
    view.setUint16(20, 1, true);
    view.setUint16(22, 1, true);
    view.setUint32(24, rate, true);
    view.setUint32(28, 2 * rate, true);
    view.setUint16(32, 2, true);
    view.setUint16(34, 16, true);
    word(36, "data");
    view.setUint32(40, 2 * frames, true);
    let at = 44;
    for (const block of blocks) {
      for (const sample of block) {
        view.setInt16(at, Math.max(-1, Math.min(1, sample)) * 32767, true);
        at += 2;
      }
    }
    return view.buffer;
  }

  function showStatus(sentence) {
    panel.hidden = false;
    status.textContent = sentence;
  }
}
