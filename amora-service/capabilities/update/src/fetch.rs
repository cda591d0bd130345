//! Fetching an update over HTTP, taken up again after every cut.

pub(crate) mod small;

use crate::error::Refusal;
use crate::resume::{Answered, Decision, ELSEWHERE, Resume};
use amora_contract::config::UpdateConfig;
use amora_contract::state::UpdateCause;
use amora_link::backoff::{Backoff, Policy, Reset, random};
use bytes::Bytes;
use futures_util::StreamExt;
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, ETAG, HeaderMap, LAST_MODIFIED};
use reqwest::redirect;
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Redirects followed.
const REDIRECTS: usize = 10;

/// Time to connect, and for the next byte to arrive.
const SILENCE: Duration = Duration::from_secs(30);

const AGAIN: Policy = Policy {
    base: Duration::from_secs(1),
    factor: 2.0,
    cap: Duration::from_secs(60),
    jitter: 0.2,
    reset: Reset::OnSuccess,
};

/// What a source of an update gives.
#[derive(Debug)]
pub(crate) enum Piece {
    /// The file's size, once that is known.
    Size(u64),
    /// The next bytes.
    Bytes(Bytes),
    /// It stands still, and why; nothing while it moves.
    Waiting(Option<String>),
    /// It will not go on.
    Broken(Refusal),
}

/// What to fetch, and how.
pub(crate) struct Fetch {
    url: reqwest::Url,
    client: reqwest::Client,
    patience: Duration,
    resume: Resume,
}

impl Fetch {
    /// Prepares to fetch from `url`.
    pub(crate) fn new(url: &str, size: Option<u64>, config: &UpdateConfig) -> Result<Self, Refusal> {
        let failed = |reason: String| Refusal::new(UpdateCause::Download, reason);
        let url = read_url(url)?;
        Ok(Self {
            url,
            client: client(config.ca_file.as_deref()).map_err(failed)?,
            patience: Duration::from_secs_f64(config.download_patience.0),
            resume: Resume::new(size),
        })
    }

    /// Fetches until the end, or until nobody takes the pieces any more.
    pub(crate) async fn run(mut self, to: mpsc::Sender<Piece>) {
        let mut back_off = Backoff::new(AGAIN);
        let mut moved = Instant::now();
        loop {
            let before = self.resume.clone();
            let cause = match self.once(&to).await {
                Ok(Done::Whole) => return,
                Ok(Done::NotWanted) => return,
                Ok(Done::Cut(cause)) => cause,
                Err(refusal) => {
                    let _ = to.send(Piece::Broken(refusal)).await;
                    return;
                }
            };
            if self.resume != before {
                moved = Instant::now();
                back_off.connected();
            }
            if moved.elapsed() >= self.patience {
                let minutes = self.patience.as_secs().div_ceil(60);
                let reason = format!("the download stood still for {minutes} minutes: {cause}");
                let _ = to
                    .send(Piece::Broken(Refusal::new(UpdateCause::Download, reason)))
                    .await;
                return;
            }
            let wait = back_off.next_delay(random()).min(self.patience);
            tracing::info!(cause, wait_seconds = wait.as_secs(), "the download was cut");
            if to.send(Piece::Waiting(Some(cause))).await.is_err() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = to.closed() => return,
            }
        }
    }

    async fn once(&mut self, to: &mpsc::Sender<Piece>) -> Result<Done, Refusal> {
        let mut request = self.client.get(self.url.clone());
        for (name, value) in self.resume.headers() {
            request = request.header(name, value);
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) if error.is_redirect() || error.is_builder() => {
                return Err(Refusal::new(UpdateCause::Download, root_cause(&error)));
            }
            Err(error) => {
                let cause = root_cause(&error);
                return match is_untrusted(&cause) {
                    true => Err(Refusal::new(
                        UpdateCause::Download,
                        format!("the server is not trusted: {cause}"),
                    )),
                    false => Ok(Done::Cut(cause)),
                };
            }
        };
        let known = self.resume.size();
        let mut skip = match self
            .resume
            .answered(&answered(response.status().as_u16(), response.headers()))
        {
            Decision::Take { skip } => skip,
            Decision::Again(cause) => return Ok(Done::Cut(cause)),
            Decision::Stop(refusal) => return Err(refusal),
        };
        if let Some(size) = self.resume.size().filter(|_| known.is_none())
            && to.send(Piece::Size(size)).await.is_err()
        {
            return Ok(Done::NotWanted);
        }
        let mut body = response.bytes_stream();
        let mut waiting = true;
        while let Some(piece) = body.next().await {
            let mut piece = match piece {
                Ok(piece) => piece,
                Err(error) => return Ok(Done::Cut(root_cause(&error))),
            };
            let known = piece.split_to((piece.len() as u64).min(skip) as usize);
            skip -= known.len() as u64;
            if piece.is_empty() {
                continue;
            }
            self.resume.took(piece.len() as u64)?;
            if std::mem::take(&mut waiting) && to.send(Piece::Waiting(None)).await.is_err()
                || to.send(Piece::Bytes(piece)).await.is_err()
            {
                return Ok(Done::NotWanted);
            }
        }
        match self.resume.size().is_none() || self.resume.complete() {
            true => Ok(Done::Whole),
            false => Ok(Done::Cut("the connection was closed too early".to_owned())),
        }
    }
}

