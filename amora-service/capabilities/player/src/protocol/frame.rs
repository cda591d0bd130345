//! The answer to one command.

/// The fields of one command's answer, in order, and the binary part if there was one.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// Lines of `key: value`, each ended by a line break: one allocation for any number of fields.
    text: String,
    binary: Option<Vec<u8>>,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.fields()).finish()?;
        match &self.binary {
            Some(binary) => write!(f, " + {} bytes", binary.len()),
            None => Ok(()),
        }
    }
}

impl Frame {
    pub(super) fn push_line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    pub(super) fn set_binary(&mut self, bytes: Vec<u8>) {
        self.binary = Some(bytes);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty() && self.binary.is_none()
    }

    /// Every field in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        // The decoder lets no line without a colon in.
        self.text.split_terminator('\n').map(|line| {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            (key, value.strip_prefix(' ').unwrap_or(value))
        })
    }

    /// The first value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.fields()
            .find(|(known, _)| *known == key)
            .map(|(_, value)| value)
    }

    /// The first value of a key, read as a number or anything else that can be parsed.
    pub fn parse<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.get(key)?.parse().ok()
    }

    /// Every value of a key.
    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields()
            .filter(move |(known, _)| *known == key)
            .map(|(_, value)| value)
    }

    /// The fields split into objects: each begins at a field whose key is in `starts`.
    pub fn objects<'a>(&'a self, starts: &[&str]) -> Vec<Vec<(&'a str, &'a str)>> {
        let mut objects: Vec<Vec<_>> = Vec::new();
        for field in self.fields() {
            if starts.contains(&field.0) {
                objects.push(vec![field]);
            } else if let Some(object) = objects.last_mut() {
                object.push(field);
            }
        }
        objects
    }

    /// The binary part.
    pub fn binary(&self) -> Option<&[u8]> {
        self.binary.as_deref()
    }
}
