//! What the twin's component reports: the property `agent`.

use super::agent::Identity;
use super::codes::{ExtendedResultCode, ResultCode};
use super::manifest::UpdateId;
use super::order::Workflow;
use serde_json::{Value, json};

/// The contract of the agent, as `contractModelId`. Source: `device_properties.c` of Microsoft's agent.
const CONTRACT: &str = "dtmi:azure:iot:deviceUpdateContractModel;3";

/// What of a box decides which updates are for it.
const COMPATIBILITY: &str = "manufacturer,model";

/// Longest `resultDetails`, in bytes.
const LONGEST_DETAILS: usize = 1024;

/// Where an agent stands. Source: `ADUCITF_State` in `update_content.h` of Microsoft's agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AgentState {
    /// Nothing is going on; a deployment ended well or was called off.
    Idle = 0,
    /// A deployment is going on.
    InProgress = 6,
    /// A deployment failed.
    Failed = 255,
}

/// How a deployment stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: AgentState,
    pub(crate) result: ResultCode,
    pub(crate) code: ExtendedResultCode,
    pub(crate) details: String,
    /// The update that runs now, where it was this one.
    pub(crate) installed: Option<UpdateId>,
    /// Whether the step itself came to its end.
    pub(crate) step: bool,
}

/// Who the box is: said once a connection, before anything else.
pub(crate) fn properties(identity: &Identity) -> Value {
    json!({
        "deviceProperties": {
            "manufacturer": identity.manufacturer,
            "model": identity.model,
            "contractModelId": CONTRACT,
            "aduVer": concat!("amora;agent/", env!("CARGO_PKG_VERSION")),
            // Agents of old reported it; nothing else takes it away.
            "interfaceId": null,
        },
        "compatPropertyNames": COMPATIBILITY,
    })
}

/// How a deployment stands. Steps of one before are taken away.
pub(crate) fn standing(workflow: &Workflow, action: u8, standing: &Standing) -> Value {
    let result = json!({
        "resultCode": standing.result.0,
        "extendedResultCodes": standing.code.to_string(),
        "resultDetails": shortened(&standing.details),
    });
    let mut last = result.clone();
    last["stepResults"] = match standing.step {
        true => json!({"step_0": result}),
        false => Value::Null,
    };
    let mut agent = json!({
        "state": standing.state as u8,
        "workflow": {
            "action": action,
            "id": workflow.id,
            "retryTimestamp": workflow.retry,
        },
        "lastInstallResult": last,
    });
    if let Some(update) = &standing.installed {
        agent["installedUpdateId"] = update.to_text().into();
    }
    agent
}

/// A patch of the component.
pub(crate) fn patch(property: &str, value: &Value) -> Value {
    json!({"deviceUpdate": {"__t": "c", property: value}})
}

/// Whether what the twin holds says of a deployment what `agent` says.
pub(crate) fn agrees(reported: &Value, agent: &Value) -> bool {
    let same = |name: &str| reported["workflow"][name] == agent["workflow"][name];
    reported["state"] == agent["state"]
        && same("id")
        && same("retryTimestamp")
        && reported["lastInstallResult"]["resultCode"] == agent["lastInstallResult"]["resultCode"]
}

fn shortened(details: &str) -> &str {
    &details[..details.floor_char_boundary(LONGEST_DETAILS)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_reasons_are_cut_between_letters() {
        assert_eq!(shortened("short"), "short");
        let long = "ä".repeat(LONGEST_DETAILS);
        assert_eq!(shortened(&long), "ä".repeat(LONGEST_DETAILS / 2));
        let odd = format!("x{long}");
        assert_eq!(shortened(&odd).len(), LONGEST_DETAILS - 1);
    }

    #[test]
    fn a_success_is_reported_as_microsofts_agent_does() {
        let workflow = Workflow {
            id: "e99c69ca-3188-43a3-80af-310616c7751d".to_owned(),
            retry: None,
        };
        let update = UpdateId {
            provider: "Contoso".to_owned(),
            name: "Virtual-Vacuum".to_owned(),
            version: "20.0".to_owned(),
        };
        let agent = standing(
            &workflow,
            3,
            &Standing {
                state: AgentState::Idle,
                result: ResultCode::APPLIED,
                code: ExtendedResultCode::NONE,
                details: String::new(),
                installed: Some(update),
                step: true,
            },
        );
        let result = json!({"resultCode": 700, "extendedResultCodes": "00000000", "resultDetails": ""});
        let mut last = result.clone();
        last["stepResults"] = json!({"step_0": result});
        let expected = json!({"deviceUpdate": {"__t": "c", "agent": {
            "lastInstallResult": last,
            "state": 0,
            "workflow": {"action": 3, "id": "e99c69ca-3188-43a3-80af-310616c7751d", "retryTimestamp": null},
            "installedUpdateId": r#"{"provider":"Contoso","name":"Virtual-Vacuum","version":"20.0"}"#,
        }}});
        assert_eq!(patch("agent", &agent), expected);
    }
}
