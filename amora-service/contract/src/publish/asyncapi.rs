//! AsyncAPI 3.0 of what comes and goes by itself: MQTT topics and WebSockets.

mod home_assistant;

use crate::commands::catalogue;
use crate::state::{Condition, Levels, PlaybackState, State};
use crate::{CommandError, Event};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The AsyncAPI document. Its schemas are of draft 7, which AsyncAPI's own dialect extends.
pub fn asyncapi() -> Value {
    let mut settings = SchemaSettings::draft07();
    settings.definitions_path = "/components/schemas".into();
    let mut generator = settings.into_generator();
    let names: Vec<&str> = catalogue(&mut generator)
        .iter()
        .map(|command| command.name)
        .collect();
    let schema = |schema: schemars::Schema| schema.to_value();
    let types = Types {
        state: schema(generator.subschema_for::<State>()),
        event: schema(generator.subschema_for::<Event>()),
        levels: schema(generator.subschema_for::<Levels>()),
        error: schema(generator.subschema_for::<CommandError>()),
        playback: schema(generator.subschema_for::<PlaybackState>()),
        condition: schema(generator.subschema_for::<Condition>()),
        names: json!({"type": "string", "examples": ["player.play"], "description": names_text(&names)}),
    };
    let mut schemas = generator.take_definitions(true);
    schemas.append(&mut dialect_schemas(&types));
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Amora",
            "version": super::VERSION,
            "description": "What a box tells by itself, and commands over the same connections. Messages over MQTT exist in the two dialects of the original AmoraOS; the box answers in the dialect of the request.",
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "broker": {
                "host": "{broker}",
                "protocol": "mqtt",
                "description": "Any MQTT 3.1.1 or 5 broker; port 8883 with TLS.",
                "variables": {"broker": {"default": "localhost:1883", "description": "`mqtt.host` and `mqtt.port`."}},
            },
            "box": {
                "host": "{box}",
                "protocol": "ws",
                "description": "The box itself.",
                "variables": {"box": {"default": "music-box.local:8080", "description": "The box's address and `web.port`."}},
            },
        },
        "channels": channels(),
        "operations": operations(),
        "components": {"schemas": schemas, "messages": messages(&types)},
    })
}

struct Types {
    state: Value,
    event: Value,
    levels: Value,
    error: Value,
    playback: Value,
    condition: Value,
    names: Value,
}

fn names_text(names: &[&str]) -> String {
    format!("One of: {}.", names.join(", "))
}

/// Topic, what it is for, its messages.
const TOPICS: [(&str, &str, &[&str]); 5] = [
    (
        "commands",
        "What the box is asked.",
        &["deviceCommand", "clientCommand"],
    ),
    (
        "responses",
        "What the box answers.",
        &["deviceResponse", "clientResponse"],
    ),
    (
        "state",
        "The player's whole state, at every change and every few seconds.",
        &["playerState"],
    ),
    (
        "connection",
        "Whether the box is there; the broker says `offline` for it when it is lost.",
        &["connection"],
    ),
    ("events", "What happens.", &["event"]),
];

fn message_references(names: &[&str]) -> Map<String, Value> {
    names
        .iter()
        .map(|name| {
            (
                (*name).to_owned(),
                json!({"$ref": format!("#/components/messages/{name}")}),
            )
        })
        .collect()
}

