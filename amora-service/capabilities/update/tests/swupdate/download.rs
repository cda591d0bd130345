//! Updates that are fetched.

use crate::bench::Bench;
use crate::server::{Manners, Server};
use crate::updates::image;
use amora_contract::commands::{InstallUpdate, UpdateCommand};
use amora_contract::state::{Outcome, UpdateCause, UpdatePhase};
use amora_contract::units::Bytes;
use amora_contract::{CommandError, ErrorCode};
use std::fs;
use std::process::{Child, Command, Stdio};
use tokio::net::TcpSocket;

async fn install(bench: &Bench, url: &str) -> Result<(), CommandError> {
    install_as(
        bench,
        InstallUpdate {
            url: url.to_owned(),
            ..InstallUpdate::default()
        },
    )
    .await
}

async fn install_as(bench: &Bench, wanted: InstallUpdate) -> Result<(), CommandError> {
    bench.command(UpdateCommand::Install(wanted)).await.map(drop)
}

#[tokio::test]
async fn a_download_that_is_cut_is_taken_up_again_while_swupdate_waits() {
    let bench = Bench::new().await;
    let (image, slots) = (image(3_000_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let manners = Manners {
        cuts: vec![1_000_000, 5, 700_000],
        ..Manners::default()
    };
    let server = Server::start(update.clone(), manners).await;
    install(&bench, &server.url).await.unwrap();
    let state = bench.phase(UpdatePhase::Installed).await;
    assert!(fs::read(slots.join("b")).unwrap() == image, "{}", bench.log());
    assert_eq!(
        bench.log().matches("Software Update started").count(),
        1,
        "one installation"
    );
    let requests = server.requests.lock().unwrap().clone();
    assert_eq!(requests.len(), 4);
    for (request, first) in requests[1..].iter().zip([1_000_000, 1_000_005, 1_700_005]) {
        let request = request.to_lowercase();
        assert!(request.contains(&format!("range: bytes={first}-")), "{request}");
        assert!(request.contains("if-range: \"first\""), "{request}");
    }
    let install = state.install.unwrap();
    assert_eq!(install.received, Bytes(update.len() as u64));
    let url = install.url.unwrap();
    assert!(url.ends_with("/update.swu") && !url.contains("secret"), "{url}");
}

#[tokio::test]
async fn a_server_without_ranges_is_read_again_from_the_start() {
    let bench = Bench::new().await;
    let (image, slots) = (image(1_000_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let manners = Manners {
        cuts: vec![400_000],
        ranges: false,
        ..Manners::default()
    };
    let server = Server::start(update, manners).await;
    install(&bench, &server.url).await.unwrap();
    bench.phase(UpdatePhase::Installed).await;
    assert!(fs::read(slots.join("b")).unwrap() == image);
}

#[tokio::test]
async fn redirects_are_followed_and_a_server_that_is_busy_is_asked_again() {
    let bench = Bench::new().await;
    let (image, slots) = (image(100_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let target = Server::start(update, Manners::default()).await;
    let manners = Manners {
        first: vec![
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n".to_owned(),
            format!(
                "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
                target.url
            ),
        ],
        ..Manners::default()
    };
    let server = Server::start(Vec::new(), manners).await;
    install(&bench, &server.url).await.unwrap();
    bench.phase(UpdatePhase::Installed).await;
    assert_eq!(server.requests.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_cannot_be_fetched_is_said() {
    let bench = Bench::new().await;
    let missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned();
    let round = "HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n".to_owned();
    for (first, words) in [(vec![missing], "404"), (vec![round; 20], "redirect")] {
        let manners = Manners {
            first,
            ..Manners::default()
        };
        let server = Server::start(Vec::new(), manners).await;
        let before = bench.state().last;
        install(&bench, &server.url).await.unwrap();
        let state = bench
            .reaches(|state| state.phase == UpdatePhase::Idle && state.last != before)
            .await;
        let last = state.last.unwrap();
        assert_eq!(
            (last.outcome, last.cause),
            (Outcome::Failed, Some(UpdateCause::Download))
        );
        assert!(last.reason.contains(words), "{}", last.reason);
        assert!(!last.reason.contains("secret"), "{}", last.reason);
    }
    let error = install(&bench, "ftp://example.org/x").await.unwrap_err();
    assert!(error.message.contains("http"), "{error}");
}

#[tokio::test]
async fn a_file_that_is_replaced_during_the_download_is_not_mixed() {
    let bench = Bench::new().await;
    let (image, slots) = (image(1_000_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let manners = Manners {
        cuts: vec![500_000],
        replaced: Some(bench.update("1.2.0", &image, &slots).build()),
        ..Manners::default()
    };
    let server = Server::start(update, manners).await;
    install(&bench, &server.url).await.unwrap();
    let last = bench.outcome().await;
    assert_eq!(last.cause, Some(UpdateCause::Download));
    assert!(last.reason.contains("changed"), "{}", last.reason);
}

#[tokio::test]
async fn an_announced_hash_and_size_are_kept_to() {
    let bench = Bench::new().await;
    let (image, slots) = (image(300_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let server = Server::start(update.clone(), Manners::default()).await;
    let hash = |bytes: &[u8]| -> String {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let wanted = |sha256: String, size: usize| InstallUpdate {
        url: server.url.clone(),
        sha256: Some(sha256),
        size: Some(Bytes(size as u64)),
        reference: Some("workflow 7".to_owned()),
        ..InstallUpdate::default()
    };
    let error = install_as(&bench, wanted("12".to_owned(), update.len()))
        .await
        .unwrap_err();
    assert_eq!(
        (error.code, error.field.as_deref()),
        (ErrorCode::InvalidParameter, Some("sha256"))
    );

    install_as(&bench, wanted(hash(b"something else"), update.len()))
        .await
        .unwrap();
    let last = bench.outcome().await;
    assert_eq!(last.cause, Some(UpdateCause::Corrupt), "{}", last.reason);
    assert_eq!(last.reference.as_deref(), Some("workflow 7"));
    assert!(
        !bench.log().contains("SWUPDATE successful"),
        "without its end nothing is installed"
    );

    install_as(&bench, wanted(hash(&update), update.len() + 1))
        .await
        .unwrap();
    let state = bench
        .reaches(|state| state.phase == UpdatePhase::Idle && state.last.as_ref() != Some(&last))
        .await;
    assert_eq!(state.last.unwrap().cause, Some(UpdateCause::Corrupt));

    install_as(&bench, wanted(hash(&update), update.len()))
        .await
        .unwrap();
    let state = bench.phase(UpdatePhase::Installed).await;
    assert_eq!(state.install.unwrap().reference.as_deref(), Some("workflow 7"));
}

#[tokio::test]
async fn a_download_can_be_called_off_while_it_waits() {
    let bench = Bench::new().await;
    let (image, slots) = (image(1_000_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let manners = Manners {
        cuts: vec![500_000, 0, 0, 0, 0, 0, 0, 0, 0],
        ..Manners::default()
    };
    let server = Server::start(update, manners).await;
    install(&bench, &server.url).await.unwrap();
    bench
        .reaches(|state| {
            state
                .install
                .as_ref()
                .is_some_and(|install| install.waiting.is_some())
        })
        .await;
    bench.command(UpdateCommand::Cancel).await.unwrap();
    assert_eq!(bench.outcome().await.outcome, Outcome::Cancelled);
}

/// OpenSSL's own server, with a certificate that the test's authority vouches for.
struct SecureServer {
    child: Child,
    url: String,
}

impl SecureServer {
    fn start(bench: &Bench, update: &[u8]) -> Self {
        let folder = bench.path("www");
        fs::create_dir_all(&folder).unwrap();
        let head = format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", update.len());
        fs::write(folder.join("update.swu"), [head.as_bytes(), update].concat()).unwrap();
        // Never listening: a process that is just being started would hold that port open until it has begun.
        let reserved = TcpSocket::new_v4().unwrap();
        reserved.set_reuseaddr(true).unwrap();
        reserved.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let free = reserved.local_addr().unwrap();
        let certificate = bench.keys.server_certificate();
        let child = Command::new("openssl")
            .args([
                "s_server",
                "-quiet",
                "-HTTP",
                "-accept",
                &free.to_string(),
                "-cert",
            ])
            .arg(certificate)
            .arg("-key")
            .arg(bench.keys.path("server.key"))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let url = format!("https://{free}/update.swu");
        Self { child, url }
    }
}

impl Drop for SecureServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_server_must_show_a_certificate_that_is_trusted() {
    let mut bench = Bench::bare();
    bench.config.ca_file = Some(bench.keys.path("ca.pem"));
    bench.start_swupdate(crate::bench::BOARD, "1.0.0");
    bench.start().await;
    bench.reaches(|state| state.unavailable.is_none()).await;
    let (image, slots) = (image(300_000), bench.path("slots"));
    let update = bench.update("1.1.0", &image, &slots).build();
    let server = SecureServer::start(&bench, &update);
    install(&bench, &server.url).await.unwrap();
    bench.phase(UpdatePhase::Installed).await;
    bench.command(UpdateCommand::RollBack).await.unwrap();

    bench.stop().await;
    bench.config.ca_file = None;
    bench.config.download_patience = amora_contract::units::Seconds(1.0);
    bench.start_capability();
    bench.reaches(|state| state.unavailable.is_none()).await;
    let before = bench.state().last;
    install(&bench, &server.url).await.unwrap();
    let state = bench
        .reaches(|state| state.phase == UpdatePhase::Idle && state.last != before)
        .await;
    let last = state.last.unwrap();
    assert_eq!(last.cause, Some(UpdateCause::Download));
    assert!(last.reason.contains("not trusted"), "{}", last.reason);
}
