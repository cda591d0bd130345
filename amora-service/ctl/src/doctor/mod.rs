//! `amoractl doctor`: everything the box depends on, found or not, and what to do about it.

mod broker;
mod machine;
mod mpd;
mod ports;
mod process;

use crate::client::Client;
use crate::config;
use crate::failure::Failure;
use crate::text::plain;
use amora_contract::Config;
use amora_contract::config::HIDDEN;
use amora_contract::reply::ConfigReply;
use amora_contract::state::{Condition, Health};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    subject: String,
    verdict: Verdict,
    found: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    next_step: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    /// The box works, but not as well as it could.
    Warning,
    Failed,
    /// There is nothing to check.
    Skipped,
}

impl Finding {
    fn ok(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            verdict: Verdict::Ok,
            found: found.into(),
            next_step: String::new(),
        }
    }

    fn skipped(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Skipped,
            ..Self::ok(subject, found)
        }
    }

    fn warning(subject: impl Into<String>, found: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Warning,
            next_step: next_step.into(),
            ..Self::ok(subject, found)
        }
    }

    fn failed(subject: impl Into<String>, found: impl Into<String>, next_step: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Failed,
            next_step: next_step.into(),
            ..Self::ok(subject, found)
        }
    }
}

/// Checks everything; a failure when something does not work.
pub(crate) async fn run(
    client: impl FnOnce() -> Result<Client, Failure>,
    json: bool,
) -> Result<String, Failure> {
    let (local, mut findings) = configuration();
    let client = client();
    let (in_force, service) = service(&client).await;
    findings.extend(service);
    let runs = in_force.is_some();
    let config = match in_force {
        Some(config) => with_secrets(config, &local),
        None => local,
    };
    findings.extend(machine::data(&config.device.data));
    findings.extend(mpd::mpd(&config).await);
    findings.extend(broker::broker(&config).await);
    findings.extend(ports::ports(&config, runs).await);
    findings.push(machine::fifo(&config));
    findings.extend(machine::cards(&config));
    findings.extend(process::permissions(&config));
    findings.push(machine::clock());
    let failed = findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Failed)
        .count();
    let text = match json {
        true => format!("{}\n", json!({"healthy": failed == 0, "findings": findings})),
        false => describe(&findings),
    };
    match failed {
        0 => Ok(text),
        _ => {
            print!("{text}");
            Err(Failure::Silent)
        }
    }
}

fn configuration() -> (Config, Vec<Finding>) {
    match config::local() {
        Ok(loaded) => {
            let found = format!("valid, {} settings given", loaded.origin.len());
            let mut findings = vec![Finding::ok("configuration", found)];
            let warning = |text: String| Finding::warning("configuration", text, "");
            findings.extend(loaded.warnings.into_iter().map(warning));
            (loaded.config, findings)
        }
        Err(failure) => {
            let next = "correct the file; `amoractl config check FILE` tells whether it is right";
            (
                Config::default(),
                vec![Finding::failed("configuration", failure.to_string(), next)],
            )
        }
    }
}

/// The service hides its secrets: what may be read of them here takes their place.
fn with_secrets(mut config: Config, local: &Config) -> Config {
    let reveal = |hidden: &mut Option<String>, known: Option<&String>| {
        if hidden.as_deref() == Some(HIDDEN)
            && let Some(known) = known
        {
            *hidden = Some(known.clone());
        }
    };
    if let Some(mqtt) = &mut config.mqtt {
        let known = local.mqtt.as_ref().and_then(|mqtt| mqtt.password.as_ref());
        reveal(&mut mqtt.password, known);
    }
    if let Some(player) = &mut config.player {
        let known = local.player.as_ref().and_then(|player| player.password.as_ref());
        reveal(&mut player.password, known);
    }
    config
}

