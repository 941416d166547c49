use chatpulse_domain::ports::error::StoreError;
use mockall::Sequence;
use mockall::predicate::eq;

use super::*;
use crate::feed::testing::{Instance, MockRecords, conduit, ours, shard};
use crate::helix::conduits::MockConduitApi;

fn conduits(api: MockConduitApi, at: &Instance) -> Conduits {
    Conduits::new(Arc::new(api), at.records(), at.leadership())
}

/// Twitch has these.
fn twitch(existing: Vec<Conduit>) -> MockConduitApi {
    let mut api = MockConduitApi::new();
    api.expect_conduits().returning(move || Ok(existing.clone()));
    api
}

async fn store(at: &Instance, id: &str) {
    assert!(at.records().replace_conduit(None, &chatpulse_testkit::builders::conduit(id)).await.unwrap());
}

#[tokio::test]
async fn the_stored_conduit_is_ours_whatever_others_there_are() {
    let at = Instance::new();
    store(&at, "ours").await;
    at.leader.set(false);
    let mut conduits = conduits(twitch(vec![conduit("theirs", 1), conduit("ours", 1)]), &at);
    assert_eq!(conduits.find(ShardSlot::SOLE).await.unwrap(), ours());
    assert_eq!(conduits.ours(), Some(&ours()));
}

#[tokio::test]
async fn the_only_conduit_is_adopted_if_no_shard_of_it_is_enabled() {
    let at = Instance::new();
    let mut api = twitch(vec![conduit("unused", 1)]);
    api.expect_shards().returning(|_| Ok(vec![shard(0, "websocket_disconnected")]));
    let found = conduits(api, &at).find(ShardSlot::SOLE).await.unwrap();
    assert_eq!(found.as_str(), "unused");
    assert_eq!(at.records().conduit().await.unwrap(), Some(found));
}

#[tokio::test]
async fn a_conduit_that_is_used_or_one_of_several_is_left_alone_and_another_is_created_once() {
    let used = vec![conduit("theirs", 1)];
    let several = vec![conduit("unused", 1), conduit("unused-too", 1)];
    for existing in [used, several, Vec::new()] {
        let at = Instance::new();
        let mut api = twitch(existing);
        api.expect_shards().returning(|_| Ok(vec![shard(0, "enabled")]));
        api.expect_create_conduit().times(1).returning(|| Ok(ours()));
        assert_eq!(conduits(api, &at).find(ShardSlot::SOLE).await.unwrap(), ours());
        assert_eq!(at.records().conduit().await.unwrap(), Some(ours()));
    }
}

#[tokio::test]
async fn an_instance_that_does_not_lead_creates_none() {
    let at = Instance::new();
    at.leader.set(false);
    let found = conduits(twitch(Vec::new()), &at).find(ShardSlot::SOLE).await;
    assert!(matches!(found, Err(SetupError::NotCreatedYet)), "{found:?}");
}

#[tokio::test]
async fn more_shards_are_added_where_the_slot_needs_them() {
    let at = Instance::new();
    store(&at, "ours").await;
    let mut api = twitch(vec![conduit("ours", 1)]);
    api.expect_resize_conduit().with(eq(ours()), eq(3)).times(1).returning(|_, _| Ok(()));
    conduits(api, &at).find(ShardSlot { index: 2, count: 3 }).await.unwrap();
}

#[tokio::test]
async fn without_the_database_the_conduit_of_a_moment_ago_is_ours_and_none_is_created() {
    let at = Instance::new();
    store(&at, "ours").await;
    let mut conduits = conduits(twitch(vec![conduit("ours", 1)]), &at);
    conduits.find(ShardSlot::SOLE).await.unwrap();
    at.accounts.break_down();
    assert_eq!(conduits.find(ShardSlot::SOLE).await.unwrap(), ours());
    let mut restarted = self::conduits(twitch(vec![conduit("ours", 1)]), &at);
    assert!(matches!(restarted.find(ShardSlot::SOLE).await, Err(SetupError::Store(_))));
}

#[tokio::test]
async fn at_twitchs_limit_the_error_says_what_to_do() {
    let at = Instance::new();
    let mut api = twitch(Vec::new());
    let refused = || TwitchError::Refused { status: 429, message: "conduit limit reached".into() };
    api.expect_create_conduit().returning(move || Err(refused()));
    let error = conduits(api, &at).find(ShardSlot::SOLE).await.unwrap_err();
    assert!(error.to_string().contains("delete one that nobody uses"), "{error}");
}

/// The database, as two leaders saw it: empty at first, then with the conduit of the other one.
fn overtaken_by(theirs: Option<ConduitId>) -> MockRecords {
    let (mut records, mut order) = (MockRecords::new(), Sequence::new());
    records.expect_find_conduit().times(1).in_sequence(&mut order).returning(|| Ok(None));
    records.expect_swap_conduit().times(1).in_sequence(&mut order).returning(|_, _| Ok(false));
    records.expect_find_conduit().times(1).in_sequence(&mut order).returning(move || match &theirs {
        Some(theirs) => Ok(Some(theirs.clone())),
        None => Err(StoreError::unavailable("read the conduit")("down")),
    });
    records
}

async fn create_while_overtaken(records: MockRecords, deletions: usize) -> Result<ConduitId, SetupError> {
    let mut api = twitch(Vec::new());
    api.expect_create_conduit().times(1).returning(|| Ok(ours()));
    api.expect_delete_conduit().with(eq(ours())).times(deletions).returning(|_| Ok(()));
    let at = Instance::new();
    Conduits::new(Arc::new(api), Arc::new(records), at.leadership()).find(ShardSlot::SOLE).await
}

#[tokio::test]
async fn a_leader_that_was_overtaken_deletes_the_conduit_it_created() {
    let records = overtaken_by(Some(chatpulse_testkit::builders::conduit("theirs")));
    let found = create_while_overtaken(records, 1).await;
    assert!(matches!(found, Err(SetupError::CreatedElsewhere)), "{found:?}");
}

#[tokio::test]
async fn a_created_conduit_that_the_other_leader_recorded_is_kept() {
    assert_eq!(create_while_overtaken(overtaken_by(Some(ours())), 0).await.unwrap(), ours());
}

#[tokio::test]
async fn a_conduit_that_may_be_recorded_is_not_deleted() {
    let found = create_while_overtaken(overtaken_by(None), 0).await;
    assert!(matches!(found, Err(SetupError::CreatedElsewhere)), "{found:?}");
}
