//! The commands for the machine as a whole, handed to `amora-helper`.

use crate::error::UpdateError;
use crate::helper::{Helper, HelperFailure};
use amora_contract::commands::{BoxCommand, UpdateCommand};
use amora_contract::state::UpdatePhase;
use amora_contract::{Command, CommandError, ErrorCode, EventKind, Reply};
use amora_router::{Request, Seat};
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// Answers the commands for the machine. `helper` is the folder of the helper's sockets.
///
/// # Errors
/// When another has taken the seat.
pub async fn run_box(seat: &mut Seat, helper: &Path, shutdown: CancellationToken) -> Result<(), UpdateError> {
    let helper = Helper::new(helper);
    seat.health("box").ok();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return Ok(()),
            request = seat.next() => answer(seat, request.ok_or(UpdateError::Unseated)?, &helper).await,
        }
    }
}

async fn answer(seat: &Seat, request: Request, helper: &Helper) {
    let Command::Box(command) = request.command.clone() else {
        return;
    };
    let how = match &command {
        BoxCommand::Restart => "restart",
        BoxCommand::PowerOff => "power_off",
        BoxCommand::FactoryReset(reset) => {
            let id = seat.router().state().system.id.clone();
            if reset.confirm != id {
                let reason = format!("must be the id of the box that is meant; this is `{id}`");
                return request.answer(Err(CommandError::invalid("confirm", &reason)));
            }
            "factory_reset"
        }
    };
    let result = match command {
        // An update that waits for its trial notes that it begins.
        BoxCommand::Restart if installed(seat) => {
            let restarted = seat.router().execute(UpdateCommand::Restart.into()).await;
            return request.answer(restarted.map(|_| Reply::NOTHING));
        }
        BoxCommand::Restart => helper.restart(false).await,
        BoxCommand::PowerOff => helper.power_off().await,
        BoxCommand::FactoryReset(_) => helper.factory_reset().await,
    };
    match result {
        Ok(()) => {
            seat.publish_event(EventKind::GoingDown {
                how: how.to_owned(),
                cause: "somebody asked for it".to_owned(),
            });
            request.answer(Ok(Reply::NOTHING));
        }
        Err(failure) => request.answer(Err(to_error(&failure))),
    }
}

fn installed(seat: &Seat) -> bool {
    let state = seat.router().state();
    state
        .update
        .as_ref()
        .is_some_and(|update| update.phase == UpdatePhase::Installed)
}

fn to_error(failure: &HelperFailure) -> CommandError {
    match failure {
        HelperFailure::Missing(_) => CommandError::new(
            ErrorCode::Unavailable,
            format!("the service may not do this here: {failure} (it belongs to the AmoraOS image)"),
        ),
        HelperFailure::Silent { .. } => CommandError::new(ErrorCode::Unavailable, failure.to_string()),
        HelperFailure::Refused(_) => CommandError::new(ErrorCode::Failed, failure.to_string()),
    }
}
