//! Fetching a small file whole.

use super::{client, is_untrusted, read_url, root_cause};
use crate::device_update::FetchFailure;
use crate::resume::{ELSEWHERE, is_passing, is_redirect};
use futures_util::StreamExt;
use std::path::Path;
use std::time::Duration;

/// Time for all of it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Fetches at most `limit` bytes; a longer file is not taken. `ca_file` names the authorities to trust in place of the
/// built-in ones.
pub(crate) async fn fetch(url: &str, limit: usize, ca_file: Option<&Path>) -> Result<Vec<u8>, FetchFailure> {
    match tokio::time::timeout(PATIENCE, read(url, limit, ca_file)).await {
        Ok(result) => result,
        Err(_) => Err(again(format!("it took more than {} seconds", PATIENCE.as_secs()))),
    }
}

async fn read(url: &str, limit: usize, ca_file: Option<&Path>) -> Result<Vec<u8>, FetchFailure> {
    let url = read_url(url).map_err(|refusal| never(refusal.reason))?;
    let response =
        client(ca_file)
            .map_err(never)?
            .get(url)
            .send()
            .await
            .map_err(|error| match root_cause(&error) {
                cause if error.is_redirect() || error.is_builder() => never(cause),
                cause if is_untrusted(&cause) => never(format!("the server is not trusted: {cause}")),
                cause => again(cause),
            })?;
    match response.status().as_u16() {
        200 => {}
        status if is_redirect(status) => return Err(never(ELSEWHERE.to_owned())),
        status if is_passing(status) => return Err(again(format!("the server answers {status}"))),
        status => return Err(never(format!("the server answers {status}"))),
    }
    let mut bytes = Vec::new();
    let mut body = response.bytes_stream();
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| again(root_cause(&error)))?;
        if bytes.len() + piece.len() > limit {
            return Err(never(format!("it has more than {limit} bytes")));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

fn again(reason: String) -> FetchFailure {
    FetchFailure { reason, again: true }
}

fn never(reason: String) -> FetchFailure {
    FetchFailure { reason, again: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that answers with this, and where.
    async fn server(answer: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                // The client may have had enough.
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        format!("http://{address}/file")
    }

    async fn fetched(answer: &'static str, limit: usize) -> Result<Vec<u8>, FetchFailure> {
        fetch(&server(answer).await, limit, None).await
    }

    #[tokio::test]
    async fn a_file_that_fits_is_fetched_and_a_longer_one_is_not() {
        let six = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret";
        assert_eq!(fetched(six, 6).await, Ok(b"secret".to_vec()));
        let failure = fetched(six, 5).await.unwrap_err();
        assert!(
            !failure.again && failure.reason.contains("5 bytes"),
            "{failure:?}"
        );
        let unknown = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsecret";
        assert!(fetched(unknown, 5).await.is_err());
    }

    #[tokio::test]
    async fn what_may_work_another_time_is_told_from_what_will_not() {
        let again = async |answer| fetched(answer, 100).await.unwrap_err().again;
        assert!(again("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut").await);
        assert!(again("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n").await);
        assert!(!again("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await);
        let elsewhere = "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n";
        assert!(!again(elsewhere).await);
        assert!(!fetch("file:///etc/passwd", 100, None).await.unwrap_err().again);
    }
}
