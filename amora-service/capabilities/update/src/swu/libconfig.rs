//! As much of the libconfig language as a `sw-description` is written in, with bounds on depth and size.

/// Deepest nesting.
const DEEPEST: usize = 16;

/// Most values.
const MOST: usize = 20_000;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// A text.
    Text(String),
    /// A number or a truth value, as it is written.
    Word(String),
    /// Settings by name, in order.
    Group(Vec<(String, Value)>),
    /// A list or an array.
    List(Vec<Value>),
}

impl Value {
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Group(settings) => settings
                .iter()
                .find(|(known, _)| known == name)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Reads a whole file: the settings of its outermost group. The error says what is wrong.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let mut parser = Parser {
        rest: text,
        values: 0,
    };
    let settings = parser.settings(0, None)?;
    Ok(Value::Group(settings))
}

struct Parser<'a> {
    rest: &'a str,
    values: usize,
}

impl Parser<'_> {
    /// Settings up to `close`, or to the end of the file.
    fn settings(&mut self, depth: usize, close: Option<char>) -> Result<Vec<(String, Value)>, String> {
        let mut settings = Vec::new();
        loop {
            self.skip()?;
            match (self.peek(), close) {
                (None, None) => return Ok(settings),
                (None, Some(_)) => return Err("a group is not closed".to_owned()),
                (Some(c), Some(close)) if c == close => {
                    self.rest = &self.rest[1..];
                    return Ok(settings);
                }
                (Some(';' | ','), _) if !settings.is_empty() => self.rest = &self.rest[1..],
                _ => {
                    let name = self.name()?;
                    self.skip()?;
                    if !self.take('=') && !self.take(':') {
                        return Err(format!("`{name}` has no value"));
                    }
                    settings.push((name, self.value(depth + 1)?));
                }
            }
        }
    }

    fn value(&mut self, depth: usize) -> Result<Value, String> {
        self.values += 1;
        if depth > DEEPEST || self.values > MOST {
            return Err("it is nested too deeply or too long".to_owned());
        }
        self.skip()?;
        match self.peek() {
            Some('{') => {
                self.rest = &self.rest[1..];
                Ok(Value::Group(self.settings(depth, Some('}'))?))
            }
            Some(open @ ('(' | '[')) => {
                self.rest = &self.rest[1..];
                self.list(depth, if open == '(' { ')' } else { ']' })
            }
            Some('"') => self.texts(),
            Some(_) => {
                let end = self
                    .rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)));
                let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
                if word.is_empty() {
                    return Err(format!("`{}` is no value", first(self.rest)));
                }
                self.rest = rest;
                Ok(Value::Word(word.to_owned()))
            }
            None => Err("a value is missing at the end".to_owned()),
        }
    }

    fn list(&mut self, depth: usize, close: char) -> Result<Value, String> {
        let mut values = Vec::new();
        loop {
            self.skip()?;
            if self.take(close) {
                return Ok(Value::List(values));
            }
            if !values.is_empty() {
                if !self.take(',') {
                    return Err("a list is not closed".to_owned());
                }
                self.skip()?;
                if self.take(close) {
                    return Ok(Value::List(values));
                }
            }
            values.push(self.value(depth + 1)?);
        }
    }

    /// One text, which may be written in several pieces.
    fn texts(&mut self) -> Result<Value, String> {
        let mut text = String::new();
        while self.take('"') {
            loop {
                let mut characters = self.rest.chars();
                let c = characters.next().ok_or("a text is not closed")?;
                self.rest = characters.as_str();
                match c {
                    '"' => break,
                    '\\' => {
                        let escaped = characters.next().ok_or("a text is not closed")?;
                        self.rest = characters.as_str();
                        text.push(match escaped {
                            'n' => '\n',
                            'r' => '\r',
                            't' => '\t',
                            other => other,
                        });
                    }
                    c => text.push(c),
                }
            }
            self.skip()?;
        }
        Ok(Value::Text(text))
    }

    fn name(&mut self) -> Result<String, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_*.".contains(c);
        let end = self.rest.find(|c| !allowed(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '*') {
            return Err(format!("`{}` is no name", first(self.rest)));
        }
        self.rest = rest;
        Ok(name.to_owned())
    }

    /// Skips space and comments.
    fn skip(&mut self) -> Result<(), String> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with('#') || self.rest.starts_with("//") {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                self.rest = comment.split_once("*/").ok_or("a comment is not closed")?.1;
            } else {
                return Ok(());
            }
        }
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

fn first(rest: &str) -> String {
    rest.chars().take(16).take_while(|c| !c.is_control()).collect()
}
