//! Long work, watched until it is done.

use crate::client::Client;
use crate::failure::Failure;
use crate::render::read;
use amora_contract::state::LibraryState;
use futures_util::StreamExt;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;
use std::time::Duration;

/// How long a scan may take to begin after it was asked for.
const BEGIN: Duration = Duration::from_secs(5);

/// Sends `player.update_library` and shows the scan until it has ended. Without a terminal nothing is drawn.
pub(crate) async fn update_library(client: &Client, params: &Value) -> Result<String, Failure> {
    // Watching begins before the scan does, so that a short one is not missed.
    let mut messages = client.watch(false).await?;
    client.command("player.update_library", params).await?;
    let bar = ProgressBar::new_spinner().with_style(
        ProgressStyle::with_template("{spinner} {msg} [{elapsed}]").expect("the template is well formed"),
    );
    bar.enable_steady_tick(Duration::from_millis(120));
    bar.set_message("scanning the library");
    let mut begun = false;
    let mut library = LibraryState::default();
    loop {
        let message = match begun {
            true => messages.next().await,
            false => match tokio::time::timeout(BEGIN, messages.next()).await {
                Ok(message) => message,
                Err(_) => break,
            },
        };
        let Some(message) = message else {
            return Err(Failure::NotReachable(
                "the service closed the connection during the scan".to_owned(),
            ));
        };
        let message = message?;
        let finished = message["event"]["event"] == "player.library_update_finished";
        if let Some(state) = message.pointer("/state/player/library") {
            library = read(state.clone())?;
            bar.set_message(format!(
                "scanning the library: {} songs",
                library.scanned.max(library.songs)
            ));
        }
        if finished {
            library.songs = message["event"]["data"]["songs"]
                .as_u64()
                .map_or(library.songs, |songs| songs as u32);
        }
        if finished || (begun && !library.updating) {
            break;
        }
        begun |= library.updating;
    }
    bar.finish_and_clear();
    Ok(format!(
        "{} songs, {} albums, {} artists\n",
        library.songs, library.albums, library.artists
    ))
}
