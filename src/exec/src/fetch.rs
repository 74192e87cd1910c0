//! The door to web servers for `r.http`: what is asked for, what comes back, what can fail.

use std::time::Duration;

use photondb_base::Cancel;

/// Fetches from web servers; injected, since sockets and TLS are heavy things.
pub trait Fetcher: Send + Sync {
    /// A session whose requests end soon after the query is cancelled.
    fn open(&self, cancel: Cancel) -> Box<dyn FetchSession>;
}

/// The requests of one `r.http`, page after page; they share cookies and connections.
pub trait FetchSession: Send {
    /// Does a request with its redirects and repetitions, within its time limit. An answer
    /// with any status is an answer.
    fn fetch(&mut self, request: &FetchRequest) -> Result<FetchResponse, FetchError>;
}

/// One request.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    /// What to do.
    pub method: FetchMethod,
    /// Where; `http` when it names no scheme.
    pub url: String,
    /// Names and values to append to the URL, not encoded yet.
    pub parameters: Vec<(String, String)>,
    /// Header lines in their order. A line without a value keeps a header from being sent
    /// that would be sent otherwise.
    pub headers: Vec<(String, Option<String>)>,
    /// What to send.
    pub body: FetchBody,
    /// Who asks.
    pub credentials: Option<FetchCredentials>,
    /// How long everything together may take.
    pub timeout: Duration,
    /// How often to try while failures look temporary.
    pub attempts: u64,
    /// How many redirects to follow.
    pub redirects: u32,
    /// Whether the server's certificate must be good.
    pub verify: bool,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchMethod {
    /// GET
    Get,
    /// HEAD
    Head,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

impl FetchMethod {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Get, Self::Head, Self::Post, Self::Put, Self::Patch, Self::Delete];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// What to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchBody {
    /// Nothing.
    Empty,
    /// These bytes.
    Bytes(Vec<u8>),
    /// Names and values, not encoded yet.
    Form(Vec<(String, String)>),
}

/// Who asks, and how that is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchCredentials {
    /// Basic or digest.
    pub scheme: AuthenticationScheme,
    /// The name of the user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// How a user is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthenticationScheme {
    /// The password is sent.
    Basic,
    /// The server's challenge is answered.
    Digest,
}

/// The last answer of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FetchResponse {
    /// The status code.
    pub status: u16,
    /// The header in its order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body without its content encoding.
    pub body: Vec<u8>,
}

impl FetchResponse {
    /// The last value of a header; the name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Why there is no answer, in the words that users of RethinkDB know from libcurl.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// `attempts` is zero.
    #[error("could not perform, no attempts allowed")]
    NoAttempts,
    /// The URL is none.
    #[error("URL using bad/illegal format or missing URL")]
    MalformedUrl,
    /// Neither http nor https.
    #[error("Unsupported protocol")]
    UnsupportedProtocol,
    /// A header that cannot be sent.
    #[error("the header `{0}` cannot be sent")]
    InvalidHeader(String),
    /// The name has no address.
    #[error("Couldn't resolve host name")]
    Resolve,
    /// Nobody answers at the address.
    #[error("could not connect to server")]
    Connect,
    /// The connection broke while sending.
    #[error("error when sending data")]
    Send,
    /// The connection broke while receiving.
    #[error("error when receiving data")]
    Receive,
    /// The certificate is not good.
    #[error("Peer certificate cannot be authenticated with given CA certificates")]
    Certificate,
    /// TLS failed otherwise.
    #[error("SSL connect error")]
    Tls,
    /// The answer is not HTTP.
    #[error("Weird server reply")]
    Protocol,
    /// The body is not encoded as its header says.
    #[error("Unrecognized or bad HTTP Content or Transfer-Encoding")]
    ContentEncoding,
    /// More redirects than allowed.
    #[error("Number of redirects hit maximum amount")]
    TooManyRedirects,
    /// The time is over.
    #[error("timed out after {}.{:03} seconds", .0.as_secs(), .0.subsec_millis())]
    TimedOut(Duration),
    /// The answer does not fit.
    #[error("the response is larger than {bytes_max} bytes")]
    ResponseTooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// Too many requests of other queries.
    #[error("more than {requests_max} requests at the same time")]
    Busy {
        /// The limit.
        requests_max: usize,
    },
    /// The query was cancelled.
    #[error("interrupted")]
    Cancelled,
}
