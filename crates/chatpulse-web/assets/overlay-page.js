// What a browser source's own URL answers, for a page that wants to come back.

// No wait is without an end: some proxies hold a request for minutes while the server restarts.
const ANSWER_WITHIN_MS = 10_000;

// "overlay" if the overlay page is there, "gone" if ChatPulse says that its URL was replaced, else
// "unknown": a proxy answers 404 too while the server restarts, and some show a page with status 200.
export async function lookAt(url) {
  const giveUp = new AbortController();
  const timer = setTimeout(() => giveUp.abort(), ANSWER_WITHIN_MS);
  try {
    const answer = await fetch(url, { cache: "no-store", redirect: "manual", signal: giveUp.signal });
    if (answer.status === 404 && answer.headers.get("ChatPulse-Overlay") === "gone") return "gone";
    if (answer.ok && (await answer.text()).includes("data-socket=")) return "overlay";
  } catch {
    // No answer at all: the server is away.
  } finally {
    clearTimeout(timer);
  }
  return "unknown";
}

// Up to half as much again, never over `most_ms`: after a restart a thousand overlays don't come
// back at the same time.
export function jittered(wait_ms, most_ms) {
  return wait_ms < most_ms
    ? Math.min(most_ms, wait_ms * (1 + Math.random() / 2))
    : wait_ms * (0.75 + Math.random() / 4);
}
