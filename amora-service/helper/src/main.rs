//! `amora-helper slot|power|reset`: one request from standard input, one answer to standard output.

use amora_helper::{Answer, HelperError, Places, Role, check_peer, read_line};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "usage: amora-helper slot|power|reset [--user NAME] [--root FOLDER] [--environment FILE]";

/// Time for the request to arrive, and for the answer to be taken.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let Some((role, user, places)) = arguments(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let result = request(&user).and_then(|line| role.carry_out(&line, &places));
    if let Err(error) = &result {
        eprintln!("amora-helper: {error}");
    }
    let answered = std::io::stdout().write_all(Answer::line(&result).as_bytes());
    ExitCode::from(u8::from(result.is_err() || answered.is_err()))
}

fn arguments(mut given: impl Iterator<Item = String>) -> Option<(Role, String, Places)> {
    let role = Role::named(&given.next()?)?;
    let (mut user, mut places) = ("amora".to_owned(), Places::default());
    while let Some(flag) = given.next() {
        let value = given.next()?;
        match flag.as_str() {
            "--user" => user = value,
            "--root" => places.root = PathBuf::from(value),
            "--environment" => places.environment = PathBuf::from(value),
            _ => return None,
        }
    }
    Some((role, user, places))
}

fn request(user: &str) -> Result<Vec<u8>, HelperError> {
    check_peer(libc::STDIN_FILENO, user)?;
    let socket = std::os::fd::AsFd::as_fd(&std::io::stdin()).try_clone_to_owned()?;
    let mut socket = UnixStream::from(socket);
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.set_write_timeout(Some(PATIENCE))?;
    read_line(&mut Deadline {
        socket: &mut socket,
        until: std::time::Instant::now() + PATIENCE,
    })
}

/// Somebody who sends a byte now and then has no longer than anybody else.
struct Deadline<'a> {
    socket: &'a mut UnixStream,
    until: std::time::Instant,
}

impl Read for Deadline<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if std::time::Instant::now() >= self.until {
            return Err(std::io::ErrorKind::TimedOut.into());
        }
        self.socket.read(buffer)
    }
}
