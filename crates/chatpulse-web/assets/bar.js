// Moves the bar: takes values as they come, shows them as one smooth movement.
//
// A change plans the whole way from here on, in the next frame; the browser draws that by itself,
// at the screen's rate, with nothing left to do for a script. At rest nothing is planned and no
// frame is asked for. Time is measured, not counted in frames, so that a slow encoder machine
// shows the same movement as a fast one.

import { Course, REST } from "./course.js";
import { Numbers } from "./numbers.js";
import { DRAWINGS, drawingOf } from "./shapes.js";

// A side leads visibly from here on.
const LEAD = 0.5;
// Four times a second, and no more often: digits that change faster can't be read, steps with
// reduced motion would be a movement.
const BEAT_MS = 250;
// A crowd's votes are planned for together, as each plan costs frames. The first vote after a
// while waits for nobody, and the next ones not for long.
const PLAN_GAP_MS = BEAT_MS;
const SECOND_GAP_MS = 100;
// Who votes twice within this is a crowd: somebody else will have voted by the next plan.
const CROWD_MS = 500;
const HELD_MS = PLAN_GAP_MS + 50;
const FRAME_MS = 16;
// One glow can be seen to its end before the next: more would blink.
const GLOW_GAP_MS = 2 * BEAT_MS;

const PLAIN = { mode: "momentum", shape: "bar", flipped: false, hidden: false, counts: false, percentages: false };

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
    // Where it was seen last, and the way that it is on, if it is on one.
    this.shown = 0;
    this.course = null;
    this.moving = false;
    this.asked = false;
    this.settings = null;
    this.followTimer = 0;
    this.plannedAt = -Infinity;
    this.gap = 0;
    // When it was pushed from its way, the last two times.
    this.pushed = [-Infinity, -Infinity];
    this.condition = "live";
    this.glowAt = -Infinity;
    this.glowAsked = -Infinity;
    this.glowSize = 0;
    this.glowSide = "for";

    root.classList.remove("bar-still-for", "bar-still-against");
    this.apply(PLAIN);
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
    this.valueAt = performance.now();
    if (fading && wasEmpty) this.stand(this.value);
    this.tell();
    // What stays as it was has nothing to move, only numbers to show.
    if (!this.moving && this.restsAt(this.value)) {
      this.rest();
    } else if (!this.isOnItsWay()) {
      this.pushed = [this.pushed[1], this.valueAt];
      this.wake();
    }
  }

  setDecay(decay) {
    if (decay === this.decay) return;
    this.settle();
    this.decay = decay;
    if (this.course) this.wake();
  }

  // Takes over the settings that concern movement and numbers.
  apply(settings) {
    this.settle();
    if (this.settings && movesAlike(this.settings, settings)) {
      this.settings = settings;
      return this.count();
    }
    // What nobody saw didn't move: it is where it belongs when it is seen again.
    const shown = this.settings?.hidden && !settings.hidden ? this.value : this.whereabouts().stand;
    this.drawing?.leave();
    this.settings = settings;
    if (this.share !== (settings.mode === "share")) {
      this.share = settings.mode === "share";
      this.votes = null;
      this.empty = Math.abs(this.value) < REST;
    }
    const name = drawingOf(settings);
    this.drawings[name] ??= new DRAWINGS[name](this.root);
    this.drawing = this.drawings[name];
    this.root.dataset.drawn = name;
    this.stand(shown);
    this.count();
    this.moving = this.asked;
    if (!this.restsAt(this.value)) this.wake();
    this.tell();
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

  // Lights the bar up for a change of `delta`, in the colour of the side that made it, as soon
  // as it moves.
  glow(delta) {
    if (this.movesLess || this.settings.hidden) return;
    const now = performance.now();
    // What could not be shown soon is not shown any more.
    const saved = now - this.glowAsked < GLOW_GAP_MS ? this.glowSize : 0;
    this.glowAsked = now;
    this.glowSize = Math.min(60, saved + Math.abs(delta));
    this.glowSide = delta > 0 ? "for" : "against";
    if (!this.asked) this.light(now);
  }

  light(now) {
    const size = now - this.glowAsked < GLOW_GAP_MS ? this.glowSize : 0;
    if (size === 0 || now - this.glowAt < GLOW_GAP_MS) return;
    this.glowAt = now;
    this.glowSize = 0;
    this.drawing.glow(this.glowSide, Math.min(0.95, 0.5 + size / 50), size);
  }

  // Where it is seen, and how fast it goes.
  whereabouts(now = performance.now()) {
    return this.course?.state(now) ?? { stand: this.shown, speed: 0 };
  }

  wake() {
    if (this.asked || this.settings.hidden) return;
    this.asked = true;
    this.moving = true;
    this.tell();
    if (this.movesLess) {
      setTimeout(() => this.step(), BEAT_MS);
      return;
    }
    const wait = this.plannedAt + this.gap - performance.now();
    const ask = () => requestAnimationFrame((now) => this.plan(now));
    if (wait > 0) setTimeout(ask, wait);
    else ask();
  }

  // What the server said is what was planned.
  isOnItsWay(now = performance.now()) {
    const { course } = this;
    if (!course || course.needsMore(now) || course.drift !== this.drift) return false;
    return Math.abs(course.goalAt(now) - this.current(now)) < (this.share ? REST : LEAD);
  }

  // Reduced motion: it steps instead of sliding.
  get movesLess() {
    return reduced.matches && this.root.dataset.motion !== "full";
  }

  get drift() {
    return this.share ? 0 : this.decay;
  }

  plan(now) {
    this.asked = false;
    if (this.settings.hidden) return this.rest();
    this.gap = now - this.plannedAt > CROWD_MS ? SECOND_GAP_MS : PLAN_GAP_MS;
    this.plannedAt = now;
    const held = now - this.pushed[0] < CROWD_MS ? HELD_MS : 0;
    this.course = new Course(this.whereabouts(now), this.current(now), this.drift, now, held);
    this.moving = true;
    this.tell();
    this.drawing.follow(this.course, this.view);
    this.light(now);
    this.follow();
  }

  // Words and numbers follow what moves; they are seldom worth a frame.
  follow() {
    clearTimeout(this.followTimer);
    const now = performance.now();
    const ends = this.course.endsAt - now;
    if (this.settings.hidden) return this.rest();
    // What is about to be planned goes on from where the course ended.
    if (ends <= 0) return this.asked ? undefined : this.rest();
    this.shown = this.whereabouts(now).stand;
    this.say();
    this.count();
    if (this.course.needsMore(now)) this.wake();
    this.followTimer = setTimeout(() => this.follow(), Math.min(this.untilSideChanges(now), ends));
  }

  // Until then nothing is to be said.
  untilSideChanges(now) {
    const leads = leading(this.shown);
    let later = FRAME_MS;
    while (later < BEAT_MS && leading(this.course.state(now + later).stand) === leads) later += FRAME_MS;
    return later;
  }

  // With reduced motion.
  step() {
    this.asked = false;
    const target = this.current();
    this.stand(target);
    if (this.settings.hidden || this.restsAt(target)) return this.rest();
    this.count();
    this.wake();
  }

  // A share rests wherever it is, momentum only at the notch.
  restsAt(target) {
    const goal = this.share ? target : 0;
    return Math.abs(target - goal) < REST && Math.abs(this.shown - goal) < REST;
  }

  rest() {
    this.moving = false;
    if (!this.settings.hidden) {
      if (!this.share) this.value = 0;
      this.stand(this.value);
      this.count();
    }
    this.tell();
  }

  get view() {
    return { sign: this.settings.flipped ? -1 : 1, share: this.share };
  }

  // Here it is, and moves no more.
  stand(stand) {
    clearTimeout(this.followTimer);
    this.course = null;
    this.shown = stand;
    this.drawing.stand(stand, this.view);
    this.say();
  }

  say() {
    this.drawing.fit(this.shown);
    const leads = leading(this.shown);
    if (this.root.dataset.leads !== leads) this.root.dataset.leads = leads;
  }

  count() {
    this.numbers.show(this.settings, this.current(), this.votes, this.share && this.empty);
  }

  tell() {
    const state = this.condition !== "live" ? this.condition : this.moving ? "moving" : "rest";
    if (this.root.dataset.state !== state) this.root.dataset.state = state;
    const empty = String(this.share && this.empty);
    if (this.root.dataset.empty !== empty) this.root.dataset.empty = empty;
  }
}

function leading(stand) {
  return stand > LEAD ? "for" : stand < -LEAD ? "against" : "none";
}

// Two settings with which the same parts are at the same places.
function movesAlike(one, other) {
  const alike = (key) => one[key] === other[key];
  return ["mode", "shape", "flipped", "hidden"].every(alike);
}
