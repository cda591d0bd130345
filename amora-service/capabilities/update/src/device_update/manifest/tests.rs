use super::super::testing::vectors;
use super::*;
use proptest::prelude::*;
use serde_json::json;

fn identity() -> Identity {
    Identity {
        manufacturer: "AmoraOS".to_owned(),
        model: "raspberrypi4-64".to_owned(),
        version: "1.0.0".to_owned(),
    }
}

fn urls() -> BTreeMap<String, String> {
    BTreeMap::from([("f1".to_owned(), "http://example.org/amora.swu?sig=1".to_owned())])
}

/// A manifest with what stands at a JSON pointer changed; `null` takes it away.
fn manifest(changes: &[(&str, Value)]) -> String {
    let mut value = json!({
        "manifestVersion": "5",
        "updateId": {"provider": "AmoraOS", "name": "box", "version": "1.1.0"},
        "compatibility": [{"manufacturer": "amoraos", "model": "raspberrypi4-64"}],
        "instructions": {"steps": [{
            "handler": "microsoft/swupdate:2",
            "files": ["f1"],
            "handlerProperties": {"installedCriteria": "1.1.0", "swuFileName": "amora.swu"},
        }]},
        "files": {"f1": {
            "fileName": "amora.swu",
            "sizeInBytes": 1000,
            "hashes": {"sha256": "72OAE2f0NbT0+TL937o70xo8oO96gmVLYDJpxXHzeXE="},
        }},
        "createdDateTime": "2026-01-01T00:00:00Z",
    });
    for (pointer, change) in changes {
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = value.pointer_mut(parent).unwrap();
        match (parent, change) {
            (Value::Object(fields), Value::Null) => drop(fields.remove(name)),
            (Value::Object(fields), change) => drop(fields.insert(name.to_owned(), change.clone())),
            (parent, change) => parent[name.parse::<usize>().unwrap()] = change.clone(),
        }
    }
    value.to_string()
}

fn read(changes: &[(&str, Value)]) -> Result<Manifest, ManifestError> {
    Manifest::read(&manifest(changes), &urls(), &identity())
}

const STEP: &str = "/instructions/steps/0";

#[test]
fn an_image_for_this_box_is_read() {
    let expected = Manifest::Image {
        update: UpdateId {
            provider: "AmoraOS".to_owned(),
            name: "box".to_owned(),
            version: "1.1.0".to_owned(),
        },
        file: Payload {
            url: "http://example.org/amora.swu?sig=1".to_owned(),
            size: 1000,
            sha256: "ef63801367f435b4f4f932fddfba3bd31a3ca0ef7a82654b603269c571f37971".to_owned(),
        },
        criteria: "1.1.0".to_owned(),
    };
    assert_eq!(read(&[]), Ok(expected.clone()));
    assert_eq!(read(&[("/manifestVersion", json!("4"))]), Ok(expected.clone()));
    assert_eq!(read(&[("/manifestVersion", json!("5.0"))]), Ok(expected.clone()));
    let first_handler = [
        ("/instructions/steps/0/handler", json!("microsoft/swupdate:1")),
        ("/instructions/steps/0/handlerProperties/swuFileName", Value::Null),
    ];
    assert_eq!(read(&first_handler), Ok(expected.clone()));
    let delta = ("/files/f1/downloadHandler", json!({"id": "microsoft/delta:1"}));
    assert_eq!(read(&[delta]), Ok(expected), "the whole file is fetched instead");
}

