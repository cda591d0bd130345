//! OpenAPI 3.1 of the HTTP API.

use super::schemas::needs_params;
use crate::commands::{CommandDescription, catalogue};
use crate::config::RestartPolicy;
use crate::reply::CommandError;
use crate::state::{Condition, Health, State, UpdateState};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The failures that any command may have, by status.
const FAILURES: [(u16, &str, &str); 10] = [
    (
        400,
        "Malformed",
        "The request is not JSON, or a parameter is missing or wrong: `malformed`, `invalid_parameter`.",
    ),
    (401, "NotLoggedIn", "No session, no code, or a wrong code."),
    (
        403,
        "NotAllowed",
        "This door may not use the command, or the origin or CSRF token is wrong: `not_allowed`.",
    ),
    (
        404,
        "NotFound",
        "No such command, or what it names does not exist: `unknown_command`, `not_found`.",
    ),
    (
        409,
        "Conflict",
        "The command contradicts the present state: `conflict`.",
    ),
    (
        413,
        "TooLarge",
        "The request is larger than the door accepts: `too_large`.",
    ),
    (429, "Busy", "Too many at once, or too many wrong codes: `busy`."),
    (500, "Failed", "It was tried and failed: `failed`."),
    (
        503,
        "Unavailable",
        "What it depends on is away, or not configured: `unavailable`, `not_configured`.",
    ),
    (504, "TimedOut", "No answer in time: `timed_out`."),
];

/// The OpenAPI document.
pub fn openapi() -> Value {
    let mut settings = SchemaSettings::draft2020_12();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let mut paths = Map::new();
    for command in catalogue(&mut generator) {
        paths.insert(
            format!("/api/commands/{}", command.name),
            json!({"post": operation(&command, &generator)}),
        );
    }
    box_paths(&mut paths, &mut generator);
    update_path(&mut paths, &mut generator);
    session_paths(&mut paths);
    document_paths(&mut paths);
    let error = generator.subschema_for::<CommandError>();
    let mut responses = Map::new();
    for (status, name, text) in FAILURES {
        let mut response = json!({
            "description": text,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
        });
        if status == 429 {
            response["headers"] = json!({"Retry-After": {
                "description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}});
        }
        responses.insert(name.to_owned(), response);
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert(
        "Refusal".to_owned(),
        json!({
            "description": "Why a request was not carried out.",
            "type": "object",
            "properties": {"result": {"const": false}, "error": error},
            "required": ["result", "error"],
        }),
    );
    json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Amora",
            "version": super::VERSION,
            "summary": "Everything that can be asked of a box.",
            "description": DESCRIPTION,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This box."}],
        "security": [{"session": [], "csrf": []}, {"code": []}],
        "tags": [
            {"name": "player", "description": "Music: playback, queue, library, playlists."},
            {"name": "audio", "description": "The sound card and what is mixed into it."},
            {"name": "system", "description": "The box itself."},
            {"name": "update", "description": "Updates of the whole image."},
            {"name": "box", "description": "The machine as a whole: its power, and its state as delivered."},
            {"name": "session", "description": "Logging in and out."},
            {"name": "documents", "description": "What describes or watches the box."},
        ],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": "amora_session",
                    "description": "Set by `POST /api/session`."},
                "csrf": {"type": "apiKey", "in": "header", "name": "X-Amora-CSRF",
                    "description": "The token that `POST /api/session` answered; needed with the cookie for every request that changes something."},
                "code": {"type": "http", "scheme": "bearer",
                    "description": "The box's login code, for scripts."},
            },
        },
    })
}

const DESCRIPTION: &str = "\
Every command has a path of its own: `POST /api/commands/player.play` with the parameters as a JSON object, or with no \
body. Fields that a command does not know are ignored. On the box itself the same API is served on a Unix socket \
without login. State and events as they change come over the WebSocket, which `asyncapi.json` describes.";

fn operation(command: &CommandDescription, generator: &SchemaGenerator) -> Value {
    let mut operation = json!({
        "operationId": command.name.replace('.', "_"),
        "tags": [command.name.split('.').next().unwrap_or_default()],
        "summary": command.summary(),
        "responses": {
            "200": {
                "description": "Done.",
                "content": {"application/json": {"schema": {
                    "type": "object",
                    "properties": {"result": {"const": true}, "data": command.reply},
                    "required": ["result", "data"],
                }}},
            },
        },
    });
    if command.text.trim() != command.summary() {
        operation["description"] = command.text.trim().into();
    }
    if let Some(params) = &command.params {
        let params = params.clone().to_value();
        operation["requestBody"] = json!({
            "required": needs_params(&params, generator.definitions()),
            "content": {"application/json": {"schema": params}},
        });
    }
    add_failures(&mut operation, &FAILURES.map(|(status, ..)| status));
    operation
}

