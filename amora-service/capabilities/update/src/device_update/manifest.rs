//! The update manifest, version 4 or 5: what a deployment installs, and on what it may be installed.

use super::agent::Identity;
use super::codes::ExtendedResultCode;
use super::encoding;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Longest manifest read. One in a twin has at most 4 KB; a longer one comes as a file.
pub(crate) const LONGEST: usize = 256 * 1024;

/// Longest name of a provider, an update or a version.
const LONGEST_NAME: usize = 64;

/// Longest file name, and longest text that says what is installed.
const LONGEST_FILE_NAME: usize = 255;
const LONGEST_CRITERIA: usize = 128;

/// Largest file that the service takes.
const LARGEST_FILE: u64 = 2_147_483_648;

/// Most files, and most steps.
const MOST: usize = 10;

/// The handlers that write a `.swu` file: the first takes the one file of its step, the second is told its name.
const SWUPDATE_1: &str = "microsoft/swupdate:1";
const SWUPDATE_2: &str = "microsoft/swupdate:2";

/// Why a manifest is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It is no manifest.
    #[error("the manifest cannot be read: {0}")]
    Malformed(String),
    /// It is of another version.
    #[error("the manifest is of version {0}; this box takes 4 and 5")]
    Version(String),
    /// It does not say which update it is of.
    #[error("the manifest has no usable `updateId`")]
    UpdateId,
    /// The detached manifest is not what the twin promised.
    #[error("the detached manifest cannot be used: {0}")]
    Detached(&'static str),
    /// It is for other devices.
    #[error("the update is not for this box: it is for {0}")]
    Compatibility(String),
    /// A step needs what this box does not have.
    #[error("the update has a step for `{0}`; this box takes one step for `{SWUPDATE_2}`")]
    Handler(String),
    /// A step is for components.
    #[error("the update has a step for components; this box has none")]
    Component,
    /// It has not exactly one step.
    #[error("the update has {0} steps; this box takes one, which is a whole image")]
    Steps(usize),
    /// A step has other files than one `.swu`.
    #[error("the update's step has to have one file, the `.swu`, and no script: this box runs none")]
    Files,
    /// A step does not say what its file is called.
    #[error("the update's step has no `swuFileName`, or no file of that name")]
    FileName,
    /// A step does not say when it is installed.
    #[error("the update's step has no usable `installedCriteria`")]
    Criteria,
    /// A file's entry cannot be used.
    #[error("the file `{0}` of the update has a bad name or size")]
    File(String),
    /// A file has no SHA-256.
    #[error("the file `{0}` of the update has no SHA-256")]
    NoHash(String),
    /// A file's SHA-256 is none.
    #[error("the file `{0}` of the update has a SHA-256 that is none")]
    Hash(String),
    /// The twin has no address for a file.
    #[error("there is no address for the file `{0}`")]
    NoAddress(String),
    /// A file's address is none that this box fetches from.
    #[error("the address of the file `{0}` is not one of http or https")]
    Address(String),
}

impl ManifestError {
    /// As the protocol reports it.
    pub fn code(&self) -> ExtendedResultCode {
        ExtendedResultCode(match self {
            Self::Malformed(_) => 0x8030_0009,
            Self::Version(_) => 0x8030_000A,
            Self::UpdateId => 0x8030_0003,
            Self::Detached(_) => 0x8030_000C,
            Self::Compatibility(_) => 0x3040_0007,
            Self::Handler(_) => 0x3000_0003,
            Self::Component => 0x3040_0005,
            Self::Steps(_) => 0x8040_0008,
            Self::Files => 0x3010_0103,
            Self::FileName => 0x3010_0008,
            Self::Criteria => 0x3010_0206,
            Self::File(_) => 0x3010_0104,
            Self::NoHash(_) => 0x4000_000B,
            Self::Hash(_) => 0x4000_000C,
            Self::NoAddress(_) => 0x8030_0007,
            Self::Address(_) => 0x4000_0007,
        })
    }
}

/// What an update is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpdateId {
    /// Who made it.
    pub provider: String,
    /// What it is for.
    pub name: String,
    /// Two to four numbers.
    pub version: String,
}

/// A file to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload {
    /// `http://` or `https://`.
    pub url: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

/// A manifest, as far as this box needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Manifest {
    /// The whole manifest is in a file.
    Detached(Payload),
    /// One image to install.
    Image {
        /// The update.
        update: UpdateId,
        /// The `.swu` file.
        file: Payload,
        /// The version that the running image has when this is installed.
        criteria: String,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    manifest_version: String,
    update_id: Option<UpdateId>,
    #[serde(default)]
    compatibility: Vec<BTreeMap<String, String>>,
    instructions: Option<Instructions>,
    #[serde(default)]
    files: BTreeMap<String, File>,
    detached_manifest_file_id: Option<String>,
}

#[derive(Default, Deserialize)]
struct Instructions {
    #[serde(default)]
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    handler: String,
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    handler_properties: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    #[serde(default)]
    file_name: String,
    #[serde(default)]
    size_in_bytes: u64,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

impl Manifest {
    /// Reads a manifest whose signature holds, for this box.
    ///
    /// # Errors
    /// Where it cannot be read, or is not an update of one image for this box.
    pub fn read(
        text: &str,
        urls: &BTreeMap<String, String>,
        identity: &Identity,
    ) -> Result<Self, ManifestError> {
        let document = Document::parse(text)?;
        match &document.detached_manifest_file_id {
            Some(id) => Ok(Self::Detached(document.payload(id, urls)?)),
            None => document.image(urls, identity),
        }
    }

