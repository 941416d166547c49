// The three ways to draw the bar: a tug of war, one bar split at the share, two bars.
//
// Each says which of its parts is where at a stand, in percent of its own width; what moves is
// `transform`, nothing else, and the browser moves it without us. A stand goes from −100, all
// against, to 100, all for; `sign` is −1 where the sides have changed places.

const GLOW_MS = 480;

// Which drawing these settings take.
export function drawingOf({ mode, shape }) {
  if (shape === "two_bars") return "pair";
  return mode === "share" ? "split" : "tug";
}

class Drawing {
  animations = new Map();

  // Stands still.
  stand(stand, view) {
    for (const [element, place] of this.parts(view)) this.put(element, place(stand));
  }

  // Moves on a course that began at its `at`, on the clock of frames.
  follow(course, view) {
    const pieces = course.pieces();
    for (const [element, place] of this.parts(view)) {
      const places = pieces.map(({ stand }) => place(stand));
      if (places.every((at) => at === places[0])) {
        this.put(element, places[0]);
        continue;
      }
      const keyframes = pieces.map(({ offset, easing }, at) => ({ offset, easing, transform: slid(places[at]) }));
      const options = { id: "course", duration: course.planned, fill: "forwards" };
      this.animate(element, keyframes, options).startTime = course.at;
    }
  }

  // In place of what the element did before: two at once would be drawn by the page, frame by frame.
  animate(element, keyframes, options) {
    this.animations.get(element)?.cancel();
    const animation = element.animate(keyframes, options);
    this.animations.set(element, animation);
    return animation;
  }

  // The tip of a part lights up.
  flash(element, strength) {
    this.animate(element, [{ opacity: strength }, { opacity: 0 }], { duration: GLOW_MS, easing: "ease-out" });
  }

  // Lets go of what moves.
  leave() {
    for (const animation of this.animations.values()) animation.cancel();
    this.animations.clear();
  }

  put(element, place) {
    element.style.transform = slid(place);
    this.animations.get(element)?.cancel();
    this.animations.delete(element);
  }

  // Numbers inside that only some stands have room for.
  fit() {}
}

class Tug extends Drawing {
  constructor(root) {
    super();
    this.carrier = root.querySelector(".bar-carrier");
    this.fills = sides(root, (side) => `.bar-half-${side} > .bar-fill`);
    this.glows = sides(root, (side) => `.bar-glow-${side}`);
  }

  parts({ sign }) {
    return [
      [this.carrier, (stand) => (sign * stand) / 2],
      [this.fills.for, (stand) => sign * (Math.max(0, stand) - 100)],
      [this.fills.against, (stand) => sign * (100 + Math.min(0, stand))],
    ];
  }

  // The marker lights up.
  glow(side, strength, size) {
    // Twice the marker is as far as the halo may reach without touching a label.
    const reach = 1.75 + Math.min(0.25, size / 100);
    this.animate(
      this.glows[side],
      [
        { opacity: strength, transform: "scale(1.15)" },
        { opacity: 0, transform: `scale(${reach})` },
      ],
      { duration: GLOW_MS, easing: "ease-out" },
    );
  }
}

class Split extends Drawing {
  constructor(root) {
    super();
    this.bar = root.querySelector(".bar-split");
    this.slabs = sides(root, (side) => `.bar-slab-${side}`);
    this.flashes = sides(root, (side) => `.bar-slab-${side} > .bar-flash`);
    this.percents = sides(root, (side) => `.bar-percent-${side}`);
    this.stood = 0;
    // Sizes are read when they change, never while drawing.
    this.width = 0;
    this.em = 1;
    new ResizeObserver(([{ contentRect }]) => {
      this.width = contentRect.width;
      this.em = Number.parseFloat(getComputedStyle(this.percents.for).fontSize);
      this.fit(this.stood);
    }).observe(this.bar);
  }

  // Both slabs are as wide as the bar; the side that stands right has its edge at the split.
  parts({ sign }) {
    const [left, right] = sign > 0 ? [this.slabs.against, this.slabs.for] : [this.slabs.for, this.slabs.against];
    const split = (stand) => 50 - (sign * stand) / 2;
    return [
      [left, (stand) => split(stand) - 100],
      [right, split],
    ];
  }

  // Shows a percentage only where its part is wide enough for it.
  fit(stand) {
    this.stood = stand;
    for (const [side, part] of [["for", 50 + stand / 2], ["against", 50 - stand / 2]]) {
      const digits = part >= 99.5 ? 3 : part >= 9.5 ? 2 : 1;
      const fits = String((part / 100) * this.width >= (digits * 0.6 + 2.1) * this.em);
      const { dataset } = this.percents[side];
      if (dataset.fits !== fits) dataset.fits = fits;
    }
  }

  glow(side, strength) {
    this.flash(this.flashes[side], strength);
  }
}

class Pair extends Drawing {
  constructor(root) {
    super();
    this.fills = sides(root, (side) => `.bar-lane-${side} .bar-lane-fill`);
    this.flashes = sides(root, (side) => `.bar-lane-${side} .bar-flash`);
  }

  // An empty one is a little further out than its own width, or its edge would glimmer.
  parts({ share }) {
    const fill = (part) => 1.01 * (part - 100);
    return [
      [this.fills.for, (stand) => fill(share ? 50 + stand / 2 : Math.max(0, stand))],
      [this.fills.against, (stand) => fill(share ? 50 - stand / 2 : Math.max(0, -stand))],
    ];
  }

  glow(side, strength) {
    this.flash(this.flashes[side], strength);
  }
}

export const DRAWINGS = { tug: Tug, split: Split, pair: Pair };

function sides(root, selector) {
  return { for: root.querySelector(selector("for")), against: root.querySelector(selector("against")) };
}

function slid(percent) {
  return `translate3d(${percent.toFixed(3)}%, 0, 0)`;
}
