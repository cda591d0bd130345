//! The log: structured fields to journald on a box, readable lines on a terminal.

use amora_contract::config::LogConfig;
use anyhow::Context;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, reload};

/// Changes what is logged while the service runs.
pub(crate) struct LogControl(reload::Handle<EnvFilter, Registry>);

impl LogControl {
    /// Takes a new filter from the configuration.
    pub(crate) fn apply(&self, log: &LogConfig) -> anyhow::Result<()> {
        self.0.reload(filter(log)?).context("changing the log's filter")
    }
}

/// Starts logging.
pub(crate) fn start(log: &LogConfig) -> anyhow::Result<LogControl> {
    let (filter, handle) = reload::Layer::new(filter(log)?);
    let registry = tracing_subscriber::registry().with(filter);
    // systemd sets JOURNAL_STREAM when standard error goes to the journal.
    let journal = std::env::var_os("JOURNAL_STREAM").and_then(|_| tracing_journald::layer().ok());
    match journal {
        Some(journal) => registry
            .with(journal.with_syslog_identifier("amora-service".to_owned()))
            .init(),
        None => registry
            .with(tracing_subscriber::fmt::layer().with_writer(std::io::stderr))
            .init(),
    }
    Ok(LogControl(handle))
}

/// Whether a filter from the configuration can be used.
pub(crate) fn check(log: &LogConfig) -> anyhow::Result<()> {
    filter(log).map(|_| ())
}

fn filter(log: &LogConfig) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(&log.level).with_context(|| format!("log.level `{}`", log.level))
}
