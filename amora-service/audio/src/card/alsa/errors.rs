//! What ALSA's error numbers mean to a person.

use super::pcm::Fault;
use crate::card::CardError;

/// What went wrong while a device was opened or set up.
pub(super) fn opening(device: &str, error: &alsa::Error) -> CardError {
    match error.errno().abs() {
        libc::EBUSY | libc::EAGAIN => CardError::Busy(format!(
            "`{device}` is open elsewhere; find who with `fuser -v /dev/snd/*` and stop it"
        )),
        libc::ENOENT | libc::ENODEV | libc::ENXIO => {
            CardError::Gone(format!("`{device}` is not there; `aplay -L` lists what is"))
        }
        libc::EACCES | libc::EPERM => CardError::Broken(format!(
            "no permission for `{device}`; let the service belong to the group `audio`"
        )),
        _ => CardError::Broken(format!("`{device}`: {error}")),
    }
}

/// What went wrong while sound flowed, where the card can't go on.
pub(super) fn running(fault: Fault) -> CardError {
    match fault {
        Fault::Xrun => CardError::Broken("it ran out of sound again and again".to_owned()),
        Fault::Gone => CardError::Gone("it was unplugged while it played".to_owned()),
        Fault::Suspended => CardError::Broken("it did not wake from suspend".to_owned()),
        Fault::Other(code) => CardError::Broken(std::io::Error::from_raw_os_error(code).to_string()),
    }
}

/// The words inside an error.
pub(super) fn reason(error: &CardError) -> &str {
    match error {
        CardError::Xrun => "it ran out of sound",
        CardError::Gone(why)
        | CardError::Busy(why)
        | CardError::Unsupported(why)
        | CardError::Broken(why) => why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_kinds_whatever_their_sign() {
        let kind = |code| opening("hw:CARD=Zero", &alsa::Error::new("snd_pcm_open", code));
        for sign in [1, -1] {
            assert!(matches!(kind(sign * libc::EBUSY), CardError::Busy(_)));
            assert!(matches!(kind(sign * libc::ENOENT), CardError::Gone(_)));
            assert!(matches!(kind(sign * libc::ENODEV), CardError::Gone(_)));
            assert!(matches!(kind(sign * libc::EACCES), CardError::Broken(why) if why.contains("group")));
            assert!(matches!(kind(sign * libc::EIO), CardError::Broken(why) if why.contains("hw:CARD=Zero")));
        }
    }
}