/// Whether the service answers, how its parts say they are, and the configuration that it runs with.
async fn service(client: &Result<Client, Failure>) -> (Option<Config>, Vec<Finding>) {
    let health = match client {
        Ok(client) => client.health().await.map(|health| (client, health)),
        Err(failure) => Err(Failure::Failed(failure.to_string())),
    };
    match health {
        Ok((client, health)) => {
            let mut findings = vec![Finding::ok("service", "it answers")];
            findings.extend(parts(&health));
            let reply = client.command("system.get_config", &json!({})).await;
            let config = reply
                .and_then(crate::render::read::<ConfigReply>)
                .and_then(|reply| crate::render::read(reply.config));
            let config = config.unwrap_or_else(|failure| {
                findings.push(Finding::warning(
                    "service",
                    format!("it does not tell its configuration: {failure}"),
                    "",
                ));
                config::local().map(|loaded| loaded.config).unwrap_or_default()
            });
            (Some(config), findings)
        }
        Err(failure) => {
            let text = failure.to_string();
            let (found, next) = text.split_once('\n').unwrap_or((&text, ""));
            (None, vec![Finding::failed("service", found, next)])
        }
    }
}

fn parts(health: &Value) -> Vec<Finding> {
    let parts: BTreeMap<String, Health> = serde_json::from_value(health["parts"].clone()).unwrap_or_default();
    let finding = |(part, health): (String, Health)| {
        let subject = format!("service: {}", plain(&part));
        match health.condition {
            Condition::Ok => Finding::ok(subject, "works"),
            Condition::Starting => Finding::warning(subject, "is starting", "look again in a moment"),
            Condition::Degraded | Condition::Failed => {
                Finding::failed(subject, plain(&health.cause), plain(&health.next_step))
            }
        }
    };
    parts.into_iter().map(finding).collect()
}

fn describe(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let sign = match finding.verdict {
            Verdict::Ok => "✔",
            Verdict::Warning => "!",
            Verdict::Failed => "✘",
            Verdict::Skipped => "–",
        };
        let indented = |text: &str| text.trim_end().replace('\n', "\n    ");
        text.push_str(&format!(
            "{sign} {}: {}\n",
            finding.subject,
            indented(&finding.found)
        ));
        if !finding.next_step.is_empty() {
            text.push_str(&format!("    → {}\n", indented(&finding.next_step)));
        }
    }
    let count = |verdict| {
        findings
            .iter()
            .filter(|finding| finding.verdict == verdict)
            .count()
    };
    let verdict = match (count(Verdict::Failed), count(Verdict::Warning)) {
        (0, 0) => "Everything is well.".to_owned(),
        (0, warnings) => format!("The box works; {warnings} to look at."),
        (failures, _) => format!("{failures} to put right."),
    };
    format!("{text}\n{verdict}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_listed_with_what_to_do() {
        let findings = [
            Finding::ok("clock", "12:00"),
            Finding::failed("MPD", "refused", "start it"),
            Finding::skipped("FIFO", "none"),
        ];
        let text = describe(&findings);
        assert_eq!(
            text,
            "✔ clock: 12:00\n✘ MPD: refused\n    → start it\n– FIFO: none\n\n1 to put right.\n"
        );
        assert!(describe(&findings[..1]).ends_with("Everything is well.\n"));
    }

    #[test]
    fn hidden_passwords_are_taken_from_here_where_they_can_be_read() {
        let config = |password: &str| {
            let mut config = Config::default();
            let player = config.player.get_or_insert_default();
            player.password = Some(password.to_owned());
            config.mqtt.get_or_insert_default().password = Some(password.to_owned());
            config
        };
        let passwords = |config: Config| (config.player.unwrap().password, config.mqtt.unwrap().password);
        let both = |word: &str| (Some(word.to_owned()), Some(word.to_owned()));
        let known = with_secrets(config(HIDDEN), &config("hush"));
        assert_eq!(passwords(known), both("hush"));
        let unknown = with_secrets(config(HIDDEN), &Config::default());
        assert_eq!(passwords(unknown), both(HIDDEN));
        let shown = with_secrets(config("new"), &config("old"));
        assert_eq!(passwords(shown), both("new"));
    }

    #[test]
    fn what_the_service_says_of_its_parts_is_taken_over() {
        let health = json!({"status": "degraded", "parts": {
            "audio": {"condition": "ok", "cause": "", "next_step": "", "since": 0},
            "player": {"condition": "degraded", "cause": "MPD is away", "next_step": "start MPD", "since": 0},
        }});
        let findings = parts(&health);
        assert_eq!(findings[0], Finding::ok("service: audio", "works"));
        assert_eq!(
            findings[1],
            Finding::failed("service: player", "MPD is away", "start MPD")
        );
        assert!(parts(&Value::Null).is_empty());
    }
}
