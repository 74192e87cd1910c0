//! Slowing down those who guess passwords.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use photondb_datum::Text;

/// Wrong passwords of one client within [`WINDOW`], for one user and for all users together.
pub const FAILURES_PER_USER_MAX: u32 = 10;
pub const FAILURES_PER_CLIENT_MAX: u32 = 50;
/// How long a wrong password counts.
const WINDOW: Duration = Duration::from_secs(60);
/// Clients that are remembered. Above it those are forgotten who guessed once, then all.
const REMEMBERED_MAX: usize = 10_000;

/// The wrong passwords of the last minute.
#[derive(Default)]
pub(super) struct Throttle {
    failures: Mutex<HashMap<Guesser, Failures>>,
}

/// Who guesses: a client, for one user or for any.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Guesser {
    network: IpAddr,
    user: Option<Text>,
}

#[derive(Clone, Copy, Debug)]
struct Failures {
    since: Instant,
    count: u32,
}

impl Throttle {
    /// How long a client has to wait before it may try again, if it has to.
    pub(super) fn wait(&self, client: IpAddr, user: &str, now: Instant) -> Option<Duration> {
        let failures = self.failures.lock();
        guessers(client, user)
            .into_iter()
            .filter_map(|(guesser, max)| {
                let known = failures.get(&guesser).filter(|known| known.count >= max)?;
                WINDOW.checked_sub(now.duration_since(known.since))
            })
            .max()
    }

    /// Notes a wrong password.
    pub(super) fn failed(&self, client: IpAddr, user: &str, now: Instant) {
        let mut failures = self.failures.lock();
        if failures.len() >= REMEMBERED_MAX {
            failures.retain(|_, known| now.duration_since(known.since) < WINDOW);
        }
        if failures.len() >= REMEMBERED_MAX {
            failures.retain(|_, known| known.count > 1);
        }
        if failures.len() >= REMEMBERED_MAX {
            failures.clear();
        }
        for (guesser, _) in guessers(client, user) {
            let known = failures.entry(guesser).or_insert(Failures { since: now, count: 0 });
            if now.duration_since(known.since) >= WINDOW {
                *known = Failures { since: now, count: 0 };
            }
            known.count += 1;
        }
    }
}

fn guessers(client: IpAddr, user: &str) -> [(Guesser, u32); 2] {
    let network = network(client);
    [
        (Guesser { network, user: Some(user.into()) }, FAILURES_PER_USER_MAX),
        (Guesser { network, user: None }, FAILURES_PER_CLIENT_MAX),
    ]
}

/// Who has one address of the newer kind has the whole network around it.
fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_slowed_down_and_forgiven() {
        let throttle = Throttle::default();
        let (client, other): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let start = Instant::now();
        for _ in 0..FAILURES_PER_USER_MAX {
            assert_eq!(throttle.wait(client, "admin", start), None);
            throttle.failed(client, "admin", start);
        }
        assert_eq!(throttle.wait(client, "admin", start), Some(WINDOW));
        assert_eq!(throttle.wait(client, "eve", start), None, "another user");
        assert_eq!(throttle.wait(other, "admin", start), None, "another client");
        assert_eq!(throttle.wait(client, "admin", start + WINDOW + Duration::from_millis(1)), None);
        for number in 0..FAILURES_PER_CLIENT_MAX {
            throttle.failed(other, &number.to_string(), start);
        }
        assert!(throttle.wait(other, "anybody", start).is_some());
    }

    #[test]
    fn a_network_is_one_client() {
        let parse = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(network(parse("2001:db8::1")), network(parse("2001:db8::ffff:2")));
        assert_ne!(network(parse("2001:db8::1")), network(parse("2001:db8:0:1::1")));
        assert_eq!(network(parse("::ffff:10.0.0.1")), parse("10.0.0.1"));
    }

    #[test]
    fn memory_is_bounded() {
        let throttle = Throttle::default();
        let now = Instant::now();
        for number in 0..REMEMBERED_MAX as u32 * 2 {
            let client = IpAddr::from((number / 2).to_be_bytes());
            throttle.failed(client, if number % 3 == 0 { "admin" } else { "eve" }, now);
            assert!(throttle.failures.lock().len() <= REMEMBERED_MAX + 1);
        }
    }
}
