//! The daemon: loads configuration, starts capabilities, opens doors, supervises.

mod arguments;
mod daemon;
mod logging;
mod parts;
mod supervise;
mod watchdog;

use amora_contract::config::layers;
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let sources = arguments::Arguments::parse().sources();
    let loaded = match layers::load(&sources) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match run(sources, loaded) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("amora-service: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(sources: layers::Sources, loaded: layers::Loaded) -> anyhow::Result<()> {
    let log = logging::start(&loaded.config.log)?;
    // Two workers: one for what waits on disks and far ends, one for everybody else. Sound has its own thread.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let result = runtime.block_on(daemon::Daemon::new(sources, loaded, log).run());
    runtime.shutdown_background();
    result
}
