//! One request and its answer, without redirects or repetitions.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use photondb_base::Cancel;
use photondb_exec::{FetchError, FetchMethod, FetchResponse};
use ureq::config::AutoHeaderValue;
use ureq::http::{HeaderName, HeaderValue, Response};
use ureq::tls::{TlsConfig, TlsProvider};
use ureq::typestate::WithBody;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, Body, Error, Proxy, ProxyProtocol, RequestBuilder, Timeout};

use crate::Shared;
use crate::address::Address;
use crate::content;
use crate::transport::{Phase, Watch, connector};

/// How long finding an address and connecting to it may take each.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(30);
/// How long a server may take no byte of what is sent to it.
const WRITE_TIMEOUT_MAX: Duration = Duration::from_secs(30);
/// Bytes of a status line and a header.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Bytes of a body that are read at once.
const READ_BYTES: usize = 16 * 1024;

/// What goes over the wire.
pub(crate) struct Message<'a> {
    pub(crate) method: FetchMethod,
    pub(crate) address: &'a Address,
    pub(crate) headers: Vec<(String, String)>,
    /// `None` to send no body at all.
    pub(crate) body: Option<&'a [u8]>,
}

/// The end of the time of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    end: Instant,
    timeout: Duration,
}

impl Deadline {
    pub(crate) fn after(timeout: Duration) -> Self {
        Self { end: Instant::now() + timeout, timeout }
    }

    /// The time that is left, or the error when there is none.
    pub(crate) fn left(&self) -> Result<Duration, FetchError> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.missed()) } else { Ok(left) }
    }

    fn missed(&self) -> FetchError {
        FetchError::TimedOut(self.timeout)
    }
}

/// The connections of a session.
pub(crate) struct Client {
    agent: Agent,
    watch: Arc<Watch>,
    response_bytes_max: usize,
}

