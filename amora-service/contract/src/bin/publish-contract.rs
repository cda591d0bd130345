//! Writes the published contract into a folder, or checks that what is there is fresh.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: publish-contract [--check] FOLDER";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (check, folder) = match arguments.as_slice() {
        [flag, folder] if flag == "--check" => (true, Path::new(folder)),
        [folder] if !folder.starts_with('-') => (false, Path::new(folder)),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let done = if check {
        find_stale(folder)
    } else {
        write(folder).map(|()| Vec::new())
    };
    match done {
        Ok(stale) if stale.is_empty() => ExitCode::SUCCESS,
        Ok(stale) => {
            for file in stale {
                eprintln!("{} is stale", file.display());
            }
            eprintln!(
                "run: cargo run -p amora-contract --bin publish-contract -- {}",
                folder.display()
            );
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("publish-contract: {}: {error}", folder.display());
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path) -> std::io::Result<()> {
    for (name, text) in amora_contract::publish::files() {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(path, text)?;
    }
    Ok(())
}

/// The files that differ from what the types say, and those that no type stands for any more.
fn find_stale(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let files = amora_contract::publish::files();
    let mut stale: Vec<PathBuf> = files
        .iter()
        .map(|(name, text)| (folder.join(name), text))
        .filter(|(path, text)| std::fs::read_to_string(path).ok().as_ref() != Some(*text))
        .map(|(path, _)| path)
        .collect();
    for below in [folder.to_owned(), folder.join("schemas"), folder.join("dtdl")] {
        for entry in std::fs::read_dir(below).into_iter().flatten() {
            let path = entry?.path();
            let name = path
                .strip_prefix(folder)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            if path.is_file() && !files.contains_key(&name) {
                stale.push(path);
            }
        }
    }
    Ok(stale)
}
