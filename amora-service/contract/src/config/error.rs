//! What is wrong with a configuration: everything at once, each with its place.

use super::layers::Origin;

/// A configuration that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// Everything that is wrong, in the order of the layers.
    pub problems: Vec<Problem>,
}

/// One mistake in a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it was written.
    pub origin: Origin,
    /// The setting's dotted path; `None` when a whole file or flag is at fault.
    pub setting: Option<String>,
    /// What is wrong and what would be right.
    pub message: String,
}

impl Problem {
    /// A problem of one setting.
    pub(super) fn of(origin: Origin, setting: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            origin,
            setting: Some(setting.into()),
            message: message.into(),
        }
    }

    /// A problem of a whole file, variable or flag.
    pub(super) fn whole(origin: Origin, message: impl Into<String>) -> Self {
        Self {
            origin,
            setting: None,
            message: message.into(),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.origin.place())?;
        if let Some(setting) = &self.setting {
            write!(f, ": `{setting}`")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.problems.len() {
            1 => write!(f, "the configuration has a mistake:")?,
            count => write!(f, "the configuration has {count} mistakes:")?,
        }
        self.problems
            .iter()
            .try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for ConfigError {}

/// The nearest of `names` to what was written, if one is near enough to be what was meant.
pub(super) fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |name: &str| name.to_lowercase().replace(['_', '-'], "");
    let wanted = plain(written);
    if wanted.chars().count() > 64 {
        return None;
    }
    names
        .map(|name| (distance(&wanted, &plain(name)), name))
        .filter(|(distance, name)| *distance <= 1 + name.len() / 4)
        .min()
        .map(|(_, name)| name)
}

/// Single-character edits between two words; swapping two neighbours counts as one.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=right.len()).collect();
    for i in 1..=left.len() {
        for j in 1..=right.len() {
            let changed = usize::from(left[i - 1] != right[j - 1]);
            let mut best = (rows[i - 1][j] + 1)
                .min(rows[i][j - 1] + 1)
                .min(rows[i - 1][j - 1] + changed);
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_slips_find_the_name_meant_and_other_words_do_not() {
        let names = ["period", "periods", "profile", "real_time_priority"];
        let near = |written| nearest(written, names.into_iter());
        assert_eq!(near("perdio"), Some("period"));
        assert_eq!(near("profil"), Some("profile"));
        assert_eq!(near("realTimePriority"), Some("real_time_priority"));
        assert_eq!(near("colour"), None);
        assert_eq!(near(&"p".repeat(10_000)), None);
    }
}
