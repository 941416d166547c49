// The numbers at a bar: votes, percentages, leads. Written only when they change.

const WHOLE = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

export class Numbers {
  constructor(root) {
    // At the labels, inside the parts of a split bar, at the ends of two bars.
    this.small = places(root, "small");
    this.inside = places(root, "inside");
    this.end = places(root, "end");
  }

  // `votes` is null where only the value is known; `empty` says that nobody has voted.
  show({ mode, counts, percentages }, value, votes, empty) {
    const parts = empty ? null : percents(value);
    if (mode === "share") {
      write(this.small, counts && votes ? both(votes, votesInWords) : null);
      write(this.inside, percentages ? parts : null);
      write(this.end, parts);
    } else {
      write(this.small, percentages ? percents(value) : null);
      write(this.inside, null);
      write(this.end, lead(value));
    }
  }
}

// The two always make a hundred.
function percents(value) {
  const inFavor = Math.round((100 + value) / 2);
  return { for: `${inFavor}%`, against: `${100 - inFavor}%` };
}

function lead(value) {
  const points = Math.round(Math.abs(value));
  if (points === 0) return null;
  return value > 0 ? { for: String(points), against: "" } : { for: "", against: String(points) };
}

// Six characters at most: more would push a trigger out.
function votesInWords(votes) {
  return votes < 100_000 ? WHOLE.format(votes) : SHORT.format(votes);
}

function both(pair, words) {
  return { for: words(pair.for), against: words(pair.against) };
}

function places(root, place) {
  return {
    for: root.querySelector(`[data-number="${place}-for"]`),
    against: root.querySelector(`[data-number="${place}-against"]`),
  };
}

function write(elements, words) {
  for (const side of ["for", "against"]) {
    const element = elements[side];
    const text = words?.[side] ?? "";
    if (element.textContent !== text) element.textContent = text;
  }
}
