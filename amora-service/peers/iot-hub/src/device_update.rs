//! The service side of Device Update for IoT Hub: keys made at start, signed deployments for twins, and their files.
//!
//! Shapes as in Microsoft's documents of the agent protocol and as its agent reads them. The two root keys stand for
//! the built-in ones of a real agent: give [`UpdateService::roots`] to the agent under test.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo};
use x509_parser::public_key::PublicKey;

/// The path of the package of root keys.
const ROOT_KEYS: &str = "rootkeypackage.json";
/// Process a deployment.
const DEPLOY: u16 = 3;
/// Cancel it.
const CANCEL: u16 = 255;

/// An update, as someone imports it into Device Update.
#[derive(Debug, Clone)]
pub struct Update {
    /// Who makes it.
    pub provider: String,
    /// Of what it is an update.
    pub name: String,
    /// Two to four numbers.
    pub version: String,
    /// What a device must say of itself: `manufacturer`, `model` …
    pub compatibility: BTreeMap<String, String>,
    /// Who installs it on the device: `microsoft/swupdate:2`.
    pub handler: String,
    /// What the handler is told, `installedCriteria` among it.
    pub handler_properties: Map<String, Value>,
    /// Its files, by name.
    pub files: Vec<(String, Vec<u8>)>,
}

/// A request for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRequest {
    /// The file's path.
    pub path: String,
    /// The range that was asked for, as in the header.
    pub range: Option<String>,
}

/// What is wrong with how a file is served. Where it has a length, that is announced as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends after so many bytes of the file.
    Cut(usize),
    /// Nothing comes after so many bytes of the file; the connection stays.
    Stall(usize),
    /// The file has no length, and zeros follow it without end.
    Endless,
}

#[derive(Clone)]
enum Content {
    Bytes(Vec<u8>),
    Faulty(Vec<u8>, Fault),
    Redirect(String),
}

#[derive(Default)]
struct Files {
    contents: HashMap<String, Content>,
    requests: Vec<FileRequest>,
}

type Shared = Arc<Mutex<Files>>;

