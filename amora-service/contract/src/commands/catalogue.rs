//! The list of every command with its schemas: what the published contract and `amoractl` are made from.

use super::{AudioCommand, BoxCommand, PlayerCommand, SystemCommand, UpdateCommand, VoiceCommand};
use schemars::{Schema, SchemaGenerator};
use std::sync::LazyLock;

/// One command as the published contract describes it.
#[derive(Debug, Clone)]
pub struct CommandDescription {
    /// `section.verb`.
    pub name: &'static str,
    /// What it does, in Markdown; the first line is a summary.
    pub text: &'static str,
    /// Schema of the parameters; `None` when it takes none.
    pub params: Option<Schema>,
    /// Schema of the data in a successful reply.
    pub reply: Schema,
}

impl CommandDescription {
    /// The first line of the description.
    pub fn summary(&self) -> &'static str {
        self.text.trim().lines().next().unwrap_or_default().trim()
    }
}

/// Every command, section by section in the order of declaration. Named types are put into `generator`.
pub fn catalogue(generator: &mut SchemaGenerator) -> Vec<CommandDescription> {
    let mut list = Vec::new();
    PlayerCommand::describe(generator, &mut list);
    AudioCommand::describe(generator, &mut list);
    VoiceCommand::describe(generator, &mut list);
    SystemCommand::describe(generator, &mut list);
    UpdateCommand::describe(generator, &mut list);
    BoxCommand::describe(generator, &mut list);
    list
}

/// The names of every command. Making the schemas takes long enough that it is done once.
pub(crate) fn names() -> &'static [&'static str] {
    static NAMES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let commands = catalogue(&mut SchemaGenerator::default());
        commands.into_iter().map(|command| command.name).collect()
    });
    &NAMES
}
