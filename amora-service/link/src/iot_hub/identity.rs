//! Who the device is, and what it says of itself at each connect.

use super::connection_string::{ConnectionString, Secret};
use super::{sas, topic};
use serde_json::Value;

/// Who the device is.
#[derive(Debug, Clone, PartialEq)]
pub enum Identity {
    /// A device of a known hub.
    Device(ConnectionString),
    /// A device that the provisioning service assigns to a hub.
    Provisioned(Enrolment),
}

/// What the provisioning service knows a device by.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrolment {
    /// Host name of the service.
    pub host: String,
    /// The id scope.
    pub id_scope: String,
    /// The registration id: with a certificate, its common name.
    pub registration_id: String,
    /// The device's own key (derived, for a group) or its certificate.
    pub secret: Secret,
    /// What an allocation of the owner's own may want to know.
    pub payload: Option<Value>,
}

/// What is said at a connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// MQTT client id.
    pub client_id: String,
    /// User name.
    pub user_name: String,
    /// A token; none beside a certificate.
    pub password: Option<String>,
}

impl Identity {
    /// Whether it signs tokens, for which the clock must be right.
    pub const fn signs(&self) -> bool {
        matches!(self.secret(), Secret::SharedAccessKey { .. })
    }

    const fn secret(&self) -> &Secret {
        match self {
            Self::Device(device) => &device.secret,
            Self::Provisioned(enrolment) => &enrolment.secret,
        }
    }

    /// For a hub. `expiry` is when a token of it ends, in seconds since 1970.
    pub fn hub_login(&self, host: &str, device_id: &str, model_id: Option<&str>, expiry: u64) -> Login {
        let password = match self.secret() {
            Secret::SharedAccessKey { key, policy } => {
                let resource = format!("{host}/devices/{device_id}");
                Some(sas::token(key, &resource, expiry, policy.as_deref()))
            }
            Secret::Certificate => None,
        };
        Login {
            client_id: device_id.to_owned(),
            user_name: topic::user_name(host, device_id, model_id),
            password,
        }
    }
}

impl Enrolment {
    /// For the provisioning service. `expiry` is when a token of it ends, in seconds since 1970.
    pub fn login(&self, expiry: u64) -> Login {
        let password = match &self.secret {
            Secret::SharedAccessKey { key, .. } => {
                let resource = format!("{}/registrations/{}", self.id_scope, self.registration_id);
                Some(sas::token(key, &resource, expiry, Some("registration")))
            }
            Secret::Certificate => None,
        };
        Login {
            client_id: self.registration_id.clone(),
            user_name: topic::registration_user_name(&self.id_scope, &self.registration_id),
            password,
        }
    }
}

/// Whether this could be a registration id: 1 to 128 letters, digits, `-`, `.`, `_` or `:`, the last one a letter,
/// a digit or `-`.
pub fn is_registration_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte))
        && text.ends_with(|last: char| last.is_ascii_alphanumeric() || last == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_signs_and_a_certificate_says_nothing() {
        let key = "HostName=h;DeviceId=d;SharedAccessKey=c2VjcmV0";
        let identity = Identity::Device(ConnectionString::parse(key).unwrap());
        let login = identity.hub_login("h", "d", Some("dtmi:a;1"), 1_800_000_000);
        assert_eq!(
            login.user_name,
            "h/d/?api-version=2021-04-12&model-id=dtmi%3Aa%3B1"
        );
        assert_eq!(login.client_id, "d");
        let password = login.password.unwrap();
        assert!(
            password.starts_with("SharedAccessSignature sr=h%2Fdevices%2Fd&sig="),
            "{password}"
        );
        assert!(password.ends_with("&se=1800000000"), "{password}");
        assert!(identity.signs());

        let enrolment = Enrolment {
            host: "p".to_owned(),
            id_scope: "0ne1".to_owned(),
            registration_id: "box".to_owned(),
            secret: Secret::Certificate,
            payload: None,
        };
        let login = enrolment.login(0);
        assert_eq!(login.user_name, "0ne1/registrations/box/api-version=2019-03-31");
        assert_eq!(login.password, None);
        assert!(!Identity::Provisioned(enrolment).signs());
    }

    #[test]
    fn registration_ids_are_the_service_s() {
        assert!(is_registration_id("box-1.a_b:c") && is_registration_id("box-"));
        for wrong in ["", "box.", "a b", "a/b", &"x".repeat(129)] {
            assert!(!is_registration_id(wrong), "{wrong}");
        }
    }
}
