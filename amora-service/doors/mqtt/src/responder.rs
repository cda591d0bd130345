//! Sends answers in order, and again when the broker forgot them with the session.

use crate::dialect::{self, Asked};
use amora_contract::units::Timestamp;
use amora_contract::{CommandError, ErrorCode};
use amora_link::mqtt::{Publication, PublishError, Publisher, Quality, Undelivered};
use bytes::Bytes;
use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Answers on their way at once.
const WINDOW: usize = 64;

/// An answer older than this interests nobody: the original's clients give up after 10 s.
const LIFETIME: Duration = Duration::from_secs(30);

/// One answer.
pub(crate) struct Answer {
    pub(crate) asked: Asked,
    pub(crate) body: Bytes,
}

type Arrival = Pin<Box<dyn Future<Output = Result<(), Undelivered>> + Send>>;

struct Sent {
    publication: Publication,
    at: Instant,
    arrival: Arrival,
}

/// Runs until the answers end, then waits for those on their way.
pub(crate) async fn respond(
    mut answers: mpsc::Receiver<Answer>,
    publisher: Publisher,
    topic: String,
    quality: Quality,
) {
    let mut sent: VecDeque<Sent> = VecDeque::new();
    let mut more = true;
    while more || !sent.is_empty() {
        tokio::select! {
            answer = answers.recv(), if more && sent.len() < WINDOW => match answer {
                Some(answer) => {
                    let publication = fitting(answer, &publisher, &topic, quality);
                    match send(publication, Instant::now(), &publisher).await {
                        Ok(on_its_way) => sent.push_back(on_its_way),
                        Err(PublishError::Closed) => return,
                        Err(error) => tracing::error!(%error, "an answer cannot be sent"),
                    }
                }
                None => more = false,
            },
            result = async { sent.front_mut().expect("guarded").arrival.as_mut().await }, if !sent.is_empty() => {
                let Some(first) = sent.pop_front() else { continue };
                match result {
                    Ok(()) => {}
                    Err(Undelivered::SessionLost) if first.at.elapsed() < LIFETIME => {
                        match send(first.publication, first.at, &publisher).await {
                            // In front would wait for it first; the others behind it are lost too and follow.
                            Ok(again) => sent.push_back(again),
                            Err(PublishError::Closed) => return,
                            Err(error) => tracing::error!(%error, "an answer cannot be sent again"),
                        }
                    }
                    Err(Undelivered::Closed) => return,
                    Err(error) => tracing::warn!(%error, "an answer did not arrive"),
                }
            }
        }
    }
}

async fn send(publication: Publication, at: Instant, publisher: &Publisher) -> Result<Sent, PublishError> {
    let delivery = publisher.publish(&publication).await?;
    Ok(Sent {
        publication,
        at,
        arrival: Box::pin(delivery.arrived()),
    })
}

/// The answer, or one that says that it is too large.
fn fitting(answer: Answer, publisher: &Publisher, topic: &str, quality: Quality) -> Publication {
    let (size, limit) = (answer.body.len(), publisher.limit());
    let payload = if size <= limit {
        answer.body
    } else {
        let error = CommandError::new(
            ErrorCode::TooLarge,
            format!("the answer has {size} bytes and the limit is {limit}; ask for less at a time"),
        );
        dialect::encode_error(&answer.asked, &error, Timestamp::now()).into()
    };
    Publication {
        topic: topic.to_owned(),
        payload,
        quality,
        retain: false,
    }
}
