//! The service side of Device Update: what an agent would check, and where it would fetch.

use amora_peer_iot_hub::{Fault, FileRequest, Update, UpdateService};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn update() -> Update {
    Update {
        provider: "Example".into(),
        name: "Box".into(),
        version: "1.2.0".into(),
        compatibility: BTreeMap::from([
            ("manufacturer".into(), "example".into()),
            ("model".into(), "box".into()),
        ]),
        handler: "microsoft/swupdate:2".into(),
        handler_properties: json!({ "installedCriteria": "1.2.0" })
            .as_object()
            .unwrap()
            .clone(),
        files: vec![("image.swu".into(), (0..=255).collect())],
    }
}

fn is_signed(modulus: &str, message: &str, signature: &str) -> bool {
    let n = URL_SAFE_NO_PAD.decode(modulus).unwrap();
    let key = RsaPublicKeyComponents { n, e: vec![1, 0, 1] };
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    key.verify(&RSA_PKCS1_2048_8192_SHA256, message.as_bytes(), &signature)
        .is_ok()
}

fn part(jws: &str, index: usize) -> Value {
    serde_json::from_slice(
        &URL_SAFE_NO_PAD
            .decode(jws.split('.').nth(index).unwrap())
            .unwrap(),
    )
    .unwrap()
}

/// Asks for a URL of 127.0.0.1 as simply as can be: status line with headers, and body.
async fn fetch(url: &str, range: &str) -> (String, Vec<u8>) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n{range}Connection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    (
        String::from_utf8_lossy(&answer[..end]).into_owned(),
        answer[end + 4..].to_vec(),
    )
}

#[tokio::test]
async fn a_deployment_is_signed_up_to_a_root_key_and_its_files_are_there() {
    let service = UpdateService::start().await.unwrap();
    let roots: BTreeMap<_, _> = service.roots().into_iter().collect();
    let deployment = service.deployment("w1", &update());
    let wanted = &deployment["deviceUpdate"]["service"];
    assert_eq!(wanted["workflow"], json!({ "action": 3, "id": "w1" }));

    let manifest = wanted["updateManifest"].as_str().unwrap();
    let signature = wanted["updateManifestSignature"].as_str().unwrap();
    assert!(
        signature.len() <= 4096 && manifest.len() <= 4096,
        "a twin's texts have 4 KB"
    );
    let vouched = part(signature, 0)["sjwk"].as_str().unwrap().to_owned();
    let root = &roots[part(&vouched, 0)["kid"].as_str().unwrap()];
    let (text, by) = vouched.rsplit_once('.').unwrap();
    assert!(is_signed(root, text, by));
    let signer = part(&vouched, 1)["n"].as_str().unwrap().to_owned();
    let (text, by) = signature.rsplit_once('.').unwrap();
    assert!(is_signed(&signer, text, by));
    assert!(!is_signed(root, text, by));
    assert_eq!(
        part(signature, 1)["sha256"],
        STANDARD.encode(digest(&SHA256, manifest.as_bytes()))
    );

    let manifest: Value = serde_json::from_str(manifest).unwrap();
    let (id, file) = manifest["files"].as_object().unwrap().iter().next().unwrap();
    assert_eq!(manifest["instructions"]["steps"][0]["files"], json!([id]));
    let (head, body) = fetch(wanted["fileUrls"][id].as_str().unwrap(), "").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(file["sizeInBytes"], body.len());
    assert_eq!(file["hashes"]["sha256"], STANDARD.encode(digest(&SHA256, &body)));
}

#[tokio::test]
async fn the_package_of_root_keys_is_signed_by_all_of_them() {
    let service = UpdateService::start().await.unwrap();
    service.disable_signing_key();
    let (_, body) = fetch(&service.root_key_package_url(), "").await;
    let package: Value = serde_json::from_slice(&body).unwrap();
    let protected = &package["protected"];
    assert_eq!(protected["disabledSigningKeys"][0]["alg"], "SHA256");
    assert_eq!(protected["version"], 2);
    let text = protected.to_string();
    assert!(
        String::from_utf8(body).unwrap().contains(&text),
        "what is signed is what is sent"
    );
    for (name, modulus) in service.roots() {
        assert_eq!(protected["rootKeys"][&name]["n"], modulus);
        let mut signatures = package["signatures"].as_array().unwrap().iter();
        assert!(
            signatures.any(|one| is_signed(&modulus, &text, one["sig"].as_str().unwrap())),
            "{name}"
        );
    }
}

#[tokio::test]
async fn files_come_in_ranges_from_elsewhere_or_not_at_all() {
    let service = UpdateService::start().await.unwrap();
    let deployment = service.deployment("w2", &update());
    let urls = deployment["deviceUpdate"]["service"]["fileUrls"]
        .as_object()
        .unwrap()
        .clone();
    let url = urls.values().next().unwrap().as_str().unwrap();
    for (range, status, wanted) in [
        ("bytes=250-", "206", (250..=255).collect()),
        ("bytes=1-2", "206", vec![1, 2]),
        ("bytes=254-999", "206", vec![254, 255]),
        ("bytes=256-", "416", Vec::new()),
        ("bytes=2-1", "416", Vec::new()),
    ] {
        let (head, body) = fetch(url, &format!("Range: {range}\r\n")).await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{range}: {head}");
        assert_eq!(body, wanted, "{range}");
    }
    service.redirect("w2/image.swu", "file:///etc/passwd");
    let (head, _) = fetch(url, "").await;
    assert!(
        head.to_lowercase().contains("location: file:///etc/passwd"),
        "{head}"
    );
    let (head, _) = fetch(&url.replace("image", "other"), "").await;
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    let first = FileRequest {
        path: "w2/image.swu".into(),
        range: Some("bytes=250-".into()),
    };
    assert_eq!(service.requests()[0], first);
}

#[tokio::test]
async fn a_file_can_be_served_with_a_fault() {
    let service = UpdateService::start().await.unwrap();
    let deployment = service.deployment("w3", &update());
    let url = deployment["deviceUpdate"]["service"]["fileUrls"]["f0000000000000000"]
        .as_str()
        .unwrap();
    service.spoil("w3/image.swu", Fault::Cut(100));
    let (head, body) = fetch(url, "").await;
    let head = head.to_lowercase();
    assert!(head.contains("content-length: 256"), "{head}");
    assert_eq!(body, (0..100).collect::<Vec<u8>>());
    let (head, body) = fetch(url, "Range: bytes=90-\r\n").await;
    assert!(head.contains("bytes 90-255/256"), "{head}");
    assert_eq!(body, (90..100).collect::<Vec<u8>>());

    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    for (fault, wanted) in [(Fault::Stall(3), 3), (Fault::Endless, 1 << 20)] {
        service.spoil("w3/image.swu", fault);
        let mut stream = TcpStream::connect(host).await.unwrap();
        let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let mut piece = vec![0; 65_536];
        let enough = |answer: &[u8]| {
            let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
            end.is_some_and(|end| answer.len() >= end + 4 + wanted)
        };
        while !enough(&answer) {
            let length = stream.read(&mut piece).await.unwrap();
            assert!(length > 0, "{fault:?} does not end");
            answer.extend_from_slice(&piece[..length]);
        }
    }
}
