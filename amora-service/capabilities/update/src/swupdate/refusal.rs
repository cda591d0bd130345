//! What SWUpdate means when it says no: its own words, found in its log.

use crate::error::Refusal;
use amora_contract::state::UpdateCause;

/// What its words mean, the weightier first: a wrong signature also makes it say that it found nothing compatible.
const MEANINGS: &[(&str, UpdateCause, &str)] = &[
    ("signature verification failed", UpdateCause::WrongSigner, SIGNER),
    (
        "authentication of all signatures failed",
        UpdateCause::WrongSigner,
        SIGNER,
    ),
    ("failed to verify signer name", UpdateCause::WrongSigner, SIGNER),
    ("does not match expected", UpdateCause::WrongSigner, SIGNER),
    (
        "cannot be parsed as der-encoded",
        UpdateCause::WrongSigner,
        "its signature cannot be read",
    ),
    (
        "signature cannot be extracted",
        UpdateCause::NotSigned,
        "it has no signature",
    ),
    (
        "no downgrading allowed",
        UpdateCause::Downgrade,
        "it is older than what this box may run",
    ),
    ("sw not compatible with hardware", UpdateCause::WrongBoard, BOARD),
    ("hw compatibility not found", UpdateCause::WrongBoard, BOARD),
    (
        "hash mismatch",
        UpdateCause::Corrupt,
        "a part of it is not what its signed description promises",
    ),
    (
        "copyfile failed",
        UpdateCause::Corrupt,
        "a chunk of it is not what its signed list promises",
    ),
    (
        "bytes request not supported",
        UpdateCause::Download,
        "the server does not give the chunks that it needs",
    ),
    (
        "channel get operation",
        UpdateCause::Download,
        "it could not be fetched whole",
    ),
    (
        "channel operation returned error",
        UpdateCause::Download,
        "it could not be fetched",
    ),
    (
        "transfer was unsuccessful",
        UpdateCause::Download,
        "its chunks could not be fetched",
    ),
    (
        "unable to open source",
        UpdateCause::Installer,
        "the running slot could not be read",
    ),
    (
        "checksum wrong",
        UpdateCause::Corrupt,
        "a part of it was damaged on its way",
    ),
    (
        "hash not set",
        UpdateCause::Corrupt,
        "a part of it has no hash in its signed description",
    ),
    (
        "no space left on device",
        UpdateCause::TooBig,
        "it does not fit into the slot",
    ),
    ("not enough free space", UpdateCause::TooBig, "it does not fit"),
    (
        "file is too large",
        UpdateCause::TooBig,
        "it does not fit into the slot",
    ),
    (
        "required image file",
        UpdateCause::Truncated,
        "a part of it is missing",
    ),
    ("failure in stream", UpdateCause::Truncated, "it ends too early"),
    (
        "parsing error",
        UpdateCause::Malformed,
        "its description cannot be read",
    ),
    ("cpio", UpdateCause::Malformed, "its archive is damaged"),
    (
        "found nothing to install",
        UpdateCause::Malformed,
        "it has nothing for this slot",
    ),
    (
        "compatible sw not found",
        UpdateCause::Malformed,
        "it has nothing for this box",
    ),
    (
        "bootloader-specific error",
        UpdateCause::Installer,
        "the boot loader's environment could not be written",
    ),
    (
        "cannot persistently store",
        UpdateCause::Installer,
        "the boot loader's environment could not be written",
    ),
    (
        "cannot be opened",
        UpdateCause::Installer,
        "the slot could not be opened",
    ),
    (
        "cannot write",
        UpdateCause::Installer,
        "the slot could not be written",
    ),
    (
        "input/output error",
        UpdateCause::Card,
        "the card failed while the slot was written",
    ),
    // Built with wolfSSL, it says no more of a hash that does not match. What else breaks a stream has its own words.
    (
        "error streaming",
        UpdateCause::Corrupt,
        "a part of it is not what its signed description promises",
    ),
];

const SIGNER: &str = "it is not signed by anybody whom this box trusts";
const BOARD: &str = "it is not made for this board";

