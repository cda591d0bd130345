//! Azure's storage, where the files go.

use super::request::{client, insist, message};
use super::{Hub, UploadError, Way};
use bytes::Bytes;
use reqwest::Url;

impl Hub {
    /// Puts a file into a container of Azure's storage that somebody else chose: `container` is its address, with a token
    /// as the query. What fails for the moment is tried again for some minutes. The box's certificate is not shown.
    ///
    /// # Errors
    /// [`UploadError::Address`] where that is no such address; others when the file is not there in the end.
    pub async fn upload_into(&self, container: &str, blob: &str, content: Bytes) -> Result<(), UploadError> {
        let url = blob_url(container, blob)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        put(&self.way, &host, url.as_str(), content).await
    }
}

/// The address of a blob in a container.
fn blob_url(container: &str, blob: &str) -> Result<Url, UploadError> {
    let wrong = UploadError::Address;
    let mut url = Url::parse(container).map_err(|_| wrong("it is no address"))?;
    if url.scheme() != "https" {
        return Err(wrong("it is not of https"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err(wrong("it has a user or a fragment"));
    }
    if url.path() == "/" || url.query().is_none_or(str::is_empty) {
        return Err(wrong("it names no container, or has no token"));
    }
    match url.path_segments_mut() {
        Ok(mut path) => path.pop_if_empty().extend(blob.split('/')),
        Err(()) => return Err(wrong("it has no path")),
    };
    Ok(url)
}

/// Puts a file to an address of Azure's storage, to whom the box's certificate is not shown.
pub(super) async fn put(way: &Way, host: &str, url: &str, content: Bytes) -> Result<(), UploadError> {
    let storage = client(way, host, false).await?;
    let request = || {
        storage
            .put(url)
            .header("x-ms-blob-type", "BlockBlob")
            .header("x-ms-version", "2020-10-02")
            .body(content.clone())
    };
    match insist(host, request).await? {
        (201, _) => Ok(()),
        (status, answer) => Err(UploadError::Storage {
            status,
            message: message(&answer),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_s_address_is_in_the_container_and_keeps_its_token() {
        let url = |container| blob_url(container, "box/a b#1/x.gz").map(|url| url.to_string());
        for container in [
            "https://s.blob.core.windows.net/logs?sv=1&sig=x%2B",
            "https://s.blob.core.windows.net/logs/?sv=1&sig=x%2B",
        ] {
            assert_eq!(
                url(container).unwrap(),
                "https://s.blob.core.windows.net/logs/box/a%20b%231/x.gz?sv=1&sig=x%2B"
            );
        }
        for wrong in [
            "",
            "logs?sig=1",
            "file:///etc/passwd?sig=1",
            "http://s/logs?sig=1",
            "https://user@s/logs?sig=1",
            "https://s/?sig=1",
            "https://s/logs",
            "https://s/logs?",
            "https://s/logs?sig=1#x",
        ] {
            assert!(matches!(url(wrong), Err(UploadError::Address(_))), "{wrong}");
        }
    }
}
