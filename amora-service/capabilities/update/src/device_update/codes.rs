//! Result codes and extended result codes. Source: `adu_core.h` and `result.h` of Microsoft's agent.

use amora_contract::state::UpdateCause;
use std::fmt;

/// What became of a deployment; above zero it went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResultCode(pub i32);

impl ResultCode {
    /// It was called off.
    pub const CANCELLED: Self = Self(-1);
    /// It failed.
    pub const FAILED: Self = Self(0);
    /// It was taken and goes on.
    pub const IN_PROGRESS: Self = Self(400);
    /// It is installed, and has proved itself.
    pub const APPLIED: Self = Self(700);
}

/// Why a deployment failed, as 4 bits of facility, 8 bits of component and 20 bits of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExtendedResultCode(pub u32);

impl fmt::Display for ExtendedResultCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}", self.0)
    }
}

impl ExtendedResultCode {
    /// Nothing is wrong.
    pub const NONE: Self = Self(0);

    /// `JWSResult` of a manifest's signature, as the agent packs it.
    pub(crate) const fn jws(result: u32) -> Self {
        Self(0xA020_0000 | result)
    }

    /// Our own: the facility of step handlers, the component of those that are not Microsoft's.
    const fn own(value: u32) -> Self {
        Self(0x3200_0000 | value)
    }

    /// Of an update that the box refused, could not write or did not keep. Microsoft's code where there is one that says
    /// the same, else one of our own: `docs/device-update.md` lists them, and none changes its meaning.
    pub fn of(cause: UpdateCause) -> Self {
        match cause {
            // ADUC_ERC_CONTENT_DOWNLOADER_DOWNLOAD_EXCEPTION
            UpdateCause::Download | UpdateCause::Truncated => Self(0x4000_0005),
            // ADUC_ERC_VALIDATION_FILE_HASH_INVALID_HASH
            UpdateCause::Corrupt => Self(0x0010_0003),
            // ADUC_ERC_SWUPDATE_HANDLER_INSTALL_FAILURE_UNKNOWNEXCEPTION
            UpdateCause::Installer => Self(0x3010_02FF),
            UpdateCause::Malformed => Self::own(0x01),
            UpdateCause::NotSigned => Self::own(0x02),
            UpdateCause::WrongSigner => Self::own(0x03),
            UpdateCause::WrongBoard => Self::own(0x04),
            UpdateCause::Downgrade => Self::own(0x05),
            UpdateCause::TooBig => Self::own(0x06),
            UpdateCause::UnderVoltage => Self::own(0x11),
            UpdateCause::BootLoader => Self::own(0x12),
            UpdateCause::Card => Self::own(0x13),
            UpdateCause::Space => Self::own(0x14),
            UpdateCause::Clock => Self::own(0x15),
            UpdateCause::Panic => Self::own(0x21),
            UpdateCause::MissingInit => Self::own(0x22),
            UpdateCause::CorruptRoot => Self::own(0x23),
            UpdateCause::Watchdog => Self::own(0x24),
            UpdateCause::NeverStarted => Self::own(0x25),
            UpdateCause::NeverReady => Self::own(0x26),
            UpdateCause::CheckFailed => Self::own(0x27),
            UpdateCause::Unknown => Self::own(0x28),
            UpdateCause::Asked => Self::own(0x31),
        }
    }

    /// The updater does not take the order, for a reason without a kind.
    pub(crate) const NOT_TAKEN: Self = Self::own(0x32);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_written_as_the_agent_writes_them() {
        assert_eq!(ExtendedResultCode::NONE.to_string(), "00000000");
        assert_eq!(ExtendedResultCode::jws(4).to_string(), "A0200004");
        assert_eq!(
            ExtendedResultCode::of(UpdateCause::CheckFailed).to_string(),
            "32000027"
        );
    }
}
