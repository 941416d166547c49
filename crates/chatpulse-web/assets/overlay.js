// The overlay page: what the server says goes to the bar.
//
// State for tests and for CSS stands on the bar element: `data-state` is `rest`, `moving`,
// `degraded`, `disconnected` or `rotated`; `data-connected` is `true` while the socket is open;
// `data-motion` is `full` where a wish for reduced motion doesn't count. Settings are attributes
// beside it, set by `appearance.js`. docs/overlay-css.md promises them to streamers.

import { Bar } from "./bar.js";
import { Connection } from "./connection.js";
import { dress, settingsWith } from "./appearance.js";

// Shorter losses than this are nobody's business on stream.
const DIM_AFTER_MS = 3_000;
// A jump of this much was a vote; less is two clocks that don't quite agree.
const VOTE_MIN = 0.75;
// How far one vote moves the momentum: a vote glows alike in both modes.
const PUSH = 10;

const root = document.querySelector("[data-socket]");
const note = document.querySelector("[data-note]");
const preview = root.dataset.preview === "true" && window.parent !== window;
// In OBS the wish for reduced motion is the streamer's desktop's, and every viewer would see it.
if ("obsstudio" in window && !preview) root.dataset.motion = "full";

const config = parsed(root.dataset.config) ?? {};
const bar = new Bar(root, { decay: speed(config.decay_speed) ?? 0.5 });
let version = config.version ?? 0;
// As the streamer saved them; the bar may show settings that are only tried out.
let saved = settingsWith(config);
let shown = saved;
show(saved);

// What the server last said, to tell a vote from mere drift.
const said = { value: 0, at: performance.now(), decay: bar.decay, votes: null, fresh: true };
// What the streamer tries out on the dashboard and hasn't saved, and the drift in it.
let draft = null;
let tried = null;
let degraded = false;
let rotated = false;
let dimmed = false;
let dimTimer = setTimeout(dim, DIM_AFTER_MS);

const connection = new Connection({
  socketUrl() {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    const query = new URLSearchParams({ v: String(version) });
    if (preview) query.set("preview", "1");
    return `${scheme}//${location.host}${root.dataset.socket}?${query}`;
  },
  pageUrl: location.pathname,
  onOpen() {
    clearTimeout(dimTimer);
    dimTimer = 0;
    dimmed = false;
    degraded = false;
    rotated = false;
    note.hidden = true;
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
// Not before: some browsers end sockets with what `stop` ends.
if (document.readyState === "complete") begin();
else window.addEventListener("load", begin, { once: true });

function begin() {
  stay();
  connection.open();
}

// The page would load again: a proxy may have failed one of its files while the server restarts, and a
// bar without them is dead. `stop` is what takes back a refresh that is already scheduled.
function stay() {
  // A style sheet that failed is there all the same, with nothing in it.
  if (![...document.querySelectorAll("link[rel=stylesheet]")].every(({ sheet }) => sheet?.cssRules.length > 0)) return;
  window.stop();
  document.querySelector("[data-reload]")?.remove();
}

if (preview) {
  window.addEventListener("message", (event) => {
    if (event.origin !== location.origin || event.source !== window.parent) return;
    if (event.data?.type !== "chatpulse:preview") return;
    draft = event.data.settings;
    tryOut();
  });
}

// Over what is saved, which may have changed: moderators pause and hide.
function tryOut() {
  show(draft ? settingsWith(draft, saved) : saved);
  tried = draft && speed(draft.decay_speed);
  bar.setDecay(tried ?? said.decay);
}

function take(text) {
  const frame = parsed(text);
  if (frame === null) return;
  if (typeof frame.value === "number" && Number.isFinite(frame.value)) takeValue(frame);
  if (frame.config !== null && typeof frame.config === "object") takeConfig(frame.config);
}

function takeValue(frame) {
  const now = performance.now();
  const votes = counted(frame);
  const expected = expectedAt(now);
  const jump = !said.fresh && Math.abs(frame.value - expected) >= VOTE_MIN;
  const delta = votes && said.votes ? pushOf(votes, said.votes) : frame.value - expected;
  // A jump to the exact centre is a reset; votes push. Where votes are counted, they say it.
  const vote = votes && said.votes ? !said.fresh && delta !== 0 : jump && frame.value !== 0;
  const trying =
    tried !== null && tried !== said.decay && saved.mode === "momentum" && shown.mode === "momentum";

  said.value = frame.value;
  said.at = now;
  said.decay = speed(frame.decay) ?? said.decay;
  said.votes = votes;

  if (trying && !said.fresh) {
    // The server drifts at the saved speed: take its votes, keep the speed that is tried out.
    if (vote) bar.moveTo(bar.current(now) + delta);
    else if (jump) bar.moveTo(0);
  } else {
    if (tried === null) bar.setDecay(said.decay);
    bar.moveTo(frame.value, votes);
  }
  if (vote) bar.glow(delta);
  said.fresh = false;

  degraded = frame.status === "degraded";
  tellCondition();
}

function takeConfig(config) {
  const now = performance.now();
  said.value = expectedAt(now);
  said.at = now;
  said.decay = speed(config.decay_speed) ?? said.decay;
  const settings = settingsWith(config, saved);
  // The other mode has other values: the first one is no vote.
  if (settings.mode !== saved.mode) said.fresh = true;
  saved = settings;
  tryOut();
  if (Number.isInteger(config.version)) version = config.version;
}

function show(settings) {
  const changes = shown.mode !== settings.mode;
  shown = settings;
  dress(root, settings);
  bar.apply(settings);
  // A share is where its votes put it, whatever was shown in between.
  if (changes && settings.mode === "share" && said.votes) bar.moveTo(shareOf(said.votes), said.votes);
}

function shareOf({ for: inFavor, against }) {
  const total = inFavor + against;
  return total === 0 ? 0 : (100 * (inFavor - against)) / total;
}

// What the server's value should be by now if nobody voted.
function expectedAt(now) {
  if (saved.mode === "share") return said.value;
  return said.value * Math.exp((-said.decay * (now - said.at)) / 1000);
}

// The votes of a frame, or null: only a share counts them.
function counted(frame) {
  const whole = (count) => Number.isInteger(count) && count >= 0;
  return whole(frame.for) && whole(frame.against) ? { for: frame.for, against: frame.against } : null;
}

// How strongly the side with more new votes pushed. Votes that leave the window push nobody.
function pushOf(votes, before) {
  const inFavor = Math.max(0, votes.for - before.for);
  const against = Math.max(0, votes.against - before.against);
  return PUSH * (inFavor >= against ? inFavor : -against);
}

function dim() {
  dimTimer = 0;
  dimmed = true;
  tellCondition();
}

function tellCondition() {
  bar.setCondition(rotated ? "rotated" : dimmed ? "disconnected" : degraded ? "degraded" : "live");
}

// A decay per second that can be drawn, or null.
function speed(given) {
  return typeof given === "number" && given > 0 && given <= 10 ? given : null;
}

// The object that a text holds, or null.
function parsed(text) {
  try {
    const value = JSON.parse(text);
    return typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
