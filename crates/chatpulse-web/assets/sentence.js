// Sentences with data in them. Browsers translate pages, and a translated trigger, name or URL is a
// wrong one.

// Writes a sentence; what stands in “quotes” is not translated. Data may hold quotes too, so it goes
// from the first to the last.
export function writeSentence(element, text) {
  const [from, to] = [text.indexOf("“") + 1, text.lastIndexOf("”")];
  if (from === 0 || to < from) element.textContent = text;
  else element.replaceChildren(text.slice(0, from), verbatim(text.slice(from, to)), text.slice(to));
}

// Data as an element that browsers leave alone.
export function verbatim(text) {
  const element = document.createElement("span");
  element.textContent = text;
  untranslated(element);
  return element;
}

// The attribute is the standard; the class is for older translators.
export function untranslated(element) {
  element.translate = false;
  element.classList.add("notranslate");
}
