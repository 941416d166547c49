// The example on the login page: a scripted crowd that moves the real bar, and a visitor who
// may join in. Nothing here comes from a server or from any real chat.

import { Bar } from "./bar.js";

const PUSH = 10;
// More than the box shows: the oldest is out of sight when it goes.
const LINES_MAX = 12;
const CROWD = ["miso_soup", "Kettle99", "novaquill", "tinyfrog", "Ambrosio", "lumen_", "PixelOtter", "quietstorm", "bramble7", "Oda"];
const CHATTER = ["you have 12 hp lol", "drink a potion first", "the music though", "CLIP IT", "that bow is so good", "remember last time", "first try surely", "chat what do we think", "he won’t"];
// The story: how likely each line is a vote for or against, for a while. Then it starts over.
const SCENES = [
  { lines: 11, for: 0.62, against: 0.1, gap_ms: 620 },
  { lines: 4, for: 0.1, against: 0.15, gap_ms: 1_300 },
  { lines: 12, for: 0.08, against: 0.66, gap_ms: 560 },
  { lines: 8, for: 0.42, against: 0.4, gap_ms: 520 },
  { lines: 4, for: 0, against: 0, gap_ms: 1_500 },
];
const reduced = window.matchMedia("(prefers-reduced-motion: reduce)");

const example = document.querySelector("[data-example]");
const chat = example.querySelector("[data-chat]");
const join = example.querySelector("[data-join]");
const pause = example.querySelector("[data-pause]");
const bar = new Bar(example.querySelector("[data-bar]"), { decay: 0.35 });

// The first five have just spoken, in the page itself.
const crowd = [...CROWD.slice(5), ...CROWD.slice(0, 5)];
let scene = 0;
let line = 0;
let timer = 0;
let paused = false;
let inView = true;

function vote(side) {
  const delta = side === "for" ? PUSH : -PUSH;
  bar.moveTo(bar.current() + delta);
  bar.glow(delta);
}

function say(name, text, side) {
  const item = document.createElement("li");
  item.className = "is-new";
  if (side) item.dataset.side = side;
  const who = document.createElement("b");
  who.dataset.hue = String((CROWD.indexOf(name) % 5) + 1);
  who.textContent = name;
  const what = document.createElement("span");
  what.textContent = text;
  item.append(who, what);
  chat.append(item);
  while (chat.children.length > LINES_MAX) chat.firstElementChild.remove();
  if (side) vote(side);
}

function next() {
  const { lines, for: inFavor, against, gap_ms } = SCENES[scene];
  const dice = Math.random();
  // Nobody speaks again before five others did.
  const name = crowd.splice(Math.floor(Math.random() * (crowd.length - 5)), 1)[0];
  crowd.push(name);
  if (dice < inFavor) say(name, "yes", "for");
  else if (dice < inFavor + against) say(name, "no", "against");
  else say(name, CHATTER[Math.floor(Math.random() * CHATTER.length)]);

  line += 1;
  if (line >= lines) {
    line = 0;
    scene = (scene + 1) % SCENES.length;
  }
  const pace = reduced.matches ? 3 : 1;
  timer = setTimeout(next, gap_ms * pace * (0.6 + Math.random() * 0.8));
}

// Runs only while it is seen and wanted.
function run() {
  clearTimeout(timer);
  if (!paused && inView && !document.hidden) timer = setTimeout(next, 400);
}

for (const button of example.querySelectorAll("[data-say]")) {
  button.addEventListener("click", () => {
    const side = button.dataset.say;
    say("you", side === "for" ? "yes" : "no", side);
  });
}
pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Play" : "Pause";
  run();
});
document.addEventListener("visibilitychange", run);
new IntersectionObserver((entries) => {
  inView = entries[entries.length - 1].isIntersecting;
  run();
}).observe(example);

bar.moveTo(40);
join.hidden = false;
run();
