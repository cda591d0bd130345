//! A certificate authority made at start: for the stand-in's own certificate, and for devices of tests.

use crate::certificate::ClientCertificate;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);

/// A certificate authority whose key lives as long as it does.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate, PEM.
    pub certificate: String,
    /// Its key, PKCS #8, PEM.
    pub key: String,
}

impl Authority {
    /// Makes an authority of this name.
    pub fn new(name: &str) -> Result<Self, rcgen::Error> {
        let mut params = params(name, Vec::new())?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            pem,
        })
    }

    /// The authority's certificate, PEM.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a server of these names and addresses.
    pub fn server(&self, names: Vec<String>) -> Result<Identity, rcgen::Error> {
        let mut params = params("Stand-in for IoT Hub", names)?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // As long as those of real hubs about, so that a client with a wrong clock finds it void.
        let now = SystemTime::now();
        params.not_before = (now - 30 * DAY).into();
        params.not_after = (now + 365 * DAY).into();
        self.issue(params)
    }

    /// A certificate for a device, whose common name is its registration id or device id.
    pub fn device(&self, common_name: &str) -> Result<Identity, rcgen::Error> {
        let mut params = params(common_name, Vec::new())?;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.issue(params)
    }

    fn issue(&self, params: CertificateParams) -> Result<Identity, rcgen::Error> {
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        })
    }
}

impl Identity {
    /// The SHA-256 thumbprint in hexadecimal, by which a hub can know the device.
    pub fn thumbprint(&self) -> String {
        ClientCertificate::new(&[self.chain()])
            .map(|certificate| certificate.thumbprint())
            .unwrap_or_default()
    }

    pub(crate) fn chain(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes())
            .expect("rcgen writes PEM that can be read")
    }

    pub(crate) fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(self.key.as_bytes()).expect("rcgen writes PEM that can be read")
    }
}

fn params(name: &str, names: Vec<String>) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}