#[test]
fn what_microsofts_service_sends_is_understood_and_here_refused() {
    let (text, _) = vectors::signed_manifest(&vectors::service());
    let vacuum = Identity {
        manufacturer: "Contoso".to_owned(),
        model: "virtual-vacuum-v1".to_owned(),
        version: String::new(),
    };
    let error = Manifest::read(&text, &urls(), &identity()).unwrap_err();
    assert!(matches!(&error, ManifestError::Compatibility(_)), "{error}");
    let error = Manifest::read(&text, &urls(), &vacuum).unwrap_err();
    assert_eq!(error, ManifestError::Handler("microsoft/apt:1".to_owned()));
    let (delta, _) = vectors::signed_manifest(&vectors::delta());
    let device = Identity {
        manufacturer: "DeltaUpdateTestManufacturer".to_owned(),
        model: "DeltaUpdateTestModel".to_owned(),
        version: String::new(),
    };
    let error = Manifest::read(&delta, &urls(), &device).unwrap_err();
    assert_eq!(
        error,
        ManifestError::Criteria,
        "it is written with a capital there"
    );
    let update = Manifest::update_id(&text).unwrap().to_text();
    assert_eq!(
        update,
        r#"{"provider":"Contoso","name":"Virtual-Vacuum","version":"20.0"}"#
    );
}

#[test]
fn every_property_of_a_set_has_to_be_the_boxs_own() {
    let sets = |sets| read(&[("/compatibility", sets)]).is_ok();
    assert!(sets(json!([{"manufacturer": "x"}, {"model": "RaspberryPi4-64"}])));
    assert!(sets(
        json!([{"deviceManufacturer": "AmoraOS", "deviceModel": "raspberrypi4-64"}])
    ));
    assert!(!sets(json!([])));
    assert!(!sets(json!([{}])));
    assert!(!sets(
        json!([{"manufacturer": "AmoraOS", "model": "raspberrypi5"}])
    ));
    assert!(!sets(json!([{"manufacturer": "AmoraOS", "ring": "early"}])));
}

#[test]
fn what_this_box_cannot_do_is_refused_with_the_agents_code() {
    let step = |name: &str| format!("{STEP}/{name}");
    let property = |name: &str| format!("{STEP}/handlerProperties/{name}");
    let two = json!([{"handler": "microsoft/swupdate:1"}, {"handler": "microsoft/swupdate:1"}]);
    let reference = json!([{"type": "reference", "detachedManifestFileId": "f1"}]);
    for (pointer, change, code) in [
        ("/manifestVersion".to_owned(), json!("3"), 0x8030_000A),
        ("/manifestVersion".to_owned(), json!("50"), 0x8030_000A),
        ("/manifestVersion".to_owned(), json!(5), 0x8030_0009),
        ("/updateId".to_owned(), Value::Null, 0x8030_0003),
        ("/updateId/name".to_owned(), json!(""), 0x8030_0003),
        ("/updateId/name".to_owned(), json!("n".repeat(65)), 0x8030_0003),
        ("/compatibility".to_owned(), json!("all"), 0x8030_0009),
        ("/instructions".to_owned(), Value::Null, 0x8040_0008),
        ("/instructions/steps".to_owned(), json!([]), 0x8040_0008),
        ("/instructions/steps".to_owned(), two, 0x8040_0008),
        ("/instructions/steps".to_owned(), reference, 0x3040_0005),
        (step("handler"), json!("microsoft/script:1"), 0x3000_0003),
        (step("files"), json!(["f1", "f1"]), 0x3010_0103),
        (step("files"), json!([]), 0x3010_0103),
        (property("scriptFileName"), json!("x.sh"), 0x3010_0103),
        (property("swuFileName"), json!("other.swu"), 0x3010_0008),
        (property("swuFileName"), Value::Null, 0x3010_0008),
        (property("installedCriteria"), Value::Null, 0x3010_0206),
        (property("installedCriteria"), json!(""), 0x3010_0206),
        (property("installedCriteria"), json!("1\n2"), 0x3010_0206),
        (step("files"), json!(["f2"]), 0x3010_0104),
        ("/files/f1/sizeInBytes".to_owned(), json!(0), 0x3010_0104),
        (
            "/files/f1/sizeInBytes".to_owned(),
            json!(LARGEST_FILE + 1),
            0x3010_0104,
        ),
        ("/files/f1/sizeInBytes".to_owned(), json!(-1), 0x8030_0009),
        ("/files/f1/hashes".to_owned(), json!({}), 0x4000_000B),
        ("/files/f1/hashes/sha256".to_owned(), json!("AAAA"), 0x4000_000C),
    ] {
        let error = read(&[(&pointer, change.clone())]).unwrap_err();
        assert_eq!(error.code().0, code, "{pointer} {change}: {error}");
    }
}

