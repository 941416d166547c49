// The fields of the settings form: read them, set them, say beside each what is wrong.
//
// `settings.js` decides when; this file knows how.

import { Chips, alike } from "./chips.js";

const TRIGGERS = ["against_trigger", "for_trigger"];
const TEXTS = ["left_label", "right_label", "decay_speed"];
// One of several, a number, a colour: each a text under its name.
const CHOICES = ["measure", "window_secs", "shape", "theme", "against_colour", "for_colour", "position"];
const BOXES = ["until_reset", "one_vote_each", "flipped", "hint", "counts", "percentages", "mod_commands"];
const LABEL_MAX = 50;

export class Fields {
  constructor(form, { onChange, onSay }) {
    this.form = form;
    this.onChange = onChange;
    this.clashing = false;
    this.chips = {};
    for (const name of TRIGGERS) {
      this.chips[name] = new Chips(form.querySelector(`[data-chips="${name}"]`), {
        onChange: () => this.changed(name),
        onSay,
        onHint: (text) => this.hint(name, text),
      });
    }
    this.slider = form.elements.decay_speed;
    this.driftWords = form.querySelector("[data-drift-words]");
    for (const line of form.querySelectorAll("[data-below]")) if (line.textContent === "") line.textContent = line.dataset.hint;
    for (const name of TEXTS) form.elements[name].addEventListener("input", () => this.changed(name));
    for (const name of [...CHOICES, ...BOXES]) {
      for (const input of this.inputs(name)) input.addEventListener("input", () => this.changed(name));
    }
    this.measured = form.querySelector("[data-measure-card]");
    this.showDrift();
    this.showMeasure();
  }

  // Of a choice all its buttons, of anything else the one field.
  inputs(name) {
    return this.form.querySelectorAll(`[name="${name}"]`);
  }

  read() {
    const values = {};
    for (const name of TRIGGERS) values[name] = this.chips[name].values;
    for (const name of [...TEXTS, ...CHOICES]) values[name] = this.form.elements[name].value;
    for (const name of BOXES) values[name] = this.form.elements[name].checked;
    return values;
  }

  write(values) {
    for (const name of TRIGGERS) if (Array.isArray(values[name])) this.chips[name].set(values[name]);
    for (const name of [...TEXTS, ...CHOICES]) {
      if (typeof values[name] === "string") this.form.elements[name].value = values[name];
    }
    for (const name of BOXES) {
      if (typeof values[name] === "boolean") this.form.elements[name].checked = values[name];
    }
    this.clearProblems();
    this.showDrift();
    this.showMeasure();
    this.checkSides();
  }

  // Typed words become chips. False if one couldn't.
  commit() {
    return TRIGGERS.map((name) => this.chips[name].commit()).every(Boolean);
  }

  // `problems` by field name; the first one gets the focus.
  showProblems(problems) {
    this.clearProblems();
    let first = null;
    for (const name of [...TRIGGERS, ...TEXTS, ...CHOICES]) {
      const text = problems[name];
      if (typeof text !== "string" || text === "") continue;
      this.problem(name, text);
      first = first ?? this.form.querySelector(`#${name}`) ?? this.inputs(name)[0];
    }
    first?.focus();
  }

  clearProblems() {
    for (const name of [...TRIGGERS, ...TEXTS, ...CHOICES]) this.problem(name, "");
  }

  changed(name) {
    if (BOXES.includes(name) || CHOICES.includes(name)) {
      // The seconds count only without "until reset".
      this.problem(BOXES.includes(name) ? "window_secs" : name, "");
      this.showMeasure();
      this.onChange();
      return;
    }
    this.problem(name, "");
    if (TRIGGERS.includes(name)) this.checkSides();
    else if (name === "decay_speed") this.showDrift();
    else this.countLabel(name);
    this.onChange();
  }

  // Says at once what the server would say on saving: a word can't count for both sides.
  checkSides() {
    const theirs = new Set(this.chips.for_trigger.values.map(alike));
    const both = this.chips.against_trigger.values.filter((value) => theirs.has(alike(value)));
    const bad = new Set(both.map(alike));
    for (const name of TRIGGERS) this.chips[name].mark((value) => bad.has(alike(value)));
    // What the server found wrong here is not this check's to clear.
    if (both.length > 0) this.problem("against_trigger", `“${both[0]}” already counts as a vote for.`);
    else if (this.clashing) this.problem("against_trigger", "");
    this.clashing = both.length > 0;
  }

  countLabel(name) {
    const length = [...this.form.elements[name].value.trim()].length;
    if (length > LABEL_MAX) this.problem(name, `${length} characters; ${LABEL_MAX} is the most.`);
    else this.hint(name, length > LABEL_MAX - 15 ? `${length} of ${LABEL_MAX} characters` : "");
  }

  showDrift() {
    const { min, max, value } = this.slider;
    const decay = Number(value);
    const seconds = Math.log(100) / decay;
    this.driftWords.textContent = `back to the middle in about ${seconds.toFixed(seconds < 5 ? 1 : 0)} s`;
    this.slider.style.setProperty("--at", `${((decay - min) / (max - min)) * 100}%`);
  }

  // Shows what belongs to the measure that is chosen, and asks for seconds only where they count.
  showMeasure() {
    const { measure, until_reset: untilReset, window_secs: seconds } = this.form.elements;
    for (const part of this.measured.querySelectorAll("[data-measure-of]")) {
      part.hidden = part.dataset.measureOf !== measure.value;
    }
    seconds.toggleAttribute("readonly", untilReset.checked);
  }

  problem(name, text) {
    const field = this.form.querySelector(`[data-chips="${name}"], [data-choices="${name}"]`) ?? this.form.elements[name];
    const input = this.form.querySelector(`#${name}`) ?? field;
    for (const element of new Set([field, input])) {
      if (text) element.setAttribute("aria-invalid", "true");
      else element.removeAttribute("aria-invalid");
    }
    this.hint(name, text, Boolean(text));
  }

  hint(name, text, bad = false) {
    const line = this.form.querySelector(`[data-below="${name}"]`);
    line.textContent = text || line.dataset.hint;
    line.classList.toggle("is-problem", bad);
  }
}

// How many things differ, counted as a person would: each word, each name, each choice.
export function countChanges(before, after) {
  let changes = 0;
  for (const name of TRIGGERS) {
    const old = new Set(before[name]);
    const now = new Set(after[name]);
    changes += [...now].filter((value) => !old.has(value)).length;
    changes += [...old].filter((value) => !now.has(value)).length;
  }
  for (const name of [...TEXTS, ...CHOICES, ...BOXES]) if (before[name] !== after[name]) changes += 1;
  return changes;
}
