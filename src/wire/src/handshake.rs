//! The server's side of the opening of a connection.

use photondb_base::limits;
use serde_json::{Map, Value};

use crate::magic;
use crate::scram::{ClientFirst, NONCE_BYTES, ScramCredentials, ScramError, ServerExchange};

/// Bytes of one message of the handshake, its terminator included.
pub const MESSAGE_BYTES_MAX: usize = 2048;
/// The user that versions before 1.0 log in as; their key is the user's password.
pub const KEY_USER: &str = "admin";

// A handshake must never ask for more memory than a query.
const _: () = assert!(MESSAGE_BYTES_MAX < limits::QUERY_BYTES_MAX);

/// Where the handshake finds the users.
pub trait Credentials {
    /// What is stored of a user's password; `None` when there is no such user.
    fn scram(&self, user: &str) -> Option<ScramCredentials>;
}

/// The version a driver speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// 0.3: queries are answered in order.
    V0_3,
    /// 0.4: queries run in parallel.
    V0_4,
    /// 1.0: users.
    V1_0,
}

/// Why a connection is refused, in RethinkDB's numbers and words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// The first four bytes are no version.
    #[error(
        "Received an unsupported protocol version. This port is for RethinkDB queries. Does your client \
         driver version not match the server?"
    )]
    UnsupportedVersion,
    /// The driver is from the time of Protocol Buffers.
    #[error("The PROTOBUF client protocol is no longer supported")]
    Protobuf,
    /// Neither JSON nor Protocol Buffers.
    #[error("Unrecognized protocol specified: '{0}'")]
    UnrecognizedProtocol(i32),
    /// The announced key is absurd.
    #[error("Client provided an authorization key that is too long.")]
    KeyTooLong,
    /// The key is wrong.
    #[error("Incorrect authorization key.")]
    IncorrectKey,
    /// No number where one is needed.
    #[error("Expected a number for `protocol_version`.")]
    ProtocolVersionType,
    /// A sub-version other than 0.
    #[error("Unsupported `protocol_version`.")]
    ProtocolVersion,
    /// No string where one is needed.
    #[error("Expected a string for `authentication_method`.")]
    MethodType,
    /// Anything but SCRAM-SHA-256.
    #[error("Unsupported `authentication_method`.")]
    Method,
    /// No string where one is needed.
    #[error("Expected a string for `authentication`.")]
    AuthenticationType,
    /// A message without an end.
    #[error("Limited read buffer size.")]
    MessageTooLong,
    /// A message that is no JSON object.
    #[error("Invalid JSON object.")]
    InvalidJson,
    /// The authentication failed.
    #[error(transparent)]
    Scram(#[from] ScramError),
}

impl HandshakeError {
    /// The `error_code` of the answer; -1 where only text is sent.
    pub const fn code(&self) -> i32 {
        match self {
            Self::UnsupportedVersion
            | Self::Protobuf
            | Self::UnrecognizedProtocol(_)
            | Self::KeyTooLong
            | Self::IncorrectKey => -1,
            Self::ProtocolVersionType => 1,
            Self::ProtocolVersion => 2,
            Self::MethodType => 3,
            Self::Method => 4,
            Self::AuthenticationType => 5,
            Self::MessageTooLong => 7,
            Self::InvalidJson => 8,
            Self::Scram(error) => error.code(),
        }
    }
}

/// What came of the bytes so far.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// More bytes are needed.
    Pending,
    /// The user is in; queries follow.
    Authenticated {
        /// Who.
        user: String,
        /// How the driver speaks.
        version: Version,
    },
    /// The answer is written; close the connection.
    Refused(HandshakeError),
}

enum State {
    Magic,
    KeyLength(Version),
    Key(Version, usize),
    Protocol(Version),
    FirstMessage,
    FinalMessage { user: String, exchange: ServerExchange },
    Done,
}

/// The handshake of one connection.
pub struct Handshake {
    state: State,
    server_version: String,
    nonce: [u8; NONCE_BYTES],
}

impl Handshake {
    /// A new connection. `server_version` is what drivers are told they talk to;
    /// `nonce` must be fresh random bytes.
    pub fn new(server_version: impl Into<String>, nonce: [u8; NONCE_BYTES]) -> Self {
        Self { state: State::Magic, server_version: server_version.into(), nonce }
    }

    /// Takes what it understands from the front of `input`, appends answers to `output`.
    pub fn advance(
        &mut self,
        input: &mut &[u8],
        credentials: &dyn Credentials,
        output: &mut Vec<u8>,
    ) -> Progress {
        loop {
            match self.step(input, credentials, output) {
                Ok(Some(progress)) => return progress,
                Ok(None) => {}
                Err(error) => {
                    self.refuse(&error, output);
                    return Progress::Refused(error);
                }
            }
        }
    }

