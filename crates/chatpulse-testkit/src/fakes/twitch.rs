//! Twitch, as the engine and the pages see it.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, ChatterId};
use chatpulse_domain::login::{Grant, LoginRole, UserTokens};
use chatpulse_domain::ports::chat_feed::{ChatChannel, ChatFeed, Served};
use chatpulse_domain::ports::twitch_login::{LoginError, TwitchLogin};
use chatpulse_domain::secret::Secret;
use chatpulse_domain::subscription::ChatState;

use super::Outage;

/// A feed that records its calls and reads nothing. Clones are one.
#[derive(Debug, Clone, Default)]
pub struct FakeFeed {
    state: Arc<Mutex<Feed>>,
}

#[derive(Debug, Default)]
struct Feed {
    wanted: Vec<ChatChannel>,
    read: Vec<(ChatChannel, Served)>,
    stopped: Vec<ChannelId>,
    consents: Vec<ChatterId>,
    states: HashMap<ChannelId, ChatState>,
}

impl FakeFeed {
    /// Reads nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The chats that are to be read now, in the order they were first asked for.
    pub fn wanted(&self) -> Vec<ChatChannel> {
        self.state.lock().unwrap().wanted.clone()
    }

    /// Every call of [`ChatFeed::read_chat`] for an overlay that opened here.
    pub fn read_here(&self) -> Vec<ChatChannel> {
        self.read(Served::Here)
    }

    /// Every other call of it.
    pub fn read_somewhere(&self) -> Vec<ChatChannel> {
        self.read(Served::Somewhere)
    }

    fn read(&self, wanted: Served) -> Vec<ChatChannel> {
        let feed = self.state.lock().unwrap();
        let read = feed.read.iter().filter(|(_, served)| *served == wanted);
        read.map(|(channel, _)| channel.clone()).collect()
    }

    /// Every call of [`ChatFeed::stop_reading`].
    pub fn stopped(&self) -> Vec<ChannelId> {
        self.state.lock().unwrap().stopped.clone()
    }

    /// Every call of [`ChatFeed::consent_changed`].
    pub fn consents(&self) -> Vec<ChatterId> {
        self.state.lock().unwrap().consents.clone()
    }

    /// What [`ChatFeed::state`] answers from now on; else a wanted chat is being read, and any other is idle.
    pub fn set_state(&self, broadcaster: &ChannelId, state: ChatState) {
        self.state.lock().unwrap().states.insert(broadcaster.clone(), state);
    }
}

#[async_trait]
impl ChatFeed for FakeFeed {
    fn read_chat(&self, channel: ChatChannel, served: Served) {
        let mut feed = self.state.lock().unwrap();
        feed.read.push((channel.clone(), served));
        feed.wanted.retain(|wanted| wanted.broadcaster != channel.broadcaster);
        feed.wanted.push(channel);
    }

    fn stop_reading(&self, broadcaster: &ChannelId) {
        let mut feed = self.state.lock().unwrap();
        feed.stopped.push(broadcaster.clone());
        feed.wanted.retain(|wanted| wanted.broadcaster != *broadcaster);
    }

    fn consent_changed(&self, account: &ChatterId) {
        self.state.lock().unwrap().consents.push(account.clone());
    }

    async fn state(&self, broadcaster: &ChannelId) -> ChatState {
        let feed = self.state.lock().unwrap();
        if let Some(state) = feed.states.get(broadcaster) {
            return *state;
        }
        let is_wanted = feed.wanted.iter().any(|wanted| wanted.broadcaster == *broadcaster);
        if is_wanted { ChatState::Reading } else { ChatState::Idle }
    }
}

type Listener = Box<dyn Fn() + Send>;

#[derive(Default)]
struct FakeTokens {
    /// Access tokens that ran out.
    ended: HashSet<String>,
    /// What each refresh token gives, once.
    next: HashMap<String, UserTokens>,
    /// Every access token that was asked about.
    validated: Vec<String>,
}

/// A login that takes the codes it was told, and whose access tokens are good until told otherwise. Clones are one.
#[derive(Clone, Default)]
pub struct FakeLogin {
    grants: Arc<Mutex<HashMap<String, Grant>>>,
    tokens: Arc<Mutex<FakeTokens>>,
    after_refresh: Arc<Mutex<Option<Listener>>>,
    outage: Outage,
}

impl FakeLogin {
    /// Knows no code yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// This code is good, once.
    pub fn accept(&self, code: &str, grant: Grant) {
        self.grants.lock().unwrap().insert(code.to_owned(), grant);
    }

    /// This access token is good no more.
    pub fn run_out(&self, access: &Secret) {
        self.tokens.lock().unwrap().ended.insert(access.expose().to_owned());
    }

    /// This refresh token gives those tokens, once. Any other is refused.
    pub fn renew(&self, refresh: &Secret, next: UserTokens) {
        self.tokens.lock().unwrap().next.insert(refresh.expose().to_owned(), next);
    }

    /// Called whenever a refresh token was spent, before the answer arrives.
    pub fn after_refresh(&self, listener: impl Fn() + Send + 'static) {
        *self.after_refresh.lock().unwrap() = Some(Box::new(listener));
    }

    /// Every access token that was asked about so far.
    pub fn validated(&self) -> Vec<String> {
        self.tokens.lock().unwrap().validated.clone()
    }

    /// Twitch is out of reach from now on.
    pub fn break_down(&self) {
        self.outage.begin();
    }

    /// Twitch answers again.
    pub fn recover(&self) {
        self.outage.end();
    }

    fn reach(&self) -> Result<(), LoginError> {
        self.outage.check().map_err(|down| LoginError::Unreachable(down.into()))
    }
}

#[async_trait]
impl TwitchLogin for FakeLogin {
    fn authorize_url(&self, role: LoginRole, state: &str) -> String {
        let scopes = role.scopes().join("+");
        format!("https://twitch.invalid/authorize?scope={scopes}&state={state}")
    }

    async fn exchange(&self, code: &Secret) -> Result<Grant, LoginError> {
        self.reach()?;
        let grant = self.grants.lock().unwrap().remove(code.expose());
        grant.ok_or_else(|| LoginError::Refused("unknown code".into()))
    }

    async fn validate(&self, access: &Secret) -> Result<(), LoginError> {
        self.reach()?;
        let mut tokens = self.tokens.lock().unwrap();
        tokens.validated.push(access.expose().to_owned());
        if tokens.ended.contains(access.expose()) {
            return Err(LoginError::Refused("invalid access token".into()));
        }
        Ok(())
    }

    async fn revoke(&self, access: &Secret) -> Result<(), LoginError> {
        self.reach()?;
        self.run_out(access);
        Ok(())
    }

    async fn refresh(&self, refresh: &Secret) -> Result<UserTokens, LoginError> {
        self.reach()?;
        let next = self.tokens.lock().unwrap().next.remove(refresh.expose());
        if let Some(listener) = &*self.after_refresh.lock().unwrap() {
            listener();
        }
        next.ok_or_else(|| LoginError::Refused("Invalid refresh token".into()))
    }
}
