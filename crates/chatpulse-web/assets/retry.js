// A page that stands where an overlay should be: becomes the overlay as soon as there is one.
//
// It looks before it reloads. A reload while a proxy answers would leave the proxy's own page on
// stream, which never comes back.

import { jittered, lookAt } from "./overlay-page.js";

const WAIT_MAX_MS = 30_000;

const { retry, gone } = document.querySelector("[data-retry]").dataset;
const first_ms = Number(retry) * 1_000;
// A problem that passes is looked at less and less often; one that lasts always as rarely.
const most_ms = Math.max(first_ms, WAIT_MAX_MS);
let wait_ms = first_ms;
let timer = 0;
let looks = false;

function later(ms) {
  clearTimeout(timer);
  timer = setTimeout(look, ms);
}

async function look() {
  looks = true;
  const found = await lookAt(location.href);
  looks = false;
  if (found === "overlay" || (found === "gone" && gone !== "true")) {
    location.reload();
    return;
  }
  wait_ms = Math.min(most_ms, wait_ms * 2);
  later(jittered(wait_ms, most_ms));
}

later(jittered(wait_ms, most_ms));
window.addEventListener("online", () => {
  if (!looks) later(1_000 * Math.random());
});
