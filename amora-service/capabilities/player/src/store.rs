//! One small file, written whole or not at all.

use crate::memory::Memory;
use amora_router::private_file;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use tokio::task::JoinHandle;

/// A file larger than this was not written by the player.
const MAX_FILE: u64 = 64 * 1024;

/// Where the player's memory is kept.
pub(crate) struct Store {
    path: PathBuf,
    writing: Option<JoinHandle<()>>,
}

impl Store {
    pub(crate) fn new(data: &Path) -> Self {
        Self {
            path: data.join("player.json"),
            writing: None,
        }
    }

    /// What was kept; nothing when there is no sound file, which costs a resume and no more.
    pub(crate) fn load(&self) -> Memory {
        let read = || -> io::Result<Memory> {
            if fs::metadata(&self.path)?.len() > MAX_FILE {
                return Err(io::Error::other("the file is too large"));
            }
            Ok(serde_json::from_slice(&fs::read(&self.path)?)?)
        };
        read().unwrap_or_else(|error| {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::warn!("{}: {error}; starting without it", self.path.display());
            }
            Memory::default()
        })
    }

    /// Whether the last [`Self::save`] has ended.
    pub(crate) fn is_idle(&self) -> bool {
        self.writing.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Starts to write, on another thread: a card may take its time.
    pub(crate) fn save(&mut self, memory: &Memory) {
        let (path, memory) = (self.path.clone(), memory.clone());
        self.writing = Some(tokio::task::spawn_blocking(move || {
            let written = serde_json::to_vec(&memory)
                .map_err(io::Error::from)
                .and_then(|text| private_file::write(&path, &text));
            if let Err(error) = written {
                tracing::warn!("{}: {error}; what plays now is not remembered", path.display());
            }
        }));
    }

    /// Writes for the last time.
    pub(crate) async fn finish(mut self, memory: &Memory) {
        if let Some(writing) = self.writing.take() {
            let _ = writing.await;
        }
        self.save(memory);
        if let Some(writing) = self.writing.take() {
            let _ = writing.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn what_is_written_is_read_and_nobody_else_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let memory = Memory {
            playing: true,
            file: "Ä \"x\".flac".to_owned(),
            ..Memory::default()
        };
        Store::new(folder.path()).finish(&memory).await;
        assert_eq!(Store::new(folder.path()).load(), memory);
        let mode = fs::metadata(folder.path().join("player.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_spoilt_or_missing_file_is_no_obstacle() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path());
        assert_eq!(store.load(), Memory::default());
        for spoilt in ["", "{", "[1]", "{\"elapsed\":\"x\"}", "\0\0"] {
            fs::write(folder.path().join("player.json"), spoilt).unwrap();
            assert_eq!(store.load(), Memory::default());
        }
    }
}
