//! Reading what a box tells about itself, below any folder that stands for `/`.

use super::{Card, Readings};
use amora_contract::units::{Bytes, Timestamp};
use std::ffi::CString;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Reads all of it. `data` is the folder that the records of updates are kept in.
pub(crate) fn read(root: &Path, data: &Path) -> Readings {
    Readings {
        boot_loader: boot_loader(root),
        throttled: text(&root.join("sys/devices/platform/soc/soc:firmware/get_throttled"))
            .and_then(hexadecimal),
        low_voltage: low_voltage(root),
        cards: cards(root),
        room: file_system(data).map(|(_, room)| room),
        data: text(&root.join("run/amora-data-lost")),
        clock: Timestamp::now().0 / 1000,
        image: made(root),
    }
}

fn text(path: &Path) -> Option<String> {
    Some(fs::read_to_string(path).ok()?.trim().to_owned())
}

fn hexadecimal(text: String) -> Option<u32> {
    u32::from_str_radix(text.trim_start_matches("0x"), 16).ok()
}

fn boot_loader(root: &Path) -> Option<u64> {
    let bytes = fs::read(root.join("proc/device-tree/chosen/bootloader/build-timestamp")).ok()?;
    Some(u64::from(u32::from_be_bytes(*bytes.first_chunk()?)))
}

fn low_voltage(root: &Path) -> Option<bool> {
    let sensors = fs::read_dir(root.join("sys/class/hwmon")).ok()?;
    let sensor = sensors
        .flatten()
        .map(|entry| entry.path())
        .find(|path| text(&path.join("name")).as_deref() == Some("rpi_volt"))?;
    Some(text(&sensor.join("in0_lcrit_alarm"))? == "1")
}

fn cards(root: &Path) -> Vec<Card> {
    let Ok(disks) = fs::read_dir(root.join("sys/block")) else {
        return Vec::new();
    };
    let mut cards: Vec<Card> = disks
        .flatten()
        .filter_map(|entry| {
            let device = entry.path().join("device");
            let life = text(&device.join("life_time"))?;
            let mut life = life.split_whitespace().map(|word| hexadecimal(word.to_owned()));
            Some(Card {
                name: entry.file_name().to_string_lossy().into_owned(),
                life: [life.next()??, life.next()??],
                spare: text(&device.join("pre_eol_info"))
                    .and_then(hexadecimal)
                    .unwrap_or_default(),
            })
        })
        .collect();
    cards.sort_by(|left, right| left.name.cmp(&right.name));
    cards
}

/// Size of the file system of a folder, and what of it is free.
pub(crate) fn file_system(folder: &Path) -> Option<(Bytes, Bytes)> {
    let path = CString::new(folder.as_os_str().as_bytes()).ok()?;
    // SAFETY: a structure of numbers may be all zero.
    let mut room: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the path is a terminated string and the structure is ours; both outlive the call.
    match unsafe { libc::statvfs(path.as_ptr(), &raw mut room) } {
        0 => {
            let block = room.f_frsize as u64;
            Some((
                Bytes(room.f_blocks as u64 * block),
                Bytes(room.f_bavail as u64 * block),
            ))
        }
        _ => None,
    }
}

fn made(root: &Path) -> Option<u64> {
    let modified = fs::metadata(root.join("etc/os-release")).ok()?.modified().ok()?;
    Some(modified.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_board_is_read_and_a_laptop_too() {
        let root = tempfile::tempdir().unwrap();
        let make = |path: &str, content: &[u8]| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        let bare = read(root.path(), root.path());
        assert_eq!(
            (bare.throttled, bare.boot_loader, bare.low_voltage),
            (None, None, None)
        );
        assert!(bare.cards.is_empty() && bare.room.is_some() && bare.clock > 0);

        make(
            "proc/device-tree/chosen/bootloader/build-timestamp",
            &[0x67, 0xAA, 0x95, 0x80],
        );
        make("sys/devices/platform/soc/soc:firmware/get_throttled", b"50005\n");
        make("sys/class/hwmon/hwmon0/name", b"cpu_thermal\n");
        make("sys/class/hwmon/hwmon1/name", b"rpi_volt\n");
        make("sys/class/hwmon/hwmon1/in0_lcrit_alarm", b"1\n");
        make("sys/block/mmcblk0/device/life_time", b"0x02 0x0b\n");
        make("sys/block/mmcblk0/device/pre_eol_info", b"0x01\n");
        make("sys/block/sda/size", b"1\n");
        make("run/amora-data-lost", b"no partition\n");
        let board = read(root.path(), root.path());
        assert_eq!(board.boot_loader, Some(0x67AA_9580));
        assert_eq!(board.throttled, Some(0x50005));
        assert_eq!(board.low_voltage, Some(true));
        let card = Card {
            name: "mmcblk0".to_owned(),
            life: [2, 11],
            spare: 1,
        };
        assert_eq!(board.cards, [card]);
        assert_eq!(board.data.as_deref(), Some("no partition"));
    }
}
