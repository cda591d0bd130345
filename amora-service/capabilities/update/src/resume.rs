//! Taking up a download where it was cut. Pure: what the server answers comes in, what to do goes out.

use crate::error::Refusal;
use amora_contract::state::UpdateCause;

/// What is known of the file on the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Resume {
    /// Bytes that have arrived.
    received: u64,
    /// Bytes in all.
    size: Option<u64>,
    /// What tells whether the file is still the same.
    mark: Option<String>,
}

/// What a server answers, as far as it matters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// `Content-Length`.
    pub(crate) length: Option<u64>,
    /// `Content-Range`.
    pub(crate) range: Option<String>,
    /// A strong `ETag`, else `Last-Modified`.
    pub(crate) mark: Option<String>,
}

/// What to do with an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Take the body, without its first bytes.
    Take {
        /// Bytes that are known already.
        skip: u64,
    },
    /// Ask again later.
    Again(String),
    /// There is no use in asking again.
    Stop(Refusal),
}

impl Resume {
    /// Nothing has arrived; `size` is what the file should have, where that is known.
    pub(crate) fn new(size: Option<u64>) -> Self {
        Self {
            size,
            ..Self::default()
        }
    }

    /// Bytes in all, where that is known.
    pub(crate) fn size(&self) -> Option<u64> {
        self.size
    }

    /// The headers to ask for the rest with: `Range` and `If-Range`.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        if self.received == 0 {
            return Vec::new();
        }
        let range = ("range", format!("bytes={}-", self.received));
        let mark = self.mark.clone().map(|mark| ("if-range", mark));
        std::iter::once(range).chain(mark).collect()
    }

    /// Judges an answer.
    pub(crate) fn answered(&mut self, answered: &Answered) -> Decision {
        match answered.status {
            200 => self.whole(answered),
            206 => self.part(answered),
            416 if self.complete() => Decision::Take { skip: 0 },
            status if is_passing(status) => Decision::Again(format!("the server answers {status}")),
            status @ (404 | 410) => stop(&format!("the server does not have the file ({status})")),
            status if is_redirect(status) => stop(ELSEWHERE),
            status @ (401 | 403) => stop(&format!("the server does not give the file out ({status})")),
            status => stop(&format!("the server answers {status}")),
        }
    }

    /// So many more bytes have arrived.
    ///
    /// # Errors
    /// When they are more than the file has.
    pub(crate) fn took(&mut self, bytes: u64) -> Result<(), Refusal> {
        self.received += bytes;
        match self.size {
            Some(size) if self.received > size => Err(Refusal::new(
                UpdateCause::Corrupt,
                format!("the server sends more than the {size} bytes that the file has"),
            )),
            _ => Ok(()),
        }
    }

    /// Whether all has arrived; with no size known, the end of a body is the end of the file.
    pub(crate) fn complete(&self) -> bool {
        self.size.is_some_and(|size| self.received >= size)
    }

    fn whole(&mut self, answered: &Answered) -> Decision {
        if let Some(refusal) = self.changed(answered, answered.length) {
            return Decision::Stop(refusal);
        }
        // A server that does not know ranges begins anew: what is known is skipped.
        Decision::Take { skip: self.received }
    }

    fn part(&mut self, answered: &Answered) -> Decision {
        let Some((first, size)) = answered.range.as_deref().and_then(range) else {
            return stop("the server answers with a part of the file and does not say which");
        };
        if first > self.received {
            return stop("the server answers with another part of the file than was asked for");
        }
        match self.changed(answered, size) {
            Some(refusal) => Decision::Stop(refusal),
            None => Decision::Take {
                skip: self.received - first,
            },
        }
    }

    /// Notes size and mark, or finds that they are not those of the file that the download began with.
    fn changed(&mut self, answered: &Answered, size: Option<u64>) -> Option<Refusal> {
        let differs = |known: Option<u64>| known.zip(size).is_some_and(|(known, size)| known != size);
        if self.received == 0 && differs(self.size) {
            let (known, size) = (self.size.unwrap_or_default(), size.unwrap_or_default());
            return Some(Refusal::new(
                UpdateCause::Corrupt,
                format!("the file has {size} bytes, and {known} were announced"),
            ));
        }
        let mark_differs = self
            .mark
            .as_ref()
            .zip(answered.mark.as_ref())
            .is_some_and(|(known, mark)| known != mark);
        if self.received > 0 && (mark_differs || differs(self.size)) {
            return Some(Refusal::new(
                UpdateCause::Download,
                "the file on the server changed during the download",
            ));
        }
        self.size = self.size.or(size);
        if self.mark.is_none() {
            self.mark.clone_from(&answered.mark);
        }
        None
    }
}