/// The running service. It stops when dropped.
pub struct UpdateService {
    roots: [(&'static str, KeyPair); 2],
    signer: KeyPair,
    files: Shared,
    address: SocketAddr,
    _listener: JoinSet<()>,
}

impl UpdateService {
    /// Makes the keys, RSA of 3,072 bits, and serves files on a free port of 127.0.0.1.
    pub async fn start() -> io::Result<Self> {
        let key =
            || KeyPair::generate(KeySize::Rsa3072).map_err(|_| io::Error::other("cannot make an RSA key"));
        let roots = [("TEST.1.R", key()?), ("TEST.2.R", key()?)];
        let signer = key()?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let files = Shared::default();
        let router = Router::new()
            .route("/{*path}", get(serve))
            .with_state(files.clone());
        let mut task = JoinSet::new();
        task.spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "the files of updates are no longer served");
            }
        });
        let service = Self {
            roots,
            signer,
            files,
            address,
            _listener: task,
        };
        service.publish_root_keys(&json!({}));
        Ok(service)
    }

    /// The root keys: name and modulus in Base64url. Their exponent is 65,537.
    pub fn roots(&self) -> Vec<(String, String)> {
        self.roots
            .iter()
            .map(|(name, key)| ((*name).to_owned(), modulus(key)))
            .collect()
    }

    /// Where the package of root keys is.
    pub fn root_key_package_url(&self) -> String {
        self.url(ROOT_KEYS)
    }

    /// Signs another package of root keys: `change` is merged into its protected part, null removes.
    pub fn publish_root_keys(&self, change: &Value) {
        let published = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let keys = self.roots.iter().map(|(name, key)| {
            (
                (*name).to_owned(),
                json!({ "keyType": "RSA", "n": modulus(key), "e": 65_537 }),
            )
        });
        let mut protected = json!({
            "version": 1,
            "published": published,
            "isTest": true,
            "disabledRootKeys": [],
            "disabledSigningKeys": [],
            "rootKeys": keys.collect::<Map<_, _>>(),
        });
        if let (Some(fields), Some(change)) = (protected.as_object_mut(), change.as_object()) {
            for (name, value) in change {
                match value {
                    Value::Null => fields.remove(name),
                    value => fields.insert(name.clone(), value.clone()),
                };
            }
        }
        let text = protected.to_string();
        let signature =
            |(_, key): &(_, KeyPair)| json!({ "alg": "RS256", "sig": sign(key, text.as_bytes()) });
        let signatures: Vec<_> = self.roots.iter().map(signature).collect();
        let package = json!({ "protected": protected, "signatures": signatures });
        self.set_file(ROOT_KEYS, package.to_string().into_bytes());
    }

    /// Publishes a package that disables the signing key of all deployments.
    pub fn disable_signing_key(&self) {
        let hash = URL_SAFE_NO_PAD.encode(digest(&SHA256, &public_key(&self.signer)));
        self.publish_root_keys(
            &json!({ "version": 2, "disabledSigningKeys": [{ "alg": "SHA256", "hash": hash }] }),
        );
    }

    /// Puts an update's files where devices fetch them, and returns the desired properties that deploy it.
    pub fn deployment(&self, workflow: &str, update: &Update) -> Value {
        let (mut files, mut urls) = (Map::new(), Map::new());
        for (index, (name, content)) in update.files.iter().enumerate() {
            let id = format!("f{index:016x}");
            let path = format!("{workflow}/{name}");
            let hash = STANDARD.encode(digest(&SHA256, content));
            let entry =
                json!({ "fileName": name, "sizeInBytes": content.len(), "hashes": { "sha256": hash } });
            urls.insert(id.clone(), self.url(&path).into());
            files.insert(id, entry);
            self.set_file(&path, content.clone());
        }
        let step = json!({
            "handler": update.handler,
            "files": files.keys().collect::<Vec<_>>(),
            "handlerProperties": update.handler_properties,
        });
        let manifest = json!({
            "manifestVersion": "5",
            "updateId": { "provider": update.provider, "name": update.name, "version": update.version },
            "compatibility": [update.compatibility],
            "instructions": { "steps": [step] },
            "files": files,
            "createdDateTime": "2026-01-01T00:00:00.0000000Z",
        })
        .to_string();
        let signature = self.sign(&manifest);
        self.service(json!({
            "workflow": { "action": DEPLOY, "id": workflow },
            "updateManifest": manifest,
            "updateManifestSignature": signature,
            "fileUrls": urls,
            "rootKeyPackageUrl": self.root_key_package_url(),
        }))
    }

    /// The same deployment once more: agents take it if the time is another one.
    pub fn retry(&self, workflow: &str, timestamp: &str) -> Value {
        self.service(json!({ "workflow": { "action": DEPLOY, "id": workflow, "retryTimestamp": timestamp } }))
    }

    /// The desired properties that cancel a deployment.
    pub fn cancellation(&self, workflow: &str) -> Value {
        self.service(json!({ "workflow": { "action": CANCEL, "id": workflow } }))
    }

    /// The signature of a manifest: by the signing key, which the first root key vouches for.
    pub fn sign(&self, manifest: &str) -> String {
        let (root_name, root) = &self.roots[0];
        let key =
            json!({ "kty": "RSA", "n": modulus(&self.signer), "e": "AQAB", "alg": "RS256", "kid": "TEST.S" });
        let vouched = jws(root, &json!({ "alg": "RS256", "kid": root_name }), &key);
        let hash = STANDARD.encode(digest(&SHA256, manifest.as_bytes()));
        jws(
            &self.signer,
            &json!({ "alg": "RS256", "sjwk": vouched }),
            &json!({ "sha256": hash }),
        )
    }

    /// Puts other content at a path than the manifest says.
    pub fn set_file(&self, path: &str, content: Vec<u8>) {
        self.files()
            .contents
            .insert(path.to_owned(), Content::Bytes(content));
    }

    /// Serves what is at a path with a fault from now on.
    pub fn spoil(&self, path: &str, fault: Fault) {
        let mut files = self.files();
        if let Some(Content::Bytes(bytes) | Content::Faulty(bytes, _)) = files.contents.get(path).cloned() {
            files
                .contents
                .insert(path.to_owned(), Content::Faulty(bytes, fault));
        }
    }

    /// Sends whoever asks for a path somewhere else.
    pub fn redirect(&self, path: &str, url: &str) {
        self.files()
            .contents
            .insert(path.to_owned(), Content::Redirect(url.to_owned()));
    }

    /// What was asked for, in order.
    pub fn requests(&self) -> Vec<FileRequest> {
        self.files().requests.clone()
    }

    fn service(&self, service: Value) -> Value {
        json!({ "deviceUpdate": { "__t": "c", "service": service } })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(State(files): State<Shared>, Path(path): Path<String>, headers: HeaderMap) -> Response {
    let range = headers
        .get(header::RANGE)
        .and_then(|range| range.to_str().ok())
        .map(str::to_owned);
    let content = {
        let mut files = files.lock().unwrap_or_else(PoisonError::into_inner);
        files.requests.push(FileRequest {
            path: path.clone(),
            range: range.clone(),
        });
        files.contents.get(&path).cloned()
    };
    match content {
        None => StatusCode::NOT_FOUND.into_response(),
        Some(Content::Redirect(url)) => Redirect::temporary(&url).into_response(),
        Some(Content::Faulty(bytes, fault)) => faulty(&bytes, fault, range.as_deref()),
        Some(Content::Bytes(bytes)) => match range {
            Some(range) => part(&bytes, &range),
            None => ([(header::ACCEPT_RANGES, "bytes")], bytes).into_response(),
        },
    }
}

/// A file, or the rest of it, as a server with a fault serves it.
fn faulty(bytes: &[u8], fault: Fault, range: Option<&str>) -> Response {
    let rest = range.and_then(|range| {
        range
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse::<usize>()
            .ok()
    });
    let from = rest.unwrap_or_default().min(bytes.len());
    let end = match fault {
        Fault::Cut(end) | Fault::Stall(end) => end.clamp(from, bytes.len()),
        Fault::Endless => bytes.len(),
    };
    let first = stream::once(std::future::ready(Ok(bytes[from..end].to_vec())));
    let then: BoxStream<'_, io::Result<Vec<u8>>> = match fault {
        Fault::Cut(_) => stream::once(async {
            // What was sent before is on its way by then.
            tokio::time::sleep(Duration::from_millis(50)).await;
            Err(io::ErrorKind::ConnectionReset.into())
        })
        .boxed(),
        Fault::Stall(_) => stream::pending().boxed(),
        Fault::Endless => stream::repeat_with(|| Ok(vec![0; 64 * 1024])).boxed(),
    };
    let mut response = Body::from_stream(first.chain(then)).into_response();
    if fault != Fault::Endless {
        let length = HeaderValue::from(bytes.len() - from);
        response.headers_mut().insert(header::CONTENT_LENGTH, length);
    }
    if rest.is_some() && fault != Fault::Endless {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let whole = bytes.len();
        let range = format!("bytes {from}-{}/{whole}", whole.saturating_sub(1));
        if let Ok(range) = HeaderValue::from_str(&range) {
            response.headers_mut().insert(header::CONTENT_RANGE, range);
        }
    }
    response
}

