//! Connection strings: `HostName=…;DeviceId=…;SharedAccessKey=…`, or `…;x509=true`.

use super::sas::Key;

/// Longest connection string that is read; a real one has a few hundred bytes.
const LONGEST: usize = 4096;

/// What a connection string says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionString {
    /// The hub's host name.
    pub host: String,
    /// The device's id.
    pub device_id: String,
    /// A gateway to connect to in the hub's place.
    pub gateway: Option<String>,
    /// How the device shows who it is.
    pub secret: Secret,
}

/// How a device shows who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    /// A key that signs tokens.
    SharedAccessKey {
        /// The key.
        key: Key,
        /// The policy that the key belongs to; none for a device's own key.
        policy: Option<String>,
    },
    /// A client certificate.
    Certificate,
}

/// Why a connection string cannot be used. None of these repeats the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectionStringError {
    /// It is too long to be one.
    #[error("the connection string is longer than {LONGEST} bytes")]
    TooLong,
    /// A part is not `Name=value`.
    #[error("part {0} of the connection string is not `Name=value`")]
    Part(usize),
    /// A part is there twice.
    #[error("the connection string has `{0}` twice")]
    Twice(&'static str),
    /// A part is missing.
    #[error("the connection string has no `{0}`")]
    Missing(&'static str),
    /// A part has a value that cannot be used.
    #[error("`{part}` of the connection string {reason}")]
    Value {
        /// The part.
        part: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It names a module; this is a device.
    #[error("the connection string is a module's (`ModuleId`): use the device's own")]
    Module,
    /// It is the service's.
    #[error("the connection string has no `DeviceId`: it is the service's; use the device's own")]
    Service,
}

const PARTS: [&str; 7] = [
    "HostName",
    "DeviceId",
    "SharedAccessKey",
    "SharedAccessKeyName",
    "ModuleId",
    "GatewayHostName",
    "x509",
];

impl ConnectionString {
    /// Reads a connection string. Names count without regard to case; unknown parts are ignored.
    ///
    /// # Errors
    /// When it is not a device's, or a part of it cannot be used.
    pub fn parse(text: &str) -> Result<Self, ConnectionStringError> {
        use ConnectionStringError as Error;
        if text.len() > LONGEST {
            return Err(Error::TooLong);
        }
        let mut values: [Option<&str>; PARTS.len()] = [None; PARTS.len()];
        let parts = text.trim().split(';').filter(|part| !part.trim().is_empty());
        for (index, part) in parts.enumerate() {
            // Keys end in `=`: only the first one divides.
            let (name, value) = part.split_once('=').ok_or(Error::Part(index + 1))?;
            let known = PARTS
                .iter()
                .position(|known| known.eq_ignore_ascii_case(name.trim()));
            let Some(known) = known else { continue };
            if values[known].replace(value.trim()).is_some() {
                return Err(Error::Twice(PARTS[known]));
            }
        }
        let [host, device_id, key, policy, module, gateway, certificate] =
            values.map(|value| value.filter(|value| !value.is_empty()));
        if module.is_some() {
            return Err(Error::Module);
        }
        let host = host.ok_or(Error::Missing("HostName"))?;
        let device_id = device_id.ok_or(match policy {
            Some(_) => Error::Service,
            None => Error::Missing("DeviceId"),
        })?;
        let named = |part, value: &str| match is_host(value) {
            true => Ok(value.to_owned()),
            false => Err(Error::Value {
                part,
                reason: "must be a host name, without a scheme, a port or a path",
            }),
        };
        if !is_device_id(device_id) {
            return Err(Error::Value {
                part: "DeviceId",
                reason: "must be 1 to 128 letters, digits or `-.+%_#*?!(),:=@$'`",
            });
        }
        let certificate = certificate.is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let secret = match (key, certificate) {
            (Some(_), true) => {
                return Err(Error::Value {
                    part: "x509",
                    reason: "stands beside a `SharedAccessKey`: keep one of them",
                });
            }
            (None, true) => Secret::Certificate,
            (None, false) => return Err(Error::Missing("SharedAccessKey")),
            (Some(key), false) => Secret::SharedAccessKey {
                key: Key::parse(key).ok_or(Error::Value {
                    part: "SharedAccessKey",
                    reason: "is not a key in base64",
                })?,
                policy: policy.map(str::to_owned),
            },
        };
        Ok(Self {
            host: named("HostName", host)?,
            device_id: device_id.to_owned(),
            gateway: gateway
                .map(|gateway| named("GatewayHostName", gateway))
                .transpose()?,
            secret,
        })
    }
}

/// Whether this could be a host name or an address.
pub fn is_host(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Whether this could be a device's id.
pub fn is_device_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.+%_#*?!(),:=@$'".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "c2VjcmV0LWtleS1vZi0zMi1ieXRlcy1mb3ItdGVzdHM=";

    fn error(text: &str) -> String {
        ConnectionString::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn a_device_s_key_and_certificate_are_read() {
        let text = format!("HostName=h.azure-devices.net;DeviceId=box-1;SharedAccessKey={KEY}\n");
        let read = ConnectionString::parse(&text).unwrap();
        assert_eq!(
            (read.host.as_str(), read.device_id.as_str()),
            ("h.azure-devices.net", "box-1")
        );
        assert!(matches!(
            read.secret,
            Secret::SharedAccessKey { policy: None, .. }
        ));
        let read =
            ConnectionString::parse("hostname=h;deviceid=d;X509=True;GatewayHostName=edge.lan").unwrap();
        assert_eq!(
            (read.secret, read.gateway.as_deref()),
            (Secret::Certificate, Some("edge.lan"))
        );
    }

    #[test]
    fn each_mistake_is_named_and_no_secret_is_repeated() {
        let cases = [
            (format!("DeviceId=d;SharedAccessKey={KEY}"), "HostName"),
            (format!("HostName=h;SharedAccessKey={KEY}"), "DeviceId"),
            (
                format!("HostName=h;SharedAccessKeyName=iothubowner;SharedAccessKey={KEY}"),
                "service",
            ),
            ("HostName=h;DeviceId=d".to_owned(), "SharedAccessKey"),
            (
                "HostName=h;DeviceId=d;SharedAccessKey=top*secret".to_owned(),
                "base64",
            ),
            (
                format!("HostName=https://h;DeviceId=d;SharedAccessKey={KEY}"),
                "HostName",
            ),
            (
                format!("HostName=h;DeviceId=a/b;SharedAccessKey={KEY}"),
                "DeviceId",
            ),
            (
                format!("HostName=h;DeviceId=d;SharedAccessKey={KEY};x509=true"),
                "x509",
            ),
            (format!("HostName=h;HostName=i;SharedAccessKey={KEY}"), "twice"),
            (
                format!("HostName=h;DeviceId=d;ModuleId=m;SharedAccessKey={KEY}"),
                "module",
            ),
            ("top-secret".to_owned(), "part 1"),
            ("a".repeat(LONGEST + 1), "longer"),
        ];
        for (text, named) in cases {
            let error = error(&text);
            assert!(error.contains(named), "{error}");
            assert!(!error.contains("secret") && !error.contains(KEY), "{error}");
        }
    }
}
