//! The twin's component `deviceInformation`: what a person wants to know of a box. Shape, names and units are those of
//! `dtmi:azure:DeviceManagement:DeviceInformation;1`.

use super::agent::Identity;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// What the machine says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Information {
    /// Who made the processor, where that is known.
    processor: Option<&'static str>,
    /// Kilobytes of memory.
    memory: Option<u64>,
    /// Kilobytes of the file system that holds the box's data.
    storage: Option<u64>,
}

/// Reads it below the folder that stands for `/`. `data` is the folder of everything the service keeps.
pub(crate) fn read(root: &Path, data: &Path) -> Information {
    let text = |path: &str| fs::read_to_string(root.join(path)).unwrap_or_default();
    Information {
        processor: processor(&text("proc/cpuinfo")),
        memory: memory(&text("proc/meminfo")),
        storage: crate::preflight::file_system(data).map(|(size, _)| size.0 / 1024),
    }
}

impl Information {
    /// The component. `system` is the name of the operating system.
    pub(crate) fn component(&self, identity: &Identity, system: &str) -> Value {
        json!({
            "__t": "c",
            "manufacturer": identity.manufacturer,
            "model": identity.model,
            "osName": system,
            "swVersion": identity.version,
            "processorArchitecture": std::env::consts::ARCH,
            "processorManufacturer": self.processor,
            "totalMemory": self.memory,
            "totalStorage": self.storage,
        })
    }
}

/// From `/proc/cpuinfo`, which has one line for it on PCs and another on boards.
fn processor(text: &str) -> Option<&'static str> {
    let value = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim())
    };
    match value("vendor_id").or_else(|| value("CPU implementer"))? {
        "GenuineIntel" => Some("Intel"),
        "AuthenticAMD" => Some("AMD"),
        // Source: `MIDR_EL1.Implementer` in the Arm Architecture Reference Manual.
        "0x41" => Some("ARM"),
        _ => None,
    }
}

/// From `/proc/meminfo`.
fn memory(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_is_described_and_what_is_not_known_is_left_out() {
        let root = tempfile::tempdir().unwrap();
        let bare = read(root.path(), &root.path().join("missing"));
        assert_eq!(bare, Information::default());
        fs::create_dir(root.path().join("proc")).unwrap();
        let put = |name: &str, text: &str| fs::write(root.path().join("proc").join(name), text).unwrap();
        put("meminfo", "MemTotal:        3884360 kB\nMemFree: 1 kB\n");
        put(
            "cpuinfo",
            "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd08\n",
        );
        let board = read(root.path(), root.path());
        assert_eq!((board.processor, board.memory), (Some("ARM"), Some(3_884_360)));
        assert!(board.storage.is_some_and(|size| size > 0));
        let identity = Identity {
            manufacturer: "AmoraOS".to_owned(),
            model: "raspberrypi4-64".to_owned(),
            version: "1.2.0".to_owned(),
        };
        let component = board.component(&identity, "AmoraOS");
        assert_eq!(
            (
                &component["__t"],
                &component["model"],
                &component["swVersion"],
                &component["totalMemory"]
            ),
            (
                &json!("c"),
                &json!("raspberrypi4-64"),
                &json!("1.2.0"),
                &json!(3_884_360)
            )
        );
    }
}
