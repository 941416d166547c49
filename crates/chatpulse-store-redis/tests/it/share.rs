//! The cost of a vote in a big chat.

use chatpulse_testkit::contract::share_cost;
use chatpulse_testkit::servers::redis::RedisServer;

use crate::support::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_among_many_costs_no_more_than_one_among_few() {
    let server = RedisServer::start();
    let world = World::on(server.url()).await;
    let ratio = share_cost::is_the_same_for_many_votes(&world.live(None)).await;
    println!("a vote among 100,000 costs {ratio:.2} times one among 100");
    world.end().await;
}
