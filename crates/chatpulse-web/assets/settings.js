// Saving: counts what changed, saves in place, and loses nothing when saving fails.
//
// The save bar says one of: saved, n changes, saving, or why it didn't work and what to do.

import { postForm, words } from "./api.js";
import { Fields } from "./fields.js";
import { tryLines } from "./try-line.js";

const form = document.querySelector("[data-settings]");
const board = document.querySelector("[data-board]");
const bar = form.querySelector("[data-save]");
const button = form.querySelector("[data-save-button]");
const discard = form.querySelector("[data-discard]");
const line = form.querySelector("[data-save-words]");
const actions = form.querySelector("[data-save-actions]");

// A draft that waits for a login or a reload. It names its streamer: another one may log in.
const DRAFT = "chatpulse.draft";

export class Settings {
  // `onDraft(settings)` whenever what is typed changes, `onSaved()` after each save.
  constructor({ onDraft, onSaved, onSay }) {
    this.onDraft = onDraft;
    this.onSaved = onSaved;
    this.saving = false;
    this.leaving = false;
    // Another tab saved meanwhile: saving this page again would only be refused again.
    this.stale = false;
    this.fields = new Fields(form, { onChange: () => this.changed(), onSay });
    // A page that came back with problems shows what was typed; nobody has saved it.
    this.refused = form.querySelector(".is-problem") !== null || document.querySelector('[data-notice="changed-elsewhere"]') !== null;
    this.saved = this.fields.read();

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.save();
    });
    discard.addEventListener("click", () => this.discard());
    window.addEventListener("beforeunload", (event) => {
      if (this.leaving || this.changes() === 0) return;
      event.preventDefault();
      event.returnValue = "";
    });

    tryLines(form);
    this.restore();
    this.changed();
  }

  changes() {
    return this.fields.changes(this.saved, this.fields.read()) || (this.refused ? 1 : 0);
  }

  changed() {
    if (this.saving) return;
    this.onDraft(this.fields.settings());
    if (this.stale) return;
    const count = this.changes();
    const label = this.refused ? "Save changes" : `Save ${count} ${count === 1 ? "change" : "changes"}`;
    if (count > 0) this.show("dirty", label, "Not on stream yet.");
    else this.show("clean", "Saved", "");
  }

  async save() {
    if (this.saving || this.stale || this.changes() === 0) return;
    if (!this.fields.commit()) return;
    const sent = this.fields.read();
    this.saving = true;
    this.show("saving", "Saving…", "");
    const answer = await postForm(form.getAttribute("action"), new FormData(form));
    this.saving = false;

    if (answer.status === 200 && answer.data.status === "ok") this.succeed(sent, answer.data);
    else if (answer.status === 422) this.refuse(answer.data.errors ?? {});
    else if (answer.status === 409) this.conflict();
    else if (answer.status === 401) this.loggedOut();
    else this.fail(words(answer));
  }

  succeed(sent, { version, questions }) {
    this.saved = sent;
    this.refused = false;
    if (version !== undefined) form.elements.version.value = String(version);
    for (const notice of document.querySelectorAll("[data-notice]")) notice.remove();
    this.fields.clearProblems();
    this.fields.checkSides();
    this.fields.ask(questions ?? {});
    // Something may have been typed while the answer was on its way.
    this.changed();
    if (this.changes() === 0) this.show("clean", "Saved", "On stream now.");
    this.onSaved();
  }

  refuse(problems) {
    this.fields.showProblems(problems);
    this.fail(problems.version ?? "Not saved yet. Correct the marked fields.");
  }

  conflict() {
    this.stale = true;
    this.show("stale", "Not saved", "These settings were changed in another tab. What you typed isn’t lost:", [
      action("Reload with my changes", () => this.leave(true)),
      action("Reload without them", () => this.leave(false)),
    ]);
  }

  loggedOut() {
    this.keepDraft();
    // The draft outlives this page, so leaving needs no warning.
    this.leaving = true;
    const link = document.createElement("a");
    link.className = "button button-small";
    link.href = "/auth/start";
    link.textContent = "Log in again";
    this.fail("You’ve been logged out. What you typed is kept until you’re back.", [link]);
  }

  fail(text, offers = []) {
    this.show("failed", this.refused ? "Save changes" : "Save again", text, offers);
  }

  discard() {
    this.refused = false;
    this.fields.write(this.saved);
    this.changed();
    button.focus();
  }

  leave(withDraft) {
    if (withDraft) this.keepDraft();
    this.leaving = true;
    location.assign("/dashboard");
  }

  keepDraft() {
    try {
      sessionStorage.setItem(DRAFT, JSON.stringify({ login: board.dataset.login, values: this.changedValues() }));
    } catch {
      // Storage may be full or forbidden; the page itself still holds the text.
    }
  }

  // Only what was touched: the rest may be newer where the draft is opened again.
  changedValues() {
    const values = this.fields.read();
    const touched = Object.keys(values).filter((name) => String(values[name]) !== String(this.saved[name]));
    return Object.fromEntries(touched.map((name) => [name, values[name]]));
  }

  restore() {
    let draft;
    try {
      draft = JSON.parse(sessionStorage.getItem(DRAFT));
      sessionStorage.removeItem(DRAFT);
    } catch {
      return;
    }
    if (draft?.login !== board.dataset.login || typeof draft.values !== "object") return;
    this.fields.write(draft.values);
    const notice = document.createElement("p");
    notice.className = "notice notice-good";
    notice.dataset.notice = "restored";
    notice.setAttribute("role", "status");
    notice.textContent = "Here is what you typed before. It isn’t saved yet.";
    document.querySelector(".notices").append(notice);
  }

  show(state, label, text, offers = []) {
    bar.dataset.save = state;
    button.textContent = label;
    // Not `disabled`: that would throw the focus away in the middle of a save.
    button.setAttribute("aria-disabled", String(state !== "dirty" && state !== "failed"));
    discard.hidden = state !== "dirty" && state !== "failed";
    if (line.textContent !== text) line.textContent = text;
    actions.replaceChildren(...offers);
  }
}

function action(label, run) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "button button-small";
  element.textContent = label;
  element.addEventListener("click", run);
  return element;
}
