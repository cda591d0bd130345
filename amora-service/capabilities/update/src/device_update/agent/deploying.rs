//! From the order to a verified manifest.

use super::{Agent, Attempt, Document, Effect, FetchFailure, Stage};
use crate::device_update::codes::ExtendedResultCode;
use crate::device_update::manifest::{self, Manifest, ManifestError, Payload};
use crate::device_update::root_keys::{self, RootKeyError, RootKeyPackage};
use crate::device_update::{encoding, signature};
use aws_lc_rs::digest::{SHA256, digest};
use std::time::Duration;

/// Times that a small file is asked for.
const TRIES: u32 = 5;

/// Time to the second try; twice as long before each that follows.
const AGAIN: Duration = Duration::from_secs(10);

/// `ADUC_ERC_UTILITIES_ROOTKEYUTIL_ROOTKEYPACKAGE_DOWNLOAD_EXCEPTION`
const ROOT_KEYS_NOT_FETCHED: ExtendedResultCode = ExtendedResultCode(0x8060_0017);

/// `ADUC_ERC_UTILITIES_UPDATE_DATA_PARSER_DETACHED_UPDATE_MANIFEST_DOWNLOAD_FAILED`
const MANIFEST_NOT_FETCHED: ExtendedResultCode = ExtendedResultCode(0x8030_000D);

impl Agent {
    /// Fetches what the deployment needs next, where it is time.
    pub(super) fn prepare(&mut self, now: Duration) {
        let Some(target) = &mut self.target else {
            return;
        };
        let Some(deployment) = &target.deployment else {
            return;
        };
        let (document, url, limit, attempt) = match &mut target.stage {
            Stage::RootKeys(attempt) => {
                let url = deployment.root_keys.clone();
                (Document::RootKeys, url, root_keys::LONGEST, attempt)
            }
            Stage::Manifest(file, attempt) => {
                (Document::Manifest, file.url.clone(), manifest::LONGEST, attempt)
            }
            Stage::Ready { .. } | Stage::Done => return,
        };
        if attempt.ticket.is_some() || now < attempt.not_before {
            return;
        }
        self.tickets += 1;
        attempt.ticket = Some(self.tickets);
        self.effects.push(Effect::Fetch {
            ticket: self.tickets,
            document,
            url,
            limit,
        });
    }

    pub(super) fn receive(&mut self, now: Duration, ticket: u64, result: Result<Vec<u8>, FetchFailure>) {
        let Some(target) = &mut self.target else {
            return;
        };
        let (document, attempt) = match &mut target.stage {
            Stage::RootKeys(attempt) => (Document::RootKeys, attempt),
            Stage::Manifest(_, attempt) => (Document::Manifest, attempt),
            Stage::Ready { .. } | Stage::Done => return,
        };
        if attempt.ticket != Some(ticket) {
            return;
        }
        attempt.ticket = None;
        match (result, document) {
            (Ok(bytes), Document::RootKeys) => self.read_root_keys(&bytes),
            (Ok(bytes), Document::Manifest) => self.read_detached(&bytes),
            (Err(failure), _) if failure.again && attempt.failures + 1 < TRIES => {
                attempt.not_before = now + AGAIN * (1 << attempt.failures);
                attempt.failures += 1;
            }
            (Err(failure), Document::RootKeys) => self.fail(
                ROOT_KEYS_NOT_FETCHED,
                format!(
                    "the package of root keys could not be fetched: {}",
                    failure.reason
                ),
            ),
            (Err(failure), Document::Manifest) => self.fail(
                MANIFEST_NOT_FETCHED,
                format!("the detached manifest could not be fetched: {}", failure.reason),
            ),
        }
    }

    fn read_root_keys(&mut self, bytes: &[u8]) {
        let text = std::str::from_utf8(bytes).map_err(|error| RootKeyError::Malformed(error.to_string()));
        let read = text.and_then(|text| Ok((text, RootKeyPackage::read(text, &self.roots)?)));
        let (text, package) = match read {
            Ok(read) => read,
            Err(error) => return self.fail(error.code(), error.to_string()),
        };
        if self.package.as_ref().is_none_or(|known| package.replaces(known)) {
            if self.package.as_ref() != Some(&package) {
                self.effects.push(Effect::KeepRootKeys(text.to_owned()));
            }
            self.package = Some(package);
        }
        self.read_manifest();
    }

    fn read_manifest(&mut self) {
        let (Some(package), Some(target)) = (&self.package, &mut self.target) else {
            return;
        };
        let Some(deployment) = &target.deployment else {
            return;
        };
        if let Err(error) =
            signature::verify(&deployment.manifest, &deployment.signature, package, &self.roots)
        {
            return self.fail(error.code(), error.to_string());
        }
        match Manifest::read(&deployment.manifest, &deployment.urls, &self.identity) {
            Ok(Manifest::Detached(file)) if file.size > manifest::LONGEST as u64 => {
                let error = ManifestError::Detached("it is too long");
                self.fail(error.code(), error.to_string());
            }
            Ok(Manifest::Detached(file)) => target.stage = Stage::Manifest(file, Attempt::default()),
            read => self.take_manifest(read),
        }
    }

    fn read_detached(&mut self, bytes: &[u8]) {
        let Some(target) = &self.target else {
            return;
        };
        let (Stage::Manifest(file, _), Some(deployment)) = (&target.stage, &target.deployment) else {
            return;
        };
        let read = match std::str::from_utf8(bytes) {
            Ok(text) if is_whole(file, bytes) => {
                Manifest::read_detached(text, &deployment.urls, &self.identity)
            }
            _ => Err(ManifestError::Detached(
                "it is not what the signed manifest promises",
            )),
        };
        self.take_manifest(read);
    }

    fn take_manifest(&mut self, read: Result<Manifest, ManifestError>) {
        match read {
            Ok(Manifest::Image {
                update,
                file,
                criteria,
            }) => {
                if let Some(target) = &mut self.target {
                    target.stage = Stage::Ready {
                        update,
                        file,
                        criteria,
                    };
                }
            }
            Ok(Manifest::Detached(_)) => {}
            Err(error) => self.fail(error.code(), error.to_string()),
        }
    }
}

fn is_whole(file: &Payload, bytes: &[u8]) -> bool {
    let hash = encoding::hexadecimal(digest(&SHA256, bytes).as_ref());
    bytes.len() as u64 == file.size && hash == file.sha256
}
