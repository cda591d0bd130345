//! Comparing versions exactly as SWUpdate does, so that both say the same.

use std::cmp::Ordering;

/// How `left` stands to `right`: as up to four numbers, else as semantic versions, else letter by letter.
pub fn compare(left: &str, right: &str) -> Ordering {
    if let (Some(left), Some(right)) = (numbers(left), numbers(right)) {
        return left.cmp(&right);
    }
    if let (Some(left), Some(right)) = (Semantic::parse(left), Semantic::parse(right)) {
        return left.compare(&right);
    }
    left.cmp(right)
}

/// The higher of two versions.
pub fn higher<'a>(left: &'a str, right: &'a str) -> &'a str {
    match compare(left, right) {
        Ordering::Less => right,
        _ => left,
    }
}

fn numbers(text: &str) -> Option<[u16; 4]> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let mut numbers = [0; 4];
    for (number, part) in numbers.iter_mut().zip(text.split('.')) {
        *number = match part {
            "" => 0,
            part => part.parse().ok()?,
        };
    }
    Some(numbers)
}

struct Semantic<'a> {
    numbers: [u64; 3],
    pre_release: Option<&'a str>,
}

impl<'a> Semantic<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let text = text.split_once('+').map_or(text, |(text, _)| text);
        let (core, pre_release) = match text.split_once('-') {
            Some((core, pre_release)) => (core, Some(pre_release)),
            None => (text, None),
        };
        let mut parts = core.split('.');
        let mut next = || parts.next()?.parse().ok();
        let numbers = [next()?, next()?, next()?];
        parts.next().is_none().then_some(Self { numbers, pre_release })
    }

    fn compare(&self, other: &Self) -> Ordering {
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| match (self.pre_release, other.pre_release) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(left), Some(right)) => compare_pre_release(left, right),
            })
    }
}

fn compare_pre_release(left: &str, right: &str) -> Ordering {
    let (mut left, mut right) = (left.split('.'), right.split('.'));
    loop {
        let ordering = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(left), Some(right)) => match (left.parse::<u64>(), right.parse::<u64>()) {
                (Ok(left), Ok(right)) => left.cmp(&right),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => left.cmp(right),
            },
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_swupdate_orders_them() {
        for (lower, higher) in [
            ("0.1.0", "0.1.1"),
            ("0.9", "0.10"),
            ("1", "1.0.0.1"),
            ("2026.11.20", "2026.11.21"),
            ("1.0.0-rc.1", "1.0.0"),
            ("1.0.0-alpha.2", "1.0.0-alpha.10"),
            ("1.0.0", "1.0.1-dev"),
            ("apple", "pear"),
        ] {
            assert_eq!(compare(lower, higher), Ordering::Less, "{lower} {higher}");
            assert_eq!(compare(higher, lower), Ordering::Greater, "{lower} {higher}");
            assert_eq!(super::higher(lower, higher), higher);
        }
        assert_eq!(compare("1.2", "1.2.0.0"), Ordering::Equal);
        assert_eq!(compare("1.0.0+a", "1.0.0+b"), Ordering::Equal);
        // A number that does not fit in 16 bits makes it no version of numbers, but still a semantic one.
        assert_eq!(compare("20261121.0.0", "20261120.9.9"), Ordering::Greater);
    }
}
