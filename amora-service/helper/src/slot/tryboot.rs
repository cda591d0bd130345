//! The firmware of the Raspberry Pi 5, which picks the boot partition by `autoboot.txt` and tries another one once.
//!
//! The state is that one file: `[all]` names the partition that counts, `[tryboot]` the one for a trial, which is asked
//! for with the restart itself. A trial that is not kept is forgotten by the next start.

use super::{BootLoader, Slot, Status, argument};
use crate::{HelperError, Places};
use std::fs;
use std::io::Write;
use std::path::PathBuf;

/// Where the first partition is mounted, below the root.
const FOLDER: &str = "autoboot";

/// The numbers of the boot partitions of the two slots.
const PARTITIONS: [(Slot, u32); 2] = [(Slot::A, 2), (Slot::B, 3)];

/// Whether this box is started that way.
pub fn in_use(places: &Places) -> bool {
    places.root.join(FOLDER).join("autoboot.txt").is_file()
}

/// The firmware's file.
pub struct Firmware {
    folder: PathBuf,
    command_line: PathBuf,
    installed: PathBuf,
}

impl Firmware {
    /// The firmware's file below the root.
    pub fn new(places: &Places) -> Self {
        Self {
            folder: places.root.join(FOLDER),
            command_line: places.root.join("proc/cmdline"),
            installed: places.root.join("data/amora/update/pending.json"),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("autoboot.txt")
    }

    fn write(&self, slot: Slot) -> Result<(), HelperError> {
        let path = self.path();
        let fresh = self.folder.join("autoboot.new");
        let write = || {
            let mut file = fs::File::create(&fresh)?;
            file.write_all(file_for(slot).as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, &path)?;
            fs::File::open(&self.folder)?.sync_all()
        };
        write().map_err(HelperError::file(path.clone()))
    }
}

impl BootLoader for Firmware {
    fn status(&self, running: Slot) -> Result<Status, HelperError> {
        let path = self.path();
        let text = fs::read_to_string(&path).map_err(HelperError::file(&path))?;
        let kept = kept(&text).ok_or_else(|| {
            HelperError::State("`autoboot.txt` names no boot partition of a slot under `[all]`".to_owned())
        })?;
        let line = fs::read_to_string(&self.command_line).map_err(HelperError::file(&self.command_line))?;
        let trying = kept != running && argument(&line, "amora.trial") == Some("1");
        // The firmware does not know of an update that waits for its trial; the service's own note does.
        let waiting = !trying && self.installed.is_file();
        Ok(Status {
            slot: running,
            next: if waiting { running.other() } else { running },
            trial: trying || waiting,
            tries: u32::from(trying),
            limit: 1,
            ustate: 0,
        })
    }

    fn commit(&self, running: Slot) -> Result<(), HelperError> {
        self.write(running)
    }

    fn give_up(&self, back: Slot) -> Result<(), HelperError> {
        let path = self.path();
        let text = fs::read_to_string(&path).map_err(HelperError::file(&path))?;
        match kept(&text) == Some(back) {
            true => Ok(()),
            false => self.write(back),
        }
    }
}

fn partition(slot: Slot) -> u32 {
    match slot {
        Slot::A => PARTITIONS[0].1,
        Slot::B => PARTITIONS[1].1,
    }
}

fn file_for(slot: Slot) -> String {
    format!(
        "[all]\ntryboot_a_b=1\nboot_partition={}\n[tryboot]\nboot_partition={}\n",
        partition(slot),
        partition(slot.other())
    )
}

/// The slot that the firmware starts when nothing is tried.
fn kept(text: &str) -> Option<Slot> {
    let mut section = "all";
    let mut number = None;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name;
        } else if section == "all"
            && let Some(value) = line.strip_prefix("boot_partition=")
        {
            number = value.trim().parse::<u32>().ok();
        }
    }
    PARTITIONS
        .iter()
        .find(|(_, partition)| Some(*partition) == number)
        .map(|(slot, _)| *slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn box_of(slot: &str, trial: &str, kept: Slot) -> (tempfile::TempDir, Firmware) {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        make(
            "proc/cmdline",
            &format!("quiet amora.slot={slot} amora.trial={trial} amora.tries=1\n"),
        );
        make("autoboot/autoboot.txt", &file_for(kept));
        let places = Places {
            root: root.path().to_owned(),
            ..Places::default()
        };
        assert!(in_use(&places));
        let firmware = Firmware::new(&places);
        (root, firmware)
    }

    #[test]
    fn what_is_written_is_read_back() {
        assert_eq!(kept(&file_for(Slot::A)), Some(Slot::A));
        assert_eq!(kept(&file_for(Slot::B)), Some(Slot::B));
        assert_eq!(kept("[tryboot]\nboot_partition=3\n"), None);
        assert_eq!(
            kept("boot_partition=3\n[tryboot]\nboot_partition=2\n"),
            Some(Slot::B)
        );
        assert_eq!(kept("[all]\nboot_partition=9\n"), None);
    }

    #[test]
    fn a_trial_is_kept_by_naming_its_partition() {
        let (_root, firmware) = box_of("b", "1", Slot::A);
        let status = firmware.status(Slot::B).unwrap();
        assert_eq!((status.next, status.trial, status.tries), (Slot::B, true, 1));
        firmware.commit(Slot::B).unwrap();
        assert!(!firmware.status(Slot::B).unwrap().trial);
        assert_eq!(kept(&fs::read_to_string(firmware.path()).unwrap()), Some(Slot::B));
    }

    #[test]
    fn a_trial_that_is_given_up_needs_no_write() {
        let (_root, firmware) = box_of("b", "1", Slot::A);
        let before = fs::read_to_string(firmware.path()).unwrap();
        firmware.give_up(Slot::A).unwrap();
        assert_eq!(fs::read_to_string(firmware.path()).unwrap(), before);
    }

    #[test]
    fn an_update_that_waits_is_known_by_the_services_note() {
        let (root, firmware) = box_of("a", "0", Slot::A);
        assert!(!firmware.status(Slot::A).unwrap().trial);
        let note = root.path().join("data/amora/update/pending.json");
        fs::create_dir_all(note.parent().unwrap()).unwrap();
        fs::write(note, "{}").unwrap();
        let status = firmware.status(Slot::A).unwrap();
        assert_eq!((status.next, status.trial), (Slot::B, true));
    }
}
