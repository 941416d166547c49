//! Who holds what. A session's own keys change in one step; the indices lie on other cluster slots, so they are
//! written before the session and cleared after it: one may hold a false entry, but never misses one.
//!
//! | index | from | to |
//! |---|---|---|
//! | `broadcaster:ID` | chat | overlay held last |
//! | `instance_sessions:ID:EPOCH` | instance and registration | overlays that it may hold |
//! | `sessions` | time | overlays that somebody may hold |
//! | `disconnected_sessions` | time | overlays that may be orphans |

use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ids::{ChannelId, InstanceId, OverlayId};
use chatpulse_domain::overlay::{Measure, SettingsVersion, VersionedSettings};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::sessions::SessionStore;
use chatpulse_domain::session::{Orphan, Session, SessionActivity, SessionSeed};
use chatpulse_domain::time::Timestamp;
use fred::interfaces::{HashesInterface, KeysInterface, SetsInterface};
use fred::types::Expiration;
use fred::types::Value;
use tracing::warn;

use crate::error::Failure;
use crate::functions::{Call, Reply};
use crate::held::Wanted;
use crate::keys;
use crate::live::RedisLive;
use crate::operation::{ACTIVITY, DELETE, FIND, HELD, HOLD, INDEX, ORPHANS, PUT_SETTINGS, RELEASE};
use crate::settings_json;

/// Indices outlive their last mention by an hour; a holder mentions them every twenty minutes.
pub(crate) const INDEX_KEPT_MS: i64 = 3_600_000;

/// Plain commands in one pipeline.
const COMMANDS_MAX: usize = 250;

/// Orphans looked at in one go; what is left comes with the next.
const ORPHANS_MAX: usize = 1_000;

/// Sessions that are compared in one round: more than a Redis serves.
const SESSIONS_MAX: usize = 100_000;

/// Between a mention and its session lie at most a few deadlines.
const SETTLED_AFTER: Duration = Duration::from_mins(5);

/// An instance lets go of its own whatever its epoch: the highest that the library's numbers hold.
const ANY_EPOCH: u64 = 1 << 53;

#[async_trait]
impl SessionStore for RedisLive {
    async fn attach(
        &self,
        seed: &SessionSeed,
        instance: &InstanceId,
        viewers: u32,
    ) -> Result<(), StoreError> {
        self.held.want(seed, instance, viewers);
        let wanted = Wanted { seed: seed.clone(), instance: instance.clone(), viewers };
        self.hold_wanted(&wanted).await
    }

    async fn release(&self, overlay: OverlayId, instance: &InstanceId) -> Result<(), StoreError> {
        self.held.unwant(overlay, instance);
        self.let_go(&[overlay], &LettingGo { instance, epoch: ANY_EPOCH, at: None, token: 0 }).await
    }

    async fn find(&self, broadcaster: &ChannelId) -> Result<Option<Session>, StoreError> {
        match self.overlay_of(broadcaster).await? {
            Some(overlay) => self.find_by_overlay(overlay).await,
            None => Ok(None),
        }
    }

    async fn find_by_overlay(&self, overlay: OverlayId) -> Result<Option<Session>, StoreError> {
        let key = keys::session(overlay);
        let fields = ["broadcaster_user_id", "config_json", "config_version", "decay_speed"];
        let found = self.redis.commands(FIND, |client| async move {
            let fields: Vec<Option<String>> = client.hmget(key, fields.to_vec()).await?;
            Ok(fields)
        });
        let session = session(overlay, &found.await?).map_err(|failure| failure.during(FIND))?;
        if let Some(session) = &session {
            // Saved at another instance, perhaps: what we would say again must not be older.
            self.held.note_settings(overlay, &session.settings);
        }
        Ok(session)
    }

