// How an overlay looks: reads the settings that the server or the dashboard sent, and puts them
// on the bar as attributes, colours and words. What moves is none of its business.

import { palette } from "./colour.js";

const CHOICES = {
  measure: ["momentum", "share"],
  shape: ["bar", "two_bars"],
  theme: ["dark", "light", "transparent"],
  position: ["middle", "top", "bottom"],
};
const COLOURS = ["for_colour", "against_colour"];
const FLAGS = ["hint", "counts", "percentages", "flipped", "hidden", "paused"];
const WORDS = ["left_label", "right_label", "for_trigger", "against_trigger"];

const USUAL = {
  left_label: "Against",
  right_label: "For",
  measure: "momentum",
  shape: "bar",
  theme: "dark",
  position: "middle",
  for_colour: "#35c2ff",
  against_colour: "#ffb347",
  for_trigger: "",
  against_trigger: "",
  hint: false,
  counts: false,
  percentages: false,
  flipped: false,
  hidden: false,
  paused: false,
};

// A whole look: what `given` leaves out, or says wrongly, is as `otherwise` has it.
export function lookOf(given, otherwise = USUAL) {
  const look = { ...otherwise };
  const take = (key, fits) => {
    if (fits(given[key])) look[key] = given[key];
  };
  for (const key of WORDS) take(key, (value) => typeof value === "string");
  for (const key of FLAGS) take(key, (value) => typeof value === "boolean");
  for (const key of COLOURS) take(key, (value) => typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value));
  for (const [key, choices] of Object.entries(CHOICES)) take(key, (value) => choices.includes(value));
  return look;
}

// Puts a look on the bar element.
export function dress(root, look) {
  for (const key of [...Object.keys(CHOICES), "flipped", "hidden", "paused"]) {
    root.dataset[key] = String(look[key]);
  }
  root.dataset.small = small(look);
  for (const side of ["for", "against"]) {
    for (const [part, colour] of Object.entries(palette(look[`${side}_colour`], look.theme))) {
      root.style.setProperty(`--${side}-${part}`, colour);
    }
    write(root, `[data-trigger="${side}"]`, look.hint ? look[`${side}_trigger`] : "");
  }
  // Each label stands twice: seen at its end, and unseen at the other to keep both equally wide.
  write(root, '[data-label="left"]', look.left_label);
  write(root, '[data-label="right"]', look.right_label);
}

// What stands in small print at the labels, as it decides how much room they need.
function small({ measure, hint, counts, percentages }) {
  const number = measure === "share" ? counts : percentages;
  if (hint) return number ? "both" : "hint";
  return number ? "number" : "none";
}

function write(root, selector, words) {
  for (const element of root.querySelectorAll(selector)) element.textContent = words;
}
