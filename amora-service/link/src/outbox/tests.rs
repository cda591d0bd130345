use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::io::{Read, Write};

fn limits(entries: u64, bytes: u64) -> Limits {
    Limits { entries, bytes }
}

async fn bodies(outbox: &Outbox) -> Vec<String> {
    let entries = outbox.read(0, 1000).await.unwrap();
    entries
        .into_iter()
        .map(|entry| String::from_utf8(entry.body).unwrap())
        .collect()
}

#[tokio::test]
async fn entries_come_back_in_order_until_deleted_also_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.sqlite");
    let outbox = Outbox::open(&path, Limits::default()).unwrap();
    let mut numbers = Vec::new();
    for text in ["one", "two", "three"] {
        numbers.push(outbox.append(text.into()).await.unwrap());
    }
    outbox.delete(vec![numbers[0]]).await.unwrap();
    drop(outbox);
    let again = Outbox::open(&path, Limits::default()).unwrap();
    assert_eq!(bodies(&again).await, ["two", "three"]);
    assert_eq!(again.watch().borrow().entries, 2);
    assert_eq!(again.read(numbers[1], 10).await.unwrap()[0].sequence, numbers[2]);
}

#[tokio::test]
async fn reading_wakes_no_watcher() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(&folder.path().join("outbox.sqlite"), Limits::default()).unwrap();
    let mut fill = outbox.watch();
    outbox.append(b"a".to_vec()).await.unwrap();
    assert!(fill.has_changed().unwrap());
    fill.mark_unchanged();
    outbox.read(0, 1).await.unwrap();
    // The writer shows its fill before it answers, so whatever it had to show is there now.
    outbox.read(0, 1).await.unwrap();
    assert!(!fill.has_changed().unwrap());
}

#[tokio::test]
async fn a_number_is_never_used_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.sqlite");
    let outbox = Outbox::open(&path, Limits::default()).unwrap();
    let first = outbox.append(b"a".to_vec()).await.unwrap();
    outbox.delete(vec![first]).await.unwrap();
    drop(outbox);
    let outbox = Outbox::open(&path, Limits::default()).unwrap();
    assert!(outbox.append(b"b".to_vec()).await.unwrap() > first);
}

#[tokio::test]
async fn the_oldest_make_room_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let outbox = Outbox::open(&folder.path().join("outbox.sqlite"), limits(3, 10)).unwrap();
    for text in ["1", "2", "3", "4", "55555555"] {
        outbox.append(text.into()).await.unwrap();
    }
    assert_eq!(bodies(&outbox).await, ["3", "4", "55555555"]);
    outbox.append(b"666".to_vec()).await.unwrap();
    assert_eq!(bodies(&outbox).await, ["666"]);
    let fill = outbox.watch().borrow().clone();
    assert_eq!((fill.entries, fill.bytes, fill.dropped), (1, 3, 5));
    let error = outbox.append(vec![0; 11]).await.unwrap_err();
    assert!(matches!(error, OutboxError::TooLarge { size: 11, limit: 10 }));
    assert_eq!(
        bodies(&outbox).await,
        ["666"],
        "a refused entry must not cost others"
    );
}

#[tokio::test]
async fn a_damaged_database_is_moved_aside_and_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.sqlite");
    std::fs::write(
        &path,
        "this was never a database, and it is long enough to be looked at".repeat(100),
    )
    .unwrap();
    let outbox = Outbox::open(&path, Limits::default()).unwrap();
    let aside = outbox.watch().borrow().replaced.clone().unwrap();
    assert!(
        std::fs::read_to_string(aside)
            .unwrap()
            .starts_with("this was never")
    );
    outbox.append(b"new".to_vec()).await.unwrap();
    assert_eq!(bodies(&outbox).await, ["new"]);
}

#[tokio::test]
async fn a_page_damaged_on_disk_is_found_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.sqlite");
    let outbox = Outbox::open(&path, Limits::default()).unwrap();
    for _ in 0..200 {
        outbox.append(vec![b'x'; 500]).await.unwrap();
    }
    let newest = outbox.watch().borrow().newest;
    drop(outbox);
    // The writer's last act on closing is to fold the journal into the file.
    let journal = folder.path().join("outbox.sqlite-wal");
    while journal.exists() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let mut content = std::fs::read(&path).unwrap();
    let length = content.len();
    content[4096..length / 2].fill(0xA5);
    std::fs::write(&path, content).unwrap();
    let outbox = Outbox::open(&path, Limits::default()).unwrap();
    assert!(outbox.watch().borrow().replaced.is_some());
    assert!(outbox.append(b"on".to_vec()).await.unwrap() > newest);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let error = Outbox::open(Path::new("/nowhere/outbox.sqlite"), Limits::default())
        .err()
        .unwrap();
    assert!(error.to_string().contains("/nowhere/outbox.sqlite"), "{error}");
}

