//! Who holds what. A session's own keys change in one step; the indices lie on other cluster slots, so they are
//! written before the session and cleared after it: one may hold a false entry, but never misses one.
//!
//! | index | from | to |
//! |---|---|---|
//! | `broadcaster:ID` | chat | overlay held last |
//! | `instance_sessions:ID` | instance | overlays that it may hold |
//! | `disconnected_sessions` | time | overlays that may be orphans |

use std::time::Duration;

use async_trait::async_trait;
use chatpulse_domain::ids::{InstanceId, OverlayId, TwitchUserId};
use chatpulse_domain::overlay::VersionedSettings;
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
use crate::keys;
use crate::live::RedisLive;
use crate::operation::{ACTIVITY, DELETE, FIND, HOLD, INDEX, ORPHANS, PUT_SETTINGS, RELEASE};
use crate::settings_json;

/// Indices outlive their last mention by this; a holder mentions them once a minute.
pub(crate) const INDEX_KEPT: Duration = Duration::from_hours(1);

/// Orphans looked at in one round; what is left comes with the next.
const ORPHANS_MAX: usize = 1_000;

/// An instance lets go of its own whatever its epoch: the highest that the library's numbers hold.
const ANY_EPOCH: u64 = 1 << 53;

#[async_trait]
impl SessionStore for RedisLive {
    async fn hold(&self, seed: &SessionSeed, instance: &InstanceId, viewers: u32) -> Result<(), StoreError> {
        self.held.want(seed, instance, viewers);
        self.hold_wanted(seed, instance, viewers).await
    }

    async fn release(&self, overlay: OverlayId, instance: &InstanceId) -> Result<(), StoreError> {
        self.held.unwant(overlay, instance);
        self.let_go(overlay, instance, &LettingGo { epoch: ANY_EPOCH, at: None, token: 0 }).await
    }

    async fn find(&self, broadcaster: &TwitchUserId) -> Result<Option<Session>, StoreError> {
        let Some(overlay) = self.overlay_of(broadcaster).await? else {
            return Ok(None);
        };
        let key = keys::session(overlay);
        let fields = ["broadcaster_user_id", "config_json", "config_version", "decay_speed"];
        let found = self.redis.commands(FIND, |client| async move {
            let fields: Vec<Option<String>> = client.hmget(key, fields.to_vec()).await?;
            Ok(fields)
        });
        session(overlay, &found.await?).map_err(|failure| failure.during(FIND))
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
            .arg(settings.settings.decay.per_second());
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
        let call =
            Call::reading("disconnected").keys([keys::DISCONNECTED]).arg(age.as_millis()).arg(ORPHANS_MAX);
        let listed = self.redis.call(ORPHANS, call).await?;
        let entries: Vec<(&str, &str)> =
            listed.texts().as_chunks::<2>().0.iter().map(|[overlay, at]| (&**overlay, &**at)).collect();
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
        self.clear_indices(overlay, reply.text(1), Some(reply.text(2))).await;
        Ok(true)
    }

    async fn delete(&self, overlay: OverlayId) -> Result<(), StoreError> {
        self.held.forget(overlay);
        let reply = self.redis.call(DELETE, Call::writing("delete").keys(keys_of(overlay))).await?;
        if reply.word() == "deleted" {
            self.clear_indices(overlay, reply.text(1), None).await;
        }
        Ok(())
    }
}

/// On whose behalf a session is let go.
pub(crate) struct LettingGo<'a> {
    /// Up to this registration of the instance.
    pub(crate) epoch: u64,
    /// When it left, in Unix milliseconds; `None`: now.
    pub(crate) at: Option<&'a str>,
    /// The leader's, 0 for the instance itself.
    pub(crate) token: u64,
}

impl RedisLive {
    /// Tells Redis, index first.
    pub(crate) async fn hold_wanted(
        &self,
        seed: &SessionSeed,
        instance: &InstanceId,
        viewers: u32,
    ) -> Result<(), StoreError> {
        self.index(seed, instance).await?;
        self.redis.call(HOLD, self.hold_call(seed, instance, viewers)).await.map(|_| ())
    }

    async fn index(&self, seed: &SessionSeed, instance: &InstanceId) -> Result<(), StoreError> {
        let (held_by, broadcaster) = (keys::held_by(instance), keys::broadcaster(&seed.broadcaster));
        let overlay = seed.overlay.to_string();
        let kept_ms = i64::try_from(INDEX_KEPT.as_millis()).unwrap_or(i64::MAX);
        let written = self.redis.commands(INDEX, |client| async move {
            let pipeline = client.pipeline();
            let _: Value = pipeline.sadd(&held_by, overlay.as_str()).await?;
            let _: Value = pipeline.pexpire(&held_by, kept_ms, None).await?;
            let expiration = Some(Expiration::PX(kept_ms));
            let _: Value = pipeline.set(broadcaster, overlay, expiration, None, false).await?;
            pipeline.all::<Value>().await
        });
        written.await.map(|_| ())
    }

