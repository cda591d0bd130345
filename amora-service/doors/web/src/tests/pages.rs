use super::*;
use amora_contract::commands::catalogue;

#[tokio::test]
async fn the_page_and_the_client_are_served_with_their_types() {
    let fixture = Fixture::new().await;
    for (path, media_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/index.html", "text/html; charset=utf-8"),
        ("/client/index.js", "text/javascript; charset=utf-8"),
        ("/api/docs", "text/html; charset=utf-8"),
        ("/api/docs/documentation.js", "text/javascript; charset=utf-8"),
        ("/api/docs/documentation.css", "text/css; charset=utf-8"),
        ("/api/openapi.json", "application/json"),
        ("/api/asyncapi.json", "application/json"),
    ] {
        let answer = fixture.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()["content-type"], media_type, "{path}");
        assert_eq!(answer.headers()["cache-control"], "no-cache", "{path}");
        assert!(!answer.bytes().await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_the_browser_has_is_not_sent_again() {
    let fixture = Fixture::new().await;
    let login = |request: RequestBuilder| request.bearer_auth(&fixture.code);
    for path in [
        "/",
        "/client/index.js",
        "/api/docs",
        "/api/openapi.json",
        "/api/cover?file=a.flac",
    ] {
        let answer = login(fixture.get(path)).send().await.unwrap();
        let tag = answer.headers()["etag"].to_str().unwrap().to_owned();
        assert!(!answer.bytes().await.unwrap().is_empty());
        for known in [
            tag.clone(),
            format!("\"other\", {tag}"),
            tag.replace("W/", ""),
            "*".to_owned(),
        ] {
            let answer = login(fixture.get(path))
                .header("if-none-match", &known)
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), StatusCode::NOT_MODIFIED, "{path} {known}");
            assert_eq!(answer.headers()["etag"], tag);
            assert!(answer.bytes().await.unwrap().is_empty());
        }
        let answer = login(fixture.get(path))
            .header("if-none-match", "W/\"other\"")
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn large_text_is_compressed_and_pictures_and_secrets_are_not() {
    let fixture = Fixture::new().await;
    let encoding = async |path: &str| {
        let answer = fixture
            .get(path)
            .bearer_auth(&fixture.code)
            .header("accept-encoding", "gzip")
            .send()
            .await
            .unwrap();
        answer
            .headers()
            .get("content-encoding")
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(encoding("/api/openapi.json").await.as_deref(), Some("gzip"));
    assert_eq!(
        encoding("/api/docs/documentation.js").await.as_deref(),
        Some("gzip")
    );
    assert_eq!(encoding("/api/session").await, None);
    assert_eq!(encoding("/api/cover?file=a.flac").await, None);
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let fixture = Fixture::new().await;
    for path in [
        "/",
        "/health",
        "/api/state",
        "/api/docs",
        "/nothing",
        "/api/cover?file=a.flac",
    ] {
        let headers = fixture.get(path).send().await.unwrap().headers().clone();
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert!(
            policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        assert!(headers.contains_key("cache-control"), "{path}");
    }
}

#[tokio::test]
async fn a_cover_is_an_image_and_nothing_else() {
    let fixture = Fixture::new().await;
    let cover = async |query: &str| {
        fixture
            .get(&format!("/api/cover{query}"))
            .bearer_auth(&fixture.code)
            .send()
            .await
            .unwrap()
    };
    let answer = cover("?file=a.flac").await;
    assert_eq!(
        answer.headers()["content-type"],
        "image/png",
        "by its bytes, whatever the tag said"
    );
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert!(
        answer.headers()["cache-control"]
            .to_str()
            .unwrap()
            .contains("max-age")
    );
    assert!(
        answer.headers()["content-security-policy"]
            .to_str()
            .unwrap()
            .contains("sandbox")
    );
    assert_eq!(answer.bytes().await.unwrap(), PICTURE);
    for missing in ["?file=evil.flac", "?file=none.flac"] {
        let answer = cover(missing).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{missing}");
        assert_eq!(error_of(answer).await.code, ErrorCode::NotFound);
    }
    for unnamed in ["", "?other=1"] {
        let answer = cover(unnamed).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
        assert_eq!(error_of(answer).await.field.as_deref(), Some("file"));
    }
}

#[tokio::test]
async fn the_openapi_document_has_every_command_and_no_loose_ends() {
    let fixture = Fixture::new().await;
    let document: Value = fixture
        .get("/api/openapi.json")
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    for command in catalogue(&mut schemars::SchemaGenerator::default()) {
        let path = format!("/api/commands/{}", command.name);
        assert!(document["paths"][&path]["post"].is_object(), "{path}");
    }
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            let request = fixture
                .request(method.to_uppercase().parse().unwrap(), path)
                .bearer_auth(&fixture.code);
            let answer = request.send().await.unwrap();
            let status = answer.status();
            let missing = status == StatusCode::METHOD_NOT_ALLOWED
                || (status == StatusCode::NOT_FOUND
                    && error_of(answer).await.message.contains("this address"));
            assert!(!missing, "{method} {path} is described but not there");
        }
    }
    let mut references = Vec::new();
    collect(&document, &mut references);
    assert!(!references.is_empty());
    for reference in references {
        assert!(
            document.pointer(reference.strip_prefix('#').unwrap()).is_some(),
            "{reference}"
        );
    }
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| collect(field, into));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        _ => {}
    }
}
