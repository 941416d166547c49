// The framed overlay: shows what is typed before it's saved, takes test votes, and has a picture
// behind it that one can choose. The frame is the same page that OBS loads.

import { postJson, words } from "./api.js";

const BACKDROP = "chatpulse.backdrop";

export class Preview {
  constructor({ overlayId }) {
    this.overlayId = overlayId;
    this.frame = document.querySelector("[data-preview-frame]");
    this.backdrop = document.querySelector("[data-backdrop]");
    this.line = document.querySelector("[data-preview-words]");
    this.usual = this.line.textContent;
    this.draft = null;

    this.frame.addEventListener("load", () => this.post());
    for (const button of document.querySelectorAll("[data-test]")) {
      button.addEventListener("click", () => this.test(button.dataset.test));
    }
    document.querySelector("[data-reset]").addEventListener("click", () => this.reset());
    this.offerBackdrops();
  }

  // Shows settings that are not saved yet.
  show(settings) {
    this.draft = { type: "chatpulse:preview", settings };
    this.post();
  }

  post() {
    if (this.draft) this.frame.contentWindow?.postMessage(this.draft, location.origin);
  }

  move(overlayId, overlayPath) {
    this.overlayId = overlayId;
    this.frame.src = `${overlayPath}?preview=1`;
  }

  async test(side) {
    const answer = await postJson("/api/test-vote", { side });
    if (answer.status === 200) this.say(this.usual);
    else if (answer.status === 409) {
      this.say("No overlay is open yet, so there’s nothing to move. Add it to OBS first, or reload this page.");
    } else this.say(words(answer));
  }

  async reset() {
    const answer = await postJson(`/api/reset/${encodeURIComponent(this.overlayId)}`);
    this.say(answer.status === 200 ? "Back to the middle, on every overlay." : words(answer));
  }

  say(text) {
    if (this.line.textContent !== text) this.line.textContent = text;
  }

  offerBackdrops() {
    const group = document.querySelector("[data-backdrop-choices]");
    const buttons = [...group.querySelectorAll("[data-backdrop-choice]")];
    const choose = (backdrop) => {
      this.backdrop.dataset.backdrop = backdrop;
      for (const button of buttons) {
        button.setAttribute("aria-pressed", String(button.dataset.backdropChoice === backdrop));
      }
    };
    for (const button of buttons) {
      button.addEventListener("click", () => {
        choose(button.dataset.backdropChoice);
        remember(BACKDROP, button.dataset.backdropChoice);
      });
    }
    const last = recall(BACKDROP);
    choose(buttons.some((button) => button.dataset.backdropChoice === last) ? last : "game");
    group.hidden = false;
  }
}

// Small comforts survive a reload where the browser allows it, and are not missed elsewhere.
export function remember(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Private windows may refuse.
  }
}

export function recall(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}
