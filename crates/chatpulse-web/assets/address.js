// The overlay URL, which is secret: hidden, shown, copied, reset.

import { postJson, words } from "./api.js";

export class Address {
  // `onMoved(uuid, path)` after the URL was reset.
  constructor({ onMoved }) {
    this.onMoved = onMoved;
    this.root = document.querySelector("[data-address]");
    this.text = this.root.querySelector("[data-address-text]");
    this.line = this.root.querySelector("[data-address-words]");
    this.showButton = this.root.querySelector("[data-show]");
    this.copyButton = this.root.querySelector("[data-copy]");
    this.dialog = document.querySelector("[data-rotate-dialog]");
    this.problem = this.dialog.querySelector("[data-rotate-problem]");
    this.yes = this.dialog.querySelector("[data-rotate-yes]");
    this.url = this.root.dataset.url;
    this.shown = false;
    this.copyTimer = 0;

    this.showButton.addEventListener("click", () => {
      this.shown = !this.shown;
      this.draw();
    });
    this.copyButton.addEventListener("click", () => this.copy());
    this.root.querySelector("[data-rotate]").addEventListener("click", () => {
      this.problem.textContent = "";
      this.dialog.showModal();
    });
    this.dialog.querySelector("[data-rotate-no]").addEventListener("click", () => this.dialog.close());
    this.yes.addEventListener("click", () => this.rotate());
    this.dialog.addEventListener("click", (event) => {
      // The dialog fills its own box; a click on it alone is a click on the backdrop.
      if (event.target === this.dialog) this.dialog.close();
    });
  }

  draw() {
    this.text.textContent = this.shown ? this.url : hidden(this.url);
    this.showButton.textContent = this.shown ? "Hide" : "Show";
    this.showButton.setAttribute("aria-pressed", String(this.shown));
  }

  async copy() {
    if (await copied(this.url)) {
      this.copyButton.textContent = "Copied";
      this.copyButton.classList.add("is-done");
      this.line.textContent = "Copied. Paste it as the URL of a browser source.";
      clearTimeout(this.copyTimer);
      this.copyTimer = setTimeout(() => {
        this.copyButton.textContent = "Copy";
        this.copyButton.classList.remove("is-done");
      }, 2_000);
      return;
    }
    this.shown = true;
    this.draw();
    getSelection().selectAllChildren(this.text);
    this.line.textContent = "Your browser doesn’t let us copy. It’s selected: press Ctrl+C (⌘C on a Mac).";
  }

  async rotate() {
    if (this.yes.getAttribute("aria-disabled") === "true") return;
    this.yes.setAttribute("aria-disabled", "true");
    const answer = await postJson("/api/rotate-overlay-uuid");
    this.yes.setAttribute("aria-disabled", "false");
    if (answer.status !== 200 || typeof answer.data.new_url !== "string") {
      this.problem.textContent = `The old URL still works. ${words(answer)}`;
      return;
    }
    this.url = answer.data.new_url;
    this.draw();
    this.dialog.close();
    this.line.textContent = "This is your new overlay URL. Replace the old one in OBS with it.";
    this.onMoved(answer.data.new_uuid, new URL(this.url, location.href).pathname);
  }
}

// Host and path, but dots for the secret.
function hidden(url) {
  return `${url.replace(/^[a-z]+:\/\//u, "").replace(/\/[^/]*$/u, "")}/••••••••`;
}

// The clipboard needs https; on a plain local address the old way still works.
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "visually-hidden";
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}
