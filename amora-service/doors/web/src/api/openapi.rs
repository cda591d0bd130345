//! `/api/openapi.json`: the API's description for programs.

use amora_contract::commands::{CommandDescription, catalogue};
use amora_contract::{CommandError, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// The OpenAPI document.
pub(crate) async fn openapi() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")],
        DOCUMENT.as_str(),
    )
}

fn document() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let commands = catalogue(&mut generator);
    let state = generator.subschema_for::<State>();
    let error = generator.subschema_for::<CommandError>();
    let mut paths: Map<String, Value> = commands
        .iter()
        .map(|command| (format!("/api/commands/{}", command.name), operation(command)))
        .collect();
    paths.insert("/api/state".to_owned(), json!({"get": {
        "operationId": "state", "tags": ["state"], "summary": "Read the whole state document.",
        "responses": {"200": answer("The state.", state.to_value()), "default": {"$ref": "#/components/responses/Error"}},
    }}));
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {"title": "Amora", "version": env!("CARGO_PKG_VERSION"),
            "description": "Everything that can be asked of a box. The WebSocket `/api/socket` takes the same commands."},
        "security": [{"code": []}, {"session": [], "csrf": []}],
        "components": {
            "securitySchemes": {
                "code": {"type": "http", "scheme": "bearer", "description": "The login code of the box."},
                "session": {"type": "apiKey", "in": "cookie", "name": "amora_session"},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-Amora-CSRF"},
            },
            "responses": {"Error": answer("Why it was not carried out.", json!({
                "type": "object", "required": ["result", "error"],
                "properties": {"result": {"const": false}, "error": error},
            }))},
        },
    });
    document["paths"] = paths.into();
    document["components"]["schemas"] = generator.take_definitions(true).into();
    document
}

fn operation(command: &CommandDescription) -> Value {
    let section = command.name.split('.').next().unwrap_or_default();
    let data = json!({
        "type": "object", "required": ["result", "data"],
        "properties": {"result": {"const": true}, "data": command.reply},
    });
    let mut operation = json!({
        "operationId": command.name, "tags": [section], "summary": command.summary(),
        "responses": {"200": answer("Done.", data), "default": {"$ref": "#/components/responses/Error"}},
    });
    if let Some(params) = &command.params {
        operation["requestBody"] = json!({"content": {"application/json": {"schema": params}}});
    }
    json!({"post": operation})
}

fn answer(description: &str, schema: Value) -> Value {
    json!({"description": description, "content": {"application/json": {"schema": schema}}})
}