#[test]
fn a_file_name_is_no_path() {
    for name in [
        "",
        ".",
        "..",
        "../amora.swu",
        "/etc/passwd",
        "a/b",
        "a\\b",
        ".hidden",
        "c:x",
        "a\0b",
        "a\nb",
    ] {
        let names = [
            ("/files/f1/fileName", json!(name)),
            ("/instructions/steps/0/handlerProperties/swuFileName", json!(name)),
        ];
        assert_eq!(
            read(&names),
            Err(ManifestError::File("f1".to_owned())),
            "{name:?}"
        );
    }
    let long = json!("a".repeat(256));
    let names = [
        ("/files/f1/fileName", long.clone()),
        ("/instructions/steps/0/handlerProperties/swuFileName", long),
    ];
    assert!(read(&names).is_err());
}

#[test]
fn files_come_over_http_and_from_nowhere_else() {
    let text = manifest(&[]);
    let code = |url: Option<&str>| {
        let urls = url
            .map(|url| ("f1".to_owned(), url.to_owned()))
            .into_iter()
            .collect();
        Manifest::read(&text, &urls, &identity()).map_err(|error| error.code().0)
    };
    assert!(code(Some("https://example.org/x?a=b&c")).is_ok());
    assert_eq!(code(None), Err(0x8030_0007));
    for url in [
        "",
        "file:///etc/shadow",
        "FILE:///etc/shadow",
        "ftp://example.org/x",
        "gopher://example.org/x",
        "data:,x",
        "/x",
        "http://",
        "http://user:secret@example.org/x",
        "javascript:1",
    ] {
        assert_eq!(code(Some(url)), Err(0x4000_0007), "{url}");
    }
}

#[test]
fn a_manifest_may_be_in_a_file_but_not_in_a_file_in_a_file() {
    let detached = manifest(&[
        ("/detachedManifestFileId", json!("f1")),
        ("/instructions", Value::Null),
        ("/compatibility", Value::Null),
    ]);
    let Ok(Manifest::Detached(file)) = Manifest::read(&detached, &urls(), &identity()) else {
        panic!("it is detached")
    };
    assert_eq!(file.size, 1000);
    let wrapped = |text: String| json!({"updateManifest": text}).to_string();
    let read = |file: &str| Manifest::read_detached(file, &urls(), &identity());
    assert!(matches!(
        read(&wrapped(manifest(&[]))),
        Ok(Manifest::Image { .. })
    ));
    for file in [wrapped(detached), "{}".to_owned(), String::new()] {
        assert_eq!(read(&file).unwrap_err().code().0, 0x8030_000C, "{file}");
    }
}

#[test]
fn a_manifest_has_bounds() {
    let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
    let files: Map<_, _> = (0..=MOST).map(|index| (index.to_string(), json!({}))).collect();
    for text in [
        String::new(),
        deep,
        " ".repeat(LONGEST + 1),
        manifest(&[("/files", json!(files))]),
    ] {
        let error = Manifest::read(&text, &urls(), &identity()).unwrap_err();
        assert_eq!(error.code().0, 0x8030_0009, "{error}");
        assert!(error.to_string().len() < 400);
    }
}

proptest! {
    #[test]
    fn any_text_is_a_manifest_or_none(text in "\\PC{0,300}") {
        let _ = Manifest::read(&text, &urls(), &identity());
        let _ = Manifest::read_detached(&text, &urls(), &identity());
    }
}
