//! Certificates and updates, made with OpenSSL as the build makes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What makes a key of the kind that is quick to make.
const NEW_KEY: [&str; 5] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/// A certificate authority and a signer that it vouches for.
pub(crate) struct Keys {
    folder: tempfile::TempDir,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Self { folder };
        let authority = ["req", "-x509", "-subj", "/CN=Test CA", "-days", "30"];
        let files = ["-keyout", "ca.key", "-out", "ca.pem"];
        openssl(keys.folder.path(), &[&authority[..], &files, &NEW_KEY].concat());
        let extensions = "extendedKeyUsage=emailProtection\nkeyUsage=digitalSignature\n";
        keys.vouch_for("sign", "/CN=Test signer", extensions);
        keys
    }

    /// A certificate for a server on this machine; its key lies beside it as `server.key`.
    pub(crate) fn server_certificate(&self) -> PathBuf {
        self.vouch_for("server", "/CN=server", "subjectAltName=IP:127.0.0.1\n");
        self.path("server.pem")
    }

    /// Has the authority vouch for a new key: `NAME.key` and `NAME.pem`.
    fn vouch_for(&self, name: &str, subject: &str, extensions: &str) {
        let [key, request, certificate, about] =
            ["key", "csr", "pem", "extensions"].map(|ending| format!("{name}.{ending}"));
        fs::write(self.path(&about), extensions).unwrap();
        let ask = ["req", "-subj", subject, "-keyout", &key, "-out", &request];
        openssl(self.folder.path(), &[&ask[..], &NEW_KEY].concat());
        let sign = [
            "x509", "-req", "-in", &request, "-CA", "ca.pem", "-CAkey", "ca.key",
        ];
        let how = [
            "-CAcreateserial",
            "-days",
            "30",
            "-extfile",
            &about,
            "-out",
            &certificate,
        ];
        openssl(self.folder.path(), &[&sign[..], &how].concat());
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn sign(&self, description: &[u8]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        fs::write(path("in"), description).unwrap();
        let (key, certificate) = (self.path("sign.key"), self.path("sign.pem"));
        openssl(
            folder.path(),
            &[
                "cms",
                "-sign",
                "-in",
                "in",
                "-out",
                "out",
                "-outform",
                "DER",
                "-nosmimecap",
                "-binary",
                "-signer",
                certificate.to_str().unwrap(),
                "-inkey",
                key.to_str().unwrap(),
            ],
        );
        fs::read(path("out")).unwrap()
    }
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl")
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// An update in the making.
#[derive(Clone)]
pub(crate) struct Update<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) version: &'a str,
    pub(crate) board: &'a str,
    /// The files that stand for the slots.
    pub(crate) slots: &'a Path,
    pub(crate) image: &'a [u8],
    pub(crate) signed: bool,
}

impl Update<'_> {
    /// A description with `more` about all of it and `how` its image gets to the slots.
    fn description(&self, more: &str, how: impl Fn(&str) -> String) -> String {
        let slot = |name: &str| {
            format!(
                "{name}: {{ images: ( {{ filename = \"rootfs\"; device = \"{}\"; {} }} ); }};\n",
                self.slots.join(name).display(),
                how(name)
            )
        };
        format!(
            "/* An update. */\nsoftware =\n{{\n version = \"{}\";\n bootloader_transaction_marker = false;\n {more}\n {} = {{\n  hardware-compatibility: [ \"1.0\" ];\n  stable = {{ {}{} }};\n }};\n}}\n",
            self.version,
            self.board,
            slot("a"),
            slot("b"),
        )
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let hash = sha256(self.image);
        let how = |_: &str| format!("type = \"raw\"; installed-directly = true; sha256 = \"{hash}\";");
        self.pack(&self.description("", how), self.image)
    }

    /// The same as a delta from the running slot, with the list of the image's chunks.
    pub(crate) fn build_delta(&self, list: &[u8], chunks: &str, full: &str) -> Vec<u8> {
        let hash = sha256(list);
        let how = |name: &str| {
            let running = self.slots.join(if name == "a" { "b" } else { "a" });
            format!(
                "type = \"delta\"; sha256 = \"{hash}\"; properties: {{ url = \"{chunks}\"; source = \"{}\"; chain = \"raw\"; zckloglevel = \"error\"; }};",
                running.display()
            )
        };
        let full = format!("amora = {{ full = \"{full}\"; }};");
        self.pack(&self.description(&full, how), list)
    }

    fn pack(&self, description: &str, image: &[u8]) -> Vec<u8> {
        let mut archive = Vec::new();
        entry(&mut archive, "sw-description", description.as_bytes());
        if self.signed {
            entry(
                &mut archive,
                "sw-description.sig",
                &self.keys.sign(description.as_bytes()),
            );
        }
        entry(&mut archive, "rootfs", image);
        entry(&mut archive, "TRAILER!!!", b"");
        archive.resize(archive.len().next_multiple_of(512), 0);
        archive
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An image's file of chunks, and the list of them that it begins with.
pub(crate) fn chunked(image: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program)
            .args(arguments)
            .current_dir(folder.path())
            .output()
            .expect("zck of the package zchunk");
        assert!(output.status.success(), "{program} {arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    fs::write(folder.path().join("image"), image).unwrap();
    run(
        "zck",
        &["--output", "chunks", "-u", "--chunk-hash-type", "sha256", "image"],
    );
    let about = run("zck_read_header", &["-v", "chunks"]);
    let size = about.lines().find_map(|line| line.strip_prefix("Header size:"));
    let size: usize = size.unwrap().trim().parse().unwrap();
    let file = fs::read(folder.path().join("chunks")).unwrap();
    let list = file[..size].to_vec();
    (file, list)
}

fn entry(archive: &mut Vec<u8>, name: &str, content: &[u8]) {
    let sum = content
        .iter()
        .fold(0u32, |sum, byte| sum.wrapping_add(u32::from(*byte)));
    archive.extend(b"070702");
    for index in 0..13 {
        let field = match index {
            1 if name != "TRAILER!!!" => 0o100_644,
            4 => 1,
            6 => content.len() as u32,
            11 => name.len() as u32 + 1,
            12 => sum,
            _ => 0,
        };
        archive.extend(format!("{field:08X}").into_bytes());
    }
    archive.extend(name.as_bytes());
    archive.push(0);
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(4), 0);
}

/// Bytes that do not repeat, so that a piece that is lost, doubled or swapped is seen.
pub(crate) fn image(length: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1Du64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
