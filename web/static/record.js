// Record in the browser; what is saved goes through the same upload as a file, or into the file field of a form.
"use strict";
const record = document.querySelector("[data-record]");
if (record) {
  const part = (name) => record.querySelector(`[data-${name}]`);
  const [startButton, stopButton, time, level, status] = ["start", "stop", "time", "level", "status"].map(part);
  const form = part("recorded");
  const player = form.querySelector("audio");
  const title = form.querySelector("input");
  const texts = record.dataset;
  const field = texts.into && document.getElementById(texts.into);
  // Below this (of full scale) for so long nothing is heard.
  const QUIET = 0.003;
  const QUIET_MS = 3000;
  let recorded = null;
  let running = null;

  record.hidden = false;
  if (!navigator.mediaDevices || !window.MediaRecorder) {
    startButton.disabled = true;
    status.textContent = texts.insecure;
  }
  startButton.addEventListener("click", () => {
    start().catch((failed) => {
      status.textContent = failed.name === "NotFoundError" ? texts.missing : texts.denied;
    });
  });
  stopButton.addEventListener("click", () => running && running.stop());
  part("discard").addEventListener("click", () => {
    forget();
    startButton.focus();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
    const file = fileOf(title.value);
    document.dispatchEvent(new CustomEvent("recorded", { detail: { file, title: title.value } }));
    forget();
    startButton.focus();
  });
  window.addEventListener("beforeunload", (event) => {
    if (running || (recorded && !field)) event.preventDefault();
  });

  async function start() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: false } });
    forget();
    const wakeLock = navigator.wakeLock ? await navigator.wakeLock.request("screen").catch(() => null) : null;
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192; // 0.17 s: longer than the time between two looks
    context.createMediaStreamSource(stream).connect(analyser);
    const recorder = new MediaRecorder(stream, { audioBitsPerSecond: 128000 });
    const blocks = [];
    const beganMs = performance.now();
    let heardMs = beganMs;
    let lost = false;
    const timer = setInterval(() => {
      const nowMs = performance.now();
      const peak = showLevel(analyser);
      if (peak > QUIET) heardMs = nowMs;
      const sentence = nowMs - heardMs > QUIET_MS ? texts.quiet : texts.recording;
      if (status.textContent !== sentence) status.textContent = sentence;
      time.textContent = runningTime(nowMs - beganMs);
    }, 100);
    stream.getAudioTracks()[0].addEventListener("ended", () => {
      lost = true;
      if (recorder.state !== "inactive") recorder.stop();
    });
    recorder.addEventListener("dataavailable", ({ data }) => blocks.push(data));
    recorder.addEventListener("stop", () => {
      clearInterval(timer);
      stream.getTracks().forEach((track) => track.stop());
      context.close();
      if (wakeLock) wakeLock.release();
      running = null;
      show(false);
      status.textContent = lost ? texts.lost : "";
      offer(new Blob(blocks, { type: recorder.mimeType }));
    });
    // In blocks, so that a long recording is not held in one piece.
    recorder.start(1000);
    running = recorder;
    level.value = 0;
    show(true);
    stopButton.focus();
  }

  function show(recording) {
    startButton.hidden = recording;
    [stopButton, time, level].forEach((shown) => (shown.hidden = !recording));
  }

  function showLevel(analyser) {
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    const peak = Math.max(...samples.map(Math.abs), 1e-4);
    level.value = Math.max(1 + Math.log10(peak) / 2.5, level.value - 0.05);
    return peak;
  }

  function offer(blob) {
    recorded = blob;
    player.src = URL.createObjectURL(blob);
    form.hidden = false;
    if (field) {
      const chosen = new DataTransfer();
      chosen.items.add(fileOf(texts.name));
      field.files = chosen.files;
      player.focus();
      return;
    }
    const now = new Date();
    const two = (number) => String(number).padStart(2, "0");
    const day = `${two(now.getDate())}/${two(now.getMonth() + 1)}/${now.getFullYear()}`;
    title.value = `${texts.name} ${day} ${two(now.getHours())}:${two(now.getMinutes())}`;
    title.focus();
    title.select();
  }

  function forget() {
    if (player.src) URL.revokeObjectURL(player.src);
    player.removeAttribute("src");
    if (field && recorded) field.value = "";
    recorded = null;
    form.hidden = true;
    status.textContent = "";
  }

  function fileOf(name) {
    const extension = recorded.type.includes("mp4") ? "m4a" : "webm";
    return new File([recorded], `${name}.${extension}`, { type: recorded.type });
  }

  function runningTime(ms) {
    const seconds = Math.floor(ms / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}
