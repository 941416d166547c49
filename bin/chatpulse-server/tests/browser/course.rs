//! The bar's way from one stand to another, as it is worked out and as the browser draws it.

use anyhow::ensure;
use serde::Deserialize;

use crate::chromium::Chromium;
use crate::product::Served;

/// In points of a bar that has two hundred: two pixels of a bar in OBS.
const OFF_AT_MOST: f64 = 1.0;

/// What is planned for a start, a speed, a goal and a decay, looked at each 5 ms.
const LOOKED_AT: &str = r"
(async () => {
  const { name } = performance.getEntriesByType('resource').find(({ name }) => name.includes('/course.'));
  const { Course } = await import(name);
  const element = document.createElement('div');
  document.body.append(element);
  const looks = [];
  for (const stand of [-100, -30, 0, 60]) for (const speed of [-0.6, 0, 0.6]) for (const goal of [-100, -20, 0, 100])
  for (const decay of [0, 0.1, 0.5, 2]) for (const held of decay > 0 ? [0, 300] : [0]) {
    // At an end it stands, or comes from there.
    if (Math.abs(stand) === 100 && speed !== 0) continue;
    const course = new Course({ stand, speed }, goal, decay, 1000, held);
    const keyframes = course.pieces().map(({ offset, stand, easing }) => ({ offset, easing, transform: `translateX(${stand}px)` }));
    const animation = element.animate(keyframes, { duration: course.planned, fill: 'forwards' });
    animation.pause();
    const look = { what: [stand, speed, goal, decay, held].join(), drawn: 0, speed: 0, beyond: 0 };
    let before = null;
    for (let time = 0; time <= course.planned; time += 5) {
      animation.currentTime = time;
      const drawn = new DOMMatrix(getComputedStyle(element).transform).m41;
      const now = course.state(1000 + time);
      look.drawn = Math.max(look.drawn, Math.abs(drawn - now.stand));
      look.beyond = Math.max(look.beyond, Math.abs(drawn) - 100);
      if (before && Math.abs(now.stand) < 100 && Math.abs(before.stand) < 100) {
        const went = (now.stand - before.stand) / 5;
        look.speed = Math.max(look.speed, Math.abs(went - (now.speed + before.speed) / 2));
      }
      before = now;
    }
    look.begins = Math.abs(course.state(1000).stand - stand);
    look.ends = Math.abs(course.state(course.endsAt).stand - (decay > 0 ? 0 : goal));
    look.after120 = speed === 0 && decay === 0 && Math.abs(goal - stand) > 1
      ? (course.state(1120).stand - stand) / (goal - stand) : 0.632;
    animation.cancel();
    looks.push(look);
  }
  element.remove();
  return looks;
})()";

#[derive(Debug, Deserialize)]
struct Look {
    what: String,
    drawn: f64,
    speed: f64,
    beyond: f64,
    begins: f64,
    ends: f64,
    after120: f64,
}

#[tokio::test]
async fn the_bar_is_drawn_where_it_is_said_to_be_from_any_start_to_any_goal() -> anyhow::Result<()> {
    let served = Served::start(&[]).await?;
    let browser = Chromium::start().await?;
    let streamer = browser.visitor(1280, 900).await?;
    served.log_in(&streamer).await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.goto(&served.overlay_of(&streamer).await?).await?;
    let looks: Vec<Look> = overlay.eval(LOOKED_AT).await?;
    ensure!(looks.len() == 280);
    for Look { what, drawn, speed, beyond, begins, ends, after120 } in looks {
        ensure!(drawn < OFF_AT_MOST, "{what}: drawn {drawn} from where it is");
        ensure!(beyond < 0.5, "{what}: {beyond} out of the track");
        ensure!(begins < 0.001, "{what}: jumps by {begins} at the start");
        ensure!(ends < 0.2, "{what}: jumps by {ends} at the end");
        ensure!(speed < 0.02, "{what}: the speed is {speed} from that of the way");
        ensure!((after120 - 0.632).abs() < 0.01, "{what}: {after120} of the way after 120 ms");
    }
    browser.close().await
}
