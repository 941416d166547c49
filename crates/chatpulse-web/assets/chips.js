// A list of triggers as chips: type and press Enter, paste lines, Backspace, ×, arrow keys.
//
// Each chip keeps a hidden input with the field's name, and so does the entry, so that the form
// is at any moment what the server would get without script.

import { untranslated, verbatim } from "./sentence.js";

// Close to how the server compares triggers; the server has the last word.
export function alike(text) {
  return text.normalize("NFKC").toLowerCase().normalize("NFKC").replace(/\s+/gu, " ").trim();
}

export class Chips {
  // `limits` are the most chips (`max`) and the most characters of each (`chars_max`). `onChange()`
  // after every change, `onSay(text)` for what a screen reader should hear,
  // `onHint(text)` for a word beside the field, empty when there's nothing to say.
  constructor(root, { limits, onChange, onSay, onHint }) {
    this.root = root;
    this.limits = limits;
    this.name = root.dataset.chips;
    this.list = root.querySelector("[data-chip-list]");
    this.entry = root.querySelector(`#${this.name}`);
    this.onChange = onChange;
    this.onSay = onSay;
    this.onHint = onHint;

    const given = [...root.querySelectorAll(`input[name="${this.name}"]`)].map((input) => input.value);
    for (const spare of root.querySelectorAll(".chip-spare")) spare.remove();
    this.entry.value = "";
    this.set(given);
    root.classList.add("is-live");

    this.entry.addEventListener("keydown", (event) => this.onEntryKey(event));
    this.entry.addEventListener("paste", (event) => this.onPaste(event));
    this.entry.addEventListener("input", () => this.onChange());
    this.entry.addEventListener("blur", () => this.commit());
    this.list.addEventListener("click", (event) => this.onListClick(event));
    this.list.addEventListener("keydown", (event) => this.onListKey(event));
    root.addEventListener("mousedown", (event) => {
      // A click beside the chips means the entry.
      if (event.target === root || event.target === this.list) {
        event.preventDefault();
        this.entry.focus();
      }
    });
  }

  // The chips, and what is typed but not yet a chip.
  get values() {
    const chips = [...this.list.querySelectorAll("input")].map((input) => input.value);
    const typed = this.entry.value.trim();
    return typed === "" ? chips : [...chips, typed];
  }

  set(values) {
    this.list.replaceChildren();
    this.entry.value = "";
    for (const value of values) if (value.trim() !== "") this.append(value.trim());
  }

  // Makes a chip of what is typed. True unless the text had to stay in the entry.
  commit() {
    const typed = this.entry.value.trim();
    if (typed === "") {
      this.entry.value = "";
      return true;
    }
    const added = this.add(typed);
    if (added) this.entry.value = "";
    this.onChange();
    return added;
  }

  // Marks the chips that `isBad` says yes to.
  mark(isBad) {
    for (const chip of this.list.children) {
      chip.classList.toggle("is-bad", isBad(chip.querySelector("input").value));
    }
  }

  add(value) {
    const same = [...this.list.children].find((chip) => alike(chip.querySelector("input").value) === alike(value));
    if (same) {
      same.classList.remove("is-noted");
      // Reading a size makes the browser notice the removal, so the wink plays again.
      void same.offsetWidth;
      same.classList.add("is-noted");
      this.onSay(`“${value}” is already there`);
      return true;
    }
    const { max, chars_max: charsMax } = this.limits;
    if ([...value].length > charsMax) {
      this.onHint(`That’s longer than a chat message can be (${charsMax} characters).`);
      return false;
    }
    if (this.list.children.length >= max) {
      this.onHint(`${max} is the most a side can have. Remove one first.`);
      return false;
    }
    this.append(value);
    this.onHint("");
    this.onSay(`“${value}” added`);
    return true;
  }

  append(value) {
    const chip = document.createElement("li");
    chip.className = "chip";
    const text = verbatim(value);
    text.classList.add("chip-text");
    const input = document.createElement("input");
    input.type = "hidden";
    input.name = this.name;
    input.value = value;
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "chip-remove";
    untranslated(remove);
    remove.setAttribute("aria-label", `Remove ${value}`);
    remove.textContent = "×";
    chip.append(text, input, remove);
    this.list.append(chip);
  }

  remove(chip) {
    const value = chip.querySelector("input").value;
    const next = chip.nextElementSibling?.querySelector("button") ?? this.entry;
    const hadFocus = chip.contains(document.activeElement);
    chip.remove();
    if (hadFocus) next.focus();
    this.onHint("");
    this.onSay(`“${value}” removed`);
    this.onChange();
  }

  // Puts other chips in the place of one.
  replace(value, others) {
    const chip = [...this.list.children].find((chip) => chip.querySelector("input").value === value);
    if (!chip) return;
    chip.remove();
    for (const other of others) this.add(other);
    this.entry.focus();
    this.onChange();
  }

  onEntryKey(event) {
    if (event.isComposing) return;
    const atStart = this.entry.selectionStart === 0 && this.entry.selectionEnd === 0;
    const last = this.list.lastElementChild;
    if (event.key === "Enter") {
      event.preventDefault();
      this.commit();
    } else if (event.key === "Backspace" && this.entry.value === "" && last && !event.repeat) {
      event.preventDefault();
      this.remove(last);
    } else if (event.key === "ArrowLeft" && atStart && last) {
      event.preventDefault();
      last.querySelector("button").focus();
    }
  }

  onPaste(event) {
    const lines = (event.clipboardData?.getData("text/plain") ?? "").split(/[\r\n\t]+/u).filter((line) => line.trim() !== "");
    if (lines.length < 2) return;
    event.preventDefault();
    const left = lines.filter((line) => !this.add(line.trim()));
    // What found no place stays in sight instead of vanishing.
    if (left.length > 0) this.entry.value = left[0].trim();
    this.onChange();
  }

  onListClick(event) {
    const button = event.target.closest("button");
    if (button) this.remove(button.closest("li"));
  }

  onListKey(event) {
    const chip = event.target.closest("li");
    if (!chip) return;
    const before = chip.previousElementSibling?.querySelector("button");
    const after = chip.nextElementSibling?.querySelector("button") ?? this.entry;
    if (event.key === "ArrowLeft") before?.focus();
    else if (event.key === "ArrowRight") after.focus();
    else if (event.key === "Backspace" || event.key === "Delete") this.remove(chip);
    else return;
    event.preventDefault();
  }
}
