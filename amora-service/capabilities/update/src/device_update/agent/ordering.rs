//! Taking orders: which are new, which are known, and which were carried out before this start.

use super::{Agent, Attempt, Effect, Stage, Target};
use crate::device_update::codes::{ExtendedResultCode, ResultCode};
use crate::device_update::order::{Order, OrderError, Workflow};
use crate::device_update::report::{self, AgentState, Standing};
use serde_json::Value;

/// `ProcessDeployment` and `Cancel`. Source: `ADUCITF_UpdateAction` in `update_content.h` of Microsoft's agent.
const DEPLOY: u8 = 3;
const CANCEL: u8 = 255;

impl Agent {
    /// Takes an order, unless it is known already.
    pub(super) fn take(&mut self, order: Result<Order, OrderError>, reported: &Value) {
        let (workflow, deployment, error) = match order {
            Err(error) => {
                tracing::warn!(%error, "an order of Device Update names no deployment");
                return;
            }
            Ok(Order::Cancel(workflow)) => return self.take_cancellation(workflow, reported),
            Ok(Order::Deploy(workflow, deployment)) => (workflow, Some(deployment), None),
            Ok(Order::Unusable(workflow, error)) => (workflow, None, Some(error)),
        };
        match &self.target {
            Some(target) if target.workflow == workflow => return,
            _ => {}
        }
        let before = self.known_state(reported, &workflow);
        let ended = before.is_some_and(|state| state != AgentState::InProgress as u64);
        self.target = Some(Target {
            workflow,
            action: DEPLOY,
            cancelled: false,
            deployment,
            stage: match ended {
                true => Stage::Done,
                false => Stage::RootKeys(Attempt::default()),
            },
        });
        if ended {
            return;
        }
        if let Some(error) = error {
            self.fail(error.code(), error.to_string());
        } else if before.is_none() {
            self.say(&Standing {
                state: AgentState::InProgress,
                result: ResultCode::IN_PROGRESS,
                code: ExtendedResultCode::NONE,
                details: String::new(),
                installed: None,
                step: false,
            });
        }
    }

    fn take_cancellation(&mut self, workflow: Workflow, reported: &Value) {
        if let Some(target) = &mut self.target
            && target.workflow.id == workflow.id
        {
            target.cancelled = true;
            return;
        }
        let known = Workflow::read(&reported["workflow"]).filter(|known| known.id == workflow.id);
        let workflow = known.unwrap_or(workflow);
        let before = self.known_state(reported, &workflow);
        self.target = Some(Target {
            action: match before {
                Some(_) => DEPLOY,
                None => CANCEL,
            },
            workflow,
            cancelled: true,
            deployment: None,
            stage: match before {
                Some(state) if state != AgentState::InProgress as u64 => Stage::Done,
                _ => Stage::RootKeys(Attempt::default()),
            },
        });
    }

    /// The state in which an order of before this start was: as it was kept, else as the twin holds it. A final report
    /// that did not arrive is made again.
    fn known_state(&mut self, reported: &Value, workflow: &Workflow) -> Option<u64> {
        if self.target.is_some() {
            return None;
        }
        if let Some(kept) = self
            .kept
            .take()
            .filter(|kept| Workflow::read(&kept["workflow"]).as_ref() == Some(workflow))
        {
            if !report::agrees(reported, &kept) {
                self.effects.push(Effect::Report(report::patch("agent", &kept)));
            }
            let state = kept["state"].as_u64();
            self.report = Some(kept);
            return state;
        }
        reported_state(reported, workflow)
    }
}

/// The state that the twin holds of a deployment; nothing where it holds that of another.
fn reported_state(reported: &Value, workflow: &Workflow) -> Option<u64> {
    let known = Workflow::read(&reported["workflow"])?;
    (known == *workflow).then(|| reported["state"].as_u64()).flatten()
}
