//! One tab: go somewhere, look, click, type, take a picture.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::cdp::{Cdp, Event};
use crate::watch::OBSERVERS;

/// How long a page may take to show what it's waited for.
pub(crate) const SOON: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A tab in a window of its own, so that it is always a visible one.
pub(crate) struct Tab {
    cdp: Arc<Cdp>,
    session: String,
}

impl Tab {
    pub(crate) async fn open(cdp: &Arc<Cdp>, context: &str, width: u32, height: u32) -> anyhow::Result<Self> {
        let asked = json!({ "url": "about:blank", "browserContextId": context, "newWindow": true });
        let target = cdp.call(None, "Target.createTarget", asked).await?;
        let asked = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = cdp.call(None, "Target.attachToTarget", asked).await?;
        let tab = Self {
            cdp: Arc::clone(cdp),
            session: attached["sessionId"].as_str().unwrap_or_default().to_owned(),
        };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.call(&format!("{domain}.enable"), json!({})).await?;
        }
        tab.call("Runtime.addBinding", json!({ "name": "tellTest" })).await?;
        tab.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": OBSERVERS })).await?;
        tab.call("Emulation.setFocusEmulationEnabled", json!({ "enabled": true })).await?;
        tab.resize(width, height, 1.0).await?;
        Ok(tab)
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.cdp.events(&self.session)
    }

    async fn call(&self, method: &str, params: Value) -> anyhow::Result<Value> {
        self.cdp.call(Some(&self.session), method, params).await
    }

    pub(crate) async fn resize(&self, width: u32, height: u32, scale: f64) -> anyhow::Result<()> {
        let asked = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", asked).await?;
        Ok(())
    }

    /// What shows through the page is nothing at all, as in OBS.
    pub(crate) async fn see_through(&self) -> anyhow::Result<()> {
        let asked = json!({ "color": { "r": 0, "g": 0, "b": 0, "a": 0 } });
        self.call("Emulation.setDefaultBackgroundColorOverride", asked).await?;
        Ok(())
    }

    /// As somebody has it who gets sick from things that move.
    pub(crate) async fn move_less(&self) -> anyhow::Result<()> {
        let asked = json!({ "features": [{ "name": "prefers-reduced-motion", "value": "reduce" }] });
        self.call("Emulation.setEmulatedMedia", asked).await?;
        Ok(())
    }

    /// Runs this in every page from now on, before its own scripts.
    pub(crate) async fn before_scripts(&self, source: &str) -> anyhow::Result<()> {
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source })).await?;
        Ok(())
    }

    pub(crate) async fn scripts(&self, enabled: bool) -> anyhow::Result<()> {
        let asked = json!({ "value": !enabled });
        self.call("Emulation.setScriptExecutionDisabled", asked).await?;
        Ok(())
    }

    pub(crate) async fn goto(&self, url: &str) -> anyhow::Result<()> {
        let answer = self.call("Page.navigate", json!({ "url": url })).await?;
        if let Some(error) = answer["errorText"].as_str() {
            bail!("{url} did not open: {error}");
        }
        self.until("document.readyState === 'complete'").await
    }

    /// Shows a page that comes from no server.
    pub(crate) async fn show(&self, html: &str) -> anyhow::Result<()> {
        let tree = self.call("Page.getFrameTree", json!({})).await?;
        let asked = json!({ "frameId": tree["frameTree"]["frame"]["id"], "html": html });
        self.call("Page.setDocumentContent", asked).await?;
        self.until("[...document.images].every((image) => image.complete)").await
    }

    /// The value of a JavaScript expression; promises are waited for.
    pub(crate) async fn eval<T: DeserializeOwned>(&self, expression: &str) -> anyhow::Result<T> {
        let asked = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.call("Runtime.evaluate", asked).await?;
        if let Some(details) = answer.get("exceptionDetails") {
            bail!("{expression}: {details}");
        }
        let value = answer["result"]["value"].clone();
        serde_json::from_value(value).with_context(|| format!("an unexpected value of {expression}"))
    }

    /// How much of a processor its main thread has had so far, in seconds.
    pub(crate) async fn worked(&self) -> anyhow::Result<f64> {
        self.call("Performance.enable", json!({ "timeDomain": "threadTicks" })).await?;
        let answer = self.call("Performance.getMetrics", json!({})).await?;
        let metrics = answer["metrics"].as_array().context("no metrics")?;
        let found = metrics.iter().find(|metric| metric["name"] == "TaskDuration");
        found.and_then(|metric| metric["value"].as_f64()).context("no TaskDuration")
    }

    /// Runs statements for what they do.
    pub(crate) async fn run(&self, statements: &str) -> anyhow::Result<()> {
        let _: bool = self.eval(&format!("(() => {{ {statements}; return true; }})()")).await?;
        Ok(())
    }

    /// Waits until an expression holds.
    pub(crate) async fn until(&self, expression: &str) -> anyhow::Result<()> {
        let deadline = Instant::now() + SOON;
        loop {
            // A page that is just being replaced can't be asked; the next one can.
            if self.eval(&format!("(async () => Boolean(await ({expression})))()")).await.unwrap_or(false) {
                return Ok(());
            }
            if Instant::now() > deadline {
                let at: String = self.eval("`${location.pathname}: ${document.body.innerText}`").await?;
                bail!("waited in vain for {expression} at {at}");
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Waits until nothing is on its way from one look to another; the bar itself may go on.
    pub(crate) async fn settled(&self) -> anyhow::Result<()> {
        self.until("document.getAnimations().every(({ id }) => id === 'course')").await
    }

    /// Presses the mouse where the element is, so that nothing may lie over it.
    pub(crate) async fn click(&self, selector: &str) -> anyhow::Result<()> {
        let place: Option<(f64, f64)> = self
            .eval(&format!(
                "(() => {{
                    const element = document.querySelector({selector:?});
                    element.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                    const box = element.getBoundingClientRect();
                    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
                    return element.contains(document.elementFromPoint(x, y)) ? [x, y] : null;
                }})()"
            ))
            .await?;
        let (x, y) = place.with_context(|| format!("something lies over {selector}"))?;
        for kind in ["mousePressed", "mouseReleased"] {
            let asked = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", asked).await?;
        }
        Ok(())
    }

    /// Replaces what a field holds by typing.
    pub(crate) async fn fill(&self, selector: &str, text: &str) -> anyhow::Result<()> {
        self.run(&format!(
            "const field = document.querySelector({selector:?}); field.focus(); field.select()"
        ))
        .await?;
        self.call("Input.insertText", json!({ "text": text })).await?;
        Ok(())
    }

    /// Presses a key that types nothing, where the focus is.
    pub(crate) async fn press(&self, key: &str, code: u32) -> anyhow::Result<()> {
        for kind in ["keyDown", "keyUp"] {
            let asked = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            self.call("Input.dispatchKeyEvent", asked).await?;
        }
        Ok(())
    }

    /// A PNG of what the window shows.
    pub(crate) async fn picture(&self) -> anyhow::Result<Vec<u8>> {
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" })).await?;
        let data = shot["data"].as_str().context("a picture without data")?;
        Ok(BASE64.decode(data)?)
    }

    /// A PNG of the whole page: the window grows for it, so that what sticks to an edge sticks there.
    pub(crate) async fn whole_page(&self) -> anyhow::Result<Vec<u8>> {
        let (width, height, whole): (u32, u32, u32) =
            self.eval("[innerWidth, innerHeight, document.documentElement.scrollHeight]").await?;
        self.resize(width, whole, 1.0).await?;
        self.until(&format!("innerHeight === {whole}")).await?;
        let png = self.picture().await;
        self.resize(width, height, 1.0).await?;
        png
    }
}