fn add_failures(operation: &mut Value, statuses: &[u16]) {
    for (status, name, _) in FAILURES.iter().filter(|(status, ..)| statuses.contains(status)) {
        operation["responses"][status.to_string()] =
            json!({"$ref": format!("#/components/responses/{name}")});
    }
}

/// Reading needs a login unless the box's state is open to all.
fn reading(mut operation: Value) -> Value {
    operation["security"] = json!([{"session": []}, {"code": []}, {}]);
    add_failures(&mut operation, &[401, 403]);
    operation
}

fn box_paths(paths: &mut Map<String, Value>, generator: &mut SchemaGenerator) {
    let state = generator.subschema_for::<State>();
    let (health, condition) = (
        generator.subschema_for::<Health>(),
        generator.subschema_for::<Condition>(),
    );
    let mut get = |path: &str, operation: Value| paths.insert(path.to_owned(), json!({"get": operation}));
    get(
        "/api/state",
        reading(json!({
            "operationId": "get_state",
            "tags": ["system"],
            "summary": "Read the whole state document. Without a login only where `web.open_status` is on.",
            "responses": {"200": {"description": "The state.", "content": {"application/json": {"schema": state}}}},
        })),
    );
    let mut cover = reading(json!({
        "operationId": "get_cover",
        "tags": ["player"],
        "summary": "Read the cover art of a song as an image.",
        "parameters": [{"name": "file", "in": "query", "required": true, "schema": {"type": "string"},
            "description": "The song's path below the music folder."}],
        "responses": {
            "200": {
                "description": "The image.",
                "headers": {"ETag": {"description": "Changes with the image.", "schema": {"type": "string"}}},
                "content": {"image/*": {"schema": {"type": "string", "contentEncoding": "binary"}}},
            },
            "304": {"description": "It has not changed."},
        },
    }));
    add_failures(&mut cover, &[400, 404, 503, 504]);
    get("/api/cover", cover);
    let body = json!({"application/json": {"schema": {
        "type": "object",
        "properties": {
            "status": condition,
            "parts": {"type": "object", "additionalProperties": health, "description": "One entry for each capability and door."},
        },
        "required": ["status", "parts"],
    }}});
    get(
        "/health",
        json!({
            "operationId": "get_health",
            "tags": ["documents"],
            "summary": "How the box and each of its parts are.",
            "security": [],
            "responses": {
                "200": {"description": "Everything works.", "content": body},
                "503": {"description": "Something does not: its cause and the next step are named.", "content": body},
            },
        }),
    );
    get(
        "/metrics",
        reading(json!({
            "operationId": "get_metrics",
            "tags": ["documents"],
            "summary": "Counters and gauges for Prometheus.",
            "responses": {"200": {"description": "Prometheus text format.",
                "content": {"text/plain": {"schema": {"type": "string"}}}}},
        })),
    );
    let socket = |id: &str, text: &str| {
        json!({
            "operationId": id,
            "tags": ["system"],
            "summary": text,
            "responses": {"101": {"description": "The connection is a WebSocket now."}},
        })
    };
    let mut control = reading(socket(
        "open_socket",
        "A WebSocket of state, events, levels and commands; `asyncapi.json` describes its messages.",
    ));
    add_failures(&mut control, &[429]);
    get("/api/socket", control);
    // What is heard in a home is nobody else's business, even where the state is open.
    for (path, id, text) in [
        (
            "/api/listen",
            "open_listen",
            "A WebSocket of what the box plays: binary messages of 960 frames, interleaved 16-bit little-endian stereo at 48 kHz.",
        ),
        (
            "/api/hear",
            "open_hear",
            "A WebSocket of what the microphone hears, left, and what of it goes to the hub, right: binary messages of 480 frames, interleaved 16-bit little-endian stereo at 48 kHz. Closed at once where there is no section `[voice]`.",
        ),
        (
            "/api/talk",
            "open_talk",
            "A WebSocket that takes what is to be said into the simulated room: binary messages of 16-bit little-endian mono at 48 kHz. Closed at once where the card is no simulated room or somebody else talks.",
        ),
    ] {
        let mut sound = socket(id, text);
        add_failures(&mut sound, &[401, 403, 429]);
        get(path, sound);
    }
}