fn channels() -> Value {
    let mut channels = Map::new();
    for (topic, text, messages) in TOPICS {
        channels.insert(
            topic.to_owned(),
            json!({
                "address": format!("{{prefix}}/{{device_id}}/{topic}"),
                "description": text,
                "servers": [{"$ref": "#/servers/broker"}],
                "parameters": {
                    "prefix": {"description": "`mqtt.topic_prefix`.", "default": "amora/devices"},
                    "device_id": {"description": "`device.id`."},
                },
                "messages": message_references(messages),
            }),
        );
    }
    let socket = [
        "request",
        "subscription",
        "reply",
        "stateChange",
        "socketEvent",
        "socketLevels",
        "lagged",
    ];
    for (name, address, text, messages) in [
        (
            "socket",
            "/api/socket",
            "State, events, levels and commands.",
            socket.as_slice(),
        ),
        (
            "listen",
            "/api/listen",
            "What the box plays. Blocks are dropped for a listener that is slow.",
            &["sound"],
        ),
        (
            "hear",
            "/api/hear",
            "What the microphone hears, and what of it goes to the hub, while there is a section `[voice]`. Blocks are dropped for a listener that is slow.",
            &["heard"],
        ),
        (
            "talk",
            "/api/talk",
            "Where somebody talks into the simulated room, one at a time.",
            &["said", "droppedSound"],
        ),
    ] {
        channels.insert(
            name.to_owned(),
            json!({
                "address": address,
                "description": text,
                "servers": [{"$ref": "#/servers/box"}],
                "messages": message_references(messages),
            }),
        );
    }
    channels.append(&mut home_assistant::channels());
    Value::Object(channels)
}

fn operation(action: &str, channel: &str, summary: &str, messages: &[&str]) -> Value {
    let messages: Vec<Value> = messages
        .iter()
        .map(|name| json!({"$ref": format!("#/channels/{channel}/messages/{name}")}))
        .collect();
    json!({"action": action, "channel": {"$ref": format!("#/channels/{channel}")}, "summary": summary, "messages": messages})
}

fn operations() -> Value {
    let mut operations = Map::new();
    for (topic, text, messages) in TOPICS {
        let (action, name) = match topic {
            "commands" => ("receive", "takeCommand".to_owned()),
            _ => ("send", format!("publish_{topic}")),
        };
        let mut operation = operation(action, topic, text, messages);
        let retain = matches!(topic, "state" | "connection");
        operation["bindings"] = json!({"mqtt": {"qos": 1, "retain": retain, "bindingVersion": "0.2.0"}});
        if topic == "commands" {
            operation["reply"] = json!({
                "channel": {"$ref": "#/channels/responses"},
                "messages": [
                    {"$ref": "#/channels/responses/messages/deviceResponse"},
                    {"$ref": "#/channels/responses/messages/clientResponse"},
                ],
            });
        }
        operations.insert(name, operation);
    }
    let mut request = operation("receive", "socket", "A command; needs a login.", &["request"]);
    request["reply"] = json!({
        "channel": {"$ref": "#/channels/socket"},
        "messages": [{"$ref": "#/channels/socket/messages/reply"}],
    });
    operations.insert("takeRequest".to_owned(), request);
    operations.insert(
        "subscribe".to_owned(),
        operation(
            "receive",
            "socket",
            "Choose what else to hear of.",
            &["subscription"],
        ),
    );
    operations.insert(
        "tell".to_owned(),
        operation(
            "send",
            "socket",
            "First the whole state, then every change of it, and what happens.",
            &["stateChange", "socketEvent", "socketLevels", "lagged"],
        ),
    );
    operations.insert(
        "play".to_owned(),
        operation("send", "listen", "Sound as it leaves the mixer.", &["sound"]),
    );
    operations.insert(
        "tellHeard".to_owned(),
        operation("send", "hear", "Sound as the microphone hears it.", &["heard"]),
    );
    operations.insert(
        "takeSound".to_owned(),
        operation(
            "receive",
            "talk",
            "Sound that the microphone is to hear as well.",
            &["said"],
        ),
    );
    operations.insert(
        "tellDropped".to_owned(),
        operation(
            "send",
            "talk",
            "At most once a second: what there was no room for.",
            &["droppedSound"],
        ),
    );
    operations.append(&mut home_assistant::operations());
    Value::Object(operations)
}

