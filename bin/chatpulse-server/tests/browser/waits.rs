//! A page's long waits, which pass when the test says so.

use crate::tab::Tab;

/// Runs in a page before its own scripts: `waitsOfTest` holds every timer of half a second or more. Shorter ones run as
/// usual, since what moves needs them.
const HELD: &str = r"
(() => {
  const [set, clear] = [window.setTimeout.bind(window), window.clearTimeout.bind(window)];
  const held = new Map();
  let now = 0;
  let last = 1e9;
  window.setTimeout = (run, ms = 0, ...given) => {
    if (!(ms >= 500)) return set(run, ms, ...given);
    last += 1;
    held.set(last, { at: now + ms, ms, run: () => run(...given) });
    return last;
  };
  window.clearTimeout = (id) => void (held.delete(id) || clear(id));
  window.waitsOfTest = {
    all: () => [...held.values()].map(({ ms }) => ms),
    // What begins now begins at the end, so that nothing runs out before the network has answered.
    pass(ms) {
      now += ms;
      const due = [...held].filter(([, { at }]) => at <= now).sort(([, one], [, other]) => one.at - other.at);
      for (const [id, { run }] of due) if (held.delete(id)) run();
    },
  };
})();
";

/// Holds the long waits of every page that this tab opens from now on.
pub(crate) async fn hold(tab: &Tab) -> anyhow::Result<()> {
    tab.before_scripts(HELD).await
}

/// Lets time pass for the page, as far as its long waits go.
pub(crate) async fn pass(tab: &Tab, secs: u32) -> anyhow::Result<()> {
    tab.run(&format!("waitsOfTest.pass({secs} * 1000)")).await
}

/// The lengths of the waits that are held now, in milliseconds.
pub(crate) async fn held(tab: &Tab) -> anyhow::Result<Vec<f64>> {
    tab.eval("waitsOfTest.all()").await
}
