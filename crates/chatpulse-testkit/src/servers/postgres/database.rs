//! A database for one test.

use std::env;
use std::sync::OnceLock;

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls};

use super::PostgresServer;
use crate::builders::fresh_user;

/// The variable with the URL of a given server. Its user must be allowed to create databases; others are not touched.
const GIVEN: &str = "TEST_DATABASE_URL";

/// An empty database, dropped when this is.
#[derive(Debug)]
pub struct Database {
    /// The URL from which it is created and dropped.
    server_url: String,
    name: String,
}

impl Database {
    /// Creates one on the server that `TEST_DATABASE_URL` names, else on the one that this process started.
    pub async fn fresh() -> Self {
        Self::on(shared()).await
    }

    /// Creates one on this server.
    pub(super) async fn on(server_url: &str) -> Self {
        let name = format!("chatpulse_test_{}", fresh_user().as_str().replace('-', ""));
        let database = Self { server_url: server_url.to_owned(), name };
        let (server, _link) = connect(server_url).await.unwrap();
        server.batch_execute(&format!("CREATE DATABASE {}", database.name)).await.unwrap();
        database
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its URL, as in `DATABASE_URL`.
    pub fn url(&self) -> String {
        let (address, options) = self.server_url.split_once('?').unwrap_or((&self.server_url, ""));
        let authority = address.find("://").map_or(0, |at| at + 3);
        let end = address[authority..].find('/').map_or(address.len(), |at| authority + at);
        let separator = if options.is_empty() { "" } else { "?" };
        format!("{}/{}{separator}{options}", &address[..end], self.name)
    }

    /// Opens a connection without any adapter. It closes when dropped.
    pub async fn connect(&self) -> Connected {
        let (client, link) = connect(&self.url()).await.unwrap();
        Connected { client, link }
    }

    /// Every row of every table as text; bytes are hexadecimal digits.
    pub async fn everything(&self) -> String {
        const TABLES: &str = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'";
        let (client, _link) = connect(&self.url()).await.unwrap();
        let mut everything = String::new();
        for table in client.query(TABLES, &[]).await.unwrap() {
            let table: String = table.get(0);
            everything.push_str(&table);
            for row in client.query(&format!("SELECT r::text FROM {table} r"), &[]).await.unwrap() {
                everything.push('\n');
                everything.push_str(row.get(0));
            }
            everything.push('\n');
        }
        everything
    }
}

impl Drop for Database {
    /// Drops it on a thread, since `drop` cannot wait in the test's runtime. A server that is down is ignored.
    fn drop(&mut self) {
        let (server_url, name) = (self.server_url.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                if let Ok((server, _link)) = connect(&server_url).await {
                    let sql = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                    let _ = server.batch_execute(&sql).await;
                }
            });
        });
        let _ = dropping.join();
    }
}

/// A plain client.
#[derive(Debug)]
pub struct Connected {
    client: Client,
    link: JoinHandle<()>,
}

impl std::ops::Deref for Connected {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.link.abort();
    }
}

async fn connect(url: &str) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
    let config: Config = url.parse().unwrap();
    let (client, connection) = config.connect(NoTls).await?;
    let link = tokio::spawn(async move {
        // Errors reach the client with its next query.
        let _ = connection.await;
    });
    Ok((client, link))
}

/// The server that all tests of this process share.
fn shared() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    static OWN: OnceLock<PostgresServer> = OnceLock::new();
    URL.get_or_init(|| {
        if let Some(url) = env::var(GIVEN).ok().filter(|url| !url.is_empty()) {
            eprintln!("testing with the PostgreSQL that {GIVEN} names");
            return url;
        }
        OWN.get_or_init(PostgresServer::start).url("postgres")
    })
}
