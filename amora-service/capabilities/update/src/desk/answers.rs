//! Answers to commands.

use super::Desk;
use crate::error::UpdateError;
use amora_contract::commands::UpdateCommand;
use amora_contract::state::{UpdateCause, UpdatePhase};
use amora_contract::{Command, CommandError, ErrorCode, Reply};
use amora_router::Request;

impl Desk {
    pub(super) async fn answer(&mut self, request: Request) -> Result<(), UpdateError> {
        let Command::Update(command) = request.command.clone() else {
            return Ok(());
        };
        let result = match command {
            UpdateCommand::Install(wanted) => {
                self.install(request, &wanted);
                return Ok(());
            }
            UpdateCommand::GetStatus => Ok(()),
            UpdateCommand::Cancel => {
                let result = self.cancel();
                self.tick_work().await?;
                result
            }
            UpdateCommand::Restart => match self.state.phase {
                UpdatePhase::Installed => {
                    // The answer goes first: it may travel through what goes down.
                    request.answer(Ok(Reply::Update(Box::new(self.state.clone()))));
                    return self.restart_into_update().await;
                }
                UpdatePhase::Restarting => Ok(()),
                _ => conflict("no update is installed: there is nothing to restart into"),
            },
            UpdateCommand::Confirm => match self.state.phase {
                UpdatePhase::Trial => self
                    .keep()
                    .await?
                    .map_err(|cause| CommandError::new(ErrorCode::Failed, cause)),
                _ => conflict("the running system is not on trial: there is nothing to confirm"),
            },
            UpdateCommand::RollBack => match self.state.phase {
                UpdatePhase::Installed => self.drop_installed().await?,
                UpdatePhase::Trial => {
                    request.answer(Ok(Reply::Update(Box::new(self.state.clone()))));
                    let reason = "somebody asked to go back to the version before".to_owned();
                    return self.give_up(UpdateCause::Asked, None, None, reason).await;
                }
                _ => conflict("no update is installed or on trial: there is nothing to go back from"),
            },
        };
        self.publish();
        request.answer(result.map(|()| Reply::Update(Box::new(self.state.clone()))));
        Ok(())
    }

    /// Drops the installed update before its trial.
    pub(super) async fn drop_installed(&mut self) -> Result<Result<(), CommandError>, UpdateError> {
        if let Err(failure) = self.helper.give_up().await {
            return Ok(Err(CommandError::new(
                ErrorCode::Failed,
                format!("the boot loader could not be told: {failure}"),
            )));
        }
        if let Some(pending) = self.pending.take() {
            self.end_dropped(&pending)?;
            self.records.forget_pending()?;
        }
        self.ask_slots().await;
        self.settle_with_server();
        self.planner = None;
        self.state.phase = UpdatePhase::Idle;
        self.state.install = None;
        Ok(Ok(()))
    }
}

fn conflict(reason: &str) -> Result<(), CommandError> {
    Err(CommandError::new(ErrorCode::Conflict, reason))
}
