//! The session secret and the token key: configured, or generated and stored beside the database.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chatpulse_domain::secret::Secret;
use chatpulse_twitch::tokens::TokenKey;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

use crate::settings::{Database, StoreSettings};

/// Keys derived from the settings, ready for use.
pub(crate) struct DerivedKeys {
    pub(crate) session_secret: Secret,
    pub(crate) token_key: TokenKey,
    pub(crate) token_keys_old: Vec<TokenKey>,
    pub(crate) origin: KeyOrigin,
}

/// The keys for `check`, which makes none.
pub(crate) struct KeysToCheck {
    /// `None`: it would be derived from a session secret that is missing.
    pub(crate) token_key: Option<TokenKey>,
    pub(crate) token_keys_old: Vec<TokenKey>,
    pub(crate) origin: KeyOrigin,
}

/// Where the keys come from, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyOrigin {
    /// What the token key is made from: a variable, or the file of the session secret.
    pub(crate) token_key: String,
    /// The file of the session secret, if one is needed and was missing.
    pub(crate) missing_file: Option<PathBuf>,
}

impl DerivedKeys {
    /// Loads the keys. Generates and stores a session secret if none is configured.
    pub(crate) fn load(stores: &StoreSettings) -> anyhow::Result<Self> {
        let (found, mut origin) = find(stores)?;
        let session_secret = match (found, &stores.database) {
            (Some(found), _) => found,
            (None, Database::Sqlite { path }) => {
                let secret = fresh()?;
                keep(&secret, &beside(path))?;
                secret
            }
            // With PostgreSQL, the settings require a session secret.
            (None, Database::InMemory | Database::Postgres(_)) => {
                origin.missing_file = None;
                fresh()?
            }
        };
        let token_key = stores.keys.token_key.clone().unwrap_or_else(|| derive_token_key(&session_secret));
        Ok(Self { session_secret, token_key, token_keys_old: stores.keys.token_keys_old.clone(), origin })
    }
}

impl KeysToCheck {
    /// Finds the keys without generating any.
    pub(crate) fn find(stores: &StoreSettings) -> anyhow::Result<Self> {
        let (found, origin) = find(stores)?;
        let token_key = stores.keys.token_key.clone().or_else(|| found.as_ref().map(derive_token_key));
        Ok(Self { token_key, token_keys_old: stores.keys.token_keys_old.clone(), origin })
    }
}

/// Finds the session secret, and says where the keys come from.
fn find(stores: &StoreSettings) -> anyhow::Result<(Option<Secret>, KeyOrigin)> {
    let file = match &stores.database {
        Database::Sqlite { path } => Some(beside(path)),
        Database::InMemory | Database::Postgres(_) => None,
    };
    let given = stores.keys.session_secret.clone();
    let from_secret = match (&given, &file) {
        (None, Some(file)) => file.display().to_string(),
        _ => "SESSION_SECRET".to_owned(),
    };
    let token_key =
        if stores.keys.token_key.is_some() { "TOKEN_ENCRYPTION_KEY".to_owned() } else { from_secret };
    let found = match (given, &file) {
        (None, Some(file)) => read(file)?,
        (given, _) => given,
    };
    let missing_file = if found.is_none() { file } else { None };
    Ok((found, KeyOrigin { token_key, missing_file }))
}

impl KeyOrigin {
    /// Says what tokens that cannot be opened need.
    pub(crate) fn advice(&self) -> String {
        let earlier = match self.token_key.as_str() {
            "TOKEN_ENCRYPTION_KEY" => "put the earlier key into TOKEN_ENCRYPTION_KEYS_OLD".to_owned(),
            "SESSION_SECRET" => "put the earlier SESSION_SECRET back".to_owned(),
            file => format!("put the earlier {file} back from a backup"),
        };
        format!(
            "{earlier}, or let those streamers log in again, and the bot agree again at /auth/start?role=bot"
        )
    }
}

fn derive_token_key(session_secret: &Secret) -> TokenKey {
    let key = hmac::Key::new(hmac::HMAC_SHA256, session_secret.expose().as_bytes());
    let tag = hmac::sign(&key, b"token encryption key");
    let mut bytes = [0; 32];
    bytes.copy_from_slice(tag.as_ref());
    TokenKey::new(bytes)
}

/// Returns the path of the secret file: `chatpulse.db.secret` for `chatpulse.db`.
pub(super) fn beside(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".secret");
    PathBuf::from(name)
}

/// Stores a generated secret, readable by its owner only.
fn keep(secret: &Secret, path: &Path) -> anyhow::Result<()> {
    let cannot = || format!("could not keep the session secret in {}", path.display());
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).with_context(cannot)?;
    file.write_all(secret.expose().as_bytes()).and_then(|()| file.sync_all()).with_context(cannot)
}

fn read(path: &Path) -> anyhow::Result<Option<Secret>> {
    match fs::read_to_string(path) {
        Ok(text) if text.trim().len() >= 32 => Ok(Some(Secret::new(text.trim()))),
        Ok(_) => anyhow::bail!(
            "{} does not hold a session secret: put a backup in its place, or delete it (everybody logs in again)",
            path.display()
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("could not read {}", path.display())),
    }
}

fn fresh() -> anyhow::Result<Secret> {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow::anyhow!("the system gives no random bytes"))?;
    Ok(Secret::new(bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))))
}
