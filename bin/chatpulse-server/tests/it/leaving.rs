//! A streamer exports their data and deletes the account.

use chatpulse_twitch_sim::Endpoint;
use reqwest::Method;
use serde_json::Value;

use crate::support::SOON;
use crate::support::browser::{Answer, Browser};
use crate::support::overlay::Overlay;
use crate::support::streamer::{Form, Streamer};
use crate::support::world::{OTHER, STREAMER, Way, World, by_both_ways};

by_both_ways! { who_deletes_their_account_leaves_nothing_behind }

async fn delete(streamer: &mut Streamer, confirm: &str) -> Answer {
    let fields = [("csrf_token", streamer.csrf.clone()), ("confirm", confirm.to_owned())];
    let request = streamer.browser.request(Method::POST, "/dashboard/delete-account");
    streamer.browser.send(request.form(&fields)).await
}

#[tokio::test]
async fn an_export_says_all_that_is_kept() {
    let world = World::websocket().await;
    let mut streamer = world.log_in().await;
    let form = Form::default().set("left_label", "<Nö>").and("for_trigger", "Kappa").set("boxes", "1");
    streamer.save(&form.set("measure", "share").set("one_vote_each", "on")).await;
    let answer = streamer.browser.get("/dashboard/export").await.expect(200);
    assert!(answer.header("content-disposition").starts_with("attachment"));
    let export: Value = answer.json();
    assert_eq!(export["account"]["twitch_user_id"], STREAMER);
    assert_eq!(export["account"]["display_name"], "Streamer");
    assert!(export["account"]["overlay_url"].as_str().unwrap().ends_with(&streamer.overlay));
    assert_eq!(export["logins"].as_array().unwrap().len(), 1);
    let settings = &export["settings"];
    assert_eq!(settings["for_triggers"], serde_json::json!(["yes", "Kappa"]));
    assert_eq!((&settings["left_label"], &settings["measure"]), (&"<Nö>".into(), &"share".into()));
    assert_eq!(settings["one_vote_each"], true);
    Browser::at(&world.server).get("/dashboard/export").await.leads_to("/auth/login");
}

async fn who_deletes_their_account_leaves_nothing_behind(way: Way) {
    let world = World::by(way).await;
    let mut streamer = world.log_in().await;
    let mut other = Streamer::log_in(&world.server, &world.sim, OTHER).await;
    let _other_overlay = other.open_overlay(&world.server).await;
    let mut overlay = streamer.open_overlay(&world.server).await;
    streamer.chat_becomes("reading").await;
    other.chat_becomes("reading").await;

    // Not by accident, and not from elsewhere.
    for confirm in ["", "other", "streamer2"] {
        delete(&mut streamer, confirm).await.expect_page(422);
    }
    let csrf = std::mem::replace(&mut streamer.csrf, "wrong".to_owned());
    delete(&mut streamer, "streamer").await.expect_page(403);
    streamer.csrf = csrf;
    assert_eq!(streamer.status().await["chat"], "reading");

    let copy = streamer.clone();
    let gone = delete(&mut streamer, " @Streamer ").await;
    gone.leads_to("/auth/login?notice=deleted");
    assert_eq!(overlay.wait_close().await.0, 4001);
    assert_eq!(
        Overlay::try_open(&world.server, &format!("/ws/overlay/{}", copy.overlay)).await.err(),
        Some(404)
    );
    let mut copied = copy.browser.clone();
    copied.get("/dashboard").await.leads_to("/auth/login");
    let page = streamer.browser.get("/auth/login?notice=deleted").await.expect(200).body;
    assert!(page.contains("Your account is deleted"));

    // Given back at Twitch, which then reads that chat for nobody.
    assert_eq!(world.sim.calls(Endpoint::Revoke), 1);
    assert!(world.sim.wait_until(SOON, |sim| !sim.chat_is_read(STREAMER)).await);
    assert!(world.sim.grants().iter().all(|grant| grant.user_id != STREAMER));
    // Whoever stays stays; where the streamer reads all chats, that one is read no more, and says so.
    if way == Way::Webhook {
        assert_eq!(other.status().await["chat"], "reading");
    }
    // Coming back is a first login.
    let again = world.log_in().await;
    assert_ne!(again.overlay, copy.overlay);
}

/// In Solo the first streamer reads every chat. Whoever logs in after they left reads their own.
#[tokio::test]
async fn whoever_comes_after_the_first_streamer_left_is_read() {
    let world = World::by(Way::Socket).await;
    let mut first = world.log_in().await;
    delete(&mut first, "streamer").await.leads_to("/auth/login?notice=deleted");
    let mut other = Streamer::log_in(&world.server, &world.sim, OTHER).await;
    let _overlay = other.open_overlay(&world.server).await;
    other.chat_becomes("reading").await;
    assert!(world.sim.wait_until_subscribed(OTHER, SOON).await);
}

#[tokio::test]
async fn a_grant_whose_access_token_ran_out_is_given_back_all_the_same() {
    let world = World::by(Way::Webhook).await;
    let mut streamer = world.log_in().await;
    world.sim.expire_user_tokens();
    delete(&mut streamer, "streamer").await.leads_to("/auth/login?notice=deleted");
    assert!(world.sim.grants().iter().all(|grant| grant.user_id != STREAMER));
}
