//! The requests of one `r.http`: tries, redirects, credentials, cookies.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use photondb_base::Cancel;
use photondb_exec::{
    AuthenticationScheme, FetchBody, FetchCredentials, FetchError, FetchMethod, FetchRequest, FetchResponse,
    FetchSession,
};

use crate::Shared;
use crate::address::{Address, encode_form};
use crate::content;
use crate::cookies::CookieJar;
use crate::digest::{Challenge, Subject};
use crate::exchange::{Client, Deadline, Message};

/// How servers are told who asks.
const USER_AGENT: &str = concat!("PhotonDB/", env!("CARGO_PKG_VERSION"));
/// The pause before the second try; each later one is twice as long, up to the longest.
const PAUSE_FIRST_MS: u64 = 10;
const PAUSE_MS_MAX: u64 = 1000;
/// How long a cancelled query may go on pausing.
const PAUSE_SLICE_MS: u64 = 50;
/// Answers to one challenge after another.
const CHALLENGES_MAX: u32 = 2;

/// Cookies and connections of one `r.http`.
pub(crate) struct Session {
    shared: Arc<Shared>,
    cancel: Cancel,
    /// One client for each kind of address and trust.
    clients: Vec<((bool, bool), Client)>,
    cookies: CookieJar,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, cancel: Cancel) -> Self {
        Self { shared, cancel, clients: Vec::new(), cookies: CookieJar::default() }
    }
}

impl FetchSession for Session {
    fn fetch(&mut self, request: &FetchRequest) -> Result<FetchResponse, FetchError> {
        if request.attempts == 0 {
            return Err(FetchError::NoAttempts);
        }
        let start = Hop::new(request)?;
        let _permit = self.shared.permit()?;
        let deadline = Deadline::after(request.timeout);
        let mut pause_ms = PAUSE_FIRST_MS;
        let mut attempts_left = request.attempts;
        loop {
            let outcome = self.follow(request, start.clone(), deadline);
            attempts_left -= 1;
            if attempts_left == 0 || !may_pass(&outcome) {
                return outcome;
            }
            self.pause(Duration::from_millis(pause_ms), deadline)?;
            pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
        }
    }
}

/// A request on its way from redirect to redirect.
#[derive(Clone)]
struct Hop {
    method: FetchMethod,
    address: Address,
    headers: Vec<(String, Option<String>)>,
    body: Option<Vec<u8>>,
    credentials: Option<FetchCredentials>,
}

impl Hop {
    fn new(request: &FetchRequest) -> Result<Self, FetchError> {
        let address = Address::parse(&request.url)?.with_parameters(&request.parameters);
        let mut headers = Vec::new();
        let body = match &request.body {
            FetchBody::Empty => None,
            FetchBody::Bytes(bytes) => Some(bytes.clone()),
            FetchBody::Form(fields) => Some(encode_form(fields).into_bytes()),
        };
        if request.method == FetchMethod::Post && body.is_some() {
            let form = "application/x-www-form-urlencoded".to_owned();
            headers.push(("Content-Type".to_owned(), Some(form)));
        }
        headers.extend(request.headers.iter().cloned());
        let credentials = request.credentials.clone().or_else(|| {
            let (user, password) = address.user().cloned()?;
            Some(FetchCredentials { scheme: AuthenticationScheme::Basic, user, password })
        });
        Ok(Self { method: request.method, address, headers, body, credentials })
    }

    /// The request that a redirect asks for.
    fn redirected(mut self, status: u16, address: Address) -> Self {
        let to_get = match status {
            301 | 302 => self.method == FetchMethod::Post,
            303 => self.method != FetchMethod::Head,
            _ => false,
        };
        if to_get {
            self.method = FetchMethod::Get;
            self.body = None;
            self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
        }
        if !self.address.same_origin(&address) {
            self.credentials = None;
            let secret = ["authorization", "cookie", "proxy-authorization", "host"];
            self.headers.retain(|(name, _)| !secret.iter().any(|known| name.eq_ignore_ascii_case(known)));
        }
        self.address = address;
        self
    }

    /// The header lines to send: the user's win over ours.
    fn header_lines(&self, cookies: Option<String>, authorization: Option<String>) -> Vec<(String, String)> {
        // The framing is ours: a length that is not that of the body would leave both sides waiting.
        let framing = ["content-length", "transfer-encoding"];
        let mut lines: Vec<(String, String)> = Vec::new();
        for (name, value) in &self.headers {
            if framing.iter().any(|known| name.eq_ignore_ascii_case(known)) {
                continue;
            }
            let single = ["content-type", "host"].iter().any(|known| name.eq_ignore_ascii_case(known));
            if single || value.is_none() {
                lines.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
            }
            if let Some(value) = value {
                lines.push((name.clone(), value.clone()));
            }
        }
        let defaults = [
            ("User-Agent", Some(USER_AGENT.to_owned())),
            ("Accept", Some("*/*".to_owned())),
            ("Accept-Encoding", Some(content::ACCEPTED.to_owned())),
            ("Authorization", authorization),
        ];
        for (name, value) in defaults {
            let said = self.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name));
            if let (Some(value), false) = (value, said) {
                lines.push((name.to_owned(), value));
            }
        }
        if let Some(cookies) = cookies {
            match lines.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case("cookie")) {
                Some((_, own)) => *own = format!("{cookies}; {own}"),
                None => lines.push(("Cookie".to_owned(), cookies)),
            }
        }
        lines
    }
}

