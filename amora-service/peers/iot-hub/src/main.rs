//! Runs the stand-in until it is interrupted. The service side is plain HTTP on the machine's own address.

use amora_peer_iot_hub::{Options, StandIn, control};
use anyhow::Context;
use clap::Parser;
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;

/// A stand-in for Azure IoT Hub and its Device Provisioning Service, for the demo and tests only.
#[derive(Parser)]
struct Arguments {
    /// The host name of a hub; may be repeated
    #[arg(long = "hub", default_value = "stand-in.azure-devices.net")]
    hubs: Vec<String>,
    /// The id scope of the provisioning service
    #[arg(long, default_value = "0ne00000000")]
    scope: String,
    /// Where devices connect
    #[arg(long, default_value_t = Ipv4Addr::LOCALHOST.into())]
    address: IpAddr,
    /// MQTT over TLS; 0 for a free port
    #[arg(long, default_value_t = 8883)]
    mqtt_port: u16,
    /// HTTPS and MQTT over WebSocket; 0 for a free port
    #[arg(long, default_value_t = 8443)]
    https_port: u16,
    /// The service side, on 127.0.0.1 only; 0 for a free port
    #[arg(long, default_value_t = 8880)]
    control_port: u16,
    /// A further name or address for the certificate; may be repeated
    #[arg(long = "name")]
    names: Vec<String>,
    /// Where to write the certificate authority that clients are to trust (PEM)
    #[arg(long)]
    authority: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let stand_in = StandIn::start(Options {
        hubs: arguments.hubs,
        scope: arguments.scope,
        address: arguments.address,
        mqtt_port: arguments.mqtt_port,
        https_port: arguments.https_port,
        names: arguments.names,
    })
    .await?;
    if let Some(path) = &arguments.authority {
        std::fs::write(path, stand_in.authority().pem())
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, arguments.control_port)).await;
    let listener =
        listener.with_context(|| format!("cannot listen on 127.0.0.1:{}", arguments.control_port))?;
    // Read by programs that start this one, so it is the only line on standard output.
    println!("http://{}", listener.local_addr()?);
    let router = control::router(Arc::new(stand_in));
    let interrupted = async {
        let _ = tokio::signal::ctrl_c().await;
    };
    axum::serve(listener, router)
        .with_graceful_shutdown(interrupted)
        .await?;
    Ok(())
}
