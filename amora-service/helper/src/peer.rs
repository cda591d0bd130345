//! Who is at the other end.

use crate::HelperError;
use std::ffi::CString;
use std::os::fd::RawFd;

/// Lets through root and the user of this name.
///
/// # Errors
/// When it is somebody else, or cannot be told.
pub fn check_peer(socket: RawFd, user: &str) -> Result<(), HelperError> {
    let uid = peer(socket)?;
    if uid == 0 || Some(uid) == user_id(user) {
        Ok(())
    } else {
        Err(HelperError::NotAllowed(uid))
    }
}

fn peer(socket: RawFd) -> Result<libc::uid_t, HelperError> {
    let mut credentials = libc::ucred {
        pid: 0,
        uid: libc::uid_t::MAX,
        gid: libc::gid_t::MAX,
    };
    let mut length = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: both pointers are to live values of the size given, and the kernel writes no more than that.
    let result = unsafe {
        libc::getsockopt(
            socket,
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut credentials).cast(),
            &raw mut length,
        )
    };
    match result {
        0 => Ok(credentials.uid),
        _ => Err(std::io::Error::last_os_error().into()),
    }
}

fn user_id(name: &str) -> Option<libc::uid_t> {
    let name = CString::new(name).ok()?;
    // SAFETY: the name is a terminated string, and the process has one thread, so that the entry stays until it is read.
    unsafe {
        let entry = libc::getpwnam(name.as_ptr());
        entry.as_ref().map(|entry| entry.pw_uid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn the_peer_is_who_made_the_connection() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        // SAFETY: asks for a number and touches no memory.
        let own = unsafe { libc::getuid() };
        assert_eq!(peer(ours.as_raw_fd()).unwrap(), own);
        let file = tempfile::tempfile().unwrap();
        assert!(check_peer(file.as_raw_fd(), "amora").is_err());
    }
}
