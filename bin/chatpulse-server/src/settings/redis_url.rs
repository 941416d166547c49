//! `REDIS_URL`.

use url::Url;

use super::found::Found;
use super::server_url::{ServerUrl, is_host_and_port};
use super::web_url::is_loopback;

/// Parses the URL of a Redis server or cluster.
pub(super) fn parse(text: &str) -> Result<Url, Found> {
    let parts = ServerUrl::split(text)?;
    let is_cluster = match parts.scheme {
        "redis" | "rediss" => false,
        "redis-cluster" | "rediss-cluster" => true,
        _ => return Err("it does not begin with redis://".into()),
    };
    if parts.hosts.is_empty() || parts.hosts.contains(',') {
        return Err("it does not name one host; write further nodes of a cluster as ?node=HOST:PORT".into());
    }
    let database = parts.path.trim_start_matches('/');
    if is_cluster && !database.is_empty() {
        return Err("a cluster has no database numbers; remove what stands after the host".into());
    }
    if !database.is_empty() && database.parse::<u8>().is_err() {
        return Err("what stands after the host is no database number such as /1".into());
    }
    for (name, value) in parts.options() {
        if !is_cluster || name != "node" {
            return Err(Found::unknown_option(name));
        }
        if !is_host_and_port(value) || !value.contains(':') {
            return Err("a `node` is not HOST:PORT".into());
        }
    }
    Url::parse(text).map_err(|_| "it is no URL".into())
}

/// Returns whether every node is on loopback. Further nodes of a cluster are in the query.
pub(super) fn all_on_loopback(url: &Url) -> bool {
    let nodes = url.query_pairs().filter(|(name, _)| name == "node");
    let mut others = nodes.map(|(_, node)| Url::parse(&format!("redis://{node}")));
    is_loopback(url) && others.all(|node| node.is_ok_and(|node| is_loopback(&node)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_number_is_the_only_path_and_nodes_are_the_only_options() {
        for good in [
            "redis://cache",
            "redis://cache/",
            "redis://:s3cret@cache:6379/1",
            "rediss://u:p%40@cache/15",
            "redis-cluster://[::1]:7000?node=b:7001&node=10.0.0.1:7002",
            "rediss-cluster://a:7000/",
        ] {
            assert!(parse(good).is_ok(), "{good}");
        }
        for (bad, says) in [
            ("redis://cache/abc", "database number"),
            ("redis://cache/1/2", "database number"),
            ("redis://cache/-1", "database number"),
            ("redis://cache/256", "database number"),
            ("redis-cluster://cache/1", "cluster has no"),
            ("redis-cluster://cache/0", "cluster has no"),
            ("redis://", "one host"),
            ("redis:///1", "one host"),
            ("redis://a,b", "one host"),
            ("redis://cache?db=1", "`db`"),
            ("redis://cache?node=b:1", "`node`"),
            ("redis-cluster://cache?node=b", "HOST:PORT"),
            ("redis-cluster://cache?ssl_cert_reqs=none", "`ssl_cert_reqs`"),
            ("redis-sentinel://cache", "redis://"),
            ("http://cache", "redis://"),
            ("cache:6379", "SCHEME"),
            ("redis://:pa/ss@cache", "%2F"),
            ("redis://cache:port", "malformed"),
        ] {
            let found = parse(bad).map(|_| ()).unwrap_err().to_string();
            assert!(found.contains(says), "{bad}: {found}");
        }
    }
}
