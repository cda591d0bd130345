//! A client of the web door.

use super::until;
use serde_json::{Value, json};
use std::path::Path;

/// A client of the web door.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    code: Option<String>,
}

/// What the door answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Client {
    /// Through the Unix socket: no login.
    pub(crate) fn socket(path: &Path) -> Self {
        let http = reqwest::Client::builder().unix_socket(path).build().unwrap();
        Self {
            http,
            base: "http://localhost".to_owned(),
            code: None,
        }
    }

    /// Over TCP, with a login code or without.
    pub(crate) fn tcp(port: u16, code: Option<&str>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            http,
            base: format!("http://127.0.0.1:{port}"),
            code: code.map(str::to_owned),
        }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
        let request = match &self.code {
            Some(code) => request.bearer_auth(code),
            None => request,
        };
        let response = request.send().await?;
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, body })
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(format!("{}{path}", self.base)))
            .await
            .unwrap()
    }

    /// Sends a command and gives the whole answer.
    pub(crate) async fn post(&self, command: &str, body: impl Into<reqwest::Body>) -> Answer {
        let request = self.http.post(format!("{}/api/commands/{command}", self.base));
        self.send(request.header("Content-Type", "application/json").body(body))
            .await
            .unwrap()
    }

    /// Sends a command that must succeed; its data.
    pub(crate) async fn command(&self, command: &str, params: Value) -> Value {
        let answer = self.post(command, params.to_string()).await;
        assert_eq!(answer.status, 200, "{command}: {}", answer.body);
        assert_eq!(answer.body["result"], json!(true), "{command}: {}", answer.body);
        answer.body["data"].clone()
    }

    pub(crate) async fn try_state(&self) -> Option<Value> {
        let answer = self
            .send(self.http.get(format!("{}/api/state", self.base)))
            .await
            .ok()?;
        (answer.status == 200).then_some(answer.body)
    }

    pub(crate) async fn state(&self) -> Value {
        self.try_state().await.expect("the state can be read")
    }

    /// Waits for a state.
    pub(crate) async fn state_where(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        until(what, async || self.try_state().await.filter(&wanted)).await
    }
}
