//! The two sides of a vote.

/// Which end of the bar a vote pulls to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Towards +100.
    For,
    /// Towards −100.
    Against,
}

impl Side {
    /// Both sides, for code that treats them alike.
    pub const BOTH: [Self; 2] = [Self::For, Self::Against];

    /// `for` or `against`: the word in JSON, Redis and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::For => "for",
            Self::Against => "against",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_has_its_word() {
        assert_eq!(Side::BOTH.map(Side::as_str), ["for", "against"]);
    }
}
