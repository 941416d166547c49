//! What must not happen while somebody looks: errors, refusals by the content policy, calls to other hosts.

use anyhow::ensure;

use crate::cdp::Event;
use crate::tab::Tab;

/// Runs in every page before its own scripts: counts animation frames, and reports refusals.
pub(crate) const OBSERVERS: &str = r"
(() => {
  document.addEventListener('securitypolicyviolation', (event) =>
    window.tellTest(`${event.violatedDirective} refuses ${event.blockedURI} at ${event.sourceFile}`));
  const frames = { asked: 0, drawn: 0 };
  window.framesOfTest = frames;
  const ask = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (draw) => {
    frames.asked += 1;
    return ask((now) => {
      frames.drawn += 1;
      draw(now);
    });
  };
})();
";

/// Nothing went wrong in this tab, and it only spoke with `hosts`.
pub(crate) fn all_quiet(tab: &Tab, hosts: &[&str]) -> anyhow::Result<()> {
    quiet_but_for(tab, hosts, &[])
}

/// As [`all_quiet`], but for messages that contain one of `expected`.
pub(crate) fn quiet_but_for(tab: &Tab, hosts: &[&str], expected: &[&str]) -> anyhow::Result<()> {
    let events = tab.events();
    let troubles: Vec<String> = events
        .iter()
        .filter_map(trouble)
        .filter(|text| !expected.iter().any(|part| text.contains(part)))
        .collect();
    ensure!(troubles.is_empty(), "the browser complained: {troubles:#?}");
    let elsewhere: Vec<&str> =
        events.iter().filter_map(asked_for).filter(|url| !stays_on(url, hosts)).collect();
    ensure!(elsewhere.is_empty(), "asked other hosts: {elsewhere:#?}");
    Ok(())
}

fn trouble(event: &Event) -> Option<String> {
    let params = &event.params;
    match event.name.as_str() {
        "Runtime.exceptionThrown" => Some(params["exceptionDetails"].to_string()),
        "Runtime.bindingCalled" => Some(params["payload"].to_string()),
        "Runtime.consoleAPICalled" if params["type"] == "error" => Some(params["args"].to_string()),
        "Log.entryAdded" => {
            let entry = &params["entry"];
            (entry["level"] == "error" || entry["source"] == "security").then(|| entry.to_string())
        }
        _ => None,
    }
}

fn asked_for(event: &Event) -> Option<&str> {
    match event.name.as_str() {
        "Network.requestWillBeSent" => event.params["request"]["url"].as_str(),
        "Network.webSocketCreated" => event.params["url"].as_str(),
        _ => None,
    }
}

fn stays_on(url: &str, hosts: &[&str]) -> bool {
    match url.split_once("://") {
        Some((_, rest)) => hosts.contains(&rest.split(['/', '?']).next().unwrap_or_default()),
        None => url.starts_with("data:") || url.starts_with("about:"),
    }
}
