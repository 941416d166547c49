//! Logging in: codes, tokens, and what Twitch says of them.

use std::sync::Arc;

use chatpulse_domain::login::LoginRole;
use chatpulse_domain::ports::twitch_login::{LoginError, TwitchLogin as _};
use chatpulse_domain::secret::Secret;
use chatpulse_twitch::config::Transport;
use chatpulse_twitch::login::OauthLogin;
use chatpulse_twitch_sim::{Endpoint, Fault};
use reqwest::redirect;
use url::Url;

use crate::world::{STREAMER, World, clock};

fn login(world: &World) -> OauthLogin {
    OauthLogin::new(world.config(Transport::WebSocket), Arc::new(clock())).unwrap()
}

/// The code that Twitch sends the streamer's browser back with; what they agree to is granted already.
async fn code(world: &World, login: &OauthLogin) -> Secret {
    world.sim.sign_in_as(STREAMER);
    world.sim.grant(STREAMER, LoginRole::Streamer.scopes());
    let browser = reqwest::Client::builder().no_proxy().redirect(redirect::Policy::none()).build().unwrap();
    let answer = browser.get(login.authorize_url(LoginRole::Streamer, "state-1")).send().await.unwrap();
    let back = Url::parse(answer.headers()["location"].to_str().unwrap()).unwrap();
    let of = |name: &str| back.query_pairs().find(|(found, _)| found == name).unwrap().1.into_owned();
    assert_eq!(of("state"), "state-1");
    Secret::new(of("code"))
}

#[tokio::test]
async fn a_code_becomes_a_grant_whose_tokens_are_validated_renewed_and_revoked() {
    let world = World::start().await;
    let login = login(&world);
    let grant = login.exchange(&code(&world, &login).await).await.unwrap();
    assert_eq!((grant.user.id.as_str(), grant.user.display_name.as_str()), (STREAMER, "Streamer"));
    assert_eq!(grant.tokens.scopes, ["channel:bot"]);
    login.validate(&grant.tokens.access).await.unwrap();
    world.sim.expire_user_tokens();
    assert!(matches!(login.validate(&grant.tokens.access).await, Err(LoginError::Refused(_))));
    let next = login.refresh(&grant.tokens.refresh.unwrap()).await.unwrap();
    login.validate(&next.access).await.unwrap();
    login.revoke(&next.access).await.unwrap();
    assert!(matches!(login.validate(&next.access).await, Err(LoginError::Refused(_))));
}

#[tokio::test]
async fn a_code_or_token_that_twitch_refuses_is_told_from_a_twitch_that_does_not_answer() {
    let world = World::start().await;
    let login = login(&world);
    let code = code(&world, &login).await;
    world.sim.fail_next(Endpoint::Token, &Fault::status(503), 1);
    assert!(matches!(login.exchange(&code).await, Err(LoginError::Unreachable(_))));
    let grant = login.exchange(&code).await.unwrap();
    assert!(matches!(login.exchange(&code).await, Err(LoginError::Refused(_))), "good once");
    let refresh = grant.tokens.refresh.unwrap();
    for status in [400, 403, 503] {
        world.sim.fail_next(Endpoint::Token, &Fault::status(status), 1);
        let answer = login.refresh(&refresh).await;
        assert!(matches!(answer, Err(LoginError::Unreachable(_))), "{status} says nothing about the grant");
    }
    world.sim.forget_refresh_tokens();
    assert!(matches!(login.refresh(&refresh).await, Err(LoginError::Refused(_))));
}

#[tokio::test]
async fn tokens_of_a_login_that_does_not_succeed_are_revoked() {
    let world = World::start().await;
    let login = login(&world);
    for (status, failed) in [(500, 1), (401, 2)] {
        world.sim.fail_next(Endpoint::Validate, &Fault::status(status), 1);
        assert!(login.exchange(&code(&world, &login).await).await.is_err());
        assert_eq!(world.sim.revoked_tokens().len(), failed);
    }
}
