// The overlay page: what the server says goes to the bar.
//
// State for tests and for CSS stands on the bar element: `data-state` is `rest`, `moving`,
// `degraded`, `disconnected` or `rotated`; `data-connected` is `true` while the socket is open.

import { Bar } from "./bar.js";
import { Connection } from "./connection.js";

// Shorter losses than this are nobody's business on stream.
const DIM_AFTER_MS = 3_000;
// A jump of this much was a vote; less is two clocks that don't quite agree.
const VOTE_MIN = 0.75;

const root = document.querySelector("[data-socket]");
const note = document.querySelector("[data-note]");
const preview = root.dataset.preview === "true" && window.parent !== window;

const bar = new Bar(root, { decay: speed(root.dataset.decay) ?? 0.5 });
let version = root.dataset.version;

// What the server last said, to tell a vote from mere drift.
const said = { value: 0, at: performance.now(), decay: bar.decay, fresh: true };
// A drift that the streamer tries out on the dashboard and hasn't saved.
let tried = null;
let degraded = false;
let rotated = false;
let dimmed = false;
let dimTimer = setTimeout(dim, DIM_AFTER_MS);

const connection = new Connection({
  socketUrl() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const query = new URLSearchParams({ v: version });
    if (preview) query.set("preview", "1");
    return `${scheme}//${location.host}${root.dataset.socket}?${query}`;
  },
  pageUrl: location.pathname,
  onOpen() {
    clearTimeout(dimTimer);
    dimTimer = 0;
    dimmed = false;
    degraded = false;
    said.fresh = true;
    root.dataset.connected = "true";
    tellCondition();
  },
  onText: take,
  onLost() {
    root.dataset.connected = "false";
    if (!dimTimer && !dimmed) dimTimer = setTimeout(dim, DIM_AFTER_MS);
  },
  onRotated() {
    rotated = true;
    clearTimeout(dimTimer);
    tellCondition();
    note.hidden = false;
  },
});
connection.open();

if (preview) {
  window.addEventListener("message", (event) => {
    if (event.origin !== location.origin || event.source !== window.parent) return;
    const draft = event.data;
    if (draft === null || typeof draft !== "object" || draft.type !== "chatpulse:preview") return;
    showLabels(draft);
    tried = speed(draft.decay);
    bar.setDecay(tried ?? said.decay);
  });
}

function take(text) {
  let frame;
  try {
    frame = JSON.parse(text);
  } catch {
    return;
  }
  if (frame === null || typeof frame !== "object") return;
  if (typeof frame.value === "number" && Number.isFinite(frame.value)) takeValue(frame);
  if (frame.config !== null && typeof frame.config === "object") takeConfig(frame.config);
}

function takeValue(frame) {
  const now = performance.now();
  const expected = said.value * Math.exp((-said.decay * (now - said.at)) / 1000);
  const delta = frame.value - expected;
  const jump = !said.fresh && Math.abs(delta) >= VOTE_MIN;
  // A jump to the exact centre is a reset; votes push.
  const vote = jump && frame.value !== 0;
  const trying = tried !== null && tried !== said.decay;

  said.value = frame.value;
  said.at = now;
  said.decay = speed(frame.decay) ?? said.decay;

  if (trying && !said.fresh) {
    // The server drifts at the saved speed: take its votes, keep the speed that is tried out.
    if (vote) bar.moveTo(bar.current(now) + delta);
    else if (jump) bar.moveTo(0);
  } else {
    if (tried === null) bar.setDecay(said.decay);
    bar.moveTo(frame.value);
  }
  if (vote) bar.glow(delta);
  said.fresh = false;

  degraded = frame.status === "degraded";
  tellCondition();
}

function takeConfig(config) {
  showLabels(config);
  const decay = speed(config.decay);
  if (decay !== null) {
    said.value *= Math.exp((-said.decay * (performance.now() - said.at)) / 1000);
    said.at = performance.now();
    said.decay = decay;
    // What is saved now is no longer only tried out.
    tried = null;
    bar.setDecay(decay);
  }
  if (Number.isInteger(config.version)) version = String(config.version);
}

function showLabels({ left_label, right_label }) {
  if (typeof left_label === "string" && typeof right_label === "string") {
    bar.setLabels(left_label, right_label);
  }
}

function dim() {
  dimTimer = 0;
  dimmed = true;
  tellCondition();
}

function tellCondition() {
  bar.setCondition(rotated ? "rotated" : dimmed ? "disconnected" : degraded ? "degraded" : "live");
}

// A decay per second that can be drawn, or null. Attributes bring text, frames bring numbers.
function speed(given) {
  const decay = typeof given === "string" && given !== "" ? Number(given) : given;
  return typeof decay === "number" && decay > 0 && decay <= 10 ? decay : null;
}
