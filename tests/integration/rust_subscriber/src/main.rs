// SPDX-License-Identifier: Apache-2.0
//! A subscriber in Rust alone, without libzmq: it prints the topic of each message that comes. `subscriber tcp://127.0.0.1:7411 tile.`
use std::io::Write;
use zeromq::{Socket, SocketRecv};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let mut socket = zeromq::SubSocket::new();
    socket.connect(&arguments[1]).await?;
    socket.subscribe(&arguments[2]).await?;
    loop {
        let message = socket.recv().await?;
        let mut out = std::io::stdout();
        writeln!(out, "{}", String::from_utf8_lossy(message.get(0).ok_or("a message without a topic")?))?;
        out.flush()?;
    }
}