impl Session {
    /// One try with all its redirects.
    fn follow(
        &mut self,
        request: &FetchRequest,
        mut hop: Hop,
        deadline: Deadline,
    ) -> Result<FetchResponse, FetchError> {
        let mut redirects_left = request.redirects;
        loop {
            let response = self.prove(request, &hop, deadline)?;
            let location = match response.status {
                301 | 302 | 303 | 307 | 308 if request.redirects > 0 => response.header("location"),
                _ => None,
            };
            let Some(location) = location else { return Ok(response) };
            let address = hop.address.join(location)?;
            redirects_left = redirects_left.checked_sub(1).ok_or(FetchError::TooManyRedirects)?;
            hop = hop.redirected(response.status, address);
        }
    }

    /// One request, a second time with credentials where the server challenges.
    fn prove(
        &mut self,
        request: &FetchRequest,
        hop: &Hop,
        deadline: Deadline,
    ) -> Result<FetchResponse, FetchError> {
        let credentials = match &hop.credentials {
            None => return self.exchange(request, hop, None, deadline),
            Some(credentials) if credentials.scheme == AuthenticationScheme::Basic => {
                let pair = format!("{}:{}", credentials.user, credentials.password);
                let basic = format!("Basic {}", STANDARD.encode(pair));
                return self.exchange(request, hop, Some(basic), deadline);
            }
            Some(credentials) => credentials,
        };
        let mut response = self.exchange(request, hop, None, deadline)?;
        for answered in 0..CHALLENGES_MAX {
            if response.status != 401 {
                break;
            }
            let lines = response.headers.iter().filter(|(name, _)| name == "www-authenticate");
            let challenge = Challenge::strongest(lines.map(|(_, value)| value.as_str()));
            // A second challenge means a wrong password unless it says that time has passed.
            let Some(challenge) = challenge.filter(|c| answered == 0 || c.stale) else { break };
            let subject = Subject {
                method: hop.method.name(),
                target: hop.address.path_and_query(),
                body: hop.body.as_deref().unwrap_or_default(),
            };
            let nonce = format!("{:032x}", self.shared.random.next_u128());
            let answer = challenge.answer(credentials, &subject, &nonce, 1);
            response = self.exchange(request, hop, Some(answer), deadline)?;
        }
        Ok(response)
    }

    fn exchange(
        &mut self,
        request: &FetchRequest,
        hop: &Hop,
        authorization: Option<String>,
        deadline: Deadline,
    ) -> Result<FetchResponse, FetchError> {
        if self.cancel.is_cancelled() {
            return Err(FetchError::Cancelled);
        }
        let message = Message {
            method: hop.method,
            address: &hop.address,
            headers: hop.header_lines(self.cookies.header(&hop.address), authorization),
            body: hop.body.as_deref(),
        };
        let client = self.client(hop.address.is_secure(), request.verify);
        let response = client.exchange(&message, deadline)?;
        for (name, value) in &response.headers {
            if name == "set-cookie" {
                self.cookies.store(&hop.address, value);
            }
        }
        Ok(response)
    }

    fn client(&mut self, secure: bool, verify: bool) -> &Client {
        let kind = (secure, verify);
        let position = match self.clients.iter().position(|(known, _)| *known == kind) {
            Some(position) => position,
            None => {
                let client = Client::new(&self.shared, self.cancel.clone(), verify, secure);
                self.clients.push((kind, client));
                self.clients.len() - 1
            }
        };
        &self.clients[position].1
    }

    /// Waits before another try.
    fn pause(&self, pause: Duration, deadline: Deadline) -> Result<(), FetchError> {
        let mut left = pause;
        while !left.is_zero() {
            if self.cancel.is_cancelled() {
                return Err(FetchError::Cancelled);
            }
            let step = left.min(Duration::from_millis(PAUSE_SLICE_MS)).min(deadline.left()?);
            thread::sleep(step);
            left = left.saturating_sub(step);
        }
        Ok(())
    }
}

/// Whether another try may have another outcome.
fn may_pass(outcome: &Result<FetchResponse, FetchError>) -> bool {
    match outcome {
        Ok(response) => matches!(response.status, 408 | 500 | 502 | 503 | 504),
        Err(error) => matches!(error, FetchError::Connect | FetchError::Send | FetchError::Receive),
    }
}
