//! Commands that take more than one exchange with MPD.

mod cover;
mod favourites;
mod playlists;
mod queue;

pub(crate) use cover::fetch as fetch_cover;
pub(crate) use favourites::{list as list_favourites, load as load_favourites, set as set_favourite};
pub(crate) use playlists::{create, load_and_play, queue_playlist, replace_with_queue};
pub(crate) use queue::{add, add_found, seek, toggle, window};

use crate::connection::{Failure, LinkError};
use crate::link::Session;
use crate::protocol::{Ack, AckCode, Frame};
use crate::translate::{self, Object, Plan, Step};
use amora_contract::CommandError;

/// Why a command was not carried out: for its asker, or because MPD is gone, which concerns everybody.
#[derive(Debug)]
pub(crate) enum Trouble {
    Refused(CommandError),
    Lost(LinkError),
}

impl From<CommandError> for Trouble {
    fn from(error: CommandError) -> Self {
        Self::Refused(error)
    }
}

impl From<LinkError> for Trouble {
    fn from(error: LinkError) -> Self {
        Self::Lost(error)
    }
}

/// Carries a plan out; the answer to its last step comes back.
pub(crate) async fn carry_out(session: &mut Session, plan: &Plan) -> Result<Frame, Trouble> {
    let mut frames = run(session, &plan.steps).await?;
    Ok(frames.pop().unwrap_or_default())
}

/// Carries steps out as one atomic list.
async fn run(session: &mut Session, steps: &[Step]) -> Result<Vec<Frame>, Trouble> {
    let commands: Vec<_> = steps.iter().map(|step| step.command.clone()).collect();
    let unknown = Object::new("the command");
    session.execute(&commands).await.map_err(|failure| match failure {
        Failure::Refused(ack, _) => {
            let object = steps.get(ack.index).map_or(&unknown, |step| &step.object);
            Trouble::Refused(translate::refused(&ack, object))
        }
        Failure::Unsendable(reason) => {
            // Any step can be the long one: the last names what the command is about.
            let object = steps.last().map_or(&unknown, |step| &step.object);
            Trouble::Refused(translate::unsendable(reason, object))
        }
        Failure::Lost(error) => Trouble::Lost(error),
    })
}

/// A refusal that the caller wants to look at itself; anything else is trouble.
fn refusal(failure: Failure, object: &Object) -> Result<Ack, Trouble> {
    match failure {
        Failure::Refused(ack, _) => Ok(ack),
        Failure::Unsendable(reason) => Err(translate::unsendable(reason, object).into()),
        Failure::Lost(error) => Err(error.into()),
    }
}

/// Whether a refusal says that something does not exist.
fn is_missing(ack: &Ack) -> bool {
    ack.code == AckCode::NoExist
}
