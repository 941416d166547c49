// What chat does right now: the words in the top bar, the numbers, the first steps.
//
// Asks only while somebody looks, and slower while the server has trouble.

import { get } from "./api.js";
import { recall, remember } from "./preview.js";
import { verbatim } from "./sentence.js";

const POLL_MS = 3_000;
// A page that has just opened waits for its preview and for chat, a matter of moments.
const POLL_FIRST_MS = 700;
const POLLS_FIRST = 4;
const POLL_MAX_MS = 30_000;

export class Status {
  constructor({ login, name, stepsDone = [] }) {
    this.name = name;
    this.stepsKey = `chatpulse.steps.${login}`;
    this.done = new Set([...(recall(this.stepsKey) ?? "").split(" ").filter(Boolean), ...stepsDone]);
    this.lastVoteAt = null;
    this.wait_ms = POLL_MS;
    this.polls = 0;
    this.timer = 0;
    this.chat = document.querySelector("[data-chat]");
    this.words = document.querySelector("[data-chat-words]");
    this.limited = document.querySelector("[data-limited]");
    this.pauseNotices = document.querySelectorAll("[data-pause-notice]");
    this.steps = document.querySelector("[data-steps]");

    document.addEventListener("visibilitychange", () => this.poll());
    setInterval(() => this.tickSince(), 1_000);
    this.drawSteps(false);
    this.poll();
  }

  async poll() {
    clearTimeout(this.timer);
    if (document.hidden || this.polling) return;
    this.polling = true;
    const answer = await get("/api/overlay-status");
    this.polling = false;

    if (answer.status === 401) {
      this.tellChat("out", ["You’ve been logged out."], "/auth/start", "Log in again");
      return;
    }
    if (answer.status === 200) {
      this.wait_ms = POLL_MS;
      this.take(answer.data);
    } else {
      this.wait_ms = Math.min(POLL_MAX_MS, Math.max(this.wait_ms * 2, answer.retryAfter * 1_000));
      this.tellChat("unknown", ["Can’t reach ChatPulse. Trying again…"]);
    }
    this.polls += 1;
    const soon = this.wait_ms === POLL_MS && this.polls <= POLLS_FIRST;
    this.timer = setTimeout(() => this.poll(), soon ? POLL_FIRST_MS : this.wait_ms);
  }

  take(data) {
    const bot = document.querySelector("[data-bot-hint] a");
    const name = verbatim(this.name);
    if (data.chat === "reading") this.tellChat("reading", ["Reading chat of ", name]);
    else if (data.chat === "connecting") this.tellChat("connecting", ["Connecting to chat of ", name, "…"]);
    else if (data.chat === "not_authorized") {
      this.tellChat("not-authorized", ["Not reading chat."], bot?.getAttribute("href") ?? "/auth/start", bot?.textContent ?? "Allow it");
    } else if (data.chat === "idle") this.tellChat("idle", ["Waiting for an overlay"]);

    const votes = Number(data.votes_last_minute) || 0;
    const viewers = Number(data.viewers) || 0;
    const at = typeof data.last_vote_at === "string" ? Date.parse(data.last_vote_at) : NaN;
    this.lastVoteAt = Number.isFinite(at) ? at : null;
    number("viewers", viewers.toLocaleString("en"));
    number("votes", votes.toLocaleString("en"));
    this.tickSince();
    if (typeof data.limited === "boolean") this.limited.hidden = !data.limited;
    for (const notice of this.pauseNotices) {
      const applies = data[notice.dataset.pauseNotice];
      if (typeof applies === "boolean" && notice.hidden === applies) notice.hidden = !applies;
    }

    if (viewers > 0) this.finish("obs");
    if (this.lastVoteAt !== null) {
      // A vote came, so the words are good as they are.
      this.finish("words");
      this.finish("vote");
    }
  }

  tickSince() {
    if (document.hidden) return;
    number("since", this.lastVoteAt === null ? "–" : ago(Math.max(0, Date.now() - this.lastVoteAt)));
  }

  finish(step) {
    if (this.done.has(step)) return;
    this.done.add(step);
    remember(this.stepsKey, [...this.done].join(" "));
    this.drawSteps(true);
  }

  // Ready steps stay for this visit, so that one sees the last tick; the next visit is without them.
  drawSteps(fresh) {
    const items = [...this.steps.querySelectorAll("[data-step]")];
    for (const item of items) {
      const done = this.done.has(item.dataset.step);
      item.classList.toggle("is-done", done);
      item.querySelector("[data-step-words]").textContent = done ? " (done)" : "";
    }
    const all = items.every((item) => this.done.has(item.dataset.step));
    if (all && fresh) this.steps.querySelector("h2").textContent = "You’re set. Have a good stream!";
    this.steps.hidden = all && !fresh;
  }

  // The region is read out when it changes, so it only changes when there is something new.
  tellChat(state, words, href, linkText) {
    const all = [...words.map((part) => part.textContent ?? part), linkText].join(" ");
    if (this.chat.dataset.chat === state && this.words.dataset.all === all) return;
    this.chat.dataset.chat = state;
    this.words.dataset.all = all;
    this.words.replaceChildren(...words);
    if (!href) return;
    const link = document.createElement("a");
    link.href = href;
    link.textContent = linkText;
    this.words.append(" ", link);
  }
}

function number(name, text) {
  const element = document.querySelector(`[data-number="${name}"]`);
  if (element.textContent !== text) element.textContent = text;
}

function ago(passed_ms) {
  const seconds = Math.floor(passed_ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}
