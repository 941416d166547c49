//! Where pictures are kept.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::tab::Tab;

/// The folder of this repository.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Keeps a picture for whoever wants to look: `screenshots/NAME.png`.
pub(crate) fn keep(name: &str, png: &[u8]) -> anyhow::Result<()> {
    let folder =
        env::var_os("SCREENSHOTS_DIR").map_or_else(|| workspace().join("screenshots"), PathBuf::from);
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{name}.png"));
    fs::write(&file, png).with_context(|| format!("{} could not be written", file.display()))
}

/// As an address that a page can show without asking anybody.
pub(crate) fn inline(media_type: &str, bytes: &[u8]) -> String {
    format!("data:{media_type};base64,{}", BASE64.encode(bytes))
}

/// What lies around the bar is nothing, and the bar is something.
pub(crate) async fn assert_transparent(painter: &Tab, png: &[u8]) -> anyhow::Result<()> {
    let (corner, middle): (u8, u8) = painter
        .eval(&format!(
            "(async () => {{
                const image = new Image();
                image.src = {:?};
                await image.decode();
                const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
                canvas.drawImage(image, 0, 0);
                const alpha = (x, y) => canvas.getImageData(x, y, 1, 1).data[3];
                return [alpha(1, 1), alpha(image.width / 2, image.height / 2)];
            }})()",
            inline("image/png", png)
        ))
        .await?;
    ensure!(corner == 0, "the corner of the overlay has an opacity of {corner}");
    ensure!(middle > 100, "the bar has an opacity of {middle}");
    Ok(())
}
