//! The certificate a device shows, and what a hub may know it by.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime, pem::PemObject};
use rustls::server::WebPkiClientVerifier;
use std::sync::Arc;
use x509_parser::prelude::{FromDer, X509Certificate};

/// A chain that a client proved to hold the key of. Who issued it is for the hub to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientCertificate(Vec<CertificateDer<'static>>);

impl ClientCertificate {
    /// Takes the chain of a handshake, the client's own first; `None` if it is empty.
    pub(crate) fn new(chain: &[CertificateDer<'_>]) -> Option<Self> {
        let chain: Vec<_> = chain.iter().map(|one| one.clone().into_owned()).collect();
        (!chain.is_empty()).then_some(Self(chain))
    }

    /// Whether the SHA-1 or SHA-256 of the certificate is this, in hexadecimal of either case.
    pub(crate) fn has_thumbprint(&self, thumbprint: &str) -> bool {
        let algorithm = if thumbprint.len() == 40 {
            &SHA1_FOR_LEGACY_USE_ONLY
        } else {
            &SHA256
        };
        thumbprint.eq_ignore_ascii_case(&hexadecimal(digest(algorithm, &self.0[0]).as_ref()))
    }

    /// The SHA-256 thumbprint in hexadecimal.
    pub(crate) fn thumbprint(&self) -> String {
        hexadecimal(digest(&SHA256, &self.0[0]).as_ref())
    }

    /// The subject's common name.
    pub(crate) fn common_name(&self) -> Option<String> {
        let (_, certificate) = X509Certificate::from_der(&self.0[0]).ok()?;
        let name = certificate.subject().iter_common_name().next()?.as_str().ok()?;
        Some(name.to_owned())
    }

    /// Whether it descends from this certificate authority (PEM) and is valid at `now`.
    pub(crate) fn is_issued_by(&self, authority: &str, now: UnixTime) -> bool {
        let mut roots = RootCertStore::empty();
        let Ok(root) = CertificateDer::from_pem_slice(authority.as_bytes()) else {
            return false;
        };
        if roots.add(root).is_err() {
            return false;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .is_ok_and(|verifier| verifier.verify_client_cert(&self.0[0], &self.0[1..], now).is_ok())
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