    fn hold_call(&self, seed: &SessionSeed, instance: &InstanceId, viewers: u32) -> Call {
        Call::writing("hold")
            .keys([keys::session(seed.overlay), keys::holders(seed.overlay)])
            .arg(instance)
            .arg(viewers)
            .arg(self.standing.epoch())
            .arg(&seed.broadcaster)
            .arg(settings_json::encode(&seed.settings.settings))
            .arg(seed.settings.version.0)
            .arg(seed.settings.settings.decay.per_second())
    }

    /// Every step may be repeated: whoever was interrupted does it all again.
    pub(crate) async fn let_go(
        &self,
        overlay: OverlayId,
        instance: &InstanceId,
        letting_go: &LettingGo<'_>,
    ) -> Result<(), StoreError> {
        self.note_disconnect(overlay, "").await?;
        let release = Call::writing("release")
            .keys([keys::session(overlay), keys::holders(overlay)])
            .arg(instance)
            .arg(letting_go.epoch)
            .arg(letting_go.at.unwrap_or_default())
            .arg(letting_go.token);
        let released = self.redis.call(RELEASE, release).await?;
        match released.word() {
            "orphan" => self.note_disconnect(overlay, released.text(1)).await?,
            // A later leader does this work.
            "fenced" => return Ok(()),
            _ => {}
        }
        let (held_by, overlay) = (keys::held_by(instance), overlay.to_string());
        let cleared = self.redis.commands(INDEX, |client| async move {
            let removed: Value = client.srem(held_by, overlay).await?;
            Ok(removed)
        });
        cleared.await.map(|_| ())
    }

    async fn note_disconnect(&self, overlay: OverlayId, at: &str) -> Result<(), StoreError> {
        let call = Call::writing("note_disconnect").keys([keys::DISCONNECTED]).arg(overlay).arg(at);
        self.redis.call(INDEX, call).await.map(|_| ())
    }

    async fn overlay_of(&self, broadcaster: &TwitchUserId) -> Result<Option<OverlayId>, StoreError> {
        let key = keys::broadcaster(broadcaster);
        let found = self.redis.commands(FIND, |client| async move {
            let overlay: Option<String> = client.get(key).await?;
            Ok(overlay)
        });
        let parsed = found.await?.map(|text| text.parse()).transpose();
        parsed.map_err(StoreError::corrupt("broadcaster:ID"))
    }

    /// Asks the sessions themselves, and drops entries that are false.
    async fn check_orphans(
        &self,
        entries: &[(&str, &str)],
        age: Duration,
    ) -> Result<Vec<Orphan>, StoreError> {
        let known: Vec<(OverlayId, &str)> = entries
            .iter()
            .filter_map(|(overlay, at)| overlay.parse().ok().map(|overlay| (overlay, *at)))
            .collect();
        let calls = known.iter().map(|(overlay, _)| {
            Call::reading("orphan")
                .keys([keys::session(*overlay), keys::holders(*overlay)])
                .arg(age.as_millis())
        });
        let replies = self.redis.call_all(ORPHANS, calls.collect()).await?;
        let (mut orphans, mut false_entries) = (Vec::new(), Vec::new());
        for ((overlay, listed_at), reply) in known.into_iter().zip(replies) {
            let checked = reply.and_then(|reply| {
                let orphan = orphan(overlay, &reply).map_err(|failure| failure.during(ORPHANS))?;
                Ok((orphan, matches!(reply.word(), "held" | "no_session")))
            });
            match checked {
                Ok((Some(orphan), _)) => orphans.push(orphan),
                Ok((None, is_false)) if is_false => false_entries.push((overlay, listed_at)),
                Ok(_) => {}
                Err(error) => warn!(%error, "a session cannot be checked; the others go on"),
            }
        }
        let calls = false_entries.iter().map(|(overlay, at)| forget_disconnect(*overlay, at));
        // What is left over is looked at again in the next round.
        let _ = self.redis.call_all(INDEX, calls.collect()).await;
        Ok(orphans)
    }

    /// The session is gone. What is left over here is false, found out by whoever asks, and expires.
    async fn clear_indices(&self, overlay: OverlayId, broadcaster: &str, listed_at: Option<&str>) {
        let mut calls = Vec::new();
        if let Ok(broadcaster) = TwitchUserId::new(broadcaster) {
            calls.push(Call::writing("unindex").keys([keys::broadcaster(&broadcaster)]).arg(overlay));
        }
        if let Some(at) = listed_at {
            calls.push(forget_disconnect(overlay, at));
        }
        if let Err(error) = self.redis.call_all(INDEX, calls).await {
            warn!(%error, "the entries of a deleted session could not be cleared; they expire");
        }
    }
}

fn forget_disconnect(overlay: OverlayId, up_to: &str) -> Call {
    Call::writing("forget_disconnect").keys([keys::DISCONNECTED]).arg(overlay).arg(up_to)
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
    let broadcaster = TwitchUserId::new(&text(broadcaster)).map_err(|_| Failure::Odd { place })?;
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
        held: reply.text(2) == "1",
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
    let broadcaster = TwitchUserId::new(reply.text(1)).map_err(|_| Failure::Odd { place })?;
    let disconnected_at = Timestamp::from_unix_ms(reply.number(2, "session.last_disconnect")?);
    Ok(Some(Orphan { overlay, broadcaster, disconnected_at }))
}
