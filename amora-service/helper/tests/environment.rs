//! The slots in a real U-Boot environment, through `fw_printenv` and `fw_setenv`, and the whole program as systemd
//! starts it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

const SIZE: usize = 0x4000;

/// An environment of two copies in files, and the kernel arguments of the running system.
struct Box {
    root: tempfile::TempDir,
}

impl Box {
    fn new(running: &str, variables: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("proc")).unwrap();
        let line = format!("quiet amora.slot={running} amora.trial=1\n");
        fs::write(root.path().join("proc/cmdline"), line).unwrap();
        let (first, second) = (
            root.path().join("uboot.env"),
            root.path().join("uboot-redund.env"),
        );
        for (path, flag) in [(&first, 1u8), (&second, 0)] {
            let mut data: Vec<u8> = variables
                .iter()
                .flat_map(|(name, value)| format!("{name}={value}\0").into_bytes())
                .collect();
            data.resize(SIZE - 5, 0);
            let mut copy = crc(&data).to_le_bytes().to_vec();
            copy.push(flag);
            copy.extend(data);
            fs::write(path, copy).unwrap();
        }
        let config = format!(
            "{} 0x0 {SIZE:#x}\n{} 0x0 {SIZE:#x}\n",
            first.display(),
            second.display()
        );
        fs::write(root.path().join("fw_env.config"), config).unwrap();
        Self { root }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.root.path().join(name)
    }

    fn variable(&self, name: &str) -> String {
        let output = Command::new("fw_printenv")
            .arg("-c")
            .arg(self.path("fw_env.config"))
            .args(["-n", name])
            .output()
            .expect("fw_printenv of the package libubootenv-tool");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Asks as the service does: one line over a socket that is the program's input and output.
    fn ask(&self, role: &str, request: &str) -> serde_json::Value {
        serde_json::from_str(&ask(self.root.path(), role, request.as_bytes())).unwrap()
    }
}

fn ask(root: &Path, role: &str, request: &[u8]) -> String {
    let (mut ours, theirs) = UnixStream::pair().unwrap();
    let theirs = OwnedFd::from(theirs);
    let mut helper = Command::new(env!("CARGO_BIN_EXE_amora-helper"))
        .arg(role)
        .arg("--root")
        .arg(root)
        .arg("--environment")
        .arg(root.join("fw_env.config"))
        // Whoever runs the tests may ask.
        .args(["--user", &user()])
        .stdin(Stdio::from(theirs.try_clone().unwrap()))
        .stdout(Stdio::from(theirs))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A request that is too long is answered before it is taken whole.
    let _ = ours.write_all(request);
    let _ = ours.shutdown(std::net::Shutdown::Write);
    let mut answer = String::new();
    BufReader::new(ours).read_line(&mut answer).unwrap();
    helper.wait().unwrap();
    answer
}

fn user() -> String {
    let output = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn crc(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

const ON_TRIAL: [(&str, &str); 6] = [
    ("amora_slot", "b"),
    ("upgrade_available", "1"),
    ("bootcount", "1"),
    ("bootlimit", "3"),
    ("ustate", "1"),
    ("altbootcmd", "run bootcmd"),
];

#[test]
fn a_trial_is_seen_and_kept() {
    let machine = Box::new("b", &ON_TRIAL);
    let status = machine.ask("slot", "{\"request\":\"status\"}\n");
    assert_eq!(
        status,
        serde_json::json!({"slot": "b", "next": "b", "trial": true, "tries": 1, "limit": 3, "ustate": 1})
    );
    assert_eq!(
        machine.ask("slot", "{\"request\":\"commit\"}\n"),
        serde_json::json!({"done": true})
    );
    for (name, value) in [
        ("amora_slot", "b"),
        ("upgrade_available", "0"),
        ("bootcount", "0"),
        ("ustate", "0"),
    ] {
        assert_eq!(machine.variable(name), value, "{name}");
    }
    assert_eq!(machine.variable("altbootcmd"), "run bootcmd", "the rest stays");
}

#[test]
fn one_write_changes_one_copy_of_the_environment() {
    let machine = Box::new("b", &ON_TRIAL);
    let copies = || {
        [
            fs::read(machine.path("uboot.env")).unwrap(),
            fs::read(machine.path("uboot-redund.env")).unwrap(),
        ]
    };
    let before = copies();
    machine.ask("slot", "{\"request\":\"commit\"}\n");
    let after = copies();
    let changed = before
        .iter()
        .zip(&after)
        .filter(|(before, after)| before[5..] != after[5..])
        .count();
    assert_eq!(
        changed, 1,
        "four variables in one write, the other copy being the way back"
    );
}

#[test]
fn a_trial_is_given_up() {
    let machine = Box::new("b", &ON_TRIAL);
    machine.ask("slot", "{\"request\":\"give-up\"}\n");
    for (name, value) in [
        ("amora_slot", "a"),
        ("upgrade_available", "0"),
        ("bootcount", "0"),
        ("ustate", "3"),
    ] {
        assert_eq!(machine.variable(name), value, "{name}");
    }
}

#[test]
fn a_damaged_copy_does_not_matter_and_two_are_an_error() {
    let machine = Box::new("b", &ON_TRIAL);
    fs::write(machine.path("uboot.env"), vec![0xFF; SIZE]).unwrap();
    assert_eq!(machine.ask("slot", "{\"request\":\"status\"}\n")["trial"], true);
    fs::write(machine.path("fw_env.config"), "/nowhere 0x0 0x4000\n").unwrap();
    let answer = machine.ask("slot", "{\"request\":\"status\"}\n");
    assert!(
        answer["error"].as_str().unwrap().contains("fw_printenv"),
        "{answer}"
    );
}

#[test]
fn what_is_no_request_is_answered_with_the_reason() {
    let machine = Box::new("b", &ON_TRIAL);
    let longest = vec![b'x'; 1 << 16];
    for request in [
        &b""[..],
        b"{}\n",
        b"{\"request\":\"restart\"}\n",
        b"{\"request\":\"status\"}",
        &longest,
    ] {
        let answer = ask(machine.root.path(), "slot", request);
        assert!(answer.contains("\"error\""), "{answer}");
    }
    assert_eq!(machine.variable("upgrade_available"), "1");
}
