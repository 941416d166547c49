// What a streamer's colour becomes on stream: two ends of a gradient, words that can be read
// on the glass, words that can be read on the colour itself.
//
// Computed here and not by `color-mix`: older OBS doesn't know it, and contrast has to be
// measured anyway. So every overlay shows the same colours.

// The worst that can shine through a glass: a white game through the dark one, a black game
// through the light one. Without glass the words have a dark shadow instead.
const GROUND = { dark: [65, 67, 74], light: [215, 216, 219], transparent: [65, 67, 74] };
const INKS = ["#05060a", "#ffffff"];
const CONTRAST_MIN = 4.5;
// The light glass takes the same hues one step deeper.
const STEP = 0.1;

// The colours of one side. `colour` is `#rrggbb`.
export function palette(colour, theme) {
  const given = toHsl(toRgb(colour));
  const light = theme === "light" ? { ...given, l: Math.max(0, given.l - STEP) } : given;
  const deepest = deeper(light);
  let deep = deepest;
  let ink = inkOn(light, deep);
  // A gradient that leads from where black is read to where white is read serves neither.
  for (let part = 0.8; part >= 0 && ink.contrast < CONTRAST_MIN; part -= 0.2) {
    deep = between(light, deepest, part);
    ink = inkOn(light, deep);
  }
  return {
    light: css(light),
    deep: css(deep),
    glow: css(deep, 0.6),
    text: css(readable(theme === "light" ? deepest : light, theme)),
    ink: ink.colour,
  };
}

function between(one, other, part) {
  return { h: one.h + (other.h - one.h) * part, s: one.s, l: one.l + (other.l - one.l) * part };
}

// Turns towards red, green or blue, whichever is near, as those look deepest: orange towards
// red, cyan towards blue. A hue that can't turn grows darker instead.
function deeper({ h, s, l }) {
  const near = Math.ceil(h / 120 - 0.5) * 120;
  const turn = s < 0.1 ? 0 : Math.min(20, Math.max(-20, near - h));
  return { h: h + turn, s, l: l * (0.98 - 0.01 * (20 - Math.abs(turn))) };
}

// As near to the given colour as can be read on the glass.
function readable(hsl, theme) {
  const [step, end] = theme === "light" ? [-0.01, 0] : [0.01, 1];
  let { l } = hsl;
  while (Math.abs(l - end) > 0.01 && contrast(fromHsl({ ...hsl, l }), GROUND[theme]) < CONTRAST_MIN) l += step;
  return { ...hsl, l };
}

// The ink that is read best where it's read worst.
function inkOn(...hsls) {
  const [dark, white] = INKS.map((colour) => ({
    colour,
    contrast: Math.min(...hsls.map((hsl) => contrast(toRgb(colour), fromHsl(hsl)))),
  }));
  return dark.contrast >= white.contrast ? dark : white;
}

function contrast(one, other) {
  const [less, more] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (more + 0.05) / (less + 0.05);
}

function luminance(rgb) {
  const [r, g, b] = rgb.map((byte) => {
    const part = byte / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function toRgb(colour) {
  return [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
}

function toHsl(rgb) {
  const [r, g, b] = rgb.map((byte) => byte / 255);
  const most = Math.max(r, g, b);
  const least = Math.min(r, g, b);
  const span = most - least;
  const l = (most + least) / 2;
  if (span === 0) return { h: 0, s: 0, l };
  const turn = most === r ? ((g - b) / span + 6) % 6 : most === g ? (b - r) / span + 2 : (r - g) / span + 4;
  return { h: turn * 60, s: span / (1 - Math.abs(2 * l - 1)), l };
}

function fromHsl({ h, s, l }) {
  const reach = s * Math.min(l, 1 - l);
  return [0, 8, 4].map((at) => {
    const turn = (at + h / 30 + 12) % 12;
    return Math.round(255 * (l - reach * Math.max(-1, Math.min(turn - 3, 9 - turn, 1))));
  });
}

function css(hsl, opacity = 1) {
  return `rgb(${fromHsl(hsl).join(" ")} / ${opacity})`;
}
