//! Who may log in. Start with [`Access::verdict`], which is the whole rule.
//!
//! Names are recycled at Twitch, ids are not. So a name in the operator's list belongs to the account that logged in with
//! it first, and that account keeps the right when it is renamed. Claims outlive the deletion of accounts, so they are
//! kept as fingerprints.

use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::ids::TwitchUserId;

/// Longest login that Twitch gives, in bytes.
const LOGIN_BYTES_MAX: usize = 25;

/// A Twitch login in lower case, as it stands in URLs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LoginName(String);

/// Text that is no Twitch login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a Twitch login is 1 to {LOGIN_BYTES_MAX} letters, digits and underscores")]
pub struct InvalidLogin;

impl FromStr for LoginName {
    type Err = InvalidLogin;

    fn from_str(text: &str) -> Result<Self, InvalidLogin> {
        let is_login = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if (1..=LOGIN_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_login) {
            return Ok(Self(text.to_ascii_lowercase()));
        }
        Err(InvalidLogin)
    }
}

impl LoginName {
    /// The login in lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who may log in as a streamer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Everybody with a Twitch account.
    Everybody,
    /// Whoever logged in first.
    FirstStreamer,
    /// The accounts of this list.
    Listed(Vec<Listed>),
}

/// An entry of the operator's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listed {
    /// The account with this id.
    Account(TwitchUserId),
    /// The account that logs in first with this name.
    Name(LoginName),
}

/// What an account can claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claimed {
    /// The server: whoever logged in first.
    Server,
    /// A name of the operator's list.
    Name(LoginName),
}

/// Stands for a name or an account in a claim: SHA-256, which is the same on every server and with every secret, and from
/// which a reader of the database learns neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    fn of(kind: &str, text: &str) -> Self {
        Self(Sha256::digest(format!("chatpulse claim: {kind} {text}")).into())
    }

    /// Stands for an account.
    pub fn of_account(user: &TwitchUserId) -> Self {
        Self::of("account", user.as_str())
    }
}

impl From<&Claimed> for Fingerprint {
    fn from(claimed: &Claimed) -> Self {
        match claimed {
            Claimed::Server => Self::of("server", ""),
            Claimed::Name(name) => Self::of("name", name.as_str()),
        }
    }
}

/// Who holds a claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// What is claimed.
    pub on: Fingerprint,
    /// Whose it is, also after a rename and after the deletion of the account here.
    pub holder: Fingerprint,
}

/// Whether an account may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Allowed,
    /// It may if it is the first to claim this.
    IfItClaims(Claimed),
    /// It may not.
    Refused,
}

impl Access {
    /// Whether the account may log in, which is called `login` at the moment.
    pub fn verdict(&self, user: &TwitchUserId, login: &str, claims: &[Claim]) -> Verdict {
        match self {
            Self::Everybody => Verdict::Allowed,
            Self::FirstStreamer => by_claim(Claimed::Server, user, claims),
            Self::Listed(entries) => {
                let is_listed = |entry: &Listed| match entry {
                    Listed::Account(id) => id == user,
                    Listed::Name(name) => holds(user, &Claimed::Name(name.clone()), claims),
                };
                if entries.iter().any(is_listed) {
                    return Verdict::Allowed;
                }
                let named =
                    login.parse().ok().filter(|name| entries.contains(&Listed::Name(LoginName::clone(name))));
                named.map_or(Verdict::Refused, |name| by_claim(Claimed::Name(name), user, claims))
            }
        }
    }

    /// Whether nobody but this account may log in.
    pub fn admits_only(&self, user: &TwitchUserId, claims: &[Claim]) -> bool {
        match self {
            Self::Everybody => false,
            Self::FirstStreamer => holds(user, &Claimed::Server, claims),
            Self::Listed(entries) => entries.iter().all(|entry| match entry {
                Listed::Account(id) => id == user,
                Listed::Name(name) => holds(user, &Claimed::Name(name.clone()), claims),
            }),
        }
    }
}

/// Whether anybody holds the claim.
pub fn is_claimed(on: &Claimed, claims: &[Claim]) -> bool {
    let on = Fingerprint::from(on);
    claims.iter().any(|claim| claim.on == on)
}

fn holds(user: &TwitchUserId, on: &Claimed, claims: &[Claim]) -> bool {
    claims.contains(&Claim { on: on.into(), holder: Fingerprint::of_account(user) })
}

