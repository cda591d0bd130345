//! What the service may do: its groups and limits, or those of whoever runs this where it does not run.

use super::Finding;
use amora_contract::Config;
use std::path::{Path, PathBuf};

/// The service's process name.
const SERVICE: &str = "amora-service";

/// Locked memory that the sound thread needs, in bytes.
const LOCKED_MEMORY: u64 = 64 * 1024 * 1024;

/// Whether the sound card, the amplifier's mute line and real-time priority can be had.
pub(super) fn permissions(config: &Config) -> Vec<Finding> {
    let running = find_service();
    let (who, folder) = match &running {
        Some(folder) => ("the service", folder.as_path()),
        None => ("you (the service does not run)", Path::new("/proc/self")),
    };
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap_or_default();
    let (status, limits) = (read("status"), read("limits"));
    let known = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let mut findings: Vec<Finding> = ["audio", "gpio"]
        .iter()
        .filter_map(|group| group_finding(group, &known, &status, who))
        .collect();
    if is_root(&status) {
        findings.push(Finding::ok(
            "real-time priority and locked memory",
            format!("{who}: root has no limits"),
        ));
        return findings;
    }
    let priority = u64::from(config.audio.real_time_priority);
    findings.push(limit_finding(
        "real-time priority",
        "Max realtime priority",
        priority,
        "LimitRTPRIO=80",
        &limits,
        who,
    ));
    findings.push(limit_finding(
        "locked memory",
        "Max locked memory",
        LOCKED_MEMORY,
        "LimitMEMLOCK=infinity",
        &limits,
        who,
    ));
    findings
}

fn find_service() -> Option<PathBuf> {
    let processes = std::fs::read_dir("/proc")
        .ok()?
        .flatten()
        .map(|entry| entry.path());
    processes
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().chars().all(|c| c.is_ascii_digit()))
        })
        .find(|path| std::fs::read_to_string(path.join("comm")).is_ok_and(|name| name.trim() == SERVICE))
}

/// Whether a process is in a group; `None` where the machine has no such group.
fn group_finding(group: &str, known: &str, status: &str, who: &str) -> Option<Finding> {
    let subject = format!("group {group}");
    let id = known.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1)).flatten()
    })?;
    let ids = |label: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(label))
            .unwrap_or_default()
    };
    let is_root = ids("Uid:").split_whitespace().nth(1) == Some("0");
    let is_member = ids("Groups:")
        .split_whitespace()
        .chain(ids("Gid:").split_whitespace())
        .any(|own| own == id);
    Some(match (is_root, is_member) {
        (true, _) => Finding::ok(subject, format!("{who}: root may do everything")),
        (_, true) => Finding::ok(subject, format!("{who}: member")),
        (_, false) => Finding::warning(
            subject,
            format!("{who}: no member"),
            format!("`SupplementaryGroups={group}` in the unit, or `usermod -aG {group} USER`"),
        ),
    })
}

/// What stands after a label in the form of `/proc/PID/status`.
fn field<'a>(status: &'a str, label: &str) -> &'a str {
    status
        .lines()
        .find_map(|line| line.strip_prefix(label))
        .unwrap_or_default()
}

fn is_root(status: &str) -> bool {
    field(status, "Uid:").split_whitespace().nth(1) == Some("0")
}

/// Whether a limit in the form of `/proc/PID/limits` is high enough.
fn limit_finding(subject: &str, label: &str, wanted: u64, setting: &str, limits: &str, who: &str) -> Finding {
    let soft = limits
        .lines()
        .find_map(|line| line.strip_prefix(label)?.split_whitespace().next());
    let next =
        format!("`{setting}` in the unit lets it; without, loud work on the box may interrupt the sound");
    match soft {
        Some("unlimited") => Finding::ok(subject, format!("{who}: without limit")),
        Some(limit) => match limit.parse::<u64>() {
            Ok(limit) if limit >= wanted => Finding::ok(subject, format!("{who}: up to {limit}")),
            _ => Finding::warning(subject, format!("{who}: {limit}, wanted {wanted}"), next),
        },
        None => Finding::warning(subject, format!("{who}: the limit cannot be read"), next),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    const LIMITS: &str = "\
Limit                     Soft Limit           Hard Limit           Units
Max locked memory         8388608              unlimited            bytes
Max realtime priority     95                   95
";

    #[test]
    fn limits_are_read_as_the_kernel_writes_them() {
        let finding = |label, wanted| limit_finding("x", label, wanted, "Limit…", LIMITS, "you").verdict;
        assert_eq!(finding("Max realtime priority", 70), Verdict::Ok);
        assert_eq!(finding("Max realtime priority", 99), Verdict::Warning);
        assert_eq!(finding("Max locked memory", LOCKED_MEMORY), Verdict::Warning);
        assert_eq!(finding("Max nonsense", 0), Verdict::Warning);
    }

    #[test]
    fn membership_is_read_from_the_process() {
        let known = "root:x:0:\naudio:x:29:amora\n";
        let verdict = |status: &str| group_finding("audio", known, status, "you").unwrap().verdict;
        assert_eq!(
            verdict("Uid:\t100\t100\t100\t100\nGid:\t5\t5\t5\t5\nGroups:\t4 29 \n"),
            Verdict::Ok
        );
        assert_eq!(
            verdict("Uid:\t100\t100\t100\t100\nGid:\t29\t29\t29\t29\nGroups:\t\n"),
            Verdict::Ok
        );
        assert_eq!(
            verdict("Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t\n"),
            Verdict::Ok
        );
        assert_eq!(
            verdict("Uid:\t100\t100\t100\t100\nGid:\t5\t5\t5\t5\nGroups:\t2 290\n"),
            Verdict::Warning
        );
        assert!(group_finding("gpio", known, "", "you").is_none());
    }
}
