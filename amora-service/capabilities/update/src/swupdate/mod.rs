//! SWUpdate, through the sockets that it offers to programs on the box.

pub(crate) mod control;
pub(crate) mod follow;
pub(crate) mod messages;
pub(crate) mod refusal;

use std::io;
use std::path::Path;
use tokio::net::UnixStream;

/// The socket that takes updates and questions.
const CONTROL: &str = "sockinstctrl";

/// The socket that tells how an installation goes.
const PROGRESS: &str = "swupdateprog";

async fn connect(folder: &Path, socket: &str) -> io::Result<UnixStream> {
    let path = folder.join(socket);
    UnixStream::connect(&path)
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}
