//! The backups that a server keeps of itself.

mod support;

use std::path::Path;
use std::time::Instant;

use photondb::{Database, DatabaseOptions};
use photondb_backup::{BackupSet, Moment, restore_directory};
use reqwest::{Method, StatusCode};
use serde_json::json;
use support::{BACKUP_TIMEOUT, BACKUPS, Fixture, Reply, send};

async fn ask(fixture: &Fixture, method: Method, path: &str) -> Reply {
    send(fixture.request(method, &format!("{BACKUPS}{path}"))).await
}

/// The documents of the table `t` in a directory.
fn documents(directory: &Path) -> usize {
    let database = Database::open(&DatabaseOptions::directory(directory)).expect("opens");
    let rows = database.run(r#"[15,["t"]]"#).expect("the table is there");
    database.close().expect("closes");
    rows.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn sets_grow_and_are_fetched_and_restored() {
    let place = tempfile::tempdir().expect("a place");
    let fixture = Fixture::start_in(&place.path().join("data")).await;
    assert_eq!(
        fixture.begin_backup("incremental").await.status,
        StatusCode::CONFLICT,
        "there is nothing yet"
    );
    fixture.result("r.tableCreate('t')").await;
    fixture.result("r.table('t').insert(r.range(100).map(n => ({id: n})).coerceTo('array'))").await;
    fixture.back_up("automatic").await;
    fixture.result("r.table('t').insert(r.range(100, 130).map(n => ({id: n})).coerceTo('array'))").await;
    let found = fixture.back_up("automatic").await;
    let set = &found["sets"][0];
    assert_eq!(
        (set["files"].as_array().map(Vec::len), set["problems"].as_array().map(Vec::len)),
        (Some(2), Some(0))
    );
    assert!(set["first_position"].as_u64() < set["last_position"].as_u64(), "{set}");
    let found = fixture.back_up("automatic").await;
    assert_eq!(
        (&found["last"]["bytes"], found["sets"][0]["files"].as_array().map(Vec::len)),
        (&json!(0), Some(2))
    );
    let found = fixture.back_up("full").await;
    assert_eq!(found["sets"].as_array().map(Vec::len), Some(2), "a set of its own: {found}");

    // As one tar file, of the length that was announced.
    let name = found["sets"][1]["name"].as_str().expect("a name").to_owned();
    assert_eq!(ask(&fixture, Method::GET, &format!("/sets/{name}")).await.json()["name"], name.as_str());
    let request = fixture.request(Method::GET, &format!("{BACKUPS}/sets/{name}/download"));
    let response = request.send().await.expect("answers");
    assert_eq!(response.headers()["content-type"], "application/x-tar");
    let length = response.content_length();
    let bytes = response.bytes().await.expect("the whole body");
    assert_eq!(length, Some(bytes.len() as u64));
    tar::Archive::new(&bytes[..]).unpack(place.path()).expect("unpacks");
    fixture.stop_all().await;

    let set = BackupSet::open(place.path().join(&name)).expect("opens");
    let plan = set.plan(Moment::Latest).expect("it is whole");
    let restored = place.path().join("restored");
    restore_directory(&plan, &restored, &mut |_| true).expect("restores");
    assert_eq!(documents(&restored), 130);
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_one_task_at_a_time_and_it_can_be_cancelled() {
    let place = tempfile::tempdir().expect("a place");
    let fixture = Fixture::start_in(&place.path().join("data")).await;
    fixture.result("r.tableCreate('t', {durability: 'soft'})").await;
    let long = "x".repeat(2000);
    for start in (0..20_000).step_by(5000) {
        let rows = format!(
            "r.range({start}, {}).map(n => ({{id: n, s: '{long}'}})).coerceTo('array')",
            start + 5000
        );
        fixture.result(&format!("r.table('t').insert({rows})")).await;
    }
    let end = Instant::now() + BACKUP_TIMEOUT;
    let (mut was_busy, mut was_cancelled) = (false, false);
    // A task may be over before anybody gets in its way.
    while !(was_busy && was_cancelled) {
        assert!(Instant::now() < end, "busy: {was_busy}, cancelled: {was_cancelled}");
        assert_eq!(fixture.begin_backup("full").await.status, StatusCode::ACCEPTED);
        let second = fixture.begin_backup("full").await;
        was_busy |= second.status == StatusCode::CONFLICT;
        if second.status == StatusCode::ACCEPTED {
            fixture.settled_backups().await;
            continue;
        }
        let cancelled = ask(&fixture, Method::DELETE, "/running").await;
        assert!([StatusCode::NO_CONTENT, StatusCode::NOT_FOUND].contains(&cancelled.status), "{cancelled:?}");
        let before = fixture.settled_backups().await;
        was_cancelled |= before["last"]["outcome"] == "cancelled";
    }
    assert_eq!(ask(&fixture, Method::GET, "/running").await.status, StatusCode::NOT_FOUND);
    // What was cancelled left nothing behind.
    let folders = std::fs::read_dir(place.path().join("data/backups")).expect("it is there").count();
    let found = fixture.settled_backups().await;
    assert_eq!(found["sets"].as_array().map(Vec::len), Some(folders), "{found}");
    fixture.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_finished_task_did_is_in_the_answer_that_tells_its_end() {
    let place = tempfile::tempdir().expect("a place");
    let fixture = Fixture::start_in(&place.path().join("data")).await;
    fixture.result("r.tableCreate('t')").await;
    let found = fixture.back_up("full").await;
    let name = found["sets"][0]["name"].as_str().expect("a name").to_owned();
    for round in 0..100 {
        let reply = ask(&fixture, Method::POST, &format!("/sets/{name}/verify")).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
        let found = loop {
            let found = fixture.get(BACKUPS).await.json();
            if found["running"].is_null() {
                break found;
            }
        };
        assert_eq!(
            found["last"]["ended_ms"], found["sets"][0]["verification"]["at_ms"],
            "round {round}: {found}"
        );
    }
    fixture.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damage_is_found_and_told_and_sets_are_deleted() {
    let place = tempfile::tempdir().expect("a place");
    let data = place.path().join("data");
    let fixture = Fixture::start_in(&data).await;
    fixture.result("r.tableCreate('t')").await;
    fixture
        .result("r.table('t').insert(r.range(2000).map(n => ({id: n, s: r.uuid()})).coerceTo('array'))")
        .await;
    let found = fixture.back_up("full").await;
    let name = found["sets"][0]["name"].as_str().expect("a name").to_owned();
    let verify = || async {
        let reply = ask(&fixture, Method::POST, &format!("/sets/{name}/verify")).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{reply:?}");
        fixture.settled_backups().await
    };
    assert_eq!(verify().await["sets"][0]["verification"]["problems"], json!([]));
    let file = found["sets"][0]["files"][0]["name"].as_str().expect("a name");
    let path = data.join("backups").join(&name).join(file);
    let mut bytes = std::fs::read(&path).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).expect("writes");
    let found = verify().await;
    assert_eq!(found["last"]["outcome"], "damaged", "{found}");
    assert_ne!(found["sets"][0]["verification"]["problems"], json!([]));
    let issues = fixture.result("r.db('rethinkdb').table('current_issues')('type').coerceTo('array')").await;
    assert_eq!(issues, json!(["damaged_backup"]));

    // No name leads out of the folder.
    std::fs::create_dir(data.join("backups/not a set")).expect("made");
    for name in ["..", "%2e%2e", "..%2f..%2fdata", "not%20a%20set", "nowhere", "a/b"] {
        for (method, path) in [
            (Method::GET, format!("/sets/{name}")),
            (Method::DELETE, format!("/sets/{name}")),
            (Method::GET, format!("/sets/{name}/download")),
            (Method::POST, format!("/sets/{name}/verify")),
        ] {
            let reply = ask(&fixture, method.clone(), &path).await;
            let is_refused = [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&reply.status);
            assert!(is_refused, "{method} {path}: {reply:?}");
        }
    }
    assert_eq!(ask(&fixture, Method::DELETE, &format!("/sets/{name}")).await.status, StatusCode::NO_CONTENT);
    assert!(data.join("backups/not a set").exists() && !path.exists());
    assert_eq!(fixture.settled_backups().await["sets"], json!([]));
    assert_eq!(fixture.begin_backup("sometimes").await.status, StatusCode::BAD_REQUEST);
    fixture.stop_all().await;
}

#[tokio::test]
async fn a_server_without_a_disk_says_that_it_keeps_none() {
    let fixture = Fixture::start().await;
    let reply = ask(&fixture, Method::GET, "").await;
    assert_eq!((reply.status, reply.error_kind().as_str()), (StatusCode::NOT_FOUND, "NotFound"));
    assert_eq!(fixture.begin_backup("full").await.status, StatusCode::NOT_FOUND);
    fixture.stop().await;
}
