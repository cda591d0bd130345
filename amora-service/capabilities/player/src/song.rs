//! Songs as MPD describes them.

use crate::protocol::Frame;
use amora_contract::state::Song;
use amora_contract::units::Seconds;
use std::collections::HashSet;

/// Files marked as favourites; `None` where MPD keeps no stickers.
pub(crate) type Favourites = Option<HashSet<String>>;

/// The song of one object of an answer.
pub(crate) fn read(fields: &[(&str, &str)], favourites: &Favourites) -> Song {
    let get = |key: &str| {
        fields
            .iter()
            .find(|(known, value)| *known == key && !value.is_empty())
            .map(|(_, value)| *value)
    };
    let joined = |key: &str| {
        let values: Vec<_> = fields
            .iter()
            .filter(|(known, value)| *known == key && !value.is_empty())
            .map(|field| field.1)
            .collect();
        (!values.is_empty()).then(|| values.join(", "))
    };
    let file = get("file").unwrap_or_default();
    let duration = get("duration")
        .or_else(|| get("Time"))
        .and_then(|text| text.parse().ok());
    Song {
        title: joined("Title")
            .or_else(|| get("Name").map(str::to_owned))
            .unwrap_or_else(|| {
                file.trim_end_matches('/')
                    .rsplit('/')
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            }),
        artist: joined("Artist")
            .or_else(|| joined("AlbumArtist"))
            .unwrap_or_else(|| "Unknown".to_owned()),
        album: get("Album").unwrap_or("Unknown").to_owned(),
        // "3/12" is the third of twelve.
        track: get("Track").and_then(|text| text.split('/').next()?.trim().parse().ok()),
        duration: Seconds(
            duration
                .filter(|seconds: &f64| seconds.is_finite())
                .unwrap_or(0.0),
        ),
        id: get("Id").and_then(|text| text.parse().ok()),
        position: get("Pos").and_then(|text| text.parse().ok()),
        favourite: favourites.as_ref().map(|files| files.contains(file)),
        file: file.to_owned(),
    }
}

/// Every song of an answer; folders and playlists in it are passed over.
pub(crate) fn read_all(frame: &Frame, favourites: &Favourites) -> Vec<Song> {
    frame
        .objects(&["file", "directory", "playlist"])
        .iter()
        .filter(|fields| fields[0].0 == "file")
        .map(|fields| read(fields, favourites))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_tags_get_the_published_defaults() {
        let song = read(&[("file", "a/b/Tune.flac")], &None);
        assert_eq!(
            (song.title.as_str(), song.artist.as_str(), song.album.as_str()),
            ("Tune.flac", "Unknown", "Unknown")
        );
        assert_eq!((song.duration, song.favourite), (Seconds(0.0), None));
    }

    #[test]
    fn tags_are_read_and_joined() {
        let fields = [
            ("file", "x.opus"),
            ("Time", "20"),
            ("duration", "19.5"),
            ("Artist", "Ann"),
            ("Artist", "Bob"),
            ("Title", "T: 1"),
            ("Track", "3/12"),
            ("Pos", "4"),
            ("Id", "9"),
        ];
        let song = read(&fields, &Some(HashSet::from(["x.opus".to_owned()])));
        assert_eq!((song.artist.as_str(), song.title.as_str()), ("Ann, Bob", "T: 1"));
        assert_eq!((song.track, song.position, song.id), (Some(3), Some(4), Some(9)));
        assert_eq!((song.duration, song.favourite), (Seconds(19.5), Some(true)));
    }

    #[test]
    fn a_station_is_called_by_its_name() {
        let song = read(&[("file", "http://radio/live"), ("Name", "Radio")], &None);
        assert_eq!(song.title, "Radio");
    }
}
