//! Certificates and updates, made with OpenSSL as the build makes them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A certificate authority and a signer that it vouches for.
pub(crate) struct Keys {
    folder: tempfile::TempDir,
}

impl Keys {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let keys = Self { folder };
        fs::write(
            keys.path("extensions"),
            "extendedKeyUsage=emailProtection\nkeyUsage=digitalSignature\n",
        )
        .unwrap();
        let run = |arguments: &[&str]| openssl(keys.folder.path(), arguments);
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        let authority = [
            "req",
            "-x509",
            "-subj",
            "/CN=Test CA",
            "-days",
            "30",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ];
        run(&[&authority[..], &key].concat());
        let request = [
            "req",
            "-subj",
            "/CN=Test signer",
            "-keyout",
            "sign.key",
            "-out",
            "sign.csr",
        ];
        run(&[&request[..], &key].concat());
        run(&[
            "x509",
            "-req",
            "-in",
            "sign.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "30",
            "-extfile",
            "extensions",
            "-out",
            "sign.pem",
        ]);
        keys
    }

    /// A certificate for a server on this machine; its key lies beside it as `server.key`.
    pub(crate) fn server_certificate(&self) -> PathBuf {
        fs::write(self.path("server.extensions"), "subjectAltName=IP:127.0.0.1\n").unwrap();
        let run = |arguments: &[&str]| openssl(self.folder.path(), arguments);
        run(&[
            "req",
            "-subj",
            "/CN=server",
            "-keyout",
            "server.key",
            "-out",
            "server.csr",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ]);
        run(&[
            "x509",
            "-req",
            "-in",
            "server.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            "30",
            "-extfile",
            "server.extensions",
            "-out",
            "server.pem",
        ]);
        self.path("server.pem")
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
    fn description(&self) -> String {
        let hash: String = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.image)
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let slot = |name: &str| {
            format!(
                "{name}: {{ images: ( {{ filename = \"rootfs\"; type = \"raw\"; device = \"{}\"; installed-directly = true; sha256 = \"{hash}\"; }} ); }};\n",
                self.slots.join(name).display()
            )
        };
        format!(
            "/* An update. */\nsoftware =\n{{\n version = \"{}\";\n bootloader_transaction_marker = false;\n {} = {{\n  hardware-compatibility: [ \"1.0\" ];\n  stable = {{ {}{} }};\n }};\n}}\n",
            self.version,
            self.board,
            slot("a"),
            slot("b"),
        )
    }

    pub(crate) fn build(&self) -> Vec<u8> {
        let description = self.description();
        let mut archive = Vec::new();
        entry(&mut archive, "sw-description", description.as_bytes());
        if self.signed {
            entry(
                &mut archive,
                "sw-description.sig",
                &self.keys.sign(description.as_bytes()),
            );
        }
        entry(&mut archive, "rootfs", self.image);
        entry(&mut archive, "TRAILER!!!", b"");
        archive.resize(archive.len().next_multiple_of(512), 0);
        archive
    }
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
