// One movement of the bar, worked out in advance: from where it is and as fast as it goes, to
// where it belongs, and with that back to the centre. The browser then draws it by itself.
//
// Each leg is a critically damped spring after a goal that decays, in closed form: it starts and
// turns without a jerk, however often the goal changes.

// Covers 63 % of the way in 120 ms, as an exponential with that time constant would.
const STIFFNESS = 2.146 / 120;
// The spring has arrived.
const SETTLED_MS = 600;
// Below this the marker is within a fifth of a pixel of where it belongs.
export const REST = 0.1;
// Cubic pieces between these are nowhere off by more than a pixel.
const SPRING_KNOTS_MS = [0, 55, 120, 200, 320, SETTLED_MS];
// While only the goal decays: to a third of itself in each piece.
const DRIFT_PIECE = 1;
// Nobody knows how it goes on after this; a longer way is planned again before it's over.
const PLANNED_MS = 2_500;

class Leg {
  // `decay` is what goes of the goal in a millisecond.
  constructor({ stand, speed }, goal, decay) {
    this.decay = decay;
    this.ahead = goal * (STIFFNESS / (STIFFNESS - decay)) ** 2;
    this.offset = stand - this.ahead;
    this.slope = speed + decay * this.ahead + STIFFNESS * this.offset;
    const drifts = decay > 0 && Math.abs(this.ahead) > REST;
    this.lasts = Math.max(SETTLED_MS, drifts ? Math.log(Math.abs(this.ahead) / REST) / decay : 0);
  }

  state(time) {
    const drift = this.ahead * Math.exp(-this.decay * time);
    const fading = Math.exp(-STIFFNESS * time);
    const spring = this.offset + this.slope * time;
    const stand = drift + spring * fading;
    // Beyond the end there is no way to go.
    if (Math.abs(stand) >= 100) return { stand: 100 * Math.sign(stand), speed: 0 };
    return { stand, speed: (this.slope - STIFFNESS * spring) * fading - this.decay * drift };
  }

  // Between these it is drawn in pieces.
  knots(until) {
    const times = SPRING_KNOTS_MS.filter((time) => time < until);
    const span = DRIFT_PIECE / this.decay;
    for (let time = SETTLED_MS + span; time < until - span / 2; time += span) times.push(time);
    return [...times, until];
  }
}

export class Course {
  // `goal` is where it belongs at the time `at`, `decay` what of it goes per second. In a crowd the
  // next vote makes good what went since the last: then the goal is `held` for so many milliseconds,
  // and after that it is where it would be without.
  constructor(start, goal, decay, at, held = 0) {
    this.at = at;
    this.goal = goal;
    this.drift = decay;
    this.decay = decay / 1000;
    this.held = decay > 0 ? held : 0;
    this.first = new Leg(start, goal, this.held > 0 ? 0 : this.decay);
    this.second =
      this.held > 0
        ? new Leg(this.first.state(this.held), goal * Math.exp(-this.decay * this.held), this.decay)
        : null;
    this.lasts = this.second ? this.held + this.second.lasts : this.first.lasts;
    this.planned = Math.min(this.lasts, PLANNED_MS);
  }

  get endsAt() {
    return this.at + this.lasts;
  }

  // Where it belongs at a moment.
  goalAt(now) {
    const time = now - this.at;
    return this.goal * Math.exp(-this.decay * (time < this.held ? 0 : time));
  }

  // Where it is at a moment, and how fast it goes, per millisecond.
  state(now) {
    const time = Math.min(this.lasts, Math.max(0, now - this.at));
    return this.second && time > this.held ? this.second.state(time - this.held) : this.first.state(time);
  }

  // It goes on beyond what is planned, and will soon be there.
  needsMore(now) {
    return this.planned < this.lasts && now - this.at > PLANNED_MS - SETTLED_MS;
  }

  // The movement as pieces: `{ offset, stand, easing }`, where `easing` leads to the next one.
  pieces() {
    const knots = this.knots().map((time) => ({ time, ...this.state(this.at + time) }));
    return knots.map((knot, place) => ({
      offset: knot.time / this.planned,
      stand: knot.stand,
      easing: easing(knot, knots[place + 1]),
    }));
  }

  knots() {
    const times = this.second
      ? [
          ...this.first.knots(this.held),
          ...this.second.knots(this.planned - this.held).slice(1).map((time) => this.held + time),
        ]
      : this.first.knots(this.planned);
    // The sides are drawn apart, so where it changes sides is a knot too.
    return times.flatMap((time, place) => {
      const crossing = place > 0 ? this.crossing(times[place - 1], time) : null;
      return crossing === null ? [time] : [crossing, time];
    });
  }

  // When it is at the centre between two moments at different sides of it.
  crossing(from, to) {
    const stand = (time) => this.state(this.at + time).stand;
    const sign = Math.sign(stand(from));
    if (sign * stand(to) >= 0) return null;
    let [before, after] = [from, to];
    while (after - before > 0.5) {
      const middle = (before + after) / 2;
      if (sign * stand(middle) > 0) before = middle;
      else after = middle;
    }
    return after;
  }
}

// The cubic with the right speed at both ends, as the browser takes it.
function easing(from, to) {
  if (!to) return "linear";
  const way = to.stand - from.stand;
  if (Math.abs(way) < 0.001) return "linear";
  const third = (to.time - from.time) / 3 / way;
  const [first, second] = [from.speed * third, 1 - to.speed * third];
  return `cubic-bezier(.33333, ${first.toFixed(4)}, .66667, ${second.toFixed(4)})`;
}
