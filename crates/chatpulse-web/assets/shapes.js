// The three ways to draw a stand of the bar: a tug of war, one bar split at the share, two bars.
//
// Each is told a stand and writes `transform`s, nothing else, so that no frame costs a layout.
// A stand goes from −100, all against, to 100, all for; `sign` is −1 where the sides have
// changed places.

const GLOW_MS = 620;

// What a look is drawn as.
export function drawingOf({ measure, shape }) {
  if (shape === "two_bars") return "pair";
  return measure === "share" ? "split" : "tug";
}

class Tug {
  constructor(root) {
    this.carrier = root.querySelector(".bar-carrier");
    this.fills = sides(root, (side) => `.bar-half-${side} > .bar-fill`);
    this.glows = sides(root, (side) => `.bar-glow-${side}`);
  }

  draw(stand, { sign }) {
    slide(this.carrier, (sign * stand) / 2);
    slide(this.fills.for, sign * (Math.max(0, stand) - 100));
    slide(this.fills.against, sign * (100 + Math.min(0, stand)));
  }

  // The marker lights up.
  glow(side, strength, size) {
    // Twice the marker is as far as the halo may reach without touching a label.
    const reach = 1.75 + Math.min(0.25, size / 100);
    this.glows[side].animate(
      [
        { opacity: strength, transform: "scale(1.15)" },
        { opacity: 0, transform: `scale(${reach})` },
      ],
      { duration: GLOW_MS, easing: "ease-out" },
    );
  }
}

class Split {
  constructor(root) {
    this.bar = root.querySelector(".bar-split");
    this.slabs = sides(root, (side) => `.bar-slab-${side}`);
    this.flashes = sides(root, (side) => `.bar-slab-${side} > .bar-flash`);
    this.percents = sides(root, (side) => `.bar-percent-${side}`);
    this.stand = 0;
    // Sizes are read when they change, never while drawing.
    this.width = 0;
    this.em = 1;
    new ResizeObserver(([{ contentRect }]) => {
      this.width = contentRect.width;
      this.em = Number.parseFloat(getComputedStyle(this.percents.for).fontSize);
      this.fit();
    }).observe(this.bar);
  }

  draw(stand, { sign }) {
    // Both slabs are as wide as the bar; the side that stands right has its edge at the split.
    const split = 50 - (sign * stand) / 2;
    const [left, right] = sign > 0 ? [this.slabs.against, this.slabs.for] : [this.slabs.for, this.slabs.against];
    slide(left, split - 100);
    slide(right, split);
    this.stand = stand;
    this.fit();
  }

  // Shows a percentage only where its part is wide enough for it.
  fit() {
    for (const [side, part] of [["for", 50 + this.stand / 2], ["against", 50 - this.stand / 2]]) {
      const digits = part >= 99.5 ? 3 : part >= 9.5 ? 2 : 1;
      const fits = String((part / 100) * this.width >= (digits * 0.6 + 2.1) * this.em);
      const { dataset } = this.percents[side];
      if (dataset.fits !== fits) dataset.fits = fits;
    }
  }

  glow(side, strength) {
    flash(this.flashes[side], strength);
  }
}

class Pair {
  constructor(root) {
    this.fills = sides(root, (side) => `.bar-lane-${side} .bar-lane-fill`);
    this.flashes = sides(root, (side) => `.bar-lane-${side} .bar-flash`);
  }

  draw(stand, { share }) {
    this.fill("for", share ? 50 + stand / 2 : Math.max(0, stand));
    this.fill("against", share ? 50 - stand / 2 : Math.max(0, -stand));
  }

  // An empty one is a little further out than its own width, or its edge would glimmer.
  fill(side, part) {
    slide(this.fills[side], 1.01 * (part - 100));
  }

  glow(side, strength) {
    flash(this.flashes[side], strength);
  }
}

export const DRAWINGS = { tug: Tug, split: Split, pair: Pair };

function sides(root, selector) {
  return { for: root.querySelector(selector("for")), against: root.querySelector(selector("against")) };
}

function slide(element, percent) {
  element.style.transform = `translate3d(${percent.toFixed(3)}%, 0, 0)`;
}

// The tip of a part lights up.
function flash(element, strength) {
  element.animate([{ opacity: strength }, { opacity: 0 }], { duration: GLOW_MS, easing: "ease-out" });
}