    /// Reads the file that a detached manifest is in. It was checked against size and hash in the signed one.
    ///
    /// # Errors
    /// As for [`Self::read`], and where it is detached once more.
    pub fn read_detached(
        file: &str,
        urls: &BTreeMap<String, String>,
        identity: &Identity,
    ) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Wrapper {
            update_manifest: String,
        }
        let wrapper: Wrapper =
            serde_json::from_str(file).map_err(|_| ManifestError::Detached("it has no `updateManifest`"))?;
        match Self::read(&wrapper.update_manifest, urls, identity)? {
            Self::Detached(_) => Err(ManifestError::Detached("it is detached once more")),
            whole => Ok(whole),
        }
    }

    /// The update of a manifest, whatever else is in it.
    pub(crate) fn update_id(text: &str) -> Option<UpdateId> {
        Document::parse(text).ok()?.update_id
    }
}

impl Document {
    fn parse(text: &str) -> Result<Self, ManifestError> {
        if text.len() > LONGEST {
            return Err(ManifestError::Malformed(format!(
                "it has more than {LONGEST} bytes"
            )));
        }
        let document: Self =
            serde_json::from_str(text).map_err(|error| ManifestError::Malformed(error.to_string()))?;
        let major = document.manifest_version.split('.').next().unwrap_or_default();
        if !matches!(major, "4" | "5") {
            return Err(ManifestError::Version(shortened(&document.manifest_version)));
        }
        if !document.update_id.as_ref().is_some_and(UpdateId::is_usable) {
            return Err(ManifestError::UpdateId);
        }
        if document.files.len() > MOST {
            return Err(ManifestError::Malformed(format!("it has more than {MOST} files")));
        }
        Ok(document)
    }

    fn image(self, urls: &BTreeMap<String, String>, identity: &Identity) -> Result<Manifest, ManifestError> {
        if !self.compatibility.iter().any(|set| identity.has(set)) {
            let sets = serde_json::to_string(&self.compatibility).unwrap_or_default();
            return Err(ManifestError::Compatibility(shortened(&sets)));
        }
        let steps = self
            .instructions
            .as_ref()
            .map_or(&[][..], |list| list.steps.as_slice());
        for step in steps.iter().take(MOST) {
            if step.kind.as_deref().is_some_and(|kind| kind != "inline") {
                return Err(ManifestError::Component);
            }
            if step.handler != SWUPDATE_1 && step.handler != SWUPDATE_2 {
                return Err(ManifestError::Handler(shortened(&step.handler)));
            }
        }
        let [step] = steps else {
            return Err(ManifestError::Steps(steps.len()));
        };
        let [id] = step.files.as_slice() else {
            return Err(ManifestError::Files);
        };
        let property = |name| step.handler_properties.get(name).and_then(Value::as_str);
        if step.handler_properties.contains_key("scriptFileName") {
            return Err(ManifestError::Files);
        }
        let criteria = property("installedCriteria").filter(|text| is_word(text, LONGEST_CRITERIA));
        let criteria = criteria.ok_or(ManifestError::Criteria)?.to_owned();
        let file = self.payload(id, urls)?;
        let named = self.files.get(id).map(|file| file.file_name.as_str());
        if step.handler == SWUPDATE_2 && (named.is_none() || property("swuFileName") != named) {
            return Err(ManifestError::FileName);
        }
        let update = self.update_id.ok_or(ManifestError::UpdateId)?;
        Ok(Manifest::Image {
            update,
            file,
            criteria,
        })
    }

    fn payload(&self, id: &str, urls: &BTreeMap<String, String>) -> Result<Payload, ManifestError> {
        let shown = || shortened(id);
        let file = self.files.get(id).ok_or_else(|| ManifestError::File(shown()))?;
        if !is_file_name(&file.file_name) || !(1..=LARGEST_FILE).contains(&file.size_in_bytes) {
            return Err(ManifestError::File(shown()));
        }
        let hash = file
            .hashes
            .get("sha256")
            .ok_or_else(|| ManifestError::NoHash(shown()))?;
        let hash = encoding::sha256(hash).ok_or_else(|| ManifestError::Hash(shown()))?;
        let url = urls.get(id).ok_or_else(|| ManifestError::NoAddress(shown()))?;
        if !is_address(url) {
            return Err(ManifestError::Address(shown()));
        }
        Ok(Payload {
            url: url.clone(),
            size: file.size_in_bytes,
            sha256: encoding::hexadecimal(&hash),
        })
    }
}

impl UpdateId {
    fn is_usable(&self) -> bool {
        [&self.provider, &self.name, &self.version]
            .iter()
            .all(|text| is_word(text, LONGEST_NAME))
    }

    /// As the twin holds it: JSON in a text.
    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Whether an address is one that this box fetches from. Each redirect has to be, too, and none may leave https.
pub(crate) fn is_address(url: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(url) else {
        return false;
    };
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
}

/// Whether a text is one name within a folder, and nothing but a name.
fn is_file_name(name: &str) -> bool {
    (1..=LONGEST_FILE_NAME).contains(&name.len())
        && !name.starts_with('.')
        && !name.contains(|letter: char| letter.is_control() || matches!(letter, '/' | '\\' | ':'))
}

/// Whether a text is there, not too long and without control characters.
fn is_word(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && !text.contains(char::is_control)
}

/// So much of a text as a person needs to know which it is.
fn shortened(text: &str) -> String {
    text.chars()
        .filter(|letter| !letter.is_control())
        .take(200)
        .collect()
}

#[cfg(test)]
mod tests;
