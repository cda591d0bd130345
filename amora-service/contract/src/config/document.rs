//! One TOML document: its settings, each with its line and column.

use super::error::{Problem, nearest};
use super::layers::{Given, Origin};
use super::settings::{Kind, Setting, excerpt, settings};
use serde_json::Value;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// Longest document that is read; a real one is a hundred times shorter.
pub(super) const LIMIT: usize = 1024 * 1024;

/// More syntax errors than these are the consequence of the first ones.
const SYNTAX_ERRORS: usize = 10;

/// Reads the settings of a document. `origin` gives the origin of a line and column.
pub(super) fn read(
    text: &str,
    origin: impl Fn(usize, usize) -> Origin,
    given: &mut Vec<Given>,
    problems: &mut Vec<Problem>,
) {
    if text.len() > LIMIT {
        problems.push(Problem::whole(
            origin(0, 0),
            format!("is larger than {} KiB", LIMIT / 1024),
        ));
        return;
    }
    let first = problems.len();
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut reader = Reader {
        text,
        origin,
        given,
        problems,
    };
    if errors.is_empty() {
        reader.table(table.get_ref(), "");
        problems[first..].sort_by_key(|problem| problem.origin.position());
        return;
    }
    for error in errors.iter().take(SYNTAX_ERRORS) {
        let origin = reader.origin(error.span().unwrap_or(0..0));
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        reader
            .problems
            .push(Problem::whole(origin, format!("is not TOML: {message}")));
    }
}

struct Reader<'a, F> {
    text: &'a str,
    origin: F,
    given: &'a mut Vec<Given>,
    problems: &'a mut Vec<Problem>,
}

impl<F: Fn(usize, usize) -> Origin> Reader<'_, F> {
    fn origin(&self, span: Range<usize>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.matches('\n').count() + 1;
        (self.origin)(line, before[line_start..].chars().count() + 1)
    }

    fn table(&mut self, table: &DeTable<'_>, prefix: &str) {
        for (key, value) in table {
            let name = segment(key.get_ref());
            let path = match prefix {
                "" => name.clone(),
                _ => format!("{prefix}.{name}"),
            };
            let Some(setting) = settings().get(&path) else {
                let origin = self.origin(key.span());
                self.problems.push(unknown(origin, &path, prefix, &name));
                continue;
            };
            match (&setting.kind, value.get_ref()) {
                (Kind::Section { .. }, DeValue::Table(inner)) => {
                    let origin = self.origin(key.span());
                    self.given.push(Given {
                        path: path.clone(),
                        value: Value::Null,
                        origin,
                    });
                    self.table(inner, &path);
                }
                (Kind::Section { .. }, _) => {
                    let origin = self.origin(key.span());
                    let message =
                        format!("is a section: write `[{path}]` on a line of its own, its settings below");
                    self.problems.push(Problem::of(origin, path, message));
                }
                (_, value_read) => {
                    let origin = self.origin(value.span());
                    self.setting(setting, value_read, origin);
                }
            }
        }
    }

    fn setting(&mut self, setting: &Setting, value: &DeValue<'_>, origin: Origin) {
        let checked = match json(value) {
            Ok(value) => setting.check(value),
            Err(kind) => Err(format!("must be {}, not {kind}", setting.kind)),
        };
        match checked {
            Ok(value) => self.given.push(Given {
                path: setting.path.clone(),
                value,
                origin,
            }),
            Err(message) => self.problems.push(Problem::of(origin, &setting.path, message)),
        }
    }
}

/// A key as TOML writes it: quoted where it must be, so that it cannot be taken for a dotted path.
pub(super) fn segment(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !key.is_empty() && key.chars().all(bare) {
        true => excerpt(key),
        false => format!("{:?}", excerpt(key)),
    }
}

/// A value as JSON, or what it is where JSON or the configuration has no such thing.
fn json(value: &DeValue<'_>) -> Result<Value, &'static str> {
    Ok(match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map(Value::from)
            .map_err(|_| "a number beyond 64 bits")?,
        DeValue::Float(float) => {
            let number = float
                .as_str()
                .parse::<f64>()
                .ok()
                .and_then(serde_json::Number::from_f64);
            Value::from(number.ok_or("a number without an end")?)
        }
        DeValue::Array(items) => items
            .iter()
            .map(|item| json(item.get_ref()))
            .collect::<Result<Vec<_>, _>>()?
            .into(),
        DeValue::Datetime(_) => return Err("a date"),
        DeValue::Table(_) => return Err("a section"),
    })
}

/// A key that no setting has, with the one that was probably meant.
pub(super) fn unknown(origin: Origin, path: &str, prefix: &str, name: &str) -> Problem {
    let all = || settings().keys().map(String::as_str);
    let parent = |path: &str| path.rsplit_once('.').map_or("", |(parent, _)| parent).to_owned();
    let last = |path: &'static str| path.rsplit('.').next().unwrap_or(path);
    let siblings = all().filter(|known| parent(known) == prefix).map(last);
    let elsewhere = all()
        .filter(|known| last(known) == name)
        .min_by_key(|known| known.matches('.').count());
    let message = match (nearest(name, siblings), elsewhere) {
        (Some(near), _) if prefix.is_empty() => format!("there is no such setting; did you mean `{near}`?"),
        (Some(near), _) => format!("there is no such setting; did you mean `{prefix}.{near}`?"),
        (None, Some(other)) => format!("there is no such setting here; did you mean `{other}`?"),
        (None, None) => "there is no such setting".to_owned(),
    };
    Problem::of(origin, path, message)
}
