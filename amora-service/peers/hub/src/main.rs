//! Runs the stand-in until it is interrupted.

use amora_peer_hub::{Answer, Hub, Options};
use clap::Parser;
use std::net::{IpAddr, Ipv4Addr};

/// A stand-in for the hub at the far end of the voice desk, for the demo and tests only.
#[derive(Parser)]
struct Arguments {
    /// Where devices connect
    #[arg(long, default_value_t = Ipv4Addr::LOCALHOST.into())]
    address: IpAddr,
    /// 0 for a free port
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// What is said to who has spoken
    #[arg(long, value_enum, default_value_t = Answer::Nothing)]
    answer: Answer,
    /// The bearer token that WHIP and WHEP ask for
    #[arg(long)]
    token: Option<String>,
    /// A `Link` header that WHIP and WHEP answer with: '<stun:stun.example>; rel="ice-server"'
    #[arg(long)]
    link: Vec<String>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let Arguments {
        address,
        port,
        answer,
        token,
        link: links,
    } = Arguments::parse();
    let options = Options {
        address,
        port,
        answer,
        token,
        links,
    };
    let hub = Hub::start(options).await?;
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