/// An update is sent as it is: as the body of a request, read while it is installed.
fn update_path(paths: &mut Map<String, Value>, generator: &mut SchemaGenerator) {
    let parameter = |name: &str, schema: Value, text: &str| json!({"name": name, "in": "query", "required": false, "schema": schema, "description": text});
    let policy = generator.subschema_for::<RestartPolicy>().to_value();
    let mut send = json!({
        "operationId": "send_update",
        "tags": ["update"],
        "summary": "Send a signed update (`.swu`) and have it written to the other slot.",
        "description": "The answer comes when the update is installed, or as soon as it is refused; meanwhile `update` of the state shows how far it is. Allowed where `update.install` is.",
        "parameters": [
            parameter("restart", policy, "When to restart into the update; as configured when missing."),
            parameter("reference", json!({"type": "string", "maxLength": 128}), "A word of the caller's own, found again in the state and in the outcome."),
        ],
        "requestBody": {"required": true, "content": {"application/octet-stream": {"schema": {"type": "string", "contentEncoding": "binary"}}}},
        "responses": {"200": {
            "description": "Installed.",
            "content": {"application/json": {"schema": {
                "type": "object",
                "properties": {"result": {"const": true}, "data": generator.subschema_for::<UpdateState>()},
                "required": ["result", "data"],
            }}},
        }},
    });
    add_failures(&mut send, &FAILURES.map(|(status, ..)| status));
    paths.insert("/api/update".to_owned(), json!({"post": send}));
}

fn session_paths(paths: &mut Map<String, Value>) {
    let json_body = |schema: Value| json!({"application/json": {"schema": schema}});
    let csrf = json!({"type": "string", "description": "Send it back as `X-Amora-CSRF`."});
    let mut log_in = json!({
        "operationId": "log_in",
        "tags": ["session"],
        "summary": "Log in with the box's code.",
        "security": [],
        "requestBody": {"required": true, "content": json_body(json!({
            "type": "object",
            "properties": {"code": {"type": "string", "description": "For example `K7QM-3XPW-9RTD`."}},
            "required": ["code"],
        }))},
        "responses": {"200": {
            "description": "Logged in.",
            "headers": {"Set-Cookie": {"description": "`amora_session`; not readable by scripts.", "schema": {"type": "string"}}},
            "content": json_body(json!({"type": "object", "properties": {"csrf": csrf}, "required": ["csrf"]})),
        }},
    });
    add_failures(&mut log_in, &[400, 401, 403, 413, 429]);
    let mut log_out = json!({
        "operationId": "log_out",
        "tags": ["session"],
        "summary": "Log out.",
        "security": [{"session": [], "csrf": []}],
        "responses": {"2XX": {"description": "Logged out."}},
    });
    add_failures(&mut log_out, &[401, 403]);
    paths.insert("/api/session".to_owned(), json!({
        "get": {
            "operationId": "get_session",
            "tags": ["session"],
            "summary": "Read whether one is logged in, and what can be seen without.",
            "security": [],
            "responses": {"200": {
                "description": "The session.",
                "content": json_body(json!({
                    "type": "object",
                    "properties": {
                        "authenticated": {"type": "boolean"},
                        "open_status": {"type": "boolean", "description": "Whether anyone may read the state."},
                        "name": {"type": "string", "description": "The box's name."},
                        "csrf": {"type": ["string", "null"], "description": "The token, when logged in."},
                    },
                    "required": ["authenticated", "open_status", "name", "csrf"],
                })),
            }},
        },
        "post": log_in,
        "delete": log_out,
    }));
}

fn document_paths(paths: &mut Map<String, Value>) {
    for (path, id, text, media_type) in [
        (
            "/api/openapi.json",
            "get_openapi",
            "Read this document.",
            "application/json",
        ),
        (
            "/api/asyncapi.json",
            "get_asyncapi",
            "Read what the WebSockets and MQTT topics carry.",
            "application/json",
        ),
        (
            "/api/docs",
            "get_docs",
            "Read this document as a page.",
            "text/html",
        ),
    ] {
        paths.insert(path.to_owned(), json!({"get": {
            "operationId": id,
            "tags": ["documents"],
            "summary": text,
            "security": [],
            "responses": {"200": {"description": "The document.", "content": {media_type: {"schema": {}}}}},
        }}));
    }
}
