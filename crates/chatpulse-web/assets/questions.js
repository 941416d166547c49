// Asks about triggers that nobody may ever type, and takes the advice on a click.
//
// The server asks: with the page and with each save. Here only the button is added.

import { untranslated, writeSentence } from "./sentence.js";

// `list` is the list of one field, `chips` its chips.
export class Questions {
  constructor(list, chips) {
    this.list = list;
    this.chips = chips;
    this.show([...list.children].map((item) => JSON.parse(item.dataset.question)));
  }

  show(questions) {
    this.list.replaceChildren(...questions.map((question) => this.item(question)));
  }

  // A question is answered once its trigger is gone.
  changed() {
    const values = new Set(this.chips.values);
    for (const item of [...this.list.children]) if (!values.has(item.dataset.trigger)) item.remove();
  }

  item({ trigger, words, offer, instead }) {
    const item = document.createElement("li");
    item.dataset.trigger = trigger;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button-small";
    button.textContent = offer;
    untranslated(button);
    button.addEventListener("click", () => this.chips.replace(trigger, instead));
    const text = document.createElement("p");
    writeSentence(text, words);
    item.append(text, button);
    return item;
  }
}
