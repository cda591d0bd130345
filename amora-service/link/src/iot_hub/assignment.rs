//! The hub that a device was assigned to, kept through restarts: provisioning at every start would be slow, cost
//! money, and hang on one more service.

use serde::{Deserialize, Serialize};

/// What the provisioning service decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The id scope that it was asked in.
    pub id_scope: String,
    /// The registration id that asked.
    pub registration_id: String,
    /// Host name of the hub.
    pub host: String,
    /// The device's id there.
    pub device_id: String,
}

impl Assignment {
    /// Reads what [`Assignment::encode`] wrote. `None` when it is damaged, or was made for another registration.
    pub fn decode(bytes: &[u8], id_scope: &str, registration_id: &str) -> Option<Self> {
        let assignment: Self = serde_json::from_slice(bytes).ok()?;
        let fits = assignment.id_scope == id_scope
            && assignment.registration_id == registration_id
            && super::connection_string::is_host(&assignment.host)
            && super::connection_string::is_device_id(&assignment.device_id);
        fits.then_some(assignment)
    }

    /// For a file that only the service can read.
    pub fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("an assignment serialises to JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_for_the_same_registration_only() {
        let assignment = Assignment {
            id_scope: "0ne1".to_owned(),
            registration_id: "box".to_owned(),
            host: "h.azure-devices.net".to_owned(),
            device_id: "box".to_owned(),
        };
        let bytes = assignment.encode();
        assert_eq!(Assignment::decode(&bytes, "0ne1", "box"), Some(assignment));
        assert_eq!(Assignment::decode(&bytes, "0ne2", "box"), None);
        assert_eq!(Assignment::decode(&bytes, "0ne1", "box2"), None);
        assert_eq!(Assignment::decode(&bytes[1..], "0ne1", "box"), None);
    }
}
