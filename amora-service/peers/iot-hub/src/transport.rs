//! MQTT packets over a TLS stream or over a WebSocket.

use axum::extract::ws::{Message, WebSocket};
use bytes::BytesMut;
use futures_util::{SinkExt, StreamExt};
use rumqttc_v4::mqttbytes::v4::{Codec, Packet};
use std::io;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_util::codec::{Decoder, Encoder, Framed};

/// The largest message with the longest topic, and some room to answer a larger one with a reason.
const PACKET_BYTES: usize = 256 * 1024 + 64 * 1024 + 1024;

pub(crate) enum Transport {
    Stream(Box<Framed<TlsStream<TcpStream>, Codec>>),
    WebSocket {
        socket: Box<WebSocket>,
        codec: Codec,
        received: BytesMut,
    },
}

fn codec() -> Codec {
    Codec {
        max_incoming_size: PACKET_BYTES,
        max_outgoing_size: PACKET_BYTES,
    }
}

impl Transport {
    pub(crate) fn stream(stream: TlsStream<TcpStream>) -> Self {
        Self::Stream(Box::new(Framed::new(stream, codec())))
    }

    pub(crate) fn websocket(socket: WebSocket) -> Self {
        Self::WebSocket {
            socket: Box::new(socket),
            codec: codec(),
            received: BytesMut::new(),
        }
    }

    /// The next packet; `None` at the end. What is not MQTT 3.1.1 is `InvalidData`. Nothing is lost when this is
    /// dropped before it is done.
    pub(crate) async fn next(&mut self) -> Option<io::Result<Packet>> {
        match self {
            Self::Stream(framed) => Some(framed.next().await?.map_err(to_io)),
            Self::WebSocket {
                socket,
                codec,
                received,
            } => loop {
                match codec.decode(received) {
                    Ok(Some(packet)) => return Some(Ok(packet)),
                    Ok(None) => {}
                    Err(error) => return Some(Err(to_io(error))),
                }
                match socket.recv().await? {
                    Ok(Message::Binary(bytes)) => received.extend_from_slice(&bytes),
                    Ok(Message::Close(_)) => return None,
                    Ok(Message::Ping(_) | Message::Pong(_)) => {}
                    Ok(Message::Text(_)) => return Some(Err(io::Error::from(io::ErrorKind::InvalidData))),
                    Err(error) => return Some(Err(io::Error::other(error))),
                }
            },
        }
    }

    pub(crate) async fn send(&mut self, packet: Packet) -> io::Result<()> {
        match self {
            Self::Stream(framed) => framed.send(packet).await.map_err(to_io),
            Self::WebSocket { socket, codec, .. } => {
                let mut bytes = BytesMut::new();
                codec.encode(packet, &mut bytes).map_err(to_io)?;
                socket
                    .send(Message::Binary(bytes.freeze()))
                    .await
                    .map_err(io::Error::other)
            }
        }
    }

    /// Ends the connection in order.
    pub(crate) async fn close(self) {
        let _ = match self {
            Self::Stream(mut framed) => SinkExt::<Packet>::close(&mut framed).await.map_err(to_io),
            Self::WebSocket { mut socket, .. } => {
                socket.send(Message::Close(None)).await.map_err(io::Error::other)
            }
        };
    }

    /// Breaks the connection without a farewell, as a network does.
    pub(crate) fn cut(self) {
        if let Self::Stream(framed) = self {
            let _ = framed.get_ref().get_ref().0.set_zero_linger();
        }
    }
}

fn to_io(error: rumqttc_v4::mqttbytes::Error) -> io::Error {
    match error {
        rumqttc_v4::mqttbytes::Error::Io(error) => error,
        other => io::Error::new(io::ErrorKind::InvalidData, other.to_string()),
    }
}
