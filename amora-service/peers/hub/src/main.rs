//! Runs the stand-in until it is interrupted.

use amora_peer_hub::{Answer, Hub, Options};
use clap::Parser;

/// A stand-in for the hub at the far end of the voice desk, for the demo and tests only.
#[derive(Parser)]
struct Arguments {
    /// Where devices connect, on 127.0.0.1 only; 0 for a free port
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// What is said to who has spoken
    #[arg(long, value_enum, default_value_t = Answer::Nothing)]
    answer: Answer,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let Arguments { port, answer } = Arguments::parse();
    let hub = Hub::start(Options { port, answer }).await?;
    // Read by programs that start this one, so it is the only line on standard output.
    println!("{}", hub.url());
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    hub.stop().await;
    Ok(())
}
