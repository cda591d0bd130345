//! What every route shares.

use crate::WebError;
use crate::access::Access;
use crate::metrics::Counters;
use crate::refusal::Refusal;
use crate::snapshot::{Snapshot, Snapshots};
use amora_contract::config::{DeviceConfig, WebConfig};
use amora_contract::{Command, CommandError, ErrorCode, Reply};
use amora_router::{AllowList, Body, Doorway, Router};
use serde_json::Value;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Commands under way at once, from all callers together.
const OUTSTANDING: usize = 256;

/// Open WebSockets, of all kinds together.
pub(crate) const SOCKETS: usize = 256;

/// The door, as its routes see it.
pub(crate) struct Door {
    pub(crate) access: Access,
    pub(crate) counters: Counters,
    /// One permit for each WebSocket that may be open.
    pub(crate) sockets: Arc<Semaphore>,
    /// Cancelled when the door closes.
    pub(crate) closing: CancellationToken,
    doorway: Doorway,
    snapshots: Snapshots,
    outstanding: Semaphore,
    name: String,
}

impl Door {
    pub(crate) fn open(
        router: Router,
        config: &WebConfig,
        device: &DeviceConfig,
    ) -> Result<Arc<Self>, WebError> {
        Ok(Arc::new(Self {
            access: Access::open(&device.data, config.open_status, &config.allowed_origins)?,
            counters: Counters::default(),
            sockets: Arc::new(Semaphore::new(SOCKETS)),
            closing: CancellationToken::new(),
            doorway: router.doorway(AllowList::new(&config.allow)),
            snapshots: Snapshots::default(),
            outstanding: Semaphore::new(OUTSTANDING),
            name: device.name.clone(),
        }))
    }

    /// The box's name.
    pub(crate) fn name(&self) -> String {
        let state = self.router().state();
        match state.system.name.as_str() {
            "" => self.name.clone(),
            name => name.to_owned(),
        }
    }

    pub(crate) fn router(&self) -> &Router {
        self.doorway.router()
    }

    /// The present state as text.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshots.of(&self.router().state())
    }

    /// Has a command carried out, if this door permits it.
    pub(crate) async fn execute(&self, name: &str, params: Value) -> Result<Reply, CommandError> {
        let (section, result) = match Command::parse(name, params) {
            Ok(command) => (command.section().name(), self.carry_out(command).await),
            Err(error) => ("none", Err(error)),
        };
        self.counters
            .count_command(section, result.as_ref().err().map(|error| error.code));
        result
    }

    /// Has a command carried out that comes with a body, if this door permits it.
    pub(crate) async fn execute_with(&self, command: Command, body: Body) -> Result<Reply, CommandError> {
        let section = command.section().name();
        let result = self.doorway.execute_with(command, body).await;
        self.counters
            .count_command(section, result.as_ref().err().map(|error| error.code));
        result
    }

    async fn carry_out(&self, command: Command) -> Result<Reply, CommandError> {
        let Ok(_permit) = self.outstanding.try_acquire() else {
            return Err(CommandError::new(
                ErrorCode::Busy,
                "too many commands are under way; try again in a moment",
            ));
        };
        self.doorway.execute(command).await
    }

    /// Compares a login code.
    pub(crate) fn check_code(&self, address: IpAddr, attempt: &str) -> Result<(), Refusal> {
        match self.access.try_code(address, attempt) {
            Ok(true) => Ok(()),
            Ok(false) => {
                self.counters.count_login_refused("wrong_code");
                Err(Refusal::login_required(
                    "this is not the code of this box; its console and its file `login-code` show it",
                ))
            }
            Err(wait) => {
                self.counters.count_login_refused("too_many");
                Err(Refusal::too_many(
                    "too many wrong codes; wait before the next attempt",
                    wait,
                ))
            }
        }
    }
}
