//! What is left in the files of a database after an account was deleted.

use std::path::Path;

use chatpulse_domain::ids::StreamerId;
use chatpulse_domain::login::SealedTokens;
use chatpulse_domain::overlay::OverlaySettings;
use chatpulse_domain::ports::settings::SettingsRepository;
use chatpulse_domain::ports::streamers::StreamerRepository;
use chatpulse_domain::streamer::TwitchProfile;
use chatpulse_store_embedded::{SqliteFile, SqliteSettings, SqliteStreamers};
use chatpulse_testkit::builders as build;

/// Words that are nowhere else, in both encodings that a file could have them in.
struct Traces(Vec<Vec<u8>>);

impl Traces {
    fn of(name: &str) -> Self {
        let words = [format!("login-of-{name}"), format!("shown-as-{name}"), format!("label-of-{name}")];
        Self(words.into_iter().map(String::into_bytes).chain([sealed(name).0]).collect())
    }

    /// Those that one of the database's files holds.
    fn found_in(&self, folder: &Path) -> Vec<String> {
        let files =
            std::fs::read_dir(folder).unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap());
        let files: Vec<Vec<u8>> = files.collect();
        let is_found = |word: &&Vec<u8>| files.iter().any(|file| contains(file, word));
        self.0.iter().filter(is_found).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
    }
}

fn contains(file: &[u8], word: &[u8]) -> bool {
    file.windows(word.len()).any(|window| window == word)
}

/// As long as real ones, which do not fit into a page with others.
fn sealed(name: &str) -> SealedTokens {
    SealedTokens(format!("tokens-of-{name}-").repeat(40).into_bytes())
}

async fn sign_in(file: &SqliteFile, name: &str) -> StreamerId {
    let profile = TwitchProfile {
        login: format!("login-of-{name}"),
        display_name: format!("shown-as-{name}"),
        ..build::profile(name)
    };
    let streamer = SqliteStreamers::new(file.clone()).sign_in(&profile, &sealed(name)).await.unwrap();
    let settings = SqliteSettings::new(file.clone());
    // Several versions, each of which leaves the one before it behind.
    for version in 0..5 {
        let label = format!("label-of-{name}{}", "!".repeat(version));
        let changed = OverlaySettings { left_label: build::label(&label), ..OverlaySettings::default() };
        settings.save(streamer.id, &changed, None).await.unwrap();
    }
    streamer.id
}

#[tokio::test]
async fn a_deleted_account_leaves_no_byte_in_the_file_or_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let file = SqliteFile::open(folder.path().join("chatpulse.db")).await.unwrap();
    for number in 0..20 {
        sign_in(&file, &format!("neighbour{number}")).await;
    }
    let leaving = sign_in(&file, "the-one-who-leaves").await;
    for number in 20..40 {
        sign_in(&file, &format!("neighbour{number}")).await;
    }
    let traces = Traces::of("the-one-who-leaves");
    assert_eq!(traces.found_in(folder.path()).len(), 4, "this test would notice");
    SqliteStreamers::new(file.clone()).delete(leaving).await.unwrap().unwrap();
    assert_eq!(traces.found_in(folder.path()), Vec::<String>::new());
    assert_eq!(Traces::of("neighbour3").found_in(folder.path()).len(), 4, "others stay");
    file.close().await;
    assert_eq!(traces.found_in(folder.path()), Vec::<String>::new());
}