fn by_claim(on: Claimed, user: &TwitchUserId, claims: &[Claim]) -> Verdict {
    if holds(user, &on, claims) {
        Verdict::Allowed
    } else if is_claimed(&on, claims) {
        Verdict::Refused
    } else {
        Verdict::IfItClaims(on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> TwitchUserId {
        TwitchUserId::new(text).unwrap()
    }

    fn name(text: &str) -> LoginName {
        text.parse().unwrap()
    }

    fn claim(on: &str, holder: &str) -> Claim {
        let on = if on == "*" { Claimed::Server } else { Claimed::Name(name(on)) };
        Claim { on: (&on).into(), holder: Fingerprint::of_account(&id(holder)) }
    }

    /// They are kept in databases, so they stay what they are.
    #[test]
    fn fingerprints_never_change() {
        let begins = |fingerprint: Fingerprint| u128::from_be_bytes(*fingerprint.0.first_chunk().unwrap());
        assert_eq!(begins((&Claimed::Server).into()), 0x4eaf_5502_e60d_f68d_00ab_d251_b99a_547d);
        assert_eq!(begins((&Claimed::Name(name("Ada"))).into()), 0x4c5b_946a_54df_96d4_2698_6ded_a3d7_4921);
        assert_eq!(
            begins(Fingerprint::of_account(&id("141981764"))),
            0x0465_670b_7672_20ee_e5ab_c552_0cc1_72d1
        );
    }

    #[test]
    fn a_login_is_compared_in_lower_case() {
        assert_eq!(name("Ada_1").as_str(), "ada_1");
        for bad in ["", "*", "a b", "ä", "@ada", "a-b", &"a".repeat(26)] {
            assert_eq!(bad.parse::<LoginName>(), Err(InvalidLogin), "{bad:?}");
        }
    }

    #[test]
    fn everybody_is_everybody() {
        assert_eq!(Access::Everybody.verdict(&id("1"), "ada", &[]), Verdict::Allowed);
        assert!(!Access::Everybody.admits_only(&id("1"), &[]));
    }

    #[test]
    fn the_server_belongs_to_whoever_logged_in_first() {
        let access = Access::FirstStreamer;
        assert_eq!(access.verdict(&id("1"), "ada", &[]), Verdict::IfItClaims(Claimed::Server));
        let claims = [claim("*", "1"), claim("bob", "2")];
        assert_eq!(access.verdict(&id("1"), "renamed", &claims), Verdict::Allowed);
        assert_eq!(access.verdict(&id("2"), "bob", &claims), Verdict::Refused);
        assert!(access.admits_only(&id("1"), &claims) && !access.admits_only(&id("2"), &claims));
    }

    #[test]
    fn a_listed_name_belongs_to_its_first_account() {
        let access = Access::Listed(vec![Listed::Name(name("ada")), Listed::Account(id("7"))]);
        let claims_ada = Verdict::IfItClaims(Claimed::Name(name("ada")));
        assert_eq!(access.verdict(&id("1"), "Ada", &[claim("*", "9")]), claims_ada);
        let claims = [claim("ada", "1")];
        assert_eq!(
            access.verdict(&id("1"), "renamed", &claims),
            Verdict::Allowed,
            "a rename changes nothing"
        );
        assert_eq!(access.verdict(&id("2"), "ada", &claims), Verdict::Refused, "the name was recycled");
        assert_eq!(access.verdict(&id("7"), "anything", &claims), Verdict::Allowed);
        assert_eq!(access.verdict(&id("3"), "mallory", &claims), Verdict::Refused);
        assert_eq!(
            access.verdict(&id("9"), "x", &[claim("*", "9")]),
            Verdict::Refused,
            "a list is all there is"
        );
        assert_eq!(access.verdict(&id("3"), "not a login", &claims), Verdict::Refused);
    }

    #[test]
    fn a_claim_on_a_name_that_is_not_listed_any_more_gives_nothing() {
        let access = Access::Listed(vec![Listed::Name(name("bob"))]);
        assert_eq!(access.verdict(&id("1"), "ada", &[claim("ada", "1")]), Verdict::Refused);
    }

    #[test]
    fn a_list_that_names_one_account_twice_admits_it_alone() {
        let access = Access::Listed(vec![Listed::Name(name("ada")), Listed::Account(id("1"))]);
        assert!(access.admits_only(&id("1"), &[claim("ada", "1")]));
        assert!(!access.admits_only(&id("1"), &[]), "whose the name will be is open");
    }
}
