//! `r.http` with a real client and a server on this machine.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::thread;

use photondb::{Database, DatabaseOptions};

/// A server of pages of one number each, up to the third; gives its address.
fn start() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let own = address.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(stream);
            let mut request = String::new();
            while reader.read_line(&mut request).is_ok_and(|length| length > 2) {}
            let page = request.split(['/', ' ']).nth(2).and_then(|page| page.parse().ok()).unwrap_or(0);
            let answer = match page {
                1..=3 => {
                    let link = format!("Link: <http://{own}/{}>; rel=\"next\"\r\n", page + 1);
                    let link = if page < 3 { link } else { String::new() };
                    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 3\r\n";
                    format!("{head}Connection: close\r\n{link}\r\n[{page}]")
                }
                _ => "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".to_owned(),
            };
            reader.get_mut().write_all(answer.as_bytes()).expect("it listens");
        }
    });
    address
}

#[test]
fn pages_become_rows_and_failures_errors() {
    let database = Database::open(&DatabaseOptions::in_memory()).expect("it opens");
    let address = start();
    let rows = |term: &str| {
        let rows = database.run(term).map_err(|error| error.to_string())?;
        Ok(rows.iter().map(|row| row.print()).collect::<Vec<_>>().join(" "))
    };
    let page = format!("[170,[[153,[\"{address}/1\"]],0]]");
    assert_eq!(rows(&page), Ok("1".to_owned()));
    let pages = format!("[153,[\"{address}/1\"],{{\"page\":\"link-next\",\"page_limit\":-1}}]");
    assert_eq!(rows(&pages), Ok("1 2 3".to_owned()));
    let error: Result<String, String> = rows(&format!("[153,[\"{address}/9\"]]"));
    let message = format!("Error in HTTP GET of `{address}/9`: status code 404.");
    assert!(error.as_ref().is_err_and(|text| text.contains(&message)), "{error:?}");
    assert_eq!(rows(&format!("[92,[[153,[\"{address}/9\"]],7]]")), Ok("7".to_owned()));
}
