//! How a crate declares the metric families that it feeds.
//!
//! Each crate that counts something exports a list of [`Family`] beside the code that feeds it; the server collects the
//! lists, starts every series at zero and checks the operators' page against them. A declaration is plain data: whoever
//! reads it needs no metrics library.

/// Upper bounds for durations in seconds: from a tenth of a millisecond, a vote in memory, to the longest deadline.
pub const SECONDS: &[f64] =
    &[0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// One metric family. Names follow `<part>_<what>_<unit or total>`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Family {
    /// Its name in Prometheus.
    pub name: &'static str,
    /// What kind of figure it is.
    pub kind: Kind,
    /// How it is split.
    pub labels: Labels,
    /// One sentence for operators.
    pub help: &'static str,
}

/// What kind of figure a family is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution, counted in buckets with these upper bounds.
    Histogram(&'static [f64]),
}

/// A family's labels. Values come from small fixed sets, never from users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// One series.
    None,
    /// One label, one series for each value.
    One(&'static str, &'static [&'static str]),
    /// Two labels, one series for each pair of values.
    Two((&'static str, &'static [&'static str]), (&'static str, &'static [&'static str])),
    /// These labels, with values that appear as they happen, such as a server's routes. One set of values is there from
    /// the start; none if it is empty.
    Open(&'static [&'static str], &'static [&'static str]),
}

/// The labels of one series.
pub type Series = Vec<(&'static str, &'static str)>;

impl Family {
    /// A figure that only rises.
    pub const fn counter(name: &'static str, labels: Labels, help: &'static str) -> Self {
        Self { name, kind: Kind::Counter, labels, help }
    }

    /// A figure that goes up and down.
    pub const fn gauge(name: &'static str, labels: Labels, help: &'static str) -> Self {
        Self { name, kind: Kind::Gauge, labels, help }
    }

    /// A distribution of durations in seconds, in the buckets of [`SECONDS`].
    pub const fn histogram(name: &'static str, labels: Labels, help: &'static str) -> Self {
        Self { name, kind: Kind::Histogram(SECONDS), labels, help }
    }

    /// The same distribution in other buckets.
    #[must_use]
    pub const fn in_buckets(self, buckets: &'static [f64]) -> Self {
        Self { kind: Kind::Histogram(buckets), ..self }
    }
}

impl Labels {
    /// The label sets that are known from the start.
    pub fn series(&self) -> Vec<Series> {
        match *self {
            Self::None => vec![Vec::new()],
            Self::One(label, values) => values.iter().map(|value| vec![(label, *value)]).collect(),
            Self::Two((first, firsts), (second, seconds)) => {
                let pairs = |value| seconds.iter().map(move |other| vec![(first, value), (second, *other)]);
                firsts.iter().flat_map(|value| pairs(*value)).collect()
            }
            Self::Open(_, []) => Vec::new(),
            Self::Open(labels, first) => vec![labels.iter().copied().zip(first.iter().copied()).collect()],
        }
    }
}

/// What either database feeds; `queries` are the names of its queries.
pub const fn database_families(queries: &'static [&'static str]) -> [Family; 3] {
    [
        Family::histogram(
            "db_query_duration_seconds",
            Labels::One("query", queries),
            "Time in the database, by query.",
        ),
        Family::gauge(
            "db_connections_current",
            Labels::One("state", &["active", "idle"]),
            "Database connections by state.",
        ),
        Family::counter("db_errors_total", Labels::One("query", queries), "Queries that failed, by query."),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_of_values_is_a_series() {
        let labels = Labels::Two(("operation", &["cast", "read"]), ("status", &["ok", "timeout"]));
        assert_eq!(
            labels.series(),
            [
                [("operation", "cast"), ("status", "ok")],
                [("operation", "cast"), ("status", "timeout")],
                [("operation", "read"), ("status", "ok")],
                [("operation", "read"), ("status", "timeout")],
            ]
        );
        assert_eq!(Labels::One("side", &["for"]).series(), [[("side", "for")]]);
        assert_eq!(Labels::None.series(), [Series::new()]);
    }

    #[test]
    fn open_labels_start_with_their_first_set_or_with_nothing() {
        assert_eq!(Labels::Open(&["route"], &["/metrics"]).series(), [[("route", "/metrics")]]);
        assert_eq!(Labels::Open(&["version"], &[]).series(), Vec::<Series>::new());
    }
}
