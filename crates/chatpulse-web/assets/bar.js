// Moves the bar: takes values as they come, shows them as one smooth movement.
//
// A frame is scheduled only while something moves; at rest the page costs nothing. Frames write
// `transform` only, attributes change only when what they say changes. Time is measured, not
// counted in frames, so that a slow encoder machine shows the same movement as a fast one.

import { Numbers } from "./numbers.js";
import { DRAWINGS, drawingOf } from "./shapes.js";

// The shown value closes in on the true one with this time constant.
const EASE_MS = 120;
// Below this the marker is within a fifth of a pixel of where it belongs.
const REST = 0.1;
// A side leads visibly from here on.
const LEAD = 0.5;
// At most four glows a second: more would blink.
const GLOW_GAP_MS = 250;
// With reduced motion the bar steps, as often as it may glow.
const STEP_MS = 250;
// Digits that change faster can't be read.
const NUMBERS_MS = 250;

const PLAIN = { measure: "momentum", shape: "bar", flipped: false, hidden: false, counts: false, percentages: false };

const reduced = window.matchMedia("(prefers-reduced-motion: reduce)");

export class Bar {
  constructor(root, { decay = 0.5 } = {}) {
    this.root = root;
    this.decay = decay;
    this.numbers = new Numbers(root);
    this.drawings = {};

    // The true value was `value` at `valueAt`; momentum has decayed since, a share hasn't.
    this.value = 0;
    this.valueAt = performance.now();
    this.votes = null;
    this.empty = true;
    this.shown = 0;
    this.drawn = null;
    this.frameAt = 0;
    this.numbersAt = 0;
    this.pending = false;
    this.condition = "live";
    this.glowAt = -Infinity;
    this.glowSaved = 0;
    this.step = this.step.bind(this);

    root.classList.remove("bar-still-for", "bar-still-against");
    this.wear(PLAIN);
  }

  // The true value at this moment.
  current(now = performance.now()) {
    if (this.share) return this.value;
    return this.value * Math.exp((-this.decay * Math.max(0, now - this.valueAt)) / 1000);
  }

  // `votes` is `{ for, against }` where the server counts them.
  moveTo(value, votes = null) {
    const wasEmpty = this.empty;
    this.empty = votes ? votes.for + votes.against === 0 : value === 0;
    this.votes = votes;
    const fading = this.share && this.drawing === this.drawings.pair;
    // Two bars of votes come and go by fading where they are, instead of by way of the half.
    if (!(fading && this.empty)) this.value = Math.min(100, Math.max(-100, value));
    if (fading && wasEmpty) this.shown = this.value;
    this.valueAt = performance.now();
    this.tell();
    // A share that stays as it was has nothing to move, only numbers to show.
    if (this.share && !this.pending && this.restsAt(this.value)) this.rest();
    else this.wake();
  }

  setDecay(decay) {
    this.settle();
    this.decay = decay;
  }

  // Takes over what of a look concerns movement and numbers.
  wear(look) {
    this.settle();
    // What nobody saw didn't move: it is where it belongs when it is seen again.
    if (this.look?.hidden && !look.hidden) this.shown = this.value;
    this.look = look;
    if (this.share !== (look.measure === "share")) {
      this.share = look.measure === "share";
      this.votes = null;
      this.empty = Math.abs(this.value) < REST;
    }
    const name = drawingOf(look);
    this.drawings[name] ??= new DRAWINGS[name](this.root);
    this.drawing = this.drawings[name];
    this.root.dataset.drawn = name;
    this.redraw();
    if (!this.restsAt(this.value)) this.wake();
  }

  // From here on another rule of decay may apply.
  settle() {
    const now = performance.now();
    this.value = this.current(now);
    this.valueAt = now;
  }

  // "live", "degraded", "disconnected" or "rotated".
  setCondition(condition) {
    this.condition = condition;
    this.tell();
  }

  // Lights the bar up for a change of `delta`, in the colour of the side that made it.
  glow(delta) {
    if (reduced.matches || this.look.hidden) return;
    const now = performance.now();
    const size = Math.abs(delta) + this.glowSaved;
    if (now - this.glowAt < GLOW_GAP_MS) {
      this.glowSaved = Math.min(60, size);
      return;
    }
    this.glowAt = now;
    this.glowSaved = 0;
    this.drawing.glow(delta > 0 ? "for" : "against", Math.min(0.95, 0.5 + size / 50), size);
  }

  wake() {
    if (this.pending || this.look.hidden) return;
    this.pending = true;
    this.frameAt = performance.now();
    this.tell();
    this.schedule();
  }

  schedule() {
    if (reduced.matches) setTimeout(() => this.step(performance.now()), STEP_MS);
    else requestAnimationFrame(this.step);
  }

  step(now) {
    // A frame's own time may lie before the moment that asked for it.
    const passed = Math.max(0, now - this.frameAt);
    this.frameAt = Math.max(now, this.frameAt);
    const target = this.current(now);
    this.shown += (target - this.shown) * (reduced.matches ? 1 : 1 - Math.exp(-passed / EASE_MS));

    if (this.look.hidden || this.restsAt(target)) {
      this.pending = false;
      if (this.look.hidden) this.tell();
      else this.rest();
      return;
    }
    this.draw();
    if (now - this.numbersAt >= NUMBERS_MS) this.count(now);
    this.schedule();
  }

  // A share rests wherever it is, momentum only at the notch.
  restsAt(target) {
    const goal = this.share ? target : 0;
    return Math.abs(target - goal) < REST && Math.abs(this.shown - goal) < REST;
  }

  rest() {
    if (!this.share) this.value = 0;
    this.shown = this.value;
    this.redraw();
  }

  redraw() {
    this.drawn = null;
    this.draw();
    this.count();
    this.tell();
  }

  draw() {
    // A slow drift moves less than a hundredth of a pixel a frame: not worth a write.
    if (this.drawn !== null && Math.abs(this.shown - this.drawn) < 0.02) return;
    this.drawn = this.shown;
    this.drawing.draw(this.shown, { sign: this.look.flipped ? -1 : 1, share: this.share });

    const leads = this.shown > LEAD ? "for" : this.shown < -LEAD ? "against" : "none";
    if (this.root.dataset.leads !== leads) this.root.dataset.leads = leads;
  }

  count(now = performance.now()) {
    this.numbersAt = now;
    this.numbers.show(this.look, this.current(now), this.votes, this.share && this.empty);
  }

  tell() {
    const state = this.condition !== "live" ? this.condition : this.pending ? "moving" : "rest";
    if (this.root.dataset.state !== state) this.root.dataset.state = state;
    const empty = String(this.share && this.empty);
    if (this.root.dataset.empty !== empty) this.root.dataset.empty = empty;
  }
}
