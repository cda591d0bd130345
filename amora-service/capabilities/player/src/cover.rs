//! Cover art: what kind of picture it is, and the last few of them.

use amora_contract::reply::CoverReply;
use base64::Engine;
use std::collections::HashMap;
use std::sync::Arc;

/// The largest picture taken.
pub(crate) const MAX_COVER: usize = 8 << 20;

/// What the cache may hold, counted in Base64 characters.
const MAX_CACHED: usize = 12 << 20;
const MAX_ENTRIES: usize = 64;

/// A picture as it is answered. `media_type` is what MPD said, if it did.
pub(crate) fn reply(bytes: &[u8], media_type: Option<&str>) -> CoverReply {
    let media_type = media_type
        .filter(|kind| kind.starts_with("image/") && kind.len() > 6)
        .unwrap_or_else(|| sniff(bytes));
    CoverReply {
        media_type: media_type.to_owned(),
        data: base64::engine::general_purpose::STANDARD.encode(bytes),
    }
}

/// The media type by the file's first bytes.
fn sniff(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [b'G', b'I', b'F', b'8', ..] => "image/gif",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        [_, _, _, _, b'f', b't', b'y', b'p', b'a', b'v', b'i', b'f', ..] => "image/avif",
        [b'B', b'M', ..] => "image/bmp",
        _ => "application/octet-stream",
    }
}

/// The covers asked for last, and the knowledge that a song has none.
#[derive(Debug, Default)]
pub(crate) struct CoverCache {
    entries: HashMap<String, Entry>,
    size: usize,
    clock: u64,
}

#[derive(Debug)]
struct Entry {
    cover: Option<Arc<CoverReply>>,
    used: u64,
}

impl CoverCache {
    /// What is known of a song's cover: nothing, that there is none, or the picture.
    pub(crate) fn get(&mut self, file: &str) -> Option<Option<Arc<CoverReply>>> {
        self.clock += 1;
        let entry = self.entries.get_mut(file)?;
        entry.used = self.clock;
        Some(entry.cover.clone())
    }

    /// Remembers a cover, and forgets the ones that were not asked for longest.
    pub(crate) fn put(&mut self, file: &str, cover: Option<Arc<CoverReply>>) {
        self.clock += 1;
        let entry = Entry {
            cover,
            used: self.clock,
        };
        self.size += size(file, &entry);
        if let Some(old) = self.entries.insert(file.to_owned(), entry) {
            self.size -= size(file, &old);
        }
        while self.size > MAX_CACHED || self.entries.len() > MAX_ENTRIES {
            let oldest = self
                .entries
                .iter()
                .min_by_key(|(_, entry)| entry.used)
                .map(|(file, _)| file.clone());
            let Some((file, entry)) = oldest.and_then(|file| self.entries.remove_entry(&file)) else {
                break;
            };
            self.size -= size(&file, &entry);
        }
    }

    /// Forgets everything: the library changed.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
        self.size = 0;
    }
}

fn size(file: &str, entry: &Entry) -> usize {
    file.len() + entry.cover.as_ref().map_or(0, |cover| cover.data.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_media_type_is_mpds_or_the_pictures_own() {
        assert_eq!(
            reply(b"\xff\xd8\xff\xe0", Some("image/png")).media_type,
            "image/png"
        );
        assert_eq!(reply(b"\xff\xd8\xff\xe0", None).media_type, "image/jpeg");
        assert_eq!(reply(b"\x89PNG\r\n", Some("image/")).media_type, "image/png");
        assert_eq!(reply(b"RIFF1234WEBPVP8 ", Some("")).media_type, "image/webp");
        assert_eq!(reply(b"", None).media_type, "application/octet-stream");
        assert_eq!(reply(b"abc", None).data, "YWJj");
    }

    #[test]
    fn the_cache_forgets_the_least_recently_used_and_stays_small() {
        let mut cache = CoverCache::default();
        let picture = Arc::new(CoverReply {
            media_type: "image/png".to_owned(),
            data: "x".repeat(5 << 20),
        });
        cache.put("a", Some(picture.clone()));
        cache.put("b", Some(picture.clone()));
        assert!(cache.get("a").is_some());
        cache.put("c", Some(picture.clone()));
        assert!(cache.get("b").is_none(), "b was not asked for longest");
        assert!(cache.get("a").is_some() && cache.get("c").is_some());
        cache.put("c", None);
        assert_eq!(cache.get("c"), Some(None));
        for number in 0..200 {
            cache.put(&number.to_string(), None);
        }
        assert!(cache.entries.len() <= MAX_ENTRIES && cache.size <= MAX_CACHED);
        cache.clear();
        assert_eq!((cache.size, cache.get("199")), (0, None));
    }
}