    async fn attached(&self) -> Result<Vec<(OverlayId, SettingsVersion)>, StoreError> {
        let overlays = self.mentioned(keys::SESSIONS, Duration::ZERO, SESSIONS_MAX).await?;
        let calls = overlays.iter().map(|(overlay, _)| {
            Call::reading("held").keys([keys::session(*overlay), keys::holders(*overlay)])
        });
        let replies = self.redis.call_all(HELD, calls.collect()).await?;
        let (mut held, mut gone) = (Vec::new(), Vec::new());
        for ((overlay, _), reply) in overlays.iter().zip(replies) {
            let read = reply.and_then(|reply| {
                let version = |reply: &Reply| reply.number(1, "session.config_version").map(SettingsVersion);
                match reply.word() {
                    "held" => version(&reply).map(Some).map_err(|failure| failure.during(HELD)),
                    "no_session" => {
                        gone.push(*overlay);
                        Ok(None)
                    }
                    _ => Ok(None),
                }
            });
            match read {
                Ok(version) => held.extend(version.map(|version| (*overlay, version))),
                Err(error @ StoreError::Corrupt { .. }) => warn!(%error, "a session cannot be compared"),
                Err(error) => return Err(error),
            }
        }
        self.unmention_gone(&gone).await?;
        Ok(held)
    }

    async fn put_settings(
        &self,
        overlay: OverlayId,
        settings: &VersionedSettings,
    ) -> Result<bool, StoreError> {
        self.held.note_settings(overlay, settings);
        let call = Call::writing("put_settings")
            .keys([keys::session(overlay)])
            .arg(settings_json::encode(&settings.settings))
            .arg(settings.version.0)
            .arg(settings.settings.decay.per_second())
            .args(measuring(settings.settings.measure));
        Ok(self.redis.call(PUT_SETTINGS, call).await?.word() == "done")
    }

    async fn activity(&self, overlay: OverlayId) -> Result<Option<SessionActivity>, StoreError> {
        let call = Call::reading("activity").keys([
            keys::session(overlay),
            keys::holders(overlay),
            keys::counts(overlay),
        ]);
        let reply = self.redis.call(ACTIVITY, call).await?;
        activity(&reply).map_err(|failure| failure.during(ACTIVITY))
    }

    async fn orphans(&self, age: Duration) -> Result<Vec<Orphan>, StoreError> {
        let entries = self.mentioned(keys::DISCONNECTED, age, ORPHANS_MAX).await?;
        self.check_orphans(&entries, age).await
    }

    async fn delete_orphan(&self, overlay: OverlayId, age: Duration) -> Result<bool, StoreError> {
        let call = Call::writing("delete_orphan")
            .keys(keys_of(overlay))
            .arg(age.as_millis())
            .arg(self.standing.token());
        let reply = self.redis.call(DELETE, call).await?;
        if reply.word() != "deleted" {
            return Ok(false);
        }
        self.clear_indices(overlay, reply.text(1), Some(reply.text(2)), reply.text(3)).await;
        Ok(true)
    }

    async fn delete(&self, overlay: OverlayId) -> Result<(), StoreError> {
        self.held.forget(overlay);
        let reply = self.redis.call(DELETE, Call::writing("delete").keys(all_keys_of(overlay))).await?;
        if reply.word() == "deleted" {
            self.clear_indices(overlay, reply.text(1), None, reply.text(2)).await;
        }
        Ok(())
    }
}

/// On whose behalf a session is let go.
pub(crate) struct LettingGo<'a> {
    /// Whose it was.
    pub(crate) instance: &'a InstanceId,
    /// Up to this registration of the instance.
    pub(crate) epoch: u64,
    /// When it left, in Unix milliseconds; `None`: now.
    pub(crate) at: Option<&'a str>,
    /// The leader's, 0 for the instance itself.
    pub(crate) token: u64,
}

impl RedisLive {
    /// Tells Redis, indices first, and turns the chat's to this session.
    async fn hold_wanted(&self, wanted: &Wanted) -> Result<(), StoreError> {
        self.mention(std::slice::from_ref(wanted)).await?;
        self.turn_indices(&[wanted]).await?;
        let held = self.redis.call(HOLD, self.hold_call(wanted)).await?;
        if held.word() == "created" {
            // One that ended at the same moment may have taken our mention with it.
            self.mention(std::slice::from_ref(wanted)).await?;
        }
        Ok(())
    }

    /// Tells Redis what it has forgotten. A chat's index is not turned if it points to another session that is alive:
    /// that may be the streamer's newer address. Returns how many could not be told; why is in the log.
    pub(crate) async fn hold_again(&self, all: &[Wanted]) -> usize {
        if let Err(error) = self.keep_indices(all).await {
            warn!(%error, "sessions that Redis had forgotten could not be noted again; it is tried again");
            return all.len();
        }
        let calls = all.iter().map(|wanted| self.hold_call(wanted)).collect();
        let failures: Vec<StoreError> = match self.redis.call_all(HOLD, calls).await {
            Ok(replies) => replies.into_iter().filter_map(Result::err).collect(),
            Err(error) => {
                warn!(%error, "sessions that Redis had forgotten could not be held again; it is tried again");
                return all.len();
            }
        };
        if let Some(error) = failures.first() {
            let failed = failures.len();
            warn!(%error, failed, "some sessions that Redis had forgotten could not be held again; it is tried again");
        }
        failures.len()
    }

