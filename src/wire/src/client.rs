//! The client's side of the opening of a connection, version 1.0.

use serde_json::{Map, Value, json};

use crate::handshake::MESSAGE_BYTES_MAX;
use crate::magic;
use crate::scram::{ClientExchange, NONCE_BYTES, ScramError};

/// Why a connection could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientHandshakeError {
    /// The server refused.
    #[error("{message}")]
    Refused {
        /// In the server's words.
        message: String,
        /// Its code; 10 to 20 are authentication errors.
        code: i64,
    },
    /// The server does not speak the protocol.
    #[error("the server's answer makes no sense: {0}")]
    Malformed(String),
    /// The server does not know the password either, or speaks SCRAM wrongly.
    #[error("the server could not be authenticated: {0}")]
    Scram(#[from] ScramError),
    /// The server's proof is wrong.
    #[error("the server does not know the password")]
    ServerNotAuthentic,
}

enum State {
    Version,
    ServerFirst(ClientExchange),
    ServerFinal(String),
    Done,
}

/// The handshake of one connection.
pub struct ClientHandshake {
    state: State,
    user: String,
    password: String,
    nonce: [u8; NONCE_BYTES],
}

impl ClientHandshake {
    /// Starts; the first bytes to send are appended to `output`. `nonce` must be fresh
    /// random bytes.
    pub fn begin(
        user: impl Into<String>,
        password: impl Into<String>,
        nonce: [u8; NONCE_BYTES],
        output: &mut Vec<u8>,
    ) -> Self {
        output.extend_from_slice(&magic::V1_0.to_le_bytes());
        Self { state: State::Version, user: user.into(), password: password.into(), nonce }
    }

    /// Takes what it understands from the front of `input`, appends what is to be sent;
    /// `true` when the connection is open.
    pub fn advance(&mut self, input: &mut &[u8], output: &mut Vec<u8>) -> Result<bool, ClientHandshakeError> {
        loop {
            if matches!(self.state, State::Done) {
                return Ok(true);
            }
            let Some(message) = take_message(input)? else { return Ok(false) };
            self.step(&message, output)?;
        }
    }

    fn step(
        &mut self,
        message: &Map<String, Value>,
        output: &mut Vec<u8>,
    ) -> Result<(), ClientHandshakeError> {
        match &self.state {
            State::Version => {
                let number = |name| message.get(name).and_then(Value::as_i64).unwrap_or(0);
                if number("min_protocol_version") > 0 {
                    return Err(ClientHandshakeError::Malformed("it speaks newer versions only".into()));
                }
                let exchange = ClientExchange::begin(&self.user, &self.password, &self.nonce);
                write_message(
                    output,
                    &json!({
                        "protocol_version": 0,
                        "authentication_method": "SCRAM-SHA-256",
                        "authentication": exchange.client_first(),
                    }),
                );
                self.state = State::ServerFirst(exchange);
            }
            State::ServerFirst(exchange) => {
                let (client_final, expected) = exchange.finish(authentication(message)?)?;
                write_message(output, &json!({ "authentication": client_final }));
                self.state = State::ServerFinal(expected);
            }
            State::ServerFinal(expected) => {
                if authentication(message)? != expected {
                    return Err(ClientHandshakeError::ServerNotAuthentic);
                }
                self.state = State::Done;
            }
            State::Done => {}
        }
        Ok(())
    }
}

fn authentication(message: &Map<String, Value>) -> Result<&str, ClientHandshakeError> {
    message
        .get("authentication")
        .and_then(Value::as_str)
        .ok_or_else(|| ClientHandshakeError::Malformed("it sent no `authentication`".into()))
}

fn take_message(input: &mut &[u8]) -> Result<Option<Map<String, Value>>, ClientHandshakeError> {
    let window = input.get(..MESSAGE_BYTES_MAX).unwrap_or(input);
    let Some(end) = window.iter().position(|byte| *byte == 0) else {
        return if window.len() == MESSAGE_BYTES_MAX {
            Err(ClientHandshakeError::Malformed("it does not end".into()))
        } else {
            Ok(None)
        };
    };
    let (text, rest) = input.split_at_checked(end).unwrap_or((input, &[]));
    *input = rest.get(1..).unwrap_or_default();
    let Ok(Value::Object(message)) = serde_json::from_slice(text) else {
        // Servers that do not know the version answer in plain text.
        let message = String::from_utf8_lossy(text).trim_end().to_owned();
        return Err(ClientHandshakeError::Refused { message, code: -1 });
    };
    if message.get("success").and_then(Value::as_bool) != Some(true) {
        let text = message.get("error").and_then(Value::as_str).unwrap_or("refused").to_owned();
        let code = message.get("error_code").and_then(Value::as_i64).unwrap_or(-1);
        return Err(ClientHandshakeError::Refused { message: text, code });
    }
    Ok(Some(message))
}

fn write_message(output: &mut Vec<u8>, message: &Value) {
    output.extend_from_slice(message.to_string().as_bytes());
    output.push(0);
}
