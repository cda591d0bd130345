//! Reads what a hub sends of a twin. A twin is ten levels deep at most; what a hub sends is followed a little further,
//! and what is nested deeper is passed over, so that one property out of order does not hide the others.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Levels of objects and arrays that are read.
const LEVELS: usize = 16;

/// What stands in the place of an object or array that is nested deeper.
pub const CUT: &str = "…";

/// Reads a JSON object; `None` where the text is none.
pub fn read(text: &[u8]) -> Option<Map<String, Value>> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Nested(LEVELS).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    match value {
        Value::Object(object) => Some(object),
        _ => None,
    }
}

/// A value of at most so many levels.
#[derive(Clone, Copy)]
struct Nested(usize);

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Some(below) = self.0.checked_sub(1) else {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(CUT.into());
        };
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Self(below))? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let Some(below) = self.0.checked_sub(1) else {
            while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(CUT.into());
        };
        let mut object = Map::new();
        while let Some(key) = entries.next_key()? {
            object.insert(key, entries.next_value_seed(Self(below))?);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_serde_json_reads_is_read_alike() {
        let text =
            r#"{"a": [1, -2, 3.5, 18446744073709551615, 1e3], "b": {"c": null, "d": true}, "ü": "\u00e9\n"}"#;
        let plain: Map<String, Value> = serde_json::from_str(text).unwrap();
        assert_eq!(read(text.as_bytes()), Some(plain));
        for wrong in ["", "[]", "5", "{", "{}{}", "{\"a\": 1e999}", "{\"a\": [1,]}"] {
            assert_eq!(read(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn what_is_nested_without_end_hides_nothing_else() {
        for (open, close) in [("{\"a\":", "}"), ("[", "]")] {
            let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            let text = format!("{{\"before\": 1, \"deep\": {deep}, \"after\": 2}}");
            let object = read(text.as_bytes()).unwrap();
            assert_eq!((&object["before"], &object["after"]), (&json!(1), &json!(2)));
            let mut at = &object["deep"];
            let mut levels = 1;
            while let Some(inner) = at.get("a").or_else(|| at.get(0)) {
                at = inner;
                levels += 1;
            }
            assert_eq!((levels, at), (LEVELS, &json!(CUT)));
            assert_eq!(
                read(format!("{{\"deep\": {}", open.repeat(100_000)).as_bytes()),
                None
            );
        }
    }
}