    /// Where a session may be, for whoever looks for all of them, and for whoever clears up after this instance.
    pub(crate) async fn mention(&self, all: &[Wanted]) -> Result<(), StoreError> {
        let mentions = all.iter().map(|wanted| mention(keys::SESSIONS, wanted.seed.overlay, ""));
        all_of(self.redis.call_all(INDEX, mentions.collect()).await?)?;
        for some in all.chunk_by(|one, next| one.instance == next.instance) {
            let held_by = keys::held_by(&some[0].instance, self.standing.epoch());
            let overlays: Vec<String> = some.iter().map(|wanted| wanted.seed.overlay.to_string()).collect();
            let noted = self.redis.commands(INDEX, |client| async move {
                let pipeline = client.pipeline();
                let _: Value = pipeline.sadd(&held_by, overlays).await?;
                let _: Value = pipeline.pexpire(&held_by, INDEX_KEPT_MS, None).await?;
                pipeline.all::<Value>().await
            });
            noted.await?;
        }
        Ok(())
    }

    /// Mentions these and keeps their chats' indices, unless those point to another session that is alive.
    pub(crate) async fn keep_indices(&self, all: &[Wanted]) -> Result<(), StoreError> {
        self.mention(all).await?;
        let calls = all.iter().map(|wanted| {
            Call::writing("keep_index")
                .keys([keys::broadcaster(&wanted.seed.broadcaster)])
                .arg(wanted.seed.overlay)
        });
        let replies = all_of(self.redis.call_all(INDEX, calls.collect()).await?)?;
        let others: Vec<(&Wanted, OverlayId)> = all
            .iter()
            .zip(&replies)
            .filter(|(_, reply)| reply.word() == "other")
            .filter_map(|(wanted, reply)| Some((wanted, reply.text(1).parse().ok()?)))
            .collect();
        let calls = others.iter().map(|(_, other)| Call::reading("read").keys([keys::session(*other)]));
        let replies = all_of(self.redis.call_all(INDEX, calls.collect()).await?)?;
        let gone = others.iter().zip(&replies).filter(|(_, reply)| reply.word() == "no_session");
        self.turn_indices(&gone.map(|((wanted, _), _)| *wanted).collect::<Vec<_>>()).await
    }

    async fn turn_indices(&self, all: &[&Wanted]) -> Result<(), StoreError> {
        for some in all.chunks(COMMANDS_MAX) {
            let entries: Vec<(String, String)> = some
                .iter()
                .map(|wanted| (keys::broadcaster(&wanted.seed.broadcaster), wanted.seed.overlay.to_string()))
                .collect();
            let written = self.redis.commands(INDEX, |client| async move {
                let pipeline = client.pipeline();
                for (broadcaster, overlay) in entries {
                    let expiration = Some(Expiration::PX(INDEX_KEPT_MS));
                    let _: Value = pipeline.set(broadcaster, overlay, expiration, None, false).await?;
                }
                pipeline.all::<Value>().await
            });
            written.await?;
        }
        Ok(())
    }

    fn hold_call(&self, wanted: &Wanted) -> Call {
        let Wanted { seed, instance, viewers } = wanted;
        Call::writing("hold")
            .keys([keys::session(seed.overlay), keys::holders(seed.overlay)])
            .arg(instance)
            .arg(viewers)
            .arg(self.standing.epoch())
            .arg(&seed.broadcaster)
            .arg(settings_json::encode(&seed.settings.settings))
            .arg(seed.settings.version.0)
            .arg(seed.settings.settings.decay.per_second())
            .args(measuring(seed.settings.settings.measure))
    }

