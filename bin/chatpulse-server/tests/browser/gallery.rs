//! Every appearance in every state, side by side on one sheet: for the eye, and for what an eye may miss.

use anyhow::ensure;
use chatpulse_twitch_sim::{Badge, ChatLine, Chatter};

use crate::appearance::{choose, vote};
use crate::chromium::Chromium;
use crate::pictures::keep;
use crate::product::{STREAMER, Served};
use crate::tab::Tab;
use crate::watch::quiet_but_for;

/// Frames of the real overlay on something like a game; each gets settings as the dashboard's preview does.
const HANG: &str = r"
  const [mode, path, token] = ARGUMENTS;
  const bases = ['bar', 'two_bars'].flatMap((shape) => ['dark', 'light', 'transparent'].map((theme) => ({ shape, theme })));
  const all = { hint: true, counts: true, percentages: true };
  const appearances = [
    ...bases,
    ...bases.map((base) => ({ ...base, ...all, flipped: base.theme === 'light', for_triggers: ['yes'], against_triggers: ['no'] })),
    { shape: 'bar', theme: 'dark', for_colour: '#7dff3c', against_colour: '#d02fff', ...all, percentages: false },
    { shape: 'two_bars', theme: 'light', for_colour: '#004400', against_colour: '#ffff66', ...all },
    { shape: 'bar', theme: 'dark', left_label: 'Absolutely not, never in a hundred years', right_label: 'Ja', hint: true,
      for_triggers: ['a trigger that is rather long'], against_triggers: ['🙅🏽‍♀️'] },
    { shape: 'two_bars', theme: 'dark', left_label: 'لا، أبدًا', right_label: '<b>Yes</b> 👩‍👩‍👧‍👦', ...all },
  ];
  document.body.replaceChildren();
  document.body.style.cssText = 'margin:0;padding:8px;background:linear-gradient(120deg,#31572c,#90a955 30%,#ecf39e 45%,#577590 70%,#14213d)';
  const grid = document.createElement('div');
  grid.style.cssText = 'display:grid;gap:6px;grid-template-columns:repeat(auto-fill,minmax(360px,1fr))';
  window.gallery = appearances.map((appearance) => {
    const frame = document.createElement('iframe');
    frame.style.cssText = 'width:100%;height:76px;border:0;display:block;color-scheme:light';
    frame.src = path + '?preview=1';
    frame.onload = () => frame.contentWindow.postMessage({ type: 'chatpulse:preview', settings: { mode, ...appearance } }, location.origin);
    grid.append(frame);
    return frame;
  });
  window.bars = () => gallery.map((frame) => frame.contentDocument?.querySelector('.bar'));
  const input = Object.assign(document.createElement('input'), { name: 'csrf_token', value: token, hidden: true });
  document.body.append(grid, input);
";

/// All bars are in this state.
fn all_are(state: &str) -> String {
    format!("bars().every((bar) => bar?.dataset.state === '{state}')")
}

/// Shows the wall at both widths.
async fn hang(wall: &Tab, name: &str) -> anyhow::Result<()> {
    // Looks change with care; the way of the bar itself may go on.
    let settled =
        "bars().every((bar) => bar.ownerDocument.getAnimations().every(({ id }) => id === 'course'))";
    for (width, height) in [(1280, 640), (390, 1400)] {
        wall.resize(width, height, 1.0).await?;
        wall.until(&format!("innerWidth === {width}")).await?;
        wall.until(settled).await?;
        let cut: Vec<String> = wall
            .eval(
                "bars().flatMap((bar) => [...bar.querySelectorAll('.bar-pill, [data-label]:not(.bar-ghost), .bar-hint, .bar-number')])
                    .filter((element) => element.checkVisibility())
                    .filter((element) => {
                        const [box, view] = [element.getBoundingClientRect(), element.ownerDocument.defaultView];
                        if (box.width === 0 || box.height === 0) return false;
                        return box.left < -0.5 || box.top < -0.5 || box.right > view.innerWidth + 0.5 || box.bottom > view.innerHeight + 0.5;
                    })
                    .map((element) => `${element.className} ${element.textContent}`)",
            )
            .await?;
        ensure!(cut.is_empty(), "{name}, {width}: outside of the source: {cut:?}");
        keep(&format!("gallery-{name}-{width}"), &wall.picture().await?)?;
    }
    wall.resize(1280, 640, 1.0).await
}

async fn token_of(dashboard: &Tab) -> anyhow::Result<String> {
    dashboard.eval("document.querySelector('[name=csrf_token]').value").await
}

async fn moderator(served: &Served, text: &str) {
    let moderator = Chatter { badges: vec![Badge::new("moderator", "1", "")], ..Chatter::named("Mod") };
    served.sim.say(ChatLine::new(STREAMER.0, moderator, text)).await;
}

async fn walls_of(mode: &str) -> anyhow::Result<()> {
    let mut served = Served::start(&[("API_RATE_PER_MINUTE", "0")]).await?;
    let browser = Chromium::start().await?;
    let wall = browser.visitor(1280, 900).await?;
    served.log_in(&wall).await?;
    choose(&wall, "mode", mode).await?;
    wall.fill("#decay_speed", "0.1").await?;
    wall.click("[data-save-button]").await?;
    wall.until("document.querySelector('[data-save]').dataset.save === 'clean'").await?;
    let overlay = browser.visitor(800, 100).await?;
    overlay.goto(&served.overlay_of(&wall).await?).await?;
    overlay.until("document.querySelector('.bar').dataset.connected === 'true'").await?;
    let (address, token) = (served.overlay_of(&wall).await?, token_of(&wall).await?);
    // A page of ours without a script of its own.
    wall.goto(&format!("{}/nowhere", served.base)).await?;
    let arguments = serde_json::json!([mode, address.trim_start_matches(&served.base), token]);
    wall.run(&HANG.replace("ARGUMENTS", &arguments.to_string())).await?;
    wall.until("bars().every((bar) => bar?.dataset.connected === 'true')").await?;
    wall.until(&all_are("rest")).await?;
    hang(&wall, &format!("{mode}-rest")).await?;

    vote(&wall, "for", 7).await?;
    vote(&wall, "against", 3).await?;
    wall.until("bars().every((bar) => bar.dataset.leads === 'for')").await?;
    hang(&wall, &format!("{mode}-for")).await?;
    vote(&wall, "against", 30).await?;
    wall.until("bars().every((bar) => bar.dataset.leads === 'against')").await?;
    hang(&wall, &format!("{mode}-against")).await?;
    assert!(served.sim.wait_until_subscribed(STREAMER.0, crate::tab::SOON).await);
    moderator(&served, "!pulse pause").await;
    wall.until("bars().every((bar) => bar.dataset.paused === 'true')").await?;
    let looks: usize =
        wall.eval("new Set(bars().map(({ dataset }) => dataset.shape + dataset.theme)).size").await?;
    ensure!(looks == 6, "what is tried out stays on: {looks} looks");
    hang(&wall, &format!("{mode}-paused")).await?;
    served.kill().await?;
    wall.until(&all_are("disconnected")).await?;
    hang(&wall, &format!("{mode}-disconnected")).await?;
    quiet_but_for(
        &wall,
        &[served.host(), &served.twitch()],
        &["status of 404", "net::ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET"],
    )?;
    browser.close().await
}

#[tokio::test]
async fn every_look_of_momentum_in_every_state() -> anyhow::Result<()> {
    walls_of("momentum").await
}

#[tokio::test]
async fn every_look_of_a_share_in_every_state() -> anyhow::Result<()> {
    walls_of("share").await
}
