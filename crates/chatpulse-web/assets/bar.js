// Draws the bar: takes values as they come, shows them as one smooth movement.
//
// A frame is scheduled only while something moves; at rest the page costs nothing. Frames write
// `transform` only, attributes change only when what they say changes. Time is measured, not
// counted in frames, so that a slow encoder machine shows the same movement as a fast one.

// The shown value closes in on the true one with this time constant.
const EASE_MS = 120;
// Below this the marker is within a fifth of a pixel of the notch.
const REST = 0.1;
// A side leads visibly from here on.
const LEAD = 0.5;
// At most four glows a second: more would blink.
const GLOW_GAP_MS = 250;
// With reduced motion the bar steps, as often as it may glow.
const STEP_MS = 250;

const reduced = window.matchMedia("(prefers-reduced-motion: reduce)");

export class Bar {
  constructor(root, { decay = 0.5 } = {}) {
    this.root = root;
    this.decay = decay;
    this.carrier = root.querySelector(".bar-carrier");
    this.fills = {
      against: root.querySelector(".bar-half-against > .bar-fill"),
      for: root.querySelector(".bar-half-for > .bar-fill"),
    };
    this.glows = {
      against: root.querySelector(".bar-glow-against"),
      for: root.querySelector(".bar-glow-for"),
    };
    this.ends = {
      left: root.querySelectorAll('[data-label="left"]'),
      right: root.querySelectorAll('[data-label="right"]'),
    };

    // The true value was `value` at `valueAt`, and has decayed since.
    this.value = 0;
    this.valueAt = performance.now();
    this.shown = 0;
    this.drawn = null;
    this.frameAt = 0;
    this.pending = false;
    this.condition = "live";
    this.glowAt = -Infinity;
    this.glowSaved = 0;
    this.step = this.step.bind(this);

    root.classList.remove("bar-still-for", "bar-still-against");
    this.draw();
    this.tell();
  }

  // The true value at this moment.
  current(now = performance.now()) {
    return this.value * Math.exp((-this.decay * Math.max(0, now - this.valueAt)) / 1000);
  }

  moveTo(value) {
    this.value = Math.min(100, Math.max(-100, value));
    this.valueAt = performance.now();
    this.wake();
  }

  setDecay(decay) {
    this.value = this.current();
    this.valueAt = performance.now();
    this.decay = decay;
  }

  setLabels(left, right) {
    // Each label stands twice: seen at its end, and unseen at the other to keep both equally wide.
    for (const element of this.ends.left) element.textContent = left;
    for (const element of this.ends.right) element.textContent = right;
  }

  // "live", "degraded", "disconnected" or "rotated".
  setCondition(condition) {
    this.condition = condition;
    this.tell();
  }

  // Lights the marker up for a change of `delta`, in the colour of the side that made it.
  glow(delta) {
    if (reduced.matches) return;
    const now = performance.now();
    const size = Math.abs(delta) + this.glowSaved;
    if (now - this.glowAt < GLOW_GAP_MS) {
      this.glowSaved = Math.min(60, size);
      return;
    }
    this.glowAt = now;
    this.glowSaved = 0;
    const strength = Math.min(0.95, 0.5 + size / 50);
    // Twice the marker is as far as the halo may reach without touching a label.
    const reach = 1.75 + Math.min(0.25, size / 100);
    this.glows[delta > 0 ? "for" : "against"].animate(
      [
        { opacity: strength, transform: "scale(1.15)" },
        { opacity: 0, transform: `scale(${reach})` },
      ],
      { duration: 620, easing: "ease-out" },
    );
  }

  wake() {
    if (this.pending) return;
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

    if (Math.abs(target) < REST && Math.abs(this.shown) < REST) {
      this.value = 0;
      this.shown = 0;
      this.pending = false;
      this.draw();
      this.tell();
      return;
    }
    this.draw();
    this.schedule();
  }

  draw() {
    // A slow drift moves less than a hundredth of a pixel a frame: not worth a write.
    const far = this.drawn === null || Math.abs(this.shown - this.drawn) >= 0.02;
    if (!far && this.shown !== 0) return;
    this.drawn = this.shown;

    this.carrier.style.transform = `translate3d(${(this.shown / 2).toFixed(3)}%, 0, 0)`;
    this.fills.for.style.transform = `translate3d(${(Math.max(0, this.shown) - 100).toFixed(3)}%, 0, 0)`;
    this.fills.against.style.transform = `translate3d(${(100 + Math.min(0, this.shown)).toFixed(3)}%, 0, 0)`;

    const leads = this.shown > LEAD ? "for" : this.shown < -LEAD ? "against" : "none";
    if (this.root.dataset.leads !== leads) this.root.dataset.leads = leads;
  }

  tell() {
    const state = this.condition !== "live" ? this.condition : this.pending ? "moving" : "rest";
    if (this.root.dataset.state !== state) this.root.dataset.state = state;
  }
}