/// What the client does not follow at all is left as the answer.
pub(crate) const ELSEWHERE: &str = "the server redirects to what is neither http nor https";

/// Whether an answer sends elsewhere.
pub(crate) const fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// Whether a server that answers so may answer otherwise in a while.
pub(crate) const fn is_passing(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

fn stop(reason: &str) -> Decision {
    Decision::Stop(Refusal::new(UpdateCause::Download, reason))
}

/// First byte and whole size in `bytes 500-999/1000`; the size may be `*`.
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    let (bytes, size) = text.trim().strip_prefix("bytes")?.trim_start().split_once('/')?;
    let first = bytes.split_once('-')?.0.trim().parse().ok()?;
    match size.trim() {
        "*" => Some((first, None)),
        size => Some((first, Some(size.parse().ok()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, length: u64, range: &str, mark: &str) -> Answered {
        Answered {
            status,
            length: Some(length),
            range: (!range.is_empty()).then(|| range.to_owned()),
            mark: (!mark.is_empty()).then(|| mark.to_owned()),
        }
    }

    fn begun() -> Resume {
        let mut resume = Resume::new(None);
        assert_eq!(
            resume.answered(&answered(200, 1000, "", "\"a\"")),
            Decision::Take { skip: 0 }
        );
        resume.took(400).unwrap();
        resume
    }

    #[test]
    fn the_rest_is_asked_for_of_the_same_file() {
        let mut resume = begun();
        assert_eq!(
            resume.headers(),
            [
                ("range", "bytes=400-".to_owned()),
                ("if-range", "\"a\"".to_owned())
            ]
        );
        let part = answered(206, 600, "bytes 400-999/1000", "\"a\"");
        assert_eq!(resume.answered(&part), Decision::Take { skip: 0 });
        resume.took(600).unwrap();
        assert!(resume.clone().took(1).is_err(), "more than the file has");
        assert!(resume.complete());
    }

    #[test]
    fn a_server_without_ranges_begins_anew_and_the_known_is_skipped() {
        assert_eq!(
            begun().answered(&answered(200, 1000, "", "\"a\"")),
            Decision::Take { skip: 400 }
        );
        let aligned = answered(206, 700, "bytes 300-999/1000", "");
        assert_eq!(begun().answered(&aligned), Decision::Take { skip: 100 });
    }

    #[test]
    fn a_file_that_changed_is_not_mixed_with_the_one_before() {
        for other in [
            answered(200, 1000, "", "\"b\""),
            answered(200, 1001, "", "\"a\""),
            answered(206, 600, "bytes 400-999/1001", ""),
        ] {
            let decision = begun().answered(&other);
            let Decision::Stop(refusal) = decision else {
                panic!("{decision:?}")
            };
            assert!(refusal.reason.contains("changed"), "{}", refusal.reason);
        }
        let ahead = answered(206, 500, "bytes 500-999/1000", "\"a\"");
        assert!(matches!(begun().answered(&ahead), Decision::Stop(_)));
        assert!(matches!(
            begun().answered(&answered(206, 5, "", "")),
            Decision::Stop(_)
        ));
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_will_not_is_not() {
        for status in [500, 503, 429] {
            let decision = begun().answered(&answered(status, 0, "", ""));
            assert!(matches!(decision, Decision::Again(_)), "{status}");
        }
        for status in [404, 410, 401, 403, 204, 400] {
            let decision = begun().answered(&answered(status, 0, "", ""));
            let Decision::Stop(refusal) = decision else {
                panic!("{status}: {decision:?}")
            };
            let said = status.to_string();
            assert!(refusal.reason.contains(&said), "{status}: {}", refusal.reason);
        }
    }

    #[test]
    fn an_announced_size_must_be_met() {
        let mut resume = Resume::new(Some(999));
        let Decision::Stop(refusal) = resume.answered(&answered(200, 1000, "", "")) else {
            panic!("another size is taken")
        };
        assert_eq!(refusal.cause, UpdateCause::Corrupt);
    }
}
