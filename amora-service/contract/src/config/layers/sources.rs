//! Which documents, variables and flags a configuration is read from.

use std::path::PathBuf;

/// The image's file.
pub const SYSTEM_FILE: &str = "/etc/amora/amora.toml";

/// This one box's file.
pub const USER_FILE: &str = "/data/amora/amora.toml";

/// Where to read the configuration from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Name and text of the recipe that stands in when neither file exists.
    pub recipe: Option<(String, String)>,
    /// The image's file.
    pub system: ConfigFile,
    /// This one box's file; it wins over the image's.
    pub user: ConfigFile,
    /// Whether what `system.configure` keeps in the data folder counts too.
    pub kept: bool,
    /// Environment variables; all but the box's own are passed over.
    pub environment: Vec<(String, String)>,
    /// The original voice client's flags: the flag's name, the variable that it stands for, and its value.
    pub original_flags: Vec<(&'static str, &'static str, String)>,
    /// Settings given as flags, which win over the original's: the flag's name, for example `--set`, and `PATH=VALUE`.
    pub flags: Vec<(String, String)>,
}

/// A configuration file that may or must be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ConfigFile {
    /// None at all.
    #[default]
    None,
    /// At its usual place, where it may be missing.
    Usual(PathBuf),
    /// Named by somebody: it must exist.
    Named(PathBuf),
}

impl Sources {
    /// The usual files, what `system.configure` keeps, and the environment of this process.
    pub fn usual() -> Self {
        let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
        Self {
            system: ConfigFile::Usual(PathBuf::from(SYSTEM_FILE)),
            user: ConfigFile::Usual(PathBuf::from(USER_FILE)),
            kept: true,
            environment: std::env::vars_os()
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
            ..Self::default()
        }
    }

    /// One file and nothing else, for checking it.
    pub fn only(file: impl Into<PathBuf>) -> Self {
        Self {
            user: ConfigFile::Named(file.into()),
            ..Self::default()
        }
    }

    /// With the recipe that stands in when neither file exists.
    #[must_use]
    pub fn recipe(mut self, name: &str, text: &str) -> Self {
        self.recipe = Some((name.to_owned(), text.to_owned()));
        self
    }

    /// With another file in the place of the image's, if one is named.
    #[must_use]
    pub fn system_file(mut self, file: Option<PathBuf>) -> Self {
        self.system = file.map_or(self.system, ConfigFile::Named);
        self
    }

    /// With another file in the place of this box's, if one is named.
    #[must_use]
    pub fn user_file(mut self, file: Option<PathBuf>) -> Self {
        self.user = file.map_or(self.user, ConfigFile::Named);
        self
    }

    /// With one of the original voice client's flags, if it is given: its name, the variable that it stands for, and
    /// its value.
    ///
    /// # Panics
    /// [`load`](super::load) panics where there is no such variable.
    #[must_use]
    pub fn original_flag(
        mut self,
        name: &'static str,
        variable: &'static str,
        value: Option<String>,
    ) -> Self {
        let flag = value.map(|value| (name, variable, value));
        self.original_flags.extend(flag);
        self
    }

    /// With one more setting from a flag: the flag's name, for example `--set`, and `PATH=VALUE`.
    #[must_use]
    pub fn flag(mut self, name: &str, assignment: impl Into<String>) -> Self {
        self.flags.push((name.to_owned(), assignment.into()));
        self
    }
}
