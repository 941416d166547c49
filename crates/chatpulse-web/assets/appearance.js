// How an overlay looks: takes over settings that the server or the dashboard sent, and puts them on
// the bar as attributes, colours and words. What moves is the business of bar.js.
//
// Names and values are those of the settings document. Every setting that is on or off and every
// choice becomes an attribute of the bar (`show_x` is `data-show-x`), so a style sheet is enough to
// draw a new one.

import { palette } from "./colour.js";

// The words that this page can draw. OBS may keep it open for days: a newer server may know more.
const CHOICES = {
  mode: ["momentum", "share"],
  shape: ["bar", "two_bars"],
  theme: ["dark", "light", "transparent"],
  position: ["middle", "top", "bottom"],
};
const PLAIN = Object.fromEntries(Object.entries(CHOICES).map(([key, words]) => [key, words[0]]));
const COLOURS = ["for_colour", "against_colour"];

// The `known` settings with what was `given`; a value that this page cannot draw changes nothing.
export function settingsWith(given, known = PLAIN) {
  const fits = ([key, value]) => {
    if (CHOICES[key]) return CHOICES[key].includes(value);
    if (COLOURS.includes(key)) return /^#[0-9a-f]{6}$/i.test(value);
    return !(key in known) || typeof value === typeof known[key];
  };
  return { ...known, ...Object.fromEntries(Object.entries(given).filter(fits)) };
}

// Puts settings on the bar element.
export function dress(root, settings) {
  for (const [key, value] of Object.entries(settings)) {
    if (CHOICES[key] || typeof value === "boolean") root.setAttribute(`data-${key.replaceAll("_", "-")}`, String(value));
  }
  root.dataset.small = small(settings);
  for (const side of ["for", "against"]) {
    for (const [part, colour] of Object.entries(palette(settings[`${side}_colour`], settings.theme))) {
      root.style.setProperty(`--${side}-${part}`, colour);
    }
    write(root, `[data-trigger="${side}"]`, settings.hint ? settings[`${side}_triggers`][0] : "");
  }
  // Each label is there twice: seen at its end, and unseen at the other to keep both equally wide.
  write(root, '[data-label="left"]', settings.left_label);
  write(root, '[data-label="right"]', settings.right_label);
}

// What is in small print at the labels, as it decides how much room they need.
function small({ mode, hint, counts, percentages }) {
  const number = mode === "share" ? counts : percentages;
  if (hint) return number ? "both" : "hint";
  return number ? "number" : "none";
}

function write(root, selector, words) {
  for (const element of root.querySelectorAll(selector)) element.textContent = words ?? "";
}
