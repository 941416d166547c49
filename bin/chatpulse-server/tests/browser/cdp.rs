//! Chromium's debugging protocol, as much of it as these tests speak: commands with answers, and a record of events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than any command takes on a busy machine.
const ANSWER_WITHIN: Duration = Duration::from_mins(1);

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;
type Answer = Result<Value, String>;

/// One connection to a browser; tabs share it, told apart by their session.
pub(crate) struct Cdp {
    commands: tokio::sync::Mutex<SplitSink<Socket, Message>>,
    record: Arc<Mutex<Record>>,
    last_id: AtomicU64,
}

#[derive(Default)]
struct Record {
    waiting: HashMap<u64, oneshot::Sender<Answer>>,
    /// By session, in the order in which they came.
    events: HashMap<String, Vec<Event>>,
}

/// Something that happened in a tab.
#[derive(Clone)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) params: Value,
}

impl Cdp {
    pub(crate) async fn connect(url: &str) -> anyhow::Result<Self> {
        let (socket, _) = connect_async(url).await.context("the browser took no connection")?;
        let (commands, answers) = socket.split();
        let record = Arc::<Mutex<Record>>::default();
        tokio::spawn(listen(answers, Arc::clone(&record)));
        Ok(Self { commands: tokio::sync::Mutex::new(commands), record, last_id: AtomicU64::new(0) })
    }

    /// Asks the browser itself, or a tab when `session` names one.
    pub(crate) async fn call(
        &self,
        session: Option<&str>,
        method: &str,
        params: Value,
    ) -> anyhow::Result<Value> {
        let id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let mut command = json!({ "id": id, "method": method, "params": params });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        let (reply, answer) = oneshot::channel();
        lock(&self.record).waiting.insert(id, reply);
        let sent = self.commands.lock().await.send(Message::text(command.to_string())).await;
        sent.with_context(|| format!("{method} could not be sent"))?;
        timeout(ANSWER_WITHIN, answer)
            .await
            .with_context(|| format!("{method} was not answered in time"))?
            .with_context(|| format!("the browser went away during {method}"))?
            .map_err(|refusal| anyhow!("{method}: {refusal}"))
    }

    /// What has happened in a tab so far.
    pub(crate) fn events(&self, session: &str) -> Vec<Event> {
        lock(&self.record).events.get(session).cloned().unwrap_or_default()
    }
}

async fn listen(mut answers: SplitStream<Socket>, record: Arc<Mutex<Record>>) {
    while let Some(Ok(message)) = answers.next().await {
        let Ok(text) = message.to_text() else { continue };
        let Ok(mut message) = serde_json::from_str::<Value>(text) else {
            continue;
        };
        let mut record = lock(&record);
        if let Some(id) = message["id"].as_u64() {
            if let Some(reply) = record.waiting.remove(&id) {
                let _ = reply.send(answer(&mut message));
            }
        } else if let (Some(session), Some(name)) =
            (message["sessionId"].as_str(), message["method"].as_str())
        {
            let (session, name) = (session.to_owned(), name.to_owned());
            let params = message["params"].take();
            record.events.entry(session).or_default().push(Event { name, params });
        }
    }
    // Whoever still waits hears that nobody will answer.
    lock(&record).waiting.clear();
}

fn answer(message: &mut Value) -> Answer {
    match message["error"]["message"].as_str() {
        Some(refusal) => Err(refusal.to_owned()),
        None => Ok(message["result"].take()),
    }
}

fn lock(record: &Mutex<Record>) -> std::sync::MutexGuard<'_, Record> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}
