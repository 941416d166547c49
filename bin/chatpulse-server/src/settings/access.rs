//! Who may log in.

use chatpulse_domain::access::{Access, Listed};
use chatpulse_domain::ids::TwitchUserId;

use super::reader::Reader;

const EXPECTED: &str = "a comma list of Twitch logins or user ids, such as `your_channel, 141981764`, or `*` alone for everybody";

/// Reads `ALLOWED_STREAMERS`. Without it a Solo is for its first streamer, or for the configured bot alone, and a fleet is
/// for everybody. In production nobody may claim a Solo by being first.
pub(super) fn read(
    reader: &mut Reader<'_>,
    production: bool,
    solo: bool,
    bot: Option<&TwitchUserId>,
) -> Option<Access> {
    let given = reader.optional("ALLOWED_STREAMERS", EXPECTED, parse)?;
    match given {
        Some(access) => Some(access),
        None if !solo => Some(Access::Everybody),
        None if bot.is_some() => bot.map(|bot| Access::Listed(vec![Listed::Account(bot.clone())])),
        None if production && reader.text("BOT_USER_ID").is_none() => {
            reader.problem(
                "ALLOWED_STREAMERS",
                "nothing, so whoever logs in first would own this server",
                format!("{EXPECTED}; or BOT_USER_ID, which then is the only account that may log in"),
            );
            None
        }
        None => Some(Access::FirstStreamer),
    }
}

fn parse(text: &str) -> Option<Access> {
    let entries: Vec<&str> = text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).collect();
    match entries.as_slice() {
        [] => None,
        ["*"] => Some(Access::Everybody),
        entries => entries.iter().map(|entry| listed(entry)).collect::<Option<_>>().map(Access::Listed),
    }
}

/// Digits are an id: a login of digits alone would look the same, and its id says whose it is.
fn listed(entry: &str) -> Option<Listed> {
    if entry.bytes().all(|byte| byte.is_ascii_digit()) {
        return TwitchUserId::new(entry).ok().map(Listed::Account);
    }
    entry.strip_prefix('@').unwrap_or(entry).parse().ok().map(Listed::Name)
}

#[cfg(test)]
mod tests {
    use chatpulse_telemetry::logging::LogFormat;

    use super::super::environment::Environment;
    use super::*;

    fn id(text: &str) -> TwitchUserId {
        TwitchUserId::new(text).unwrap()
    }

    fn access(list: &str, production: bool, solo: bool, bot: Option<&str>) -> Result<Access, String> {
        let environment = Environment::of(&[("ALLOWED_STREAMERS", list), ("BOT_USER_ID", bot.unwrap_or(""))]);
        let mut reader = Reader::new(&environment);
        let read = read(&mut reader, production, solo, bot.map(id).as_ref());
        reader.finish(LogFormat::Text).map(|()| read.unwrap()).map_err(|problems| problems.report())
    }

    #[test]
    fn without_a_list_a_fleet_is_for_everybody_and_a_solo_for_one() {
        assert_eq!(access("", true, false, Some("1")), Ok(Access::Everybody));
        assert_eq!(access("", false, true, None), Ok(Access::FirstStreamer));
        let bot_alone = Access::Listed(vec![Listed::Account(id("1"))]);
        assert_eq!(access("", true, true, Some("1")), Ok(bot_alone.clone()));
        assert_eq!(access("", false, true, Some("1")), Ok(bot_alone));
    }

    #[test]
    fn in_production_a_solo_says_who_it_is_for() {
        let problem = access("", true, true, None).unwrap_err();
        assert!(problem.contains("ALLOWED_STREAMERS") && problem.contains("BOT_USER_ID"), "{problem}");
        assert_eq!(access("*", true, true, None), Ok(Access::Everybody));
    }

    #[test]
    fn a_list_holds_logins_and_ids() {
        let listed = Access::Listed(vec![
            Listed::Name("ada_1".parse().unwrap()),
            Listed::Account(id("42")),
            Listed::Name("bob".parse().unwrap()),
        ]);
        assert_eq!(access(" Ada_1 ,42,, @bob ", false, true, Some("9")), Ok(listed));
    }

    #[test]
    fn what_is_no_list_is_a_problem() {
        for bad in [",", "*, ada", "ada bob", "https://twitch.tv/ada", "größe", "a-b"] {
            let problem = access(bad, false, true, None).unwrap_err();
            assert!(problem.contains("ALLOWED_STREAMERS"), "{bad}: {problem}");
        }
    }
}