    /// Every step may be repeated: whoever was interrupted does it all again.
    pub(crate) async fn let_go(
        &self,
        overlays: &[OverlayId],
        letting_go: &LettingGo<'_>,
    ) -> Result<(), StoreError> {
        let mentions = overlays.iter().map(|overlay| mention(keys::DISCONNECTED, *overlay, ""));
        all_of(self.redis.call_all(INDEX, mentions.collect()).await?)?;
        let calls = overlays.iter().map(|overlay| {
            Call::writing("release")
                .keys([keys::session(*overlay), keys::holders(*overlay)])
                .arg(letting_go.instance)
                .arg(letting_go.epoch)
                .arg(letting_go.at.unwrap_or_default())
                .arg(letting_go.token)
        });
        let released = self.redis.call_all(RELEASE, calls.collect()).await?;
        let mut corrected = Vec::new();
        let mut done = Vec::new();
        for (overlay, reply) in overlays.iter().zip(released) {
            match reply {
                // A later leader does this work.
                Ok(reply) if reply.word() == "fenced" => {}
                Ok(reply) => {
                    if reply.word() == "orphan" {
                        corrected.push(mention(keys::DISCONNECTED, *overlay, reply.text(1)));
                    }
                    done.push(overlay.to_string());
                }
                // An odd session must not keep its neighbours from being let go.
                Err(error @ StoreError::Corrupt { .. }) => {
                    warn!(%error, "a session could not be let go; the others are");
                }
                Err(error) => return Err(error),
            }
        }
        all_of(self.redis.call_all(INDEX, corrected).await?)?;
        if done.is_empty() {
            return Ok(());
        }
        let epoch = if letting_go.token == 0 { self.standing.epoch() } else { letting_go.epoch };
        let held_by = keys::held_by(letting_go.instance, epoch);
        let cleared = self.redis.commands(INDEX, |client| async move {
            let removed: Value = client.srem(held_by, done).await?;
            Ok(removed)
        });
        cleared.await.map(|_| ())
    }

    async fn overlay_of(&self, broadcaster: &ChannelId) -> Result<Option<OverlayId>, StoreError> {
        let key = keys::broadcaster(broadcaster);
        let found = self.redis.commands(FIND, |client| async move {
            let overlay: Option<String> = client.get(key).await?;
            Ok(overlay)
        });
        let parsed = found.await?.map(|text| text.parse()).transpose();
        parsed.map_err(StoreError::corrupt("broadcaster:ID"))
    }

    /// Entries of a list by time that are at least so old, the oldest first.
    async fn mentioned(
        &self,
        list: &str,
        age: Duration,
        at_most: usize,
    ) -> Result<Vec<(OverlayId, String)>, StoreError> {
        let call = Call::reading("mentioned").keys([list]).arg(age.as_millis()).arg(at_most);
        let listed = self.redis.call(ORPHANS, call).await?;
        let entries = listed.texts().as_chunks::<2>().0.iter();
        Ok(entries.filter_map(|[overlay, at]| Some((overlay.parse().ok()?, at.clone()))).collect())
    }

    /// Drops entries without a session; not the latest, whose session may only not be there yet.
    async fn unmention_gone(&self, gone: &[OverlayId]) -> Result<(), StoreError> {
        if gone.is_empty() {
            return Ok(());
        }
        let old = self.mentioned(keys::SESSIONS, SETTLED_AFTER, SESSIONS_MAX).await?;
        let false_entries = old.iter().filter(|(overlay, _)| gone.contains(overlay));
        let calls = false_entries.map(|(overlay, at)| unmention(keys::SESSIONS, *overlay, at));
        self.redis.call_all(INDEX, calls.collect()).await.map(|_| ())
    }

    /// Asks the sessions themselves, and drops entries that are false.
    async fn check_orphans(
        &self,
        entries: &[(OverlayId, String)],
        age: Duration,
    ) -> Result<Vec<Orphan>, StoreError> {
        let calls = entries.iter().map(|(overlay, _)| {
            Call::reading("orphan")
                .keys([keys::session(*overlay), keys::holders(*overlay)])
                .arg(age.as_millis())
        });
        let replies = self.redis.call_all(ORPHANS, calls.collect()).await?;
        let (mut orphans, mut false_entries) = (Vec::new(), Vec::new());
        for ((overlay, listed_at), reply) in entries.iter().zip(replies) {
            let checked = reply.and_then(|reply| {
                let orphan = orphan(*overlay, &reply).map_err(|failure| failure.during(ORPHANS))?;
                Ok((orphan, matches!(reply.word(), "held" | "no_session")))
            });
            match checked {
                Ok((Some(orphan), _)) => orphans.push(orphan),
                Ok((None, is_false)) if is_false => {
                    false_entries.push(unmention(keys::DISCONNECTED, *overlay, listed_at));
                }
                Ok(_) => {}
                Err(error) => warn!(%error, "a session cannot be checked; the others go on"),
            }
        }
        // What is left over is looked at again in the next round.
        let _ = self.redis.call_all(INDEX, false_entries).await;
        Ok(orphans)
    }

