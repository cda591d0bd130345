//! The TLS identity of a client: whom it trusts, and what it shows of itself.

use amora_contract::config::TlsConfig;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::time_provider::{DefaultTimeProvider, TimeProvider};
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why TLS cannot be set up. Each names the file at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{}: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// A file has none of what it is for.
    #[error("{}: holds no {wanted} in PEM form{hint}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        wanted: &'static str,
        /// What to do, where that can be told.
        hint: &'static str,
    },
    /// A file is not PEM.
    #[error("{}: is not well-formed PEM: {cause}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// A certificate cannot be used.
    #[error("{}: {cause}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// Certificate and key are only useful together.
    #[error("`{missing}` is missing: a client certificate needs both `cert_file` and `key_file`")]
    Half {
        /// The setting that is not there.
        missing: &'static str,
    },
    /// The system has no certificates to trust.
    #[error("this system has no trusted certificates: install ca-certificates, or set `ca_file`")]
    NoSystemRoots,
    /// The cryptography itself refuses.
    #[error("TLS cannot be set up: {0}")]
    Provider(#[from] rustls::Error),
}

/// The configuration of a TLS 1.2 or 1.3 client.
///
/// # Errors
/// When a file is missing, unreadable or not what it should be.
pub fn client(config: &TlsConfig) -> Result<Arc<ClientConfig>, TlsError> {
    client_by(config, Arc::new(DefaultTimeProvider))
}

/// The same, by a clock of the caller's own: certificates are valid or not by what it shows.
///
/// # Errors
/// As for [`client`].
pub fn client_by(config: &TlsConfig, clock: Arc<dyn TimeProvider>) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_details(provider, clock)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots(config.ca_file.as_deref())?);
    let client = match (&config.cert_file, &config.key_file) {
        (None, None) => builder.with_no_client_auth(),
        (Some(_), None) => return Err(TlsError::Half { missing: "key_file" }),
        (None, Some(_)) => return Err(TlsError::Half { missing: "cert_file" }),
        (Some(cert_file), Some(key_file)) => builder
            .with_client_auth_cert(certificates(cert_file)?, key(key_file)?)
            .map_err(|error| TlsError::Unusable {
                path: key_file.clone(),
                cause: match error {
                    rustls::Error::InconsistentKeys(_) => {
                        format!("is not the key of the certificate in {}", cert_file.display())
                    }
                    other => other.to_string(),
                },
            })?,
    };
    Ok(Arc::new(client))
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(path) => {
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|error| TlsError::Unusable {
                    path: path.to_owned(),
                    cause: error.to_string(),
                })?;
            }
        }
        // Single broken certificates of the system do not matter as long as there are others.
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(TlsError::NoSystemRoots);
            }
        }
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found = CertificateDer::pem_slice_iter(&read(path)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| malformed(path, &error))?;
    if found.is_empty() {
        return Err(TlsError::Empty {
            path: path.to_owned(),
            wanted: "certificate",
            hint: "",
        });
    }
    Ok(found)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let text = read(path)?;
    PrivateKeyDer::from_pem_slice(&text).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::Empty {
            path: path.to_owned(),
            wanted: "private key",
            hint: if String::from_utf8_lossy(&text).contains("ENCRYPTED") {
                ": it is encrypted; store it without a passphrase, readable by the service alone"
            } else {
                ""
            },
        },
        error => malformed(path, &error),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|cause| TlsError::Unreadable {
        path: path.to_owned(),
        cause,
    })
}

fn malformed(path: &Path, error: &pem::Error) -> TlsError {
    TlsError::Malformed {
        path: path.to_owned(),
        cause: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusting(content: &[u8]) -> TlsError {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("authority.pem");
        std::fs::write(&path, content).unwrap();
        let config = TlsConfig {
            ca_file: Some(path),
            ..TlsConfig::default()
        };
        client(&config).unwrap_err()
    }

    #[test]
    fn every_failure_names_the_file() {
        let missing = client(&TlsConfig {
            ca_file: Some("/nowhere/authority.pem".into()),
            ..TlsConfig::default()
        });
        for error in [
            missing.unwrap_err(),
            trusting(b""),
            trusting(b"-----BEGIN CERTIFICATE-----\n!\n"),
        ] {
            assert!(error.to_string().contains("authority.pem"), "{error}");
        }
    }

    #[test]
    fn a_certificate_without_its_key_is_refused() {
        let error = client(&TlsConfig {
            cert_file: Some("/nowhere/box.pem".into()),
            ..TlsConfig::default()
        });
        // With system roots or without: either way the answer says what to do.
        let text = error.unwrap_err().to_string();
        assert!(text.contains("key_file") || text.contains("ca_file"), "{text}");
    }
}
