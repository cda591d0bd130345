//! What this box is: the version of its image and its board, as SWUpdate knows them.

use std::fs;
use std::path::Path;

/// What this box is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Machine {
    /// The version of the running image; empty where it is none of ours.
    pub(crate) version: String,
    /// The name of its system.
    pub(crate) system: String,
    /// The board's name and revision; empty where the image does not say.
    pub(crate) board: (String, String),
}

impl Machine {
    /// Reads it below the folder that stands for `/`.
    pub(crate) fn read(root: &Path) -> Self {
        let text = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
        let release = text("etc/os-release");
        let revision = text("etc/hwrevision");
        let mut words = revision.split_whitespace().map(str::to_owned);
        Self {
            version: variable(&release, "IMAGE_VERSION").unwrap_or_default(),
            system: variable(&release, "NAME").unwrap_or_default(),
            board: (words.next().unwrap_or_default(), words.next().unwrap_or_default()),
        }
    }
}

/// The value of a shell variable, without its quotes.
fn variable(text: &str, name: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
    Some(value.trim().trim_matches(['"', '\'']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_says_what_it_is_and_a_laptop_does_not() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Machine::read(root.path()), Machine::default());
        fs::create_dir(root.path().join("etc")).unwrap();
        let release = "ID=amora\nNAME=AmoraOS\nIMAGE_ID=amora\nIMAGE_VERSION=\"1.2.3\"\nVARIANT_ID=dev\n";
        fs::write(root.path().join("etc/os-release"), release).unwrap();
        fs::write(root.path().join("etc/hwrevision"), "amora-qemu 1.0\n").unwrap();
        let expected = Machine {
            version: "1.2.3".to_owned(),
            system: "AmoraOS".to_owned(),
            board: ("amora-qemu".to_owned(), "1.0".to_owned()),
        };
        assert_eq!(Machine::read(root.path()), expected);
    }
}
