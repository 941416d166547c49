// The fields of the settings form: read them, set them, say beside each what is wrong.
//
// The page carries the table of fields (names, kinds, limits, defaults) in `data-fields`; nothing
// of it is repeated here. `settings.js` decides when to read and write; this file knows how.

import { Chips, alike } from "./chips.js";
import { writeSentence } from "./sentence.js";
import { Questions } from "./questions.js";

// Says how many characters are left when so few are.
const CHARS_LEFT_SHOWN = 15;

export class Fields {
  // `onChange()` after every change, `onSay(text)` for what a screen reader should hear.
  constructor(form, { onChange, onSay }) {
    this.form = form;
    this.onChange = onChange;
    this.clashing = false;
    this.table = JSON.parse(form.dataset.fields);
    this.chips = {};
    this.questions = {};
    for (const field of this.of("triggers")) {
      this.chips[field.name] = new Chips(form.querySelector(`[data-chips="${field.name}"]`), {
        limits: field,
        onChange: () => this.changed(field),
        onSay,
        onHint: (text) => this.hint(field.name, text),
      });
      this.questions[field.name] = new Questions(form.querySelector(`[data-questions="${field.name}"]`), this.chips[field.name]);
    }
    this.driftWords = form.querySelector("[data-drift-words]");
    for (const line of form.querySelectorAll("[data-below]")) if (line.textContent === "") writeSentence(line, line.dataset.hint);
    for (const field of this.table) {
      if (field.kind === "triggers") continue;
      for (const input of this.inputs(field.name)) input.addEventListener("input", () => this.changed(field));
    }
    this.show();
  }

  of(kind) {
    return this.table.filter((field) => field.kind === kind);
  }

  // Of a choice all its buttons, of anything else the one field.
  inputs(name) {
    return this.form.querySelectorAll(`[name="${name}"]`);
  }

  // Values as they are edited, by field name.
  read() {
    return Object.fromEntries(this.table.map((field) => [field.name, this.value(field)]));
  }

  value({ name, kind }) {
    if (kind === "triggers") return this.chips[name].values;
    if (kind === "check_box") return this.form.elements[name].checked;
    return this.form.elements[name].value;
  }

  // Values as the settings document holds them, by its own names. A label that is blank is the default.
  settings() {
    const stored = (field) => {
      const value = this.value(field);
      if (field.kind === "slider" || field.kind === "seconds") return Number(value);
      if (field.kind === "label") return value.trim() || field.default;
      return value;
    };
    return Object.fromEntries(this.table.map((field) => [field.key, stored(field)]));
  }

  write(values) {
    for (const { name, kind } of this.table) {
      const value = values[name];
      if (kind === "triggers") {
        if (Array.isArray(value)) this.chips[name].set(value);
      } else if (kind === "check_box") {
        if (typeof value === "boolean") this.form.elements[name].checked = value;
      } else if (typeof value === "string") this.form.elements[name].value = value;
    }
    this.clearProblems();
    this.show();
    this.checkSides();
  }

  // How many things differ, counted as a person would: each word, each name, each choice.
  changes(before, after) {
    let changes = 0;
    for (const { name, kind } of this.table) {
      if (kind === "triggers") {
        const [old, now] = [new Set(before[name]), new Set(after[name])];
        changes += [...now].filter((value) => !old.has(value)).length;
        changes += [...old].filter((value) => !now.has(value)).length;
      } else if (before[name] !== after[name]) changes += 1;
    }
    return changes;
  }

  // Typed words become chips. False if one couldn't.
  commit() {
    return Object.values(this.chips).map((chips) => chips.commit()).every(Boolean);
  }

  // `problems` by field name; the first one gets the focus.
  showProblems(problems) {
    this.clearProblems();
    let first = null;
    for (const { name } of this.table) {
      const text = problems[name];
      if (typeof text !== "string" || text === "") continue;
      this.problem(name, text);
      first = first ?? this.form.querySelector(`#${name}`) ?? this.inputs(name)[0];
    }
    first?.focus();
  }

  // `questions` by field name, as the server asks them.
  ask(questions) {
    for (const [name, asked] of Object.entries(this.questions)) asked.show(questions[name] ?? []);
  }

  clearProblems() {
    for (const { name, kind } of this.table) if (kind !== "check_box") this.problem(name, "");
  }

  changed(field) {
    if (field.kind === "triggers") {
      this.checkSides();
      this.questions[field.name].changed();
    }
    else if (field.kind === "label") this.countCharacters(field);
    else {
      // The seconds count only without "until reset".
      this.problem(field.kind === "check_box" ? "window_secs" : field.name, "");
      this.show();
    }
    this.onChange();
  }

  // Says at once what the server would say on saving: a word can't count for both sides.
  checkSides() {
    const theirs = new Set(this.chips.for_trigger.values.map(alike));
    const both = this.chips.against_trigger.values.filter((value) => theirs.has(alike(value)));
    const bad = new Set(both.map(alike));
    for (const chips of Object.values(this.chips)) chips.mark((value) => bad.has(alike(value)));
    // What the server found wrong here is not this check's to clear.
    if (both.length > 0) this.problem("against_trigger", `“${both[0]}” already counts as a vote for.`);
    else if (this.clashing) this.problem("against_trigger", "");
    this.clashing = both.length > 0;
  }

  countCharacters({ name, chars_max: max }) {
    const length = [...this.form.elements[name].value.trim()].length;
    if (length > max) this.problem(name, `${length} characters; ${max} is the most.`);
    else this.hint(name, length > max - CHARS_LEFT_SHOWN ? `${length} of ${max} characters` : "");
  }

  // Brings what depends on other fields up to date.
  show() {
    for (const { name } of this.of("slider")) this.showDrift(this.form.elements[name]);
    const { mode, until_reset: untilReset, window_secs: seconds } = this.form.elements;
    for (const part of this.form.querySelectorAll("[data-only-in-mode]")) {
      part.hidden = part.dataset.onlyInMode !== mode.value;
    }
    seconds.toggleAttribute("readonly", untilReset.checked);
  }

  showDrift(slider) {
    const { min, max, value } = slider;
    const decay = Number(value);
    const seconds = Math.log(100) / decay;
    this.driftWords.textContent = `back to the middle in about ${seconds.toFixed(seconds < 5 ? 1 : 0)} s`;
    slider.style.setProperty("--at", `${((decay - min) / (max - min)) * 100}%`);
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
    writeSentence(line, text || line.dataset.hint);
    line.classList.toggle("is-problem", bad);
  }
}
