//! The database behind the outbox.

use super::{Entry, Fill, OutboxError};
use rusqlite::{Connection, ErrorCode, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How much may wait. When there is no more room the oldest entries make some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most entries.
    pub entries: u64,
    /// Most bytes of all entries together.
    pub bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 10_000,
            bytes: 8 << 20,
        }
    }
}

pub(super) struct Store {
    path: PathBuf,
    limits: Limits,
    connection: Connection,
    fill: Fill,
}

impl Store {
    pub(super) fn open(path: &Path, limits: Limits) -> Result<Self, OutboxError> {
        let (connection, fill) = match connect(path) {
            Ok(opened) => opened,
            Err(error) if is_damage(&error) => replace(path)?,
            Err(error) => return Err(storage(path, &error)),
        };
        Ok(Self {
            path: path.to_owned(),
            limits,
            connection,
            fill,
        })
    }

    pub(super) fn fill(&self) -> &Fill {
        &self.fill
    }

    /// Appends in one commit; each body has its own result.
    pub(super) fn append(&mut self, bodies: &[Vec<u8>]) -> Vec<Result<i64, OutboxError>> {
        if bodies.is_empty() {
            return Vec::new();
        }
        let limit = self.limits.bytes;
        let fits = |body: &&Vec<u8>| body.len() as u64 <= limit;
        let kept: Vec<&Vec<u8>> = bodies.iter().filter(fits).collect();
        let written = self.with_recovery(|connection, fill, limits| insert(connection, fill, limits, &kept));
        let mut numbers = written.map(Vec::into_iter);
        bodies
            .iter()
            .map(|body| {
                if fits(&body) {
                    let numbers = numbers.as_mut().map_err(|error| error.clone())?;
                    numbers.next().ok_or(OutboxError::Closed)
                } else {
                    let size = body.len();
                    Err(OutboxError::TooLarge { size, limit })
                }
            })
            .collect()
    }

    pub(super) fn read(&mut self, after: i64, limit: usize) -> Result<Vec<Entry>, OutboxError> {
        self.with_recovery(|connection, _, _| {
            connection
                .prepare_cached(
                    "SELECT sequence, body FROM entry WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
                )?
                .query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                    Ok(Entry {
                        sequence: row.get(0)?,
                        body: row.get(1)?,
                    })
                })?
                .collect()
        })
    }

    pub(super) fn delete(&mut self, sequences: &[i64]) -> Result<(), OutboxError> {
        self.with_recovery(|connection, fill, _| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (mut entries, mut bytes) = (0, 0);
            {
                let mut delete = transaction
                    .prepare_cached("DELETE FROM entry WHERE sequence = ?1 RETURNING length(body)")?;
                for sequence in sequences {
                    let mut rows = delete.query([sequence])?;
                    while let Some(row) = rows.next()? {
                        entries += 1;
                        bytes += unsigned(row, 0)?;
                    }
                }
            }
            transaction.commit()?;
            fill.entries -= entries;
            fill.bytes -= bytes;
            Ok(())
        })
    }

    /// Runs a job; when the database turns out to be damaged, once more on a new one.
    fn with_recovery<T>(
        &mut self,
        job: impl Fn(&mut Connection, &mut Fill, &Limits) -> rusqlite::Result<T>,
    ) -> Result<T, OutboxError> {
        match job(&mut self.connection, &mut self.fill, &self.limits) {
            Err(error) if is_damage(&error) => {
                (self.connection, self.fill) = replace(&self.path)?;
                job(&mut self.connection, &mut self.fill, &self.limits)
            }
            done => done,
        }
        .map_err(|error| storage(&self.path, &error))
    }
}

fn insert(
    connection: &mut Connection,
    fill: &mut Fill,
    limits: &Limits,
    bodies: &[&Vec<u8>],
) -> rusqlite::Result<Vec<i64>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut after = fill.clone();
    let mut numbers = Vec::with_capacity(bodies.len());
    {
        let mut insert = transaction.prepare_cached("INSERT INTO entry (body) VALUES (?1)")?;
        for body in bodies {
            numbers.push(insert.insert([body])?);
            after.entries += 1;
            after.bytes += body.len() as u64;
        }
        let mut oldest = transaction.prepare_cached(
            "DELETE FROM entry WHERE sequence = (SELECT min(sequence) FROM entry) RETURNING length(body)",
        )?;
        let mut dropped = 0;
        while after.entries > limits.entries || after.bytes > limits.bytes {
            after.bytes -= oldest.query_row([], |row| unsigned(row, 0))?;
            after.entries -= 1;
            dropped += 1;
        }
        if dropped > 0 {
            after.dropped += dropped;
            transaction
                .prepare_cached("UPDATE counter SET value = ?1 WHERE name = 'dropped'")?
                .execute([after.dropped.cast_signed()])?;
        }
    }
    transaction.commit()?;
    after.newest = numbers.last().copied().unwrap_or(after.newest);
    *fill = after;
    Ok(numbers)
}

fn connect(path: &Path) -> rusqlite::Result<(Connection, Fill)> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", 1 << 20)?;
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
            Some(verdict),
        ));
    }
    // Numbers begin at the clock's microseconds: a later database then never repeats those of an earlier one.
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         CREATE TABLE IF NOT EXISTS entry (sequence INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB NOT NULL) STRICT;
         CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
         INSERT OR IGNORE INTO counter VALUES ('dropped', 0);
         INSERT INTO sqlite_sequence (name, seq)
             SELECT 'entry', {} WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'entry');
         COMMIT;",
        clock.as_micros()
    ))?;
    let fill = connection.query_row(
        "SELECT count(*), coalesce(sum(length(body)), 0), (SELECT value FROM counter WHERE name = 'dropped'),
             (SELECT seq FROM sqlite_sequence WHERE name = 'entry') FROM entry",
        [],
        |row| {
            Ok(Fill {
                entries: unsigned(row, 0)?,
                bytes: unsigned(row, 1)?,
                dropped: unsigned(row, 2)?,
                replaced: None,
                newest: row.get(3)?,
            })
        },
    )?;
    Ok((connection, fill))
}

/// A count; SQLite only knows signed numbers.
fn unsigned(row: &rusqlite::Row<'_>, index: usize) -> rusqlite::Result<u64> {
    row.get(index).map(i64::cast_unsigned)
}

/// Moves a damaged database aside, over one moved there before, and begins a new one.
fn replace(path: &Path) -> Result<(Connection, Fill), OutboxError> {
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let aside = beside(".damaged");
    std::fs::rename(path, &aside).map_err(|cause| OutboxError::Storage {
        path: path.to_owned(),
        cause: format!("is damaged and cannot be moved aside: {cause}"),
    })?;
    // The journal belongs to the damaged database; beside a new one it would damage that too.
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(beside(ending));
    }
    tracing::warn!(path = %aside.display(), "the outbox was damaged; it is kept here and a new one begun");
    let (connection, mut fill) = connect(path).map_err(|error| storage(path, &error))?;
    fill.replaced = Some(aside);
    Ok((connection, fill))
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

fn storage(path: &Path, error: &rusqlite::Error) -> OutboxError {
    OutboxError::Storage {
        path: path.to_owned(),
        cause: error.to_string(),
    }
}