enum Done {
    Whole,
    Cut(String),
    NotWanted,
}

/// A client that follows redirects as far as they may go, and trusts the authorities in `ca_file` where there is one.
fn client(ca_file: Option<&Path>) -> Result<reqwest::Client, String> {
    let policy = redirect::Policy::custom(|attempt| match may_redirect(attempt.previous(), attempt.url()) {
        Ok(()) => attempt.follow(),
        Err(reason) => attempt.error(reason),
    });
    let mut builder = reqwest::Client::builder()
        .redirect(policy)
        .connect_timeout(SILENCE)
        .read_timeout(SILENCE)
        .user_agent(concat!("amora/", env!("CARGO_PKG_VERSION")));
    if let Some(path) = ca_file {
        let pem = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        builder = builder.tls_certs_only(certificates);
    }
    builder.build().map_err(|error| root_cause(&error))
}

/// Whether a redirect is followed, after the addresses that led to it.
fn may_redirect(previous: &[reqwest::Url], next: &reqwest::Url) -> Result<(), &'static str> {
    let secure = previous.iter().any(|url| url.scheme() == "https");
    match next.scheme() {
        _ if previous.len() > REDIRECTS => Err("too many redirects"),
        "https" => Ok(()),
        "http" if secure => Err("the server redirects from https to http"),
        "http" => Ok(()),
        _ => Err(ELSEWHERE),
    }
}

/// A server that cannot show who it is will not be able to in a minute either.
fn is_untrusted(cause: &str) -> bool {
    cause.contains("certificate")
}

fn read_url(text: &str) -> Result<reqwest::Url, Refusal> {
    let refused = |reason: &str| Refusal::new(UpdateCause::Download, reason);
    let url = reqwest::Url::parse(text).map_err(|_| refused("the address cannot be read"))?;
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(refused("the address must begin with `http://` or `https://`")),
    }
}

/// An address as it may be shown: user, password and query may hold secrets.
pub(crate) fn shown(text: &str) -> String {
    let Ok(mut url) = reqwest::Url::parse(text) else {
        return String::new();
    };
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.to_string().chars().take(512).collect()
}

fn answered(status: u16, headers: &HeaderMap) -> Answered {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let strong = text(ETAG).filter(|mark| !mark.starts_with("W/"));
    Answered {
        status,
        length: text(CONTENT_LENGTH).and_then(|length| length.parse().ok()),
        range: text(CONTENT_RANGE),
        mark: strong.or_else(|| text(LAST_MODIFIED)),
    }
}

/// The innermost cause, without the address, which may hold secrets.
fn root_cause(error: &dyn std::error::Error) -> String {
    let cause = amora_link::root_cause(error).to_string();
    cause.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_with_http_and_never_leave_https() {
        let url = |text: &str| reqwest::Url::parse(text).unwrap();
        let may = |previous: &[&str], next: &str| {
            let previous: Vec<_> = previous.iter().map(|text| url(text)).collect();
            may_redirect(&previous, &url(next))
        };
        assert_eq!(may(&["http://a/"], "http://b/"), Ok(()));
        assert_eq!(may(&["http://a/"], "https://b/"), Ok(()));
        assert!(may(&["https://a/"], "http://b/").is_err());
        assert!(may(&["http://a/", "https://b/"], "http://c/").is_err());
        for wrong in ["file:///etc/passwd", "ftp://b/", "data:,x"] {
            assert!(may(&["http://a/"], wrong).is_err(), "{wrong}");
        }
        assert_eq!(may(&["http://a/"; REDIRECTS], "http://b/"), Ok(()));
        assert!(may(&["http://a/"; REDIRECTS + 1], "http://b/").is_err());
    }

    #[test]
    fn an_address_is_shown_without_its_secrets() {
        assert_eq!(
            shown("https://user:secret@example.org/a/b.swu?sig=abc#x"),
            "https://example.org/a/b.swu"
        );
        assert_eq!(shown("nonsense"), "");
        for wrong in ["ftp://x/y", "file:///etc/passwd", "/x", "http:"] {
            assert!(read_url(wrong).is_err(), "{wrong}");
        }
    }
}
