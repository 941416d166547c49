//! Who claimed the server and the names of the operator's list, in SQLite.

use async_trait::async_trait;
use chatpulse_domain::access::{Claim, Fingerprint};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::login_claims::LoginClaims;
use rusqlite::{Connection, Row, named_params};

use crate::error::Failure;
use crate::file::SqliteFile;
use crate::operation;
use crate::query;

const CLAIM: &str = include_str!("../queries/login_claims/claim.sql");
const SELECT_ALL: &str = include_str!("../queries/login_claims/all.sql");

/// Claims.
#[derive(Clone)]
pub struct SqliteLoginClaims {
    file: SqliteFile,
}

impl SqliteLoginClaims {
    /// Uses an open file.
    pub fn new(file: SqliteFile) -> Self {
        Self { file }
    }
}

#[async_trait]
impl LoginClaims for SqliteLoginClaims {
    async fn claim(&self, on: Fingerprint, user: Fingerprint) -> Result<Fingerprint, StoreError> {
        let work = move |connection: &mut Connection| {
            let params = named_params! { ":subject": on.0, ":holder": user.0 };
            let holder = query::find(connection, CLAIM, params, holder)?;
            holder.ok_or(Failure::Unanswered("SQLite did not return the claim"))
        };
        self.file.call(operation::LOGIN_CLAIMS_CLAIM, work).await
    }

    async fn all(&self) -> Result<Vec<Claim>, StoreError> {
        let work = |connection: &mut Connection| query::all(connection, SELECT_ALL, [], claim);
        self.file.call(operation::LOGIN_CLAIMS_ALL, work).await
    }
}

fn holder(row: &Row<'_>) -> Result<Fingerprint, Failure> {
    Ok(Fingerprint(row.get("holder")?))
}

fn claim(row: &Row<'_>) -> Result<Claim, Failure> {
    Ok(Claim { on: Fingerprint(row.get("subject")?), holder: holder(row)? })
}
