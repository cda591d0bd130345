//! MPD's filter expressions.

use crate::protocol::push_escaped;
use amora_contract::CommandError;
use amora_contract::commands::{Tag, TagFilter};

const MAX_WORDS: usize = 16;
const MAX_QUERY: usize = 512;
const MAX_FILTERS: usize = 16;
const MAX_VALUE: usize = 1_024;

/// MPD's name of a tag.
pub(super) fn tag_name(tag: Tag) -> &'static str {
    match tag {
        Tag::Artist => "Artist",
        Tag::AlbumArtist => "AlbumArtist",
        Tag::Album => "Album",
        Tag::Title => "Title",
        Tag::Genre => "Genre",
        Tag::Composer => "Composer",
        Tag::Date => "Date",
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    push_escaped(&mut quoted, text);
    quoted.push('"');
    quoted
}

fn all_of(terms: &[String]) -> String {
    match terms {
        [term] => term.clone(),
        terms => format!("({})", terms.join(" AND ")),
    }
}

/// The song of this file.
pub(crate) fn file(file: &str) -> String {
    format!("(file == {})", quoted(file))
}

/// Songs in which every word appears, each in any tag or in the file name.
pub(super) fn words(query: &str) -> Result<String, CommandError> {
    if query.len() > MAX_QUERY {
        return Err(CommandError::invalid(
            "query",
            &format!("must not be longer than {MAX_QUERY} bytes"),
        ));
    }
    // MPD has no "or": a word is not missing in both.
    let terms: Vec<_> = query
        .split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .map(|word| {
            let word = quoted(word);
            format!("(!((!(any contains {word})) AND (!(file contains {word}))))")
        })
        .collect();
    match terms.len() {
        0 => Err(CommandError::invalid("query", "must hold at least one word")),
        1..=MAX_WORDS => Ok(all_of(&terms)),
        _ => Err(CommandError::invalid(
            "query",
            &format!("must not hold more than {MAX_WORDS} words"),
        )),
    }
}

/// Songs whose tags equal all of these, of which there is at least one.
pub(crate) fn at_least_one_tag(filters: &[TagFilter]) -> Result<String, CommandError> {
    match filters {
        [] => Err(CommandError::invalid(
            "filters",
            "must hold at least one tag and value",
        )),
        filters => tags(filters),
    }
}

/// Songs whose tags equal all of these.
pub(super) fn tags(filters: &[TagFilter]) -> Result<String, CommandError> {
    if filters.len() > MAX_FILTERS {
        return Err(CommandError::invalid(
            "filters",
            &format!("must not hold more than {MAX_FILTERS}"),
        ));
    }
    let terms = filters
        .iter()
        .enumerate()
        .map(|(index, filter)| {
            if filter.value.len() > MAX_VALUE || filter.value.chars().any(char::is_control) {
                let reason = format!("must be at most {MAX_VALUE} bytes without control characters");
                return Err(CommandError::invalid(&format!("filters[{index}].value"), &reason));
            }
            Ok(format!("({} == {})", tag_name(filter.tag), quoted(&filter.value)))
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(all_of(&terms))
}