fn messages(types: &Types) -> Map<String, Value> {
    let message = |title: &str, text: &str, payload: Value| json!({"title": title, "summary": text, "payload": payload});
    let dialect = |title: &str, text: &str, schema: &str| {
        message(
            title,
            text,
            json!({"$ref": format!("#/components/schemas/{schema}")}),
        )
    };
    let object = |properties: Value, required: &[&str]| json!({"type": "object", "properties": properties, "required": required});
    let id = json!({"description": "Comes back with the reply; null where it could not be read.", "type": ["number", "string", "null"]});
    let Value::Object(mut messages) = json!({
        "deviceCommand": dialect("Command, device dialect", "Snake case, seconds.", "DeviceCommand"),
        "clientCommand": dialect("Command, client dialect", "Camel case, milliseconds.", "ClientCommand"),
        "deviceResponse": dialect("Response, device dialect", "Snake case, seconds.", "DeviceResponse"),
        "clientResponse": dialect("Response, client dialect", "Camel case, milliseconds.", "ClientResponse"),
        "playerState": dialect("State", "Always whole, readable in both dialects.", "MqttState"),
        "connection": dialect("Connection", "Also the Last Will.", "MqttConnection"),
        "event": message("Event", "One event, sent until it has arrived.", json!({"allOf": [types.event, object(
            json!({"sequence": {"type": "integer", "description": "Only grows: a number seen before is a repetition, a gap tells what was dropped."}}),
            &["sequence"])]})),
        "request": message("Request", "A command.", object(
            json!({"id": id, "command": types.names, "params": {"type": "object"}}), &["id", "command"])),
        "subscription": message("Subscription", "Begin or end a stream.", json!({
            "type": "object",
            "properties": {
                "subscribe": {"type": "array", "items": {"type": "string", "enum": ["levels"]}},
                "unsubscribe": {"type": "array", "items": {"type": "string", "enum": ["levels"]}},
            },
        })),
        "reply": message("Reply", "What a command answers.", object(json!({"reply": {
            "type": "object",
            "properties": {"id": id, "result": {"type": "boolean"}, "data": {"description": "When `result` is true."}, "error": types.error},
            "required": ["id", "result"],
        }}), &["reply"])),
        "stateChange": message("State", "First the whole state; then `revision` and each section that changed, null when it is gone.", object(
            json!({"state": {"anyOf": [types.state, {"type": "object", "required": ["revision"]}]}}), &["state"])),
        "socketEvent": message("Event", "One event.", object(json!({"event": types.event}), &["event"])),
        "socketLevels": message("Levels", "The sound meter, at most 20 times a second, when subscribed.", object(
            json!({"levels": types.levels}), &["levels"])),
        "lagged": message("Lagged", "This many events were missed.", object(
            json!({"lagged": {"type": "integer", "minimum": 1}}), &["lagged"])),
        "sound": {
            "title": "Sound",
            "summary": "960 frames, interleaved 16-bit little-endian stereo at 48 kHz.",
            "contentType": "application/octet-stream",
            "payload": {"type": "string", "format": "binary"},
        },
        "heard": {
            "title": "Heard",
            "summary": "480 frames, interleaved 16-bit little-endian stereo at 48 kHz: left the microphone, right what goes to the hub, of the same moment.",
            "contentType": "application/octet-stream",
            "payload": {"type": "string", "format": "binary"},
        },
        "said": {
            "title": "Said",
            "summary": "16-bit little-endian mono at 48 kHz, as fast as it is spoken: one second of it may wait.",
            "contentType": "application/octet-stream",
            "payload": {"type": "string", "format": "binary"},
        },
        "droppedSound": message("Dropped", "This many samples since the last such message.", object(
            json!({"dropped": {"type": "integer", "minimum": 1}}), &["dropped"])),
    }) else {
        unreachable!("an object was written")
    };
    messages.append(&mut home_assistant::messages());
    messages
}

