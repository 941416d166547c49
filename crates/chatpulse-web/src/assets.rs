//! The style sheets, scripts and images of the pages, embedded in the binary.
//!
//! Every file is served as `/assets/NAME.HASH.EXT` and may be cached forever, because changed content gets another
//! name. Views call [`url()`], the handler calls [`find`]. Files refer to each other as `"./bar.js"`; these names are
//! replaced by hashed names once, so a changed file changes the names of all files that use it.

use std::fmt::Write as _;
use std::sync::LazyLock;

use bytes::Bytes;

/// The path where the handler of [`find`] is mounted.
pub(crate) const PREFIX: &str = "/assets/";

/// A file as it is served.
#[derive(Debug)]
pub(crate) struct Asset {
    /// The whole path, including the hash.
    url: String,
    pub(crate) content_type: &'static str,
    /// Cheap to clone: reference-counted.
    pub(crate) body: Bytes,
}

/// Returns the URL of a file, for views.
pub(crate) fn url(file: File) -> &'static str {
    &ASSETS[file as usize].url
}

/// Returns the file that is served under `path_name`, the part of the path after [`PREFIX`].
pub(crate) fn find(path_name: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.url.strip_prefix(PREFIX) == Some(path_name))
}

/// Declares [`File`] and [`SOURCES`] together, so that the number of a variant is its index.
macro_rules! files {
    ($($file:ident = $name:literal,)+) => {
        /// Every file that a page can request.
        #[expect(dead_code, reason = "some files are asked for only by other files")]
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum File { $($file,)+ }

        const SOURCES: &[Source] = &[$(
            Source { name: $name, text: include_str!(concat!("../assets/", $name)) },
        )+];
    };
}

// List a file after the files it refers to: their hashes are part of its content.
files! {
    Favicon = "favicon.svg",
    Backdrop = "backdrop.svg",
    TokensCss = "tokens.css",
    BarCss = "bar.css",
    ShapesCss = "shapes.css",
    OverlayCss = "overlay.css",
    AppCss = "app.css",
    DashboardCss = "dashboard.css",
    DashboardFormCss = "dashboard-form.css",
    DashboardSidebarCss = "dashboard-sidebar.css",
    LoginCss = "login.css",
    BootJs = "boot.js",
    ColourJs = "colour.js",
    CourseJs = "course.js",
    ShapesJs = "shapes.js",
    NumbersJs = "numbers.js",
    BarJs = "bar.js",
    AppearanceJs = "appearance.js",
    OverlayPageJs = "overlay-page.js",
    ConnectionJs = "connection.js",
    RetryJs = "retry.js",
    OverlayJs = "overlay.js",
    LoginJs = "login.js",
    ApiJs = "api.js",
    SentenceJs = "sentence.js",
    ChipsJs = "chips.js",
    QuestionsJs = "questions.js",
    TryLineJs = "try-line.js",
    FieldsJs = "fields.js",
    SettingsJs = "settings.js",
    PreviewJs = "preview.js",
    AddressJs = "address.js",
    StatusJs = "status.js",
    DashboardJs = "dashboard.js",
}

struct Source {
    name: &'static str,
    text: &'static str,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let mut assets: Vec<Asset> = Vec::with_capacity(SOURCES.len());
    for source in SOURCES {
        let text = with_hashed_names(source.text, &assets);
        assets.push(Asset {
            url: hashed_url(source.name, &text),
            content_type: content_type(source.name),
            body: Bytes::from(text),
        });
    }
    assets
});

/// Replaces `"./bar.js"` by `"/assets/bar.HASH.js"` for the files in `named`.
fn with_hashed_names(text: &str, named: &[Asset]) -> String {
    SOURCES.iter().zip(named).fold(text.to_owned(), |text, (source, asset)| {
        text.replace(&format!("\"./{}\"", source.name), &format!("\"{}\"", asset.url))
    })
}

/// Adds sixteen hexadecimal digits of SHA-256, so that two versions of a file never share a name.
fn hashed_url(name: &str, text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let hash = digest.as_ref().iter().take(8).fold(String::new(), |mut hash, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hash, "{byte:02x}");
        hash
    });
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, "txt"));
    format!("{PREFIX}{stem}.{hash}.{extension}")
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "text/plain; charset=utf-8",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_found_under_its_own_url_and_under_no_other() {
        for (asset, source) in ASSETS.iter().zip(SOURCES) {
            let path_name = asset.url.strip_prefix(PREFIX).unwrap();
            assert_eq!(find(path_name).unwrap().url, asset.url);
            assert!(find(source.name).is_none(), "{} is served without its hash", source.name);
        }
    }

    #[test]
    fn a_variant_stands_for_the_file_of_its_name() {
        assert!(url(File::Favicon).starts_with("/assets/favicon."));
        assert!(url(File::DashboardJs).starts_with("/assets/dashboard."));
    }

    #[test]
    fn no_file_names_another_without_its_hash() {
        for (asset, source) in ASSETS.iter().zip(SOURCES) {
            let text = str::from_utf8(&asset.body).unwrap();
            assert!(!text.contains("\"./"), "{} names a file that comes after it", source.name);
            assert!(!text.contains("'./"), "{} names a file in single quotes", source.name);
        }
    }

    #[test]
    fn a_name_follows_the_bytes() {
        assert_ne!(hashed_url("bar.js", "one"), hashed_url("bar.js", "two"));
        assert_eq!(hashed_url("bar.js", "one"), hashed_url("bar.js", "one"));
    }

    #[test]
    fn scripts_and_styles_say_what_they_are() {
        assert_eq!(content_type("bar.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("bar.css"), "text/css; charset=utf-8");
        assert_eq!(content_type("favicon.svg"), "image/svg+xml");
    }
}
