// "Would this count?": asks the server, with the words as they stand in the form, saved or not.

import { postForm, words } from "./api.js";

const form = document.querySelector("[data-try-form]");
const line = document.querySelector("#line");
const verdict = document.querySelector("[data-verdict]");

// `settings` is the form of the settings.
export function tryLines(settings) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const typed = new FormData(settings);
    typed.set("line", line.value);
    say("…");
    const answer = await postForm(form.getAttribute("action"), typed);
    if (answer.status === 200) say(answer.data.words, answer.data.side ?? "none");
    else if (answer.status === 422) say("Correct the marked words first.");
    else say(words(answer));
  });
  line.addEventListener("input", () => say(""));
  settings.addEventListener("input", () => say(""));
}

function say(text, side = "") {
  verdict.textContent = text;
  verdict.dataset.side = side;
}
