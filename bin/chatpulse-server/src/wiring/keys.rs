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
}

impl DerivedKeys {
    /// Loads the keys. Generates and stores a session secret if none is configured.
    pub(crate) fn load(stores: &StoreSettings) -> anyhow::Result<Self> {
        let session_secret = match (&stores.keys.session_secret, &stores.database) {
            (Some(given), _) => given.clone(),
            (None, Database::Sqlite { path }) => kept_beside(path)?,
            // With PostgreSQL, the settings require a session secret.
            (None, Database::InMemory | Database::Postgres(_)) => fresh()?,
        };
        Ok(Self::from(session_secret, stores))
    }

    /// Loads the keys for `check` without generating any. `None`: the server has never been started.
    pub(crate) fn look(stores: &StoreSettings) -> anyhow::Result<Option<Self>> {
        let session_secret = match (&stores.keys.session_secret, &stores.database) {
            (Some(given), _) => given.clone(),
            (None, Database::Sqlite { path }) => match read(&beside(path))? {
                Some(kept) => kept,
                None => return Ok(None),
            },
            (None, Database::InMemory | Database::Postgres(_)) => return Ok(None),
        };
        Ok(Some(Self::from(session_secret, stores)))
    }

    fn from(session_secret: Secret, stores: &StoreSettings) -> Self {
        let token_key = stores.keys.token_key.clone().unwrap_or_else(|| derive_token_key(&session_secret));
        Self { session_secret, token_key, token_keys_old: stores.keys.token_keys_old.clone() }
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

fn kept_beside(database: &Path) -> anyhow::Result<Secret> {
    let path = beside(database);
    if let Some(kept) = read(&path)? {
        return Ok(kept);
    }
    let secret = fresh()?;
    let cannot = || format!("could not keep the session secret in {}", path.display());
    let mut file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).with_context(cannot)?;
    file.write_all(secret.expose().as_bytes()).and_then(|()| file.sync_all()).with_context(cannot)?;
    Ok(secret)
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
