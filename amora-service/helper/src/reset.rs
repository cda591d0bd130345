//! The factory reset: asked for here, carried out by the next start, when nothing uses the data.

use crate::request::Reset;
use crate::{Answer, HelperError, Places, power};
use std::fs;

pub(crate) fn carry_out(Reset::FactoryReset {}: Reset, places: &Places) -> Result<Answer, HelperError> {
    ask(places)?;
    power::restart()?;
    Ok(Answer::Done)
}

fn ask(places: &Places) -> Result<(), HelperError> {
    let folder = places.root.join("data/system");
    let path = folder.join("factory-reset");
    let file = fs::File::create(&path).map_err(HelperError::file(&path))?;
    file.sync_all().map_err(HelperError::file(&path))?;
    let made = fs::File::open(&folder).and_then(|folder| folder.sync_all());
    made.map_err(HelperError::file(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_request_is_a_file_that_the_next_start_finds() {
        let root = tempfile::tempdir().unwrap();
        let places = Places {
            root: root.path().to_owned(),
            ..Places::default()
        };
        assert!(
            ask(&places).is_err(),
            "without a data partition nothing can be asked"
        );
        fs::create_dir_all(root.path().join("data/system")).unwrap();
        ask(&places).unwrap();
        assert!(root.path().join("data/system/factory-reset").is_file());
    }
}
