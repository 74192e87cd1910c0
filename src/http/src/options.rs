//! What can be chosen about the HTTP door.

/// What can be chosen about the HTTP door.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpOptions {
    /// Names by which browsers reach the server, besides addresses and `localhost`. While
    /// `admin` has no password, requests to any other name are refused: a foreign page could
    /// have given its own name to this server's address.
    pub host_names: Vec<String>,
    /// Origins whose pages may ask this server, such as `https://app.example.com`; `*` for all,
    /// which never means without credentials.
    pub cors_origins: Vec<String>,
}

impl HttpOptions {
    /// Whether an origin was named.
    pub(crate) fn trusts(&self, origin: &str) -> bool {
        self.cors_origins.iter().any(|known| known.trim_end_matches('/').eq_ignore_ascii_case(origin))
    }

    /// Whether all origins may ask.
    pub(crate) fn trusts_all(&self) -> bool {
        self.cors_origins.iter().any(|known| known == "*")
    }
}
