// Audio worklets of the microphone page: blocks of 20 ms from the microphone; sound of the broadcast to the headphones.
"use strict";
const BLOCK = 960;

class SpeakCapture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.block = new Float32Array(BLOCK);
    this.filled = 0;
    this.startsAt = 0; // context time of the block's first sample, s
  }

  process(inputs) {
    const samples = inputs[0][0];
    if (!samples) return true;
    for (let read = 0; read < samples.length; ) {
      if (this.filled === 0) this.startsAt = (currentFrame + read) / sampleRate;
      const taken = Math.min(samples.length - read, BLOCK - this.filled);
      this.block.set(samples.subarray(read, read + taken), this.filled);
      this.filled += taken;
      read += taken;
      if (this.filled === BLOCK) {
        const full = this.block;
        this.port.postMessage({ samples: full, startsAt: this.startsAt }, [full.buffer]);
        this.block = new Float32Array(BLOCK);
        this.filled = 0;
      }
    }
    return true;
  }
}
registerProcessor("speak-capture", SpeakCapture);

class SpeakMonitor extends AudioWorkletProcessor {
  constructor() {
    super();
    this.waiting = [];
    this.at = 0;
    this.primed = false;
    this.port.onmessage = ({ data }) => {
      this.waiting.push(data);
      if (this.waiting.length > 25) this.waiting.splice(0, this.waiting.length - 5); // never half a second behind
    };
  }

  process(_inputs, outputs) {
    const out = outputs[0][0];
    if (!this.primed && this.waiting.length < 3) return true;
    this.primed = true;
    for (let i = 0; i < out.length; i++) {
      if (this.waiting.length === 0) {
        this.primed = false;
        return true;
      }
      out[i] = this.waiting[0][this.at++];
      if (this.at === this.waiting[0].length) {
        this.waiting.shift();
        this.at = 0;
      }
    }
    return true;
  }
}
registerProcessor("speak-monitor", SpeakMonitor);
