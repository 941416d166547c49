// Keeps one overlay socket open for as long as its URL exists.
//
// Comes back by itself after anything but a close with "address changed", never in step with other
// overlays (each wait is jittered), and never faster than once a second.

import { jittered, lookAt } from "./overlay-page.js";

const WAIT_FIRST_MS = 1_000;
const WAIT_MAX_MS = 30_000;
// Too many overlays of this streamer are open; a place frees when one is closed.
const WAIT_FULL_MS = 60_000;
// The URL was replaced, as far as the server knows today: an older backup may still bring it back.
const WAIT_GONE_MS = 300_000;
// A handshake that a proxy holds for longer than this has failed.
const OPENS_WITHIN_MS = 15_000;
// A connection that held this long was a good one: the next loss starts from the shortest wait.
const STABLE_MS = 10_000;

const CLOSE_ROTATED = 4001;
const CLOSE_FULL = 4029;

export class Connection {
  // `socketUrl()` is asked before each try, since the version in it moves on. `onRotated()` says that
  // the URL was replaced; `onOpen()` after it takes that back.
  constructor({ socketUrl, pageUrl, onOpen, onText, onLost, onRotated }) {
    this.socketUrl = socketUrl;
    this.pageUrl = pageUrl;
    this.onOpen = onOpen;
    this.onText = onText;
    this.onLost = onLost;
    this.onRotated = onRotated;
    this.tries = 0;
    this.timer = 0;
    this.socket = null;
    window.addEventListener("online", () => this.hurry());
  }

  open() {
    clearTimeout(this.timer);
    this.timer = 0;
    let opened = false;
    let stable = 0;
    const socket = new WebSocket(this.socketUrl());
    this.socket = socket;
    const deadline = setTimeout(() => socket.close(), OPENS_WITHIN_MS);

    socket.addEventListener("open", () => {
      clearTimeout(deadline);
      opened = true;
      stable = setTimeout(() => (this.tries = 0), STABLE_MS);
      this.onOpen();
    });
    socket.addEventListener("message", (event) => {
      if (typeof event.data === "string") this.onText(event.data);
    });
    socket.addEventListener("close", (event) => {
      clearTimeout(deadline);
      clearTimeout(stable);
      this.socket = null;
      this.onLost();
      if (event.code === CLOSE_ROTATED) this.onRotated();
      else if (event.code === CLOSE_FULL) this.later(jittered(WAIT_FULL_MS, WAIT_FULL_MS));
      else if (opened) this.backOff();
      else this.ask();
    });
  }

  // A browser doesn't say why a handshake failed, but the page behind it does.
  async ask() {
    if ((await lookAt(this.pageUrl)) === "gone") {
      this.onRotated();
      this.later(jittered(WAIT_GONE_MS, WAIT_GONE_MS));
    } else this.backOff();
  }

  backOff() {
    const wait = Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** this.tries);
    this.tries = Math.min(this.tries + 1, 10);
    this.later(jittered(wait, WAIT_MAX_MS));
  }

  later(wait_ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), wait_ms);
  }

  // The network is back: the rest of a long wait is pointless, a short one spreads the crowd.
  hurry() {
    if (this.timer && !this.socket) this.later(WAIT_FIRST_MS * Math.random());
  }
}