    /// The session is gone. What is left over here is false, found out by whoever asks, and expires.
    async fn clear_indices(
        &self,
        overlay: OverlayId,
        broadcaster: &str,
        listed_at: Option<&str>,
        deleted_at: &str,
    ) {
        let mut calls = vec![unmention(keys::SESSIONS, overlay, deleted_at)];
        if let Ok(broadcaster) = broadcaster.parse::<ChannelId>() {
            calls.push(Call::writing("unindex").keys([keys::broadcaster(&broadcaster)]).arg(overlay));
        }
        if let Some(at) = listed_at {
            calls.push(unmention(keys::DISCONNECTED, overlay, at));
        }
        if let Err(error) = self.redis.call_all(INDEX, calls).await {
            warn!(%error, "the entries of a deleted session could not be cleared; they expire");
        }
    }
}

fn mention(list: &str, overlay: OverlayId, at: &str) -> Call {
    Call::writing("mention").keys([list]).arg(overlay).arg(at)
}

fn unmention(list: &str, overlay: OverlayId, up_to: &str) -> Call {
    Call::writing("unmention").keys([list]).arg(overlay).arg(up_to)
}

/// All of them, or the first that failed.
fn all_of(replies: Vec<Result<Reply, StoreError>>) -> Result<Vec<Reply>, StoreError> {
    replies.into_iter().collect()
}

/// Those that functions need: what counts, and over which window.
fn measuring(measure: Measure) -> [String; 3] {
    let one_vote_each = if measure.one_vote_each { "1" } else { "0" };
    [measure.kind.as_str().to_owned(), measure.window.bucket_ms().to_string(), one_vote_each.to_owned()]
}

/// With what outlives a session that is cleaned up.
fn all_keys_of(overlay: OverlayId) -> [String; 5] {
    let [session, holders, bucket, counts] = keys_of(overlay);
    [session, holders, bucket, counts, keys::tally(overlay)]
}

fn keys_of(overlay: OverlayId) -> [String; 4] {
    [keys::session(overlay), keys::holders(overlay), keys::bucket(overlay), keys::counts(overlay)]
}

fn session(overlay: OverlayId, fields: &[Option<String>]) -> Result<Option<Session>, Failure> {
    let [broadcaster, json, version, decay] = fields else {
        return Err(Failure::Odd { place: "session" });
    };
    if fields.iter().all(Option::is_none) {
        return Ok(None);
    }
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let place = "session.broadcaster_user_id";
    let broadcaster = text(broadcaster).parse().map_err(|_| Failure::Odd { place })?;
    let settings = settings_json::decode(&text(json), &text(version), &text(decay))?;
    Ok(Some(Session { overlay, broadcaster, settings: settings.into() }))
}

fn activity(reply: &Reply) -> Result<Option<SessionActivity>, Failure> {
    if reply.word() != "found" {
        return Ok(None);
    }
    let last_vote_at = match reply.text(3) {
        "" => None,
        _ => Some(Timestamp::from_unix_ms(reply.number(3, "session.last_vote")?)),
    };
    Ok(Some(SessionActivity {
        viewers: reply.number(1, "ref_count")?,
        attached: reply.text(2) == "1",
        last_vote_at,
        votes_last_minute: reply.number(4, "votes_last_minute")?,
        limited: reply.text(5) == "1",
    }))
}

/// `None` if it is none, or not old enough.
fn orphan(overlay: OverlayId, reply: &Reply) -> Result<Option<Orphan>, Failure> {
    if reply.word() != "orphan" {
        return Ok(None);
    }
    let place = "session.broadcaster_user_id";
    let broadcaster = reply.text(1).parse().map_err(|_| Failure::Odd { place })?;
    let disconnected_at = Timestamp::from_unix_ms(reply.number(2, "session.last_disconnect")?);
    Ok(Some(Orphan { overlay, broadcaster, disconnected_at }))
}
