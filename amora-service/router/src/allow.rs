//! Which commands a door may use.

/// Command names and `section.*` patterns.
#[derive(Debug, Clone, Default)]
pub struct AllowList(Vec<String>);

impl AllowList {
    /// A list from the configuration.
    pub fn new(patterns: &[String]) -> Self {
        Self(patterns.to_vec())
    }

    /// A list that permits everything.
    pub fn everything() -> Self {
        Self(vec!["*".to_owned()])
    }

    /// Whether the command of this name may pass.
    pub fn permits(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => pattern == name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_sections_pass_and_nothing_else() {
        let allow = AllowList::new(&["player.*".to_owned(), "audio.test".to_owned()]);
        assert!(allow.permits("player.play"));
        assert!(allow.permits("audio.test"));
        assert!(!allow.permits("audio.chime"));
        assert!(!allow.permits("players.play"));
        assert!(!AllowList::default().permits("player.play"));
        assert!(AllowList::everything().permits("system.reload"));
    }
}