/// The refusal that the errors of SWUpdate's log amount to.
pub(crate) fn read(errors: &[String]) -> Refusal {
    let meaning = MEANINGS.iter().find_map(|meaning| {
        Some((
            meaning,
            errors
                .iter()
                .find(|line| line.to_lowercase().contains(meaning.0))?,
        ))
    });
    match (meaning, errors.last()) {
        (Some(((_, cause, words), line)), _) => Refusal::new(
            *cause,
            format!("SWUpdate refuses the update: {words} ({})", bare(line)),
        ),
        (None, Some(last)) => Refusal::new(
            UpdateCause::Installer,
            format!("SWUpdate refuses the update: {}", bare(last)),
        ),
        (None, None) => Refusal::new(
            UpdateCause::Installer,
            "SWUpdate gave the update up and did not say why",
        ),
    }
}

/// A line without the place in SWUpdate's own source that it begins with (`function : 216 : words`), and not too long.
fn bare(line: &str) -> String {
    let line = line.strip_prefix("ERROR").unwrap_or(line).trim();
    let words = line
        .split(" : ")
        .skip_while(|part| !part.bytes().all(|byte| byte.is_ascii_digit()))
        .skip(1)
        .collect::<Vec<&str>>()
        .join(" : ");
    let words = if words.is_empty() { line } else { &words };
    words.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_stream_is_corrupt_unless_the_slot_or_the_card_broke_it() {
        let streaming = "extract_files : 319 : Error streaming root.squashfs".to_owned();
        let last = "Image invalid or corrupted. Not installing ...".to_owned();
        assert_eq!(
            read(&[streaming.clone(), last.clone()]).cause,
            UpdateCause::Corrupt
        );
        let slot = "copy_write : 140 : cannot write 16384 bytes: Bad file descriptor".to_owned();
        assert_eq!(read(&[slot, streaming, last]).cause, UpdateCause::Installer);
    }

    #[test]
    fn chunks_that_cannot_be_had_are_told_by_what_the_server_did() {
        let lines = [
            "delta_handler.c : read_and_validate_package : 611 : Transfer was unsuccessful, aborting...",
            "delta_handler.c : install_delta : 1098 : Delta Update fails : aborting",
            "delta_downloader.c : wrdata_callback : 82 : Bytes request not supported by server, returning 404",
            "channel_curl.c : channel_get_file : 1447 : Channel operation returned error (23): 'Failed writing'",
        ]
        .map(str::to_owned);
        let refusal = read(&lines);
        assert_eq!(refusal.cause, UpdateCause::Download);
        assert!(refusal.reason.contains("404"), "{}", refusal.reason);
        assert_eq!(read(&lines[..2]).cause, UpdateCause::Download);
        let damaged = "delta_handler.c : network_process_data : 181 : copyfile failed !".to_owned();
        assert_eq!(read(&[damaged, lines[1].clone()]).cause, UpdateCause::Corrupt);
    }

    #[test]
    fn the_weightiest_error_counts() {
        let lines = [
            "swupdate_verify_file : 273 : Signature verification failed",
            "extract_files : 170 : Compatible SW not found",
            "Image invalid or corrupted. Not installing ...",
        ]
        .map(str::to_owned);
        let refusal = read(&lines);
        assert_eq!(refusal.cause, UpdateCause::WrongSigner);
        assert!(
            refusal.reason.contains("not signed by anybody"),
            "{}",
            refusal.reason
        );
        assert!(
            refusal.reason.contains("Signature verification failed"),
            "{}",
            refusal.reason
        );
        assert!(
            refusal.reason.ends_with("(Signature verification failed)"),
            "{}",
            refusal.reason
        );
        assert_eq!(bare("parse : 216 : new version 1 : 2"), "new version 1 : 2");
        assert_eq!(bare("plain words"), "plain words");
        assert_eq!(read(&lines[2..]).cause, UpdateCause::Installer);
        assert_eq!(read(&[]).cause, UpdateCause::Installer);
    }
}
