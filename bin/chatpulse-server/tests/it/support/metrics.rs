//! `/metrics` parsed into numbers.

use super::server::Server;

/// One scrape.
pub(crate) struct Metrics {
    pub(crate) text: String,
}

/// One sample line.
#[derive(Debug, PartialEq)]
pub(crate) struct Series<'a> {
    pub(crate) name: &'a str,
    pub(crate) labels: Vec<(&'a str, &'a str)>,
    pub(crate) value: f64,
}

impl Metrics {
    pub(crate) async fn of(server: &Server) -> Self {
        let response = server.http.get(server.url("/metrics")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        Self { text: response.text().await.unwrap() }
    }

    pub(crate) fn series(&self) -> impl Iterator<Item = Series<'_>> {
        self.text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(read)
    }

    /// Returns the value of one series; panics if it is missing.
    #[track_caller]
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.series()
            .find(|series| series.name == name && labels.iter().all(|label| series.labels.contains(label)))
            .unwrap_or_else(|| panic!("{name}{labels:?} is not in\n{}", self.text))
            .value
    }

    /// Sums all series of this name.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        self.series().filter(|series| series.name == name).map(|series| series.value).sum()
    }
}

fn read(line: &str) -> Series<'_> {
    let (head, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = head.split_once('{').unwrap_or((head, ""));
    let labels = labels
        .trim_end_matches('}')
        .split("\",")
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (label, value) = pair.split_once("=\"").unwrap();
            (label, value.trim_end_matches('"'))
        })
        .collect();
    Series { name, labels, value: value.parse().unwrap() }
}
