//! Reads from the system what goes into a bundle.

use serde_json::{Map, Value};
use std::fmt::Write;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::process::Command;

/// Entries of the log.
const ENTRIES: &str = "2000";

/// Time for the log to be read.
const PATIENCE: Duration = Duration::from_secs(15);

/// Most that is read of the log, in the journal's own form.
const LARGEST_LOG: u64 = 8 << 20;

/// Most that is read of one file.
const LARGEST_FILE: u64 = 64 * 1024;

/// What the service's own fields are called in the journal; others, which may name music or people, stay there.
const FIELDS: [(&str, &str); 6] = [
    ("F_CAUSE", "cause"),
    ("F_ERROR", "error"),
    ("F_WHY", "why"),
    ("F_PART", "part"),
    ("F_STATUS", "status"),
    ("F_OUTCOME", "outcome"),
];

/// What was read, nothing taken out yet.
pub(crate) struct Gathered {
    pub(crate) log: String,
    pub(crate) board: String,
    pub(crate) updates: Value,
}

/// The service's log of this start of the system and those before it, the newest last.
pub(crate) async fn log(journalctl: &Path) -> String {
    let mut fields = "MESSAGE,PRIORITY,TARGET".to_owned();
    for (field, _) in FIELDS {
        let _ = write!(fields, ",{field}");
    }
    let reading = async {
        let mut child = Command::new(journalctl)
            .args(["--unit", "amora-service", "--lines", ENTRIES, "--output", "json"])
            .args(["--output-fields", &fields, "--no-pager", "--quiet"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut text = Vec::new();
        if let Some(out) = child.stdout.take() {
            out.take(LARGEST_LOG).read_to_end(&mut text).await?;
        }
        std::io::Result::Ok(text)
    };
    match tokio::time::timeout(PATIENCE, reading).await {
        Ok(Ok(journal)) if journal.is_empty() => "the journal shows nothing to the service\n".to_owned(),
        Ok(Ok(journal)) => String::from_utf8_lossy(&journal)
            .lines()
            .filter_map(entry)
            .collect(),
        Ok(Err(error)) => format!("the journal cannot be read: {error}\n"),
        Err(_) => "the journal took too long to read\n".to_owned(),
    }
}

/// One entry of the journal as a line.
fn entry(line: &str) -> Option<String> {
    let entry: Map<String, Value> = serde_json::from_str(line).ok()?;
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let microseconds: u64 = text("__REALTIME_TIMESTAMP")?.parse().ok()?;
    let level = match text("PRIORITY") {
        Some("0" | "1" | "2" | "3") => "error",
        Some("4") => "warning",
        Some("7") => "debug",
        _ => "info",
    };
    // Seconds since 1970: what a box with a wrong clock shows as a date misleads.
    let mut shown = format!(
        "{}.{:03} {level}",
        microseconds / 1_000_000,
        microseconds / 1000 % 1000
    );
    if let Some(target) = text("TARGET") {
        let _ = write!(shown, " {target}:");
    }
    let _ = write!(shown, " {}", text("MESSAGE")?.replace('\n', " "));
    for (field, name) in FIELDS {
        if let Some(value) = text(field) {
            let _ = write!(shown, " | {name} {}", value.replace('\n', " "));
        }
    }
    shown.push('\n');
    Some(shown)
}

/// Facts of the board and the system.
pub(crate) fn board(root: &Path, data: &Path) -> String {
    let mut facts = String::new();
    for (what, path) in [
        ("board", "proc/device-tree/model"),
        ("kernel", "proc/sys/kernel/osrelease"),
        ("system", "etc/os-release"),
        ("uptime", "proc/uptime"),
        ("load", "proc/loadavg"),
        ("memory", "proc/meminfo"),
        ("sound cards", "proc/asound/cards"),
        ("temperature (1/1000 °C)", "sys/class/thermal/thermal_zone0/temp"),
        (
            "time service has set the clock (empty: yes)",
            "run/systemd/timesync/synchronized",
        ),
    ] {
        let text = read(&root.join(path)).unwrap_or_else(|error| format!("(unknown: {error})"));
        // What stands in quotation marks would be taken out, and here that is the system's name.
        let text = text.trim_end_matches(['\0', '\n']).replace('"', "");
        let _ = writeln!(facts, "== {what}\n{text}\n");
    }
    let mut files: Vec<String> = std::fs::read_dir(data)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            let name = entry.file_name();
            let ours = name.to_str()?;
            metadata
                .is_file()
                .then(|| format!("{ours} {} bytes", metadata.len()))
        })
        .collect();
    files.sort_unstable();
    let _ = writeln!(facts, "== files of the service\n{}", files.join("\n"));
    facts
}

/// The records of updates, by their names.
pub(crate) fn updates(data: &Path) -> Value {
    let mut records = Map::new();
    for name in ["pending", "last", "deployment", "report", "final-report"] {
        let path = data.join("update").join(name).with_extension("json");
        if let Ok(text) = read(&path) {
            let record = serde_json::from_str(&text);
            records.insert(name.to_owned(), record.unwrap_or_else(|_| "(damaged)".into()));
        }
    }
    Value::Object(records)
}

fn read(path: &Path) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?
        .take(LARGEST_FILE)
        .read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
