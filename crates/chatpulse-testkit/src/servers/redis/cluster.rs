//! A cluster of three masters, each with a third of the slots.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{Own, ask, free_port, tls_options};

/// Each node's first and last slot.
const SLOTS: [(&str, &str); 3] = [("0", "5460"), ("5461", "10922"), ("10923", "16383")];

/// Deadline for the nodes to agree; they usually need a second or two.
const AGREED_WITHIN: Duration = Duration::from_secs(30);

/// A Redis Cluster of three nodes, which ends when dropped.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: [Node; 3],
}

#[derive(Debug)]
struct Node {
    server: Own,
    /// The port for the other nodes.
    bus: u16,
    /// The port for clients with TLS.
    tls: Option<u16>,
}

impl RedisCluster {
    /// Starts three servers, joins them and waits until all of them agree.
    pub fn start() -> Self {
        Self::join(SLOTS.map(|_| start_node(None)))
    }

    /// The same with TLS for clients and between nodes, with a certificate for `127.0.0.1`.
    pub fn start_with_tls(certificate: &Path, key: &Path) -> Self {
        Self::join(SLOTS.map(|_| start_node(Some((certificate, key)))))
    }

    fn join(nodes: [Node; 3]) -> Self {
        for (number, (node, (first, last))) in nodes.iter().zip(SLOTS).enumerate() {
            let node = &node.server;
            expect_ok(node.port, &["CLUSTER", "ADDSLOTSRANGE", first, last]);
            expect_ok(node.port, &["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()]);
        }
        let cluster = Self { nodes };
        cluster.introduce();
        cluster.wait_until_agreed();
        println!("testing with a cluster of three redis-servers");
        cluster
    }

    /// The URL, with all three nodes.
    pub fn url(&self) -> String {
        let scheme = if self.nodes[0].tls.is_some() { "rediss-cluster" } else { "redis-cluster" };
        let [first, second, third] =
            [0, 1, 2].map(|node| self.nodes[node].tls.unwrap_or(self.nodes[node].server.port));
        format!("{scheme}://127.0.0.1:{first}?node=127.0.0.1:{second}&node=127.0.0.1:{third}")
    }

    /// The ports of the three nodes without TLS.
    pub fn ports(&self) -> [u16; 3] {
        [0, 1, 2].map(|node| self.nodes[node].server.port)
    }

    /// Sends a command to one node without any adapter, and returns the raw answer.
    pub fn ask(&self, node: usize, words: &[&str]) -> String {
        ask(self.nodes[node].server.port, words)
    }

    fn introduce(&self) {
        let [first, others @ ..] = &self.nodes;
        for node in others {
            let (port, bus) = (node.tls.unwrap_or(node.server.port).to_string(), node.bus.to_string());
            expect_ok(first.server.port, &["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
    }

    fn wait_until_agreed(&self) {
        let begun_at = Instant::now();
        while !self.ports().into_iter().all(is_agreed) {
            assert!(begun_at.elapsed() < AGREED_WITHIN, "the nodes of the Redis Cluster do not agree");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn start_node(certificate_and_key: Option<(&Path, &Path)>) -> Node {
    // The default port for the other nodes is 10,000 higher, which may be in use or too high.
    let bus = free_port();
    let tls = certificate_and_key.map(|_| free_port());
    let options = ["--cluster-enabled", "yes", "--cluster-node-timeout", "5000", "--cluster-port"];
    let mut options: Vec<String> = options.map(str::to_owned).to_vec();
    options.push(bus.to_string());
    if let (Some((certificate, key)), Some(port)) = (certificate_and_key, tls) {
        options.extend(tls_options(certificate, key));
        options.extend(["--tls-cluster", "yes", "--tls-port", &port.to_string()].map(str::to_owned));
    }
    let server = Own::start(options, |port| vec!["--port".to_owned(), port.to_string()]);
    Node { server, bus, tls }
}

/// Whether a node knows the other two and the slots of all, and has a link to and from each. A signal that is published
/// while a link is missing does not reach that node.
fn is_agreed(port: u16) -> bool {
    let info = ask(port, &["CLUSTER", "INFO"]);
    let slots = ask(port, &["CLUSTER", "SLOTS"]);
    let links = ask(port, &["CLUSTER", "LINKS"]);
    let nodes = ask(port, &["CLUSTER", "NODES"]);
    info.contains("cluster_state:ok")
        && info.contains("cluster_known_nodes:3")
        && slots.starts_with("*3")
        && links.starts_with("*4")
        && !["handshake", "disconnected", "fail"].iter().any(|word| nodes.contains(word))
}

fn expect_ok(port: u16, words: &[&str]) {
    let answer = ask(port, words);
    assert!(answer.starts_with("+OK") || answer.is_empty(), "{words:?}: {answer}");
}
