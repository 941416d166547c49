//! The chatters of a crowd: names, colours and badges.

use crate::chat::line::{Badge, Chatter};

const FIRST: [&str; 16] = [
    "Turbo", "Sleepy", "Pixel", "Salty", "Cosmic", "Quiet", "Mega", "Lucky", "Retro", "Sneaky", "Fluffy",
    "Spicy", "Frozen", "Tiny", "Golden", "Chill",
];
const SECOND: [&str; 15] = [
    "Otter", "Badger", "Waffle", "Comet", "Pickle", "Falcon", "Noodle", "Goblin", "Panda", "Muffin", "Raven",
    "Toaster", "Gecko", "Walrus", "Biscuit",
];
const COLORS: [&str; 8] = ["#1E90FF", "#FF69B4", "#00FF7F", "#FF4500", "#9ACD32", "#8A2BE2", "#DAA520", ""];

/// Returns `count` different chatters, always the same ones.
pub(crate) fn cast(count: usize) -> Vec<Chatter> {
    (0..count).map(person).collect()
}

fn person(index: usize) -> Chatter {
    // Every pair of names occurs once before the first repeats, because 16 + 1 and 15 have no common divisor. After
    // that, numbers distinguish them.
    let first = FIRST[index % FIRST.len()];
    let second = SECOND[(index + index / FIRST.len()) % SECOND.len()];
    let pairs = FIRST.len() * SECOND.len();
    let number = if index < pairs { String::new() } else { (index / pairs + 1).to_string() };
    let name = format!("{first}{second}{number}");
    Chatter {
        id: (700_000_001 + index).to_string(),
        login: name.to_lowercase(),
        name,
        color: COLORS[index % COLORS.len()].to_owned(),
        badges: badges(index),
    }
}

fn badges(index: usize) -> Vec<Badge> {
    match index % 10 {
        1 => vec![Badge::new("moderator", "1", "")],
        2 => vec![Badge::new("vip", "1", "")],
        3 | 4 => vec![Badge::new("subscriber", "12", "16")],
        5 => vec![Badge::new("subscriber", "3", "4")],
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nobody_shares_a_name_or_an_id() {
        let cast = cast(1_000);
        let names: BTreeSet<&str> = cast.iter().map(|chatter| &*chatter.login).collect();
        let ids: BTreeSet<&str> = cast.iter().map(|chatter| &*chatter.id).collect();
        assert_eq!((names.len(), ids.len()), (1_000, 1_000));
    }
}
