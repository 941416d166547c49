// Keeps one overlay socket open for as long as its address exists.
//
// Comes back by itself after anything but a new address, never in step with other overlays
// (each wait is jittered), and never faster than once a second.

const WAIT_FIRST_MS = 1_000;
const WAIT_MAX_MS = 30_000;
// Too many overlays of this streamer are open; a place frees when one is closed.
const WAIT_FULL_MS = 60_000;
// A connection that held this long was a good one: the next loss starts from the shortest wait.
const STABLE_MS = 10_000;

const CLOSE_ROTATED = 4001;
const CLOSE_FULL = 4029;

export class Connection {
  // `socketUrl()` is asked before each try, since the version in it moves on.
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

    socket.addEventListener("open", () => {
      opened = true;
      stable = setTimeout(() => (this.tries = 0), STABLE_MS);
      this.onOpen();
    });
    socket.addEventListener("message", (event) => {
      if (typeof event.data === "string") this.onText(event.data);
    });
    socket.addEventListener("close", (event) => {
      clearTimeout(stable);
      this.socket = null;
      this.onLost();
      if (event.code === CLOSE_ROTATED) this.onRotated();
      else if (event.code === CLOSE_FULL) this.later(jittered(WAIT_FULL_MS));
      else if (opened) this.backOff();
      else this.ask();
    });
  }

  // A browser doesn't say why a handshake failed, but the page behind it does.
  async ask() {
    try {
      const answer = await fetch(this.pageUrl, { cache: "no-store", redirect: "manual" });
      if (answer.status === 404) {
        this.onRotated();
        return;
      }
    } catch {
      // No answer at all: the server is away, and waiting is all there is to do.
    }
    this.backOff();
  }

  backOff() {
    const wait = Math.min(WAIT_MAX_MS, WAIT_FIRST_MS * 2 ** this.tries);
    this.tries = Math.min(this.tries + 1, 10);
    this.later(jittered(wait));
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

// Up to half as much again, never over the longest wait: after a restart a thousand overlays don't
// knock at once.
function jittered(wait_ms) {
  return wait_ms < WAIT_MAX_MS
    ? Math.min(WAIT_MAX_MS, wait_ms * (1 + Math.random() / 2))
    : wait_ms * (0.75 + Math.random() / 4);
}
