// Speak live: the microphone of this browser over a WebSocket to the loudspeakers.
"use strict";
const speak = document.querySelector("[data-speak]");
if (speak) {
  const RATE = 48000;
  const FRAME_US = 20000;
  const PCM = 1;
  const OPUS = 2;
  const HEAD_BYTES = 13;
  // What may wait in the browser: a stalled link then costs a gap, not a delay.
  const MOST_WAITING_FRAMES = 25;
  const RECONNECT_EVERY_MS = 1000;
  const RECONNECT_MS = 12000;
  const texts = speak.dataset;
  const part = (name) => speak.querySelector(`[data-${name}]`);
  const form = part("wishes");
  const remembered = JSON.parse(localStorage.getItem("speak") || "{}");

  let microphone = null; // stream, context, gain, level
  let link = null; // socket, and what is sent over it
  let talking = false;
  let ramp = 0; // gain at the end of the last block
  let number = 0;

  // 1. Choices, kept in this browser.
  for (const name of ["device", "gain", "noise", "echo", "mode"]) {
    const field = form.elements[name];
    if (!(name in remembered) || name === "device") continue;
    if (field.type === "checkbox") field.checked = remembered[name];
    else field.value = remembered[name];
  }
  form.addEventListener("change", ({ target }) => {
    if (!["device", "gain", "noise", "echo", "mode"].includes(target.name)) return;
    remembered[target.name] = target.type === "checkbox" ? target.checked : target.value;
    localStorage.setItem("speak", JSON.stringify(remembered));
    if (microphone && ["device", "noise", "echo"].includes(target.name)) reopen();
    if (target.name === "mode") setTalking(isHandsFree() && link !== null);
    show();
  });
  form.elements.gain.addEventListener("input", () => {
    if (microphone) microphone.gain.gain.value = 10 ** (form.elements.gain.value / 20);
    part("gain-shown").textContent = `${form.elements.gain.value} dB`;
  });
  part("gain-shown").textContent = `${form.elements.gain.value} dB`;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    event.stopPropagation();
  });

  // 2. The microphone.
  const isHandsFree = () => form.elements.mode.value === "hands_free";

  function whyBlocked(failed) {
    if (!window.isSecureContext || !navigator.mediaDevices) return texts.insecure;
    if (!window.AudioWorkletNode || !window.WebSocket) return texts.old;
    if (!failed) return "";
    if (failed.name === "NotFoundError" || failed.name === "OverconstrainedError") return texts.missing;
    if (failed.name === "NotReadableError" || failed.name === "AbortError") return texts.busy;
    return failed.name === "NotAllowedError" || failed.name === "SecurityError" ? texts.denied : texts.failed;
  }

  async function open() {
    if (microphone) return;
    const wanted = remembered.device ? { deviceId: { ideal: remembered.device } } : {};
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: {
        ...wanted,
        channelCount: 1,
        sampleRate: RATE,
        noiseSuppression: form.elements.noise.checked,
        echoCancellation: form.elements.echo.checked,
        autoGainControl: false,
      },
    });
    const context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    await context.audioWorklet.addModule(texts.worklet);
    const gain = new GainNode(context, { gain: 10 ** (form.elements.gain.value / 20) });
    const capture = new AudioWorkletNode(context, "speak-capture", { channelCount: 1, channelCountMode: "explicit" });
    capture.port.onmessage = ({ data }) => captured(data);
    context.createMediaStreamSource(stream).connect(gain).connect(capture);
    const monitor = new AudioWorkletNode(context, "speak-monitor", { outputChannelCount: [1] });
    monitor.connect(context.destination);
    stream.getAudioTracks()[0].addEventListener("ended", () => {
      close();
      say(texts.unplugged, true);
    });
    microphone = { stream, context, gain, monitor };
    await context.resume();
    await listDevices();
  }

  function close() {
    if (!microphone) return;
    microphone.stream.getTracks().forEach((track) => track.stop());
    microphone.context.close();
    microphone = null;
    part("level").value = 0;
  }

  function reopen() {
    close();
    open().catch((failed) => say(whyBlocked(failed), true));
  }

  async function listDevices() {
    const devices = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "audioinput");
    const used = microphone.stream.getAudioTracks()[0].getSettings().deviceId;
    form.elements.device.replaceChildren(
      ...devices.map(({ deviceId, label }) => new Option(label || texts.microphone, deviceId, false, deviceId === used)),
    );
  }

  function captured({ samples, startsAt }) {
    let peak = 1e-4;
    const goal = talking ? 1 : 0;
    for (let i = 0; i < samples.length; i++) {
      peak = Math.max(peak, Math.abs(samples[i]));
      // 5 ms from one to the other: a switch is not to be heard.
      ramp += Math.max(-1 / 240, Math.min(1 / 240, goal - ramp));
      samples[i] *= ramp;
    }
    const level = part("level");
    level.value = Math.max(1 + Math.log10(peak) / 2.5, level.value - 0.04);
    if (link && link.started) link.send(samples, Math.round(startsAt * 1e6));
  }

  // 3. The link: a socket, an encoder, and frames between them.
  class Link {
    constructor(first) {
      this.broadcast = null;
      this.started = this.over = false;
      this.dropped = 0;
      this.capturedUs = new Map();
      this.brokenMs = 0;
      this.codec = PCM;
      this.encoder = null;
      this.connect(first);
    }

    async encode() {
      const settings = { codec: "opus", sampleRate: RATE, numberOfChannels: 1, bitrate: 48000 };
      settings.opus = { frameDuration: FRAME_US };
      if (!window.AudioEncoder) return;
      const support = await AudioEncoder.isConfigSupported(settings).catch(() => ({ supported: false }));
      if (!support.supported || this.over) return;
      this.encoder = new AudioEncoder({
        output: (chunk) => {
          const sound = new Uint8Array(chunk.byteLength);
          chunk.copyTo(sound);
          const frame = Math.round(chunk.timestamp / FRAME_US);
          this.post(OPUS, frame, this.capturedUs.get(frame) || 0, sound);
          this.capturedUs.delete(frame);
        },
        error: () => (this.encoder = null), // the rest is sent as samples
      });
      this.encoder.configure(settings);
    }

    connect(first) {
      const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${texts.socket}`);
      socket.binaryType = "arraybuffer";
      socket.addEventListener("open", () => socket.send(JSON.stringify(first)));
      socket.addEventListener("message", ({ data }) => {
        if (typeof data === "string") this.told(JSON.parse(data));
        else if (microphone) microphone.monitor.port.postMessage(upsampled(new Int16Array(data)));
      });
      socket.addEventListener("close", () => this.broken());
      this.socket = socket;
    }

    told(message) {
      if (message.type === "started") {
        this.broadcast = message.broadcast;
        this.brokenMs = 0;
        this.started = true;
        phase = ""; // said again by the next state
        if (form.elements.monitor.checked) this.monitor(true);
        if (isHandsFree()) setTalking(true);
      } else if (message.type === "state") showState(message);
      else this.end(message.message, message.type === "refused" || !["by_speaker"].includes(message.reason));
    }

    send(samples, startsAtUs) {
      const frame = number++;
      if (this.socket.readyState !== WebSocket.OPEN || this.isFull()) {
        this.dropped++;
        return;
      }
      if (!this.encoder || this.encoder.encodeQueueSize > MOST_WAITING_FRAMES) {
        const pcm = Int16Array.from(samples, (sample) => Math.max(-1, Math.min(1, sample)) * 32767);
        this.post(PCM, frame, startsAtUs, new Uint8Array(pcm.buffer));
        return;
      }
      this.capturedUs.set(frame, startsAtUs);
      const data = new AudioData({
        format: "f32",
        sampleRate: RATE,
        numberOfFrames: samples.length,
        numberOfChannels: 1,
        timestamp: frame * FRAME_US,
        data: samples,
      });
      this.encoder.encode(data);
      data.close();
    }

    isFull() {
      return this.socket.bufferedAmount > MOST_WAITING_FRAMES * (this.encoder ? 150 : 1940);
    }

    post(codec, frame, capturedUs, sound) {
      if (this.socket.readyState !== WebSocket.OPEN) return;
      const message = new Uint8Array(HEAD_BYTES + sound.length);
      const head = new DataView(message.buffer);
      head.setUint8(0, codec);
      head.setUint32(1, frame);
      head.setBigUint64(5, BigInt(capturedUs));
      message.set(sound, HEAD_BYTES);
      this.socket.send(message);
    }

    monitor(on) {
      if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type: "monitor", on }));
    }

    stop() {
      if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify({ type: "stop" }));
      else this.end(texts.lost, true);
    }

    broken() {
      if (this.over) return;
      const nowMs = performance.now();
      this.brokenMs ||= nowMs;
      this.started = false;
      if (!this.broadcast || nowMs - this.brokenMs > RECONNECT_MS) {
        this.end(this.broadcast ? texts.lost : texts.unreached, true);
        return;
      }
      say(texts.reconnecting, true);
      showSign({ phase: "away", sounding: 0, meant: 0 });
      setTimeout(() => this.over || this.connect({ type: "resume", broadcast: this.broadcast }), RECONNECT_EVERY_MS);
    }

    end(sentence, isBad) {
      if (this.over) return;
      this.over = true;
      this.started = false;
      if (this.encoder && this.encoder.state !== "closed") this.encoder.close();
      this.socket.close();
      link = null;
      setTalking(false);
      close();
      say(sentence, isBad);
      warn("", "");
      showSign({ phase: "ended", sounding: 0, meant: 0 });
      part("others").replaceChildren(); // as it was while this browser was speaking
      show();
    }
  }

  function upsampled(samples) {
    const out = new Float32Array(samples.length * 3);
    for (let i = 0; i < samples.length; i++) {
      const here = samples[i] / 32768;
      const next = samples[Math.min(i + 1, samples.length - 1)] / 32768;
      for (let k = 0; k < 3; k++) out[3 * i + k] = here + ((next - here) * k) / 3;
    }
    return out;
  }

  // 4. What is shown.
  let phase = "";
  let warned = "";
  function showState(state) {
    if (state.phase !== phase) {
      phase = state.phase;
      say({ opening: texts.opening, speaking: texts.speaking, closing: texts.closing }[phase] || "");
    }
    showSign(state);
    part("elapsed").textContent = runningTime(state.elapsed_ms);
    const notes = [`${texts.delay} ${Math.round(state.delay_ms)} ms`];
    const gone = state.late + state.lost;
    if (gone) notes.push(`${texts.gone} ${gone}`);
    if (state.unrecorded) notes.push(texts.unrecorded);
    part("notes").textContent = notes.join(" · ");
    warn(state.warning, state.warns || "");
  }

  function showSign({ phase: shown, sounding, meant }) {
    const sign = part("sign");
    sign.classList.toggle("lit", sounding > 0);
    part("sign-words").textContent = sounding > 0 ? texts.onAir : texts.offAir;
    part("receivers").textContent = meant
      ? texts.sounding.replace("{n}", sounding).replace("{all}", meant)
      : shown === "away"
        ? texts.reconnecting
        : "";
  }

  function warn(sentence, reason) {
    const box = part("warning");
    if (box.textContent !== sentence) box.textContent = sentence;
    box.hidden = !sentence;
    const kind = reason === "silence" || reason === "length" ? reason : "";
    if (kind && kind !== warned) {
      const voice = part(`voice-${kind}`);
      voice.currentTime = 0;
      voice.play().catch(() => {}); // shown in any case
    }
    warned = kind;
  }

  function say(sentence, isBad = false) {
    const status = part("status");
    if (status.textContent !== sentence) status.textContent = sentence;
    status.classList.toggle("bad", isBad);
    part("trust").hidden = sentence !== texts.insecure;
    status.hidden = !sentence;
  }

  function runningTime(ms) {
    const seconds = Math.floor(ms / 1000);
    return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }

  function show() {
    const button = part("button");
    const words = !link ? texts.start : !isHandsFree() ? texts.hold : talking ? texts.mute : texts.unmute;
    part("button-words").textContent = words;
    button.classList.toggle("talking", Boolean(link) && talking);
    button.setAttribute("aria-pressed", String(Boolean(link) && talking));
    part("end").hidden = !link;
    part("live").hidden = !link;
    form.querySelectorAll("[data-before]").forEach((field) => (field.disabled = Boolean(link)));
    part("others").hidden = Boolean(link);
  }

  function setTalking(on) {
    talking = on;
    show();
  }

  // 5. The button and the space bar.
  async function start() {
    say(texts.asking);
    try {
      if (whyBlocked()) throw new Error("blocked");
      await open();
    } catch (failed) {
      say(whyBlocked(failed), true);
      return;
    }
    const chosen = (name) => [...speak.querySelectorAll(`[name=${name}]:checked`)].map((field) => field.value);
    const all = form.elements.where.value === "all";
    phase = "";
    link = new Link({
      type: "start",
      commune: texts.commune,
      targets: all ? { all } : { zones: chosen("zones"), receivers: chosen("receivers") },
      class: form.elements.class.value,
      title: form.elements.title.value,
      chime: form.elements.chime.checked,
      over: chosen("over"),
    });
    link.encode();
    if (navigator.wakeLock) navigator.wakeLock.request("screen").catch(() => null);
    show();
  }

  const button = part("button");
  let isHeld = false;
  function press() {
    if (isHeld) return;
    isHeld = true;
    if (!link) start();
    else if (isHandsFree()) setTalking(!talking);
    else setTalking(true);
  }
  function release() {
    if (!isHeld) return;
    isHeld = false;
    if (link && !isHandsFree()) setTalking(false);
  }
  button.addEventListener("pointerdown", (event) => {
    if (event.button === 0) press();
  });
  ["pointerup", "pointercancel"].forEach((name) => window.addEventListener(name, release));
  button.addEventListener("click", (event) => event.detail === 0 && !isHeld && (press(), release())); // a screen reader
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  const isOurs = ({ target, code }) =>
    code === "Space" && (target === button || !target.closest("input, select, textarea, button, a, summary"));
  document.addEventListener("keydown", (event) => {
    if (!isOurs(event)) return;
    event.preventDefault();
    if (!event.repeat && (link || event.target === button)) press();
  });
  document.addEventListener("keyup", (event) => {
    if (!isOurs(event)) return;
    event.preventDefault();
    release();
  });
  window.addEventListener("blur", release);
  part("end").addEventListener("click", () => link && link.stop());
  part("try").addEventListener("click", () => {
    if (microphone) {
      close();
      say("");
      return;
    }
    say(texts.asking);
    open()
      .then(() => say(texts.trying))
      .catch((failed) => say(whyBlocked(failed), true));
  });
  form.elements.monitor.addEventListener("change", ({ target }) => link && link.monitor(target.checked));
  window.addEventListener("beforeunload", (event) => link && event.preventDefault());

  if (navigator.serviceWorker) navigator.serviceWorker.register("/service-worker.js").catch(() => null);
  const blocked = whyBlocked();
  if (blocked) say(blocked, true);
  show();
}