/// One range, `bytes=from-` or `bytes=from-to`; any other is not satisfied.
fn part(bytes: &[u8], range: &str) -> Response {
    let whole = bytes.len();
    let bounds = range
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .and_then(|(from, to)| {
            let end = whole.checked_sub(1)?;
            let last = if to.is_empty() {
                end
            } else {
                to.parse::<usize>().ok()?.min(end)
            };
            Some((from.parse::<usize>().ok()?, last))
        });
    match bounds.and_then(|(from, to)| Some((from, to, bytes.get(from..=to)?))) {
        Some((from, to, part)) if !part.is_empty() => {
            let range = [(header::CONTENT_RANGE, format!("bytes {from}-{to}/{whole}"))];
            (StatusCode::PARTIAL_CONTENT, range, part.to_vec()).into_response()
        }
        _ => (
            StatusCode::RANGE_NOT_SATISFIABLE,
            [(header::CONTENT_RANGE, format!("bytes */{whole}"))],
        )
            .into_response(),
    }
}

/// A JSON Web Signature in its compact form.
fn jws(key: &KeyPair, header: &Value, payload: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(payload));
    let signature = sign(key, signed.as_bytes());
    format!("{signed}.{signature}")
}

fn sign(key: &KeyPair, message: &[u8]) -> String {
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
        .expect("an RSA key of its own signs");
    URL_SAFE_NO_PAD.encode(signature)
}

/// The `SubjectPublicKeyInfo` in DER, by whose hash a disabled key is named.
fn public_key(key: &KeyPair) -> Vec<u8> {
    key.public_key()
        .as_der()
        .expect("an RSA key has a public part")
        .as_ref()
        .to_vec()
}

/// The modulus in Base64url, without the zero that makes it positive in DER.
fn modulus(key: &KeyPair) -> String {
    let der = public_key(key);
    let (_, info) = SubjectPublicKeyInfo::from_der(&der).expect("a public key in DER can be read");
    match info.parsed() {
        Ok(PublicKey::RSA(key)) => {
            URL_SAFE_NO_PAD.encode(key.modulus.strip_prefix(&[0]).unwrap_or(key.modulus))
        }
        other => unreachable!("{other:?} is no RSA key"),
    }
}
