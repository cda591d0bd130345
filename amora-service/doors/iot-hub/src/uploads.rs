//! The diagnostic bundle on its way to the hub's storage.

use crate::dialect::Answer;
use amora_contract::reply::DiagnosisReply;
use amora_link::iot_hub::calendar;
use amora_link::iot_hub::client::{Hub, Standing, UploadError};
use bytes::Bytes;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Mutex;

/// A larger file is not uploaded; a bundle has a part of that.
const LARGEST: u64 = 16 << 20;

/// Why a bundle was not put where Device Update wants it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CollectError {
    #[error("{0}")]
    File(String),
    #[error(transparent)]
    Upload(#[from] UploadError),
}

#[derive(Clone)]
pub(crate) struct Uploads {
    hub: Hub,
    /// Held while one is under way: there is one bundle at a time.
    turn: Arc<Mutex<()>>,
}

impl Uploads {
    pub(crate) fn new(hub: Hub) -> Self {
        Self {
            hub,
            turn: Arc::default(),
        }
    }

    /// Uploads the bundle that `made` tells of: the reply of the command that made it. The answer tells where it is.
    pub(crate) async fn upload(&self, made: &Value) -> Answer {
        let failed = |status, message: String| Answer {
            status,
            body: json!({"result": false, "message": message}),
        };
        let Ok(bundle) = serde_json::from_value::<DiagnosisReply>(made.clone()) else {
            return failed(500, "what was made is no bundle".to_owned());
        };
        let Ok(_turn) = self.turn.try_lock() else {
            return failed(
                429,
                "a bundle is being uploaded; try again when it is there".to_owned(),
            );
        };
        let content = match content(&bundle).await {
            Ok(content) => content,
            Err(message) => return failed(500, message),
        };
        let made_at = calendar::seconds(bundle.made_at).replace([':', '-'], "");
        let name = format!("diagnosis-{made_at}.tar.gz");
        match self.hub.upload(&name, content).await {
            Ok(uploaded) => Answer {
                status: 200,
                body: json!({
                    "result": true,
                    "blob": uploaded.blob,
                    "correlationId": uploaded.correlation_id,
                    "size": bundle.size,
                }),
            },
            Err(error) => {
                tracing::warn!(%error, "the diagnostic bundle was not uploaded");
                failed(503, error.to_string())
            }
        }
    }

    /// Puts a bundle into a container that Device Update chose, under the name that Microsoft's agent would give it.
    pub(crate) async fn collect(
        &self,
        bundle: &DiagnosisReply,
        container: &str,
        operation: &str,
    ) -> Result<(), CollectError> {
        let _turn = self.turn.lock().await;
        let device_id = match &*self.hub.standing().borrow() {
            Standing::Connected { device_id, .. } => device_id.clone(),
            _ => return Err(UploadError::NotConnected.into()),
        };
        let content = content(bundle).await.map_err(CollectError::File)?;
        let blob = format!("{device_id}/{operation}/amora/diagnosis.tar.gz");
        Ok(self.hub.upload_into(container, &blob, content).await?)
    }
}

async fn content(bundle: &DiagnosisReply) -> Result<Bytes, String> {
    if bundle.size.0 > LARGEST {
        return Err(format!("a bundle of {} bytes is not uploaded", bundle.size.0));
    }
    match tokio::fs::read(&bundle.path).await {
        Ok(content) => Ok(content.into()),
        Err(error) => Err(format!("{}: {error}", bundle.path)),
    }
}