/// Not a test by itself: what the process that gets killed runs. It says each number once it is promised.
#[test]
fn child_appends_until_killed() {
    let Ok(path) = std::env::var("AMORA_OUTBOX_CHILD") else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let outbox = Outbox::open(Path::new(&path), limits(u64::MAX, u64::MAX)).unwrap();
        for round in 0u64.. {
            outbox.append(round.to_string().into_bytes()).await.unwrap();
            // Straight to the pipe: the test harness would keep what is printed.
            std::fs::OpenOptions::new()
                .append(true)
                .open(format!("{path}.promised"))
                .unwrap()
                .write_all(b".")
                .unwrap();
        }
    });
}

#[tokio::test]
async fn what_was_promised_survives_kill_minus_nine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.sqlite");
    let promised = folder.path().join("outbox.sqlite.promised");
    for kill in 1..=5 {
        std::fs::write(&promised, "").unwrap();
        let before = match path.exists() {
            true => bodies_of(&path).await.len(),
            false => 0,
        };
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "outbox::tests::child_appends_until_killed"])
            .env("AMORA_OUTBOX_CHILD", &path)
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let size = || std::fs::metadata(&promised).unwrap().len() as usize;
        while size() < 20 * kill {
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let found = bodies_of(&path).await;
        let new = &found[before..];
        assert!(new.len() >= size(), "{} promised, {} found", size(), new.len());
        let expected: Vec<String> = (0..new.len()).map(|number| number.to_string()).collect();
        assert_eq!(new, expected, "order");
    }
    let mut text = String::new();
    std::fs::File::open(&promised)
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert!(!text.is_empty());
}

async fn bodies_of(path: &Path) -> Vec<String> {
    let outbox = Outbox::open(path, limits(u64::MAX, u64::MAX)).unwrap();
    assert_eq!(outbox.watch().borrow().replaced, None);
    let entries = outbox.read(0, 1_000_000).await.unwrap();
    entries
        .into_iter()
        .map(|entry| String::from_utf8(entry.body).unwrap())
        .collect()
}

#[tokio::test]
async fn a_torn_journal_loses_only_what_was_torn() {
    // Power loss: the end of the journal never reached the disk. Every prefix must open, and hold a prefix.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("outbox.sqlite");
    let outbox = Outbox::open(&path, Limits::default()).unwrap();
    for number in 0..20 {
        outbox.append(number.to_string().into_bytes()).await.unwrap();
    }
    let database = std::fs::read(&path).unwrap();
    let journal = std::fs::read(folder.path().join("outbox.sqlite-wal")).unwrap();
    let mut longest = 0;
    for cut in (0..=journal.len()).step_by(1501).chain([journal.len()]) {
        let torn = tempfile::tempdir().unwrap();
        let copy = torn.path().join("outbox.sqlite");
        std::fs::write(&copy, &database).unwrap();
        std::fs::write(torn.path().join("outbox.sqlite-wal"), &journal[..cut]).unwrap();
        let found = bodies_of(&copy).await;
        let expected: Vec<String> = (0..found.len()).map(|number| number.to_string()).collect();
        assert_eq!(found, expected, "cut at {cut}");
        longest = longest.max(found.len());
    }
    assert_eq!(longest, 20);
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<u8>),
    DeleteOldest,
    DeleteNewest,
    Reopen,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn it_behaves_like_a_bounded_queue(steps in proptest::collection::vec(prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..12).prop_map(Step::Append),
        1 => Just(Step::DeleteOldest),
        1 => Just(Step::DeleteNewest),
        1 => Just(Step::Reopen),
    ], 1..40)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outbox.sqlite");
        let small = limits(5, 30);
        let mut store = store::Store::open(&path, small).unwrap();
        let mut model: VecDeque<(i64, Vec<u8>)> = VecDeque::new();
        let mut dropped = 0;
        for step in steps {
            match step {
                Step::Append(body) => {
                    let number = store.append(std::slice::from_ref(&body)).remove(0).unwrap();
                    prop_assert!(model.back().is_none_or(|(last, _)| number > *last));
                    model.push_back((number, body));
                    while model.len() > 5 || model.iter().map(|(_, body)| body.len()).sum::<usize>() > 30 {
                        model.pop_front();
                        dropped += 1;
                    }
                }
                Step::DeleteOldest => {
                    if let Some((number, _)) = model.pop_front() {
                        store.delete(&[number, number]).unwrap();
                    }
                }
                Step::DeleteNewest => {
                    if let Some((number, _)) = model.pop_back() {
                        store.delete(&[number]).unwrap();
                    }
                }
                Step::Reopen => {
                    drop(store);
                    store = store::Store::open(&path, small).unwrap();
                }
            }
            let found: Vec<_> = store.read(0, 100).unwrap().into_iter().map(|entry| (entry.sequence, entry.body)).collect();
            prop_assert_eq!(&found, &Vec::from(model.clone()));
            prop_assert_eq!(store.fill().entries, model.len() as u64);
            prop_assert_eq!(store.fill().dropped, dropped);
        }
    }
}