impl Client {
    pub(crate) fn new(shared: &Shared, cancel: Cancel, verify: bool, secure: bool) -> Self {
        let watch = Arc::new(Watch::new(cancel));
        let mut tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .disable_verification(!verify);
        // Reading the machine's authorities takes a while.
        if secure && verify {
            tls = tls.root_certs(shared.roots());
        }
        let proxy = Proxy::try_from_env()
            .filter(|proxy| matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https));
        let config = Agent::config_builder()
            .tls_config(tls.build())
            .proxy(proxy)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(AutoHeaderValue::None)
            .accept(AutoHeaderValue::None)
            .accept_encoding(AutoHeaderValue::None)
            .max_response_header_size(HEADER_BYTES_MAX)
            .timeout_resolve(Some(CONNECT_TIMEOUT_MAX))
            .timeout_connect(Some(CONNECT_TIMEOUT_MAX))
            .timeout_per_write(Some(WRITE_TIMEOUT_MAX))
            .build();
        let agent = Agent::with_parts(config, connector(&watch), DefaultResolver::default());
        Self { agent, watch, response_bytes_max: shared.response_bytes_max }
    }

    /// Sends a message and reads the whole answer.
    pub(crate) fn exchange(
        &self,
        message: &Message<'_>,
        deadline: Deadline,
    ) -> Result<FetchResponse, FetchError> {
        let left = deadline.left()?;
        self.watch.enter(Phase::Resolving);
        let response = self.send(message, left)?.map_err(|error| self.describe(error, deadline))?;
        let status = response.status().as_u16();
        let mut headers = Vec::with_capacity(response.headers().len());
        for (name, value) in response.headers() {
            headers.push((name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
        }
        let body = self.read(response.into_body(), deadline)?;
        let mut answer = FetchResponse { status, headers, body: Vec::new() };
        let encoding = answer.header("content-encoding").unwrap_or_default();
        answer.body = content::decode(encoding, body, self.response_bytes_max)?;
        Ok(answer)
    }

    fn send(
        &self,
        message: &Message<'_>,
        left: Duration,
    ) -> Result<Result<Response<Body>, Error>, FetchError> {
        let mut headers = Vec::with_capacity(message.headers.len());
        for (name, value) in &message.headers {
            let refuse = || FetchError::InvalidHeader(name.clone());
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| refuse())?;
            headers.push((name, HeaderValue::from_bytes(value.as_bytes()).map_err(|_| refuse())?));
        }
        let (agent, url) = (&self.agent, message.address.url());
        let with_body = |builder: RequestBuilder<WithBody>| {
            let builder = complete(builder, headers.clone(), left);
            builder.send(message.body.unwrap_or_default())
        };
        Ok(match message.method {
            FetchMethod::Get => complete(agent.get(url), headers, left).call(),
            FetchMethod::Head => complete(agent.head(url), headers, left).call(),
            FetchMethod::Post => with_body(agent.post(url)),
            FetchMethod::Put => with_body(agent.put(url)),
            FetchMethod::Patch => with_body(agent.patch(url)),
            FetchMethod::Delete if message.body.is_some() => with_body(agent.delete(url).force_send_body()),
            FetchMethod::Delete => complete(agent.delete(url), headers, left).call(),
        })
    }

    fn read(&self, body: Body, deadline: Deadline) -> Result<Vec<u8>, FetchError> {
        let bytes_max = self.response_bytes_max;
        let mut reader = body.into_reader();
        let (mut bytes, mut chunk) = (Vec::new(), vec![0; READ_BYTES]);
        loop {
            let length =
                reader.read(&mut chunk).map_err(|error| self.describe(Error::from(error), deadline))?;
            if length == 0 {
                return Ok(bytes);
            }
            bytes.extend_from_slice(chunk.get(..length).unwrap_or_default());
            if bytes.len() > bytes_max {
                return Err(FetchError::ResponseTooLarge { bytes_max });
            }
            if self.watch.cancel.is_cancelled() {
                return Err(FetchError::Cancelled);
            }
        }
    }

    /// What went wrong, as users know it.
    fn describe(&self, error: Error, deadline: Deadline) -> FetchError {
        if self.watch.cancel.is_cancelled() {
            return FetchError::Cancelled;
        }
        match error {
            Error::Timeout(Timeout::Global) => deadline.missed(),
            Error::Timeout(Timeout::Resolve) | Error::HostNotFound => FetchError::Resolve,
            Error::Timeout(_) if deadline.left().is_err() => deadline.missed(),
            Error::BadUri(_) => FetchError::MalformedUrl,
            Error::Http(_) => FetchError::MalformedUrl,
            Error::Protocol(_) => FetchError::Protocol,
            Error::LargeResponseHeader(..) => FetchError::ResponseTooLarge { bytes_max: HEADER_BYTES_MAX },
            Error::Rustls(error) => tls_failure(&error),
            Error::Tls(_) | Error::Pem(_) | Error::TlsRequired => FetchError::Tls,
            Error::Io(error) => match error.get_ref().and_then(|inner| inner.downcast_ref()) {
                Some(error) => tls_failure(error),
                None => self.broken(),
            },
            _ => self.broken(),
        }
    }

    /// A connection that broke, by how far the request came.
    fn broken(&self) -> FetchError {
        match self.watch.phase() {
            Phase::Resolving => FetchError::Resolve,
            Phase::Connecting => FetchError::Connect,
            Phase::Sending => FetchError::Send,
            Phase::Receiving => FetchError::Receive,
        }
    }
}

fn tls_failure(error: &rustls::Error) -> FetchError {
    match error {
        rustls::Error::InvalidCertificate(_) => FetchError::Certificate,
        _ => FetchError::Tls,
    }
}

fn complete<Any>(
    mut builder: RequestBuilder<Any>,
    headers: Vec<(HeaderName, HeaderValue)>,
    left: Duration,
) -> RequestBuilder<Any> {
    for (name, value) in headers {
        builder = builder.header(name, value);
    }
    builder.config().timeout_global(Some(left)).build()
}
