// The dashboard's parts and how they hear of each other. Each part lives in a file of its own.

import { Address } from "./address.js";
import { Preview } from "./preview.js";
import { writeSentence } from "./sentence.js";
import { Settings } from "./settings.js";
import { Status } from "./status.js";

const board = document.querySelector("[data-board]");
const { login, name, overlayId } = board.dataset;

// One quiet voice for what eyes see anyway: chips that come and go.
const voice = document.createElement("p");
voice.className = "visually-hidden";
voice.setAttribute("role", "status");
document.body.append(voice);

const preview = new Preview({ overlayId });
const version = Number(document.querySelector('input[name="version"]').value);
// The first version is the one an account is born with: anything later was chosen.
const status = new Status({ login, name, stepsDone: version > 1 ? ["words"] : [] });

new Settings({
  onDraft: (settings) => {
    preview.show(settings);
    showFirstTrigger(settings.for_triggers[0]);
  },
  onSaved: () => status.finish("words"),
  onSay: (text) => writeSentence(voice, text),
});

new Address({
  onMoved: (uuid, path) => preview.move(uuid, path),
});

const menu = document.querySelector("[data-menu]");
document.addEventListener("click", (event) => {
  if (!menu.contains(event.target)) menu.open = false;
});
menu.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !menu.open) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

// A message of a save without script has been read after a while.
const saved = document.querySelector('[data-notice="saved"]');
if (saved) setTimeout(() => saved.remove(), 6_000);

function showFirstTrigger(trigger) {
  const place = document.querySelector("[data-first-trigger]");
  if (trigger && place.textContent !== trigger) place.textContent = trigger;
}