/// The bodies that the original's programs exchange over MQTT.
fn dialect_schemas(types: &Types) -> Map<String, Value> {
    let seconds = json!({"type": "number", "description": "Seconds since 1970."});
    let milliseconds = json!({"type": "integer", "description": "Milliseconds since 1970."});
    let id = json!({"type": ["string", "number"], "description": "Comes back with the response; a UUID for example."});
    let answered_id = json!({"type": ["string", "number", "null"], "description": "The command's; null where it had none."});
    let names = json!({
        "type": "string",
        "description": "A command's name, `player.play`; or, as the original's clients write it, its last word: `play`, `set_volume`, `setVolume`.",
        "examples": ["player.play", "set_volume", "setVolume"],
    });
    let params = json!({"type": ["object", "null"], "description": "Fields that the command does not know are ignored."});
    let result = json!({"type": "boolean", "description": "Whether it was carried out."});
    let error = json!({"allOf": [types.error], "description": "When `result` is false."});
    let message = json!({"type": "string", "description": "For people."});
    let data = json!({
        "type": ["object", "null"],
        "description": "Null when `result` is false. `result` is what the command answers; beside it stand the fields that the original's clients read.",
        "properties": {"result": {}, "status": {}, "volume": {}, "playlists": {}, "items": {}},
    });
    let object = |text: &str, properties: Value, required: &[&str]| json!({"type": "object", "description": text, "properties": properties, "required": required});
    let song = json!({
        "type": ["object", "null"],
        "description": "Null when stopped.",
        "properties": {
            "title": {"type": "string"}, "artist": {"type": "string"}, "album": {"type": "string"}, "file": {"type": "string"},
            "albumArt": {"type": ["string", "null"], "description": "A URL."},
            "duration": {"type": "number", "description": "Seconds."},
            "position": {"type": "number", "description": "Seconds."},
        },
    });
    let Value::Object(schemas) = json!({
        "DeviceCommand": object("A command as the original device reads it.",
            json!({"command": names, "command_id": id, "params": params, "timestamp": seconds}), &["command", "command_id"]),
        "ClientCommand": object("A command as the original's client SDK sends it.",
            json!({"command": names, "commandId": id, "params": params, "timestamp": milliseconds}), &["command", "commandId"]),
        "DeviceResponse": object("The answer to a command in the device dialect.",
            json!({"command_id": answered_id, "result": result, "message": message, "data": data, "error": error, "timestamp": seconds}),
            &["command_id", "result", "message", "data", "timestamp"]),
        "ClientResponse": object("The answer to a command in the client dialect.",
            json!({"commandId": answered_id, "result": result, "message": message, "data": data, "error": error, "timestamp": milliseconds}),
            &["commandId", "result", "message", "data", "timestamp"]),
        "MqttState": object("The player's state, always whole and in both spellings.",
            json!({
                "timestamp": seconds, "timestamp_ms": milliseconds, "state": types.playback, "current_song": song, "currentSong": song,
                "volume": {"type": "integer", "minimum": 0, "maximum": 100},
                "repeat": {"type": "boolean"}, "random": {"type": "boolean"},
                "playlist": {"type": ["string", "null"]}, "mute": {"type": "boolean"},
                "error": {"type": "string", "description": "Why `state` is `error` or `disconnected`."},
                "health": types.condition,
                "health_cause": {"type": "string", "description": "What is wrong; empty when nothing is."},
                "version": {"type": "string", "description": "Version of the software."},
                "software": {
                    "type": "object",
                    "description": "The image and the update that is coming; only on a box that takes updates. As Home Assistant reads it.",
                    "properties": {
                        "installed_version": {"type": "string"},
                        "latest_version": {"type": "string", "description": "The update's version once it is known, else the installed one."},
                        "in_progress": {"type": "boolean"},
                        "update_percentage": {"type": ["integer", "null"]},
                        "release_summary": {"type": "string", "description": "Why the last update did not get through; empty when it did."},
                    },
                },
            }),
            &["timestamp", "timestamp_ms", "state", "current_song", "currentSong", "volume", "repeat", "random", "playlist", "mute",
                "health", "health_cause", "version"]),
        "MqttConnection": object("Whether the box is there.",
            json!({"status": {"type": "string", "enum": ["online", "offline"]}, "timestamp": seconds}), &["status"]),
    }) else {
        unreachable!("an object was written")
    };
    schemas
}