    fn step(
        &mut self,
        input: &mut &[u8],
        credentials: &dyn Credentials,
        output: &mut Vec<u8>,
    ) -> Result<Option<Progress>, HandshakeError> {
        match &self.state {
            State::Magic => {
                let Some(magic) = take_u32(input) else { return Ok(Some(Progress::Pending)) };
                self.open(magic, output)?;
            }
            State::KeyLength(version) => {
                let Some(length) = take_u32(input) else { return Ok(Some(Progress::Pending)) };
                let length = length as usize;
                if length > MESSAGE_BYTES_MAX {
                    return Err(HandshakeError::KeyTooLong);
                }
                self.state = State::Key(*version, length);
            }
            State::Key(version, length) => {
                let Some((key, rest)) = input.split_at_checked(*length) else {
                    return Ok(Some(Progress::Pending));
                };
                *input = rest;
                if !credentials.scram(KEY_USER).is_some_and(|stored| stored.verifies(key)) {
                    return Err(HandshakeError::IncorrectKey);
                }
                self.state = State::Protocol(*version);
            }
            State::Protocol(version) => {
                let Some(protocol) = take_u32(input) else { return Ok(Some(Progress::Pending)) };
                match protocol {
                    magic::PROTOCOL_JSON => {}
                    magic::PROTOCOL_PROTOBUF => return Err(HandshakeError::Protobuf),
                    other => return Err(HandshakeError::UnrecognizedProtocol(other.cast_signed())),
                }
                output.extend_from_slice(b"SUCCESS\0");
                let version = *version;
                self.state = State::Done;
                return Ok(Some(Progress::Authenticated { user: KEY_USER.to_owned(), version }));
            }
            State::FirstMessage => {
                let Some(message) = take_message(input)? else { return Ok(Some(Progress::Pending)) };
                self.first_message(&message, credentials, output)?;
            }
            State::FinalMessage { user, exchange } => {
                let Some(message) = take_message(input)? else { return Ok(Some(Progress::Pending)) };
                let server_final = exchange.finish(authentication(&message)?)?;
                write_message(output, [("success", true.into()), ("authentication", server_final.into())]);
                let user = user.clone();
                self.state = State::Done;
                return Ok(Some(Progress::Authenticated { user, version: Version::V1_0 }));
            }
            State::Done => return Ok(Some(Progress::Pending)),
        }
        Ok(None)
    }

    fn open(&mut self, magic: u32, output: &mut Vec<u8>) -> Result<(), HandshakeError> {
        self.state = match magic {
            magic::V0_3 => State::KeyLength(Version::V0_3),
            magic::V0_4 => State::KeyLength(Version::V0_4),
            magic::V1_0 => {
                write_message(
                    output,
                    [
                        ("success", true.into()),
                        ("max_protocol_version", 0.into()),
                        ("min_protocol_version", 0.into()),
                        ("server_version", self.server_version.clone().into()),
                    ],
                );
                State::FirstMessage
            }
            magic::V0_1 | magic::V0_2 => return Err(HandshakeError::Protobuf),
            _ => return Err(HandshakeError::UnsupportedVersion),
        };
        Ok(())
    }

    fn first_message(
        &mut self,
        message: &Map<String, Value>,
        credentials: &dyn Credentials,
        output: &mut Vec<u8>,
    ) -> Result<(), HandshakeError> {
        match message.get("protocol_version").and_then(Value::as_f64) {
            None => return Err(HandshakeError::ProtocolVersionType),
            Some(0.0) => {}
            Some(_) => return Err(HandshakeError::ProtocolVersion),
        }
        match message.get("authentication_method").and_then(Value::as_str) {
            None => return Err(HandshakeError::MethodType),
            Some("SCRAM-SHA-256") => {}
            Some(_) => return Err(HandshakeError::Method),
        }
        let first = ClientFirst::parse(authentication(message)?)?;
        let user = first.user.clone();
        let exchange = ServerExchange::begin(first, credentials.scram(&user), &self.nonce);
        write_message(output, [("success", true.into()), ("authentication", exchange.server_first().into())]);
        self.state = State::FinalMessage { user, exchange };
        Ok(())
    }

    fn refuse(&mut self, error: &HandshakeError, output: &mut Vec<u8>) {
        match self.state {
            State::FirstMessage | State::FinalMessage { .. } => write_message(
                output,
                [
                    ("error", error.to_string().into()),
                    ("error_code", error.code().into()),
                    ("success", false.into()),
                ],
            ),
            _ => {
                output.extend_from_slice(format!("ERROR: {error}\n").as_bytes());
                output.push(0);
            }
        }
        self.state = State::Done;
    }
}

fn authentication(message: &Map<String, Value>) -> Result<&str, HandshakeError> {
    message.get("authentication").and_then(Value::as_str).ok_or(HandshakeError::AuthenticationType)
}

fn take_u32(input: &mut &[u8]) -> Option<u32> {
    let (bytes, rest) = input.split_first_chunk::<4>()?;
    *input = rest;
    Some(u32::from_le_bytes(*bytes))
}

/// A JSON object up to a zero byte.
fn take_message(input: &mut &[u8]) -> Result<Option<Map<String, Value>>, HandshakeError> {
    let window = input.get(..MESSAGE_BYTES_MAX).unwrap_or(input);
    let Some(end) = window.iter().position(|byte| *byte == 0) else {
        return if window.len() == MESSAGE_BYTES_MAX {
            Err(HandshakeError::MessageTooLong)
        } else {
            Ok(None)
        };
    };
    let (text, rest) = input.split_at_checked(end).ok_or(HandshakeError::InvalidJson)?;
    *input = rest.get(1..).unwrap_or_default();
    match serde_json::from_slice(text) {
        Ok(Value::Object(message)) => Ok(Some(message)),
        _ => Err(HandshakeError::InvalidJson),
    }
}

fn write_message<const N: usize>(output: &mut Vec<u8>, fields: [(&str, Value); N]) {
    let object: Map<String, Value> =
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    output.extend_from_slice(Value::Object(object).to_string().as_bytes());
    output.push(0);
}
