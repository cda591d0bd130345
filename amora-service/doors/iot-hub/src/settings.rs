//! The configuration, put into the client's terms.

use crate::IotHubError;
use amora_contract::config::{DeviceConfig, IotHubConfig, IotHubTransport, ProvisioningConfig};
use amora_link::backoff::Policy;
use amora_link::iot_hub::assignment::Assignment;
use amora_link::iot_hub::client::{Options, Transport};
use amora_link::iot_hub::clock::Clock;
use amora_link::iot_hub::connection_string::{ConnectionString, Secret};
use amora_link::iot_hub::identity::{Enrolment, Identity, is_registration_id};
use amora_link::iot_hub::sas::{Key, Renewal};
use amora_link::iot_hub::session::BACKOFF;
use serde_json::json;
use std::time::Duration;

/// What the client needs. `kept` is what was kept of an earlier assignment.
pub(crate) fn options(
    config: &IotHubConfig,
    device: &DeviceConfig,
    kept: Option<&[u8]>,
    clock: Clock,
) -> Result<Options, IotHubError> {
    let wrong = |field, reason| Err(IotHubError::Setting { field, reason });
    let identity = match (&config.connection_string, &config.provisioning) {
        (Some(text), None) => Identity::Device(ConnectionString::parse(text)?),
        (None, Some(provisioning)) => Identity::Provisioned(enrolment(provisioning, config, device)?),
        _ => {
            return wrong(
                "connection_string",
                "is needed, or else a section `[iot_hub.provisioning]`; not both",
            );
        }
    };
    if !identity.signs() && config.tls.cert_file.is_none() {
        return wrong(
            "tls.cert_file",
            "is needed: the identity is a certificate, and there is none",
        );
    }
    let assignment = match &identity {
        Identity::Provisioned(enrolment) => {
            kept.and_then(|kept| Assignment::decode(kept, &enrolment.id_scope, &enrolment.registration_id))
        }
        Identity::Device(_) => None,
    };
    let transport = match config.transport {
        IotHubTransport::Mqtt => Transport::Mqtt,
        IotHubTransport::Websocket => Transport::WebSocket,
    };
    let seconds = |length: f64| Duration::from_secs_f64(length.clamp(0.1, 31_536_000.0));
    Ok(Options {
        identity,
        assignment,
        model_id: Some(config.model_id.clone()),
        transport,
        port: config.port,
        provisioning_port: config
            .provisioning
            .as_ref()
            .and_then(|provisioning| provisioning.port)
            .or(config.port),
        https_port: config.https_port,
        clock,
        tls: config.tls.clone(),
        keep_alive: Duration::from_secs(config.keep_alive.into()),
        report_pace: seconds(config.report_interval.0),
        renewal: Renewal {
            life: seconds(config.sas_lifetime.0),
            ..Renewal::default()
        },
        backoff: Policy {
            cap: seconds(config.max_reconnect_delay.0).max(BACKOFF.base),
            ..BACKOFF
        },
    })
}

fn enrolment(
    provisioning: &ProvisioningConfig,
    config: &IotHubConfig,
    device: &DeviceConfig,
) -> Result<Enrolment, IotHubError> {
    let wrong = |field, reason| Err(IotHubError::Setting { field, reason });
    let registration_id = provisioning.registration_id.as_ref().unwrap_or(&device.id);
    if !is_registration_id(registration_id) {
        return wrong(
            "provisioning.registration_id",
            "must be 1 to 128 letters, digits, `-`, `.`, `_` or `:`, the last a letter, a digit or `-`",
        );
    }
    let key = |text: &String, field| {
        Key::parse(text).ok_or(IotHubError::Setting {
            field,
            reason: "is not a key in base64",
        })
    };
    let shared = |key| Secret::SharedAccessKey { key, policy: None };
    let secret = match (&provisioning.key, &provisioning.group_key) {
        (Some(own), _) => shared(key(own, "provisioning.key")?),
        (None, Some(group)) => shared(key(group, "provisioning.group_key")?.of_group_member(registration_id)),
        (None, None) => Secret::Certificate,
    };
    Ok(Enrolment {
        host: provisioning.host.clone(),
        id_scope: provisioning.id_scope.clone(),
        registration_id: registration_id.clone(),
        secret,
        payload: Some(json!({"modelId": config.model_id})),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> IotHubConfig {
        IotHubConfig {
            provisioning: Some(ProvisioningConfig {
                id_scope: "0ne1".to_owned(),
                group_key: Some("c2VjcmV0".to_owned()),
                ..ProvisioningConfig::default()
            }),
            ..IotHubConfig::default()
        }
    }

    #[test]
    fn a_box_of_a_group_derives_its_key_and_finds_its_hub_again() {
        let device = DeviceConfig::default();
        let kept = Assignment {
            id_scope: "0ne1".to_owned(),
            registration_id: device.id.clone(),
            host: "h".to_owned(),
            device_id: device.id.clone(),
        };
        let options = options(&config(), &device, Some(&kept.encode()), Clock::system()).unwrap();
        assert_eq!(options.assignment, Some(kept));
        let Identity::Provisioned(enrolment) = options.identity else {
            panic!("it is not provisioned")
        };
        let key = Key::parse("c2VjcmV0").unwrap().of_group_member(&device.id);
        assert_eq!(enrolment.secret, Secret::SharedAccessKey { key, policy: None });
    }

    #[test]
    fn each_wrong_setting_is_named_and_no_secret_is_shown() {
        type Change = fn(&mut IotHubConfig);
        let cases: [(&str, Change); 4] = [
            ("connection_string", |config| {
                config.connection_string = Some("HostName=h;SharedAccessKey=secret".to_owned());
                config.provisioning = None;
            }),
            ("connection_string", |config| config.provisioning = None),
            ("group_key", |config| {
                config.provisioning.as_mut().unwrap().group_key = Some("not*a*secret".to_owned());
            }),
            ("tls.cert_file", |config| {
                config.provisioning.as_mut().unwrap().group_key = None;
            }),
        ];
        for (field, change) in cases {
            let mut config = config();
            change(&mut config);
            let error = options(&config, &DeviceConfig::default(), None, Clock::system()).unwrap_err();
            let error = error.to_string();
            assert!(error.contains(field) && !error.contains("secret"), "{error}");
        }
    }
}
