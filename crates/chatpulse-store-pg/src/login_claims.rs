//! Who claimed the server and the names of the operator's list, in PostgreSQL.

use async_trait::async_trait;
use chatpulse_domain::access::{Claim, Fingerprint};
use chatpulse_domain::ports::error::StoreError;
use chatpulse_domain::ports::login_claims::LoginClaims;
use tokio_postgres::Row;

use crate::error::Failure;
use crate::operation;
use crate::pool::PgPool;
use crate::query::{Query, column};

const CLAIM: Query =
    Query::writing(operation::LOGIN_CLAIMS_CLAIM, include_str!("../queries/login_claims/claim.sql"));
const ALL: Query =
    Query::reading(operation::LOGIN_CLAIMS_ALL, include_str!("../queries/login_claims/all.sql"));

/// Claims.
#[derive(Clone)]
pub struct PgLoginClaims {
    pool: PgPool,
}

impl PgLoginClaims {
    /// Uses an open pool.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[async_trait]
impl LoginClaims for PgLoginClaims {
    async fn claim(&self, on: Fingerprint, user: Fingerprint) -> Result<Fingerprint, StoreError> {
        let holder = self.pool.find(&CLAIM, &[&on.0.as_slice(), &user.0.as_slice()], holder).await?;
        let not_returned = StoreError::unavailable(CLAIM.operation.does);
        holder.ok_or_else(|| not_returned("PostgreSQL did not return the claim"))
    }

    async fn all(&self) -> Result<Vec<Claim>, StoreError> {
        self.pool.all(&ALL, &[], claim).await
    }
}

fn holder(row: &Row) -> Result<Fingerprint, Failure> {
    fingerprint(row, "login_claims.holder")
}

fn claim(row: &Row) -> Result<Claim, Failure> {
    Ok(Claim { on: fingerprint(row, "login_claims.subject")?, holder: holder(row)? })
}

fn fingerprint(row: &Row, place: &'static str) -> Result<Fingerprint, Failure> {
    let bytes: &[u8] = column(row, place)?;
    bytes.try_into().map(Fingerprint).map_err(Failure::corrupt(place))
}
