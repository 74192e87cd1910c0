//! Databases, tables and documents as resources.

mod support;

use photondb_datum::{Datum, message_pack};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use support::{Fixture, Reply, send};

async fn call(fixture: &Fixture, method: Method, path: &str, body: Value) -> Reply {
    send(fixture.request(method, path).json(&body)).await
}

async fn delete(fixture: &Fixture, path: &str) -> Reply {
    send(fixture.request(Method::DELETE, path)).await
}

/// A table with so many documents, `{id: n, even: bool, name: "n"}`.
async fn with_rows(count: usize) -> Fixture {
    let fixture = Fixture::start().await;
    fixture.result("r.tableCreate('t')").await;
    let rows = format!(
        "r.range({count}).map(n => ({{id: n, even: n.mod(2).eq(0), name: n.coerceTo('string')}})).coerceTo('array')"
    );
    fixture.result(&format!("r.table('t').insert({rows})")).await;
    fixture
}

fn ids(page: &Value) -> Vec<i64> {
    let rows = page["documents"].as_array().unwrap_or_else(|| panic!("{page}"));
    rows.iter().map(|row| row["id"].as_i64().expect("an id")).collect()
}

#[tokio::test]
async fn databases_and_tables_come_and_go() {
    let fixture = Fixture::start().await;
    let made = call(&fixture, Method::POST, "/api/databases", json!({ "name": "shop" })).await;
    assert_eq!((made.status, made.header("location")), (StatusCode::CREATED, "/api/databases/shop"));
    let again = call(&fixture, Method::POST, "/api/databases", json!({ "name": "shop" })).await;
    assert_eq!((again.status, again.error_kind().as_str()), (StatusCode::CONFLICT, "Conflict"));
    let listed = fixture.get("/api/databases").await.json();
    assert!(listed["databases"].as_array().expect("names").contains(&json!("shop")), "{listed}");
    let table = json!({ "name": "items", "primary_key": "sku" });
    let made = call(&fixture, Method::POST, "/api/databases/shop/tables", table.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    assert_eq!(call(&fixture, Method::POST, "/api/databases/shop/tables", table).await.status, 409);
    let described = fixture.get("/api/databases/shop/tables/items").await.json();
    assert_eq!((&described["primary_key"], &described["documents"]), (&json!("sku"), &json!(0)));
    assert_eq!(fixture.get("/api/databases/shop").await.json()["tables"], json!(["items"]));
    assert_eq!(delete(&fixture, "/api/databases/shop/tables/items").await.status, StatusCode::NO_CONTENT);
    assert_eq!(delete(&fixture, "/api/databases/shop").await.status, StatusCode::NO_CONTENT);
    for path in ["/api/databases/shop", "/api/databases/shop/tables/items", "/api/tables/none"] {
        let lost = fixture.get(path).await;
        assert_eq!((lost.status, lost.error_kind().as_str()), (StatusCode::NOT_FOUND, "NotFound"), "{path}");
        assert_eq!(delete(&fixture, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let bad = call(&fixture, Method::POST, "/api/databases", json!({ "name": "no spaces" })).await;
    assert_eq!((bad.status, bad.error_kind().as_str()), (StatusCode::BAD_REQUEST, "ReqlQueryLogicError"));
    fixture.stop().await;
}

#[tokio::test]
async fn a_document_lives_its_life() {
    let fixture = Fixture::start().await;
    assert_eq!(call(&fixture, Method::POST, "/api/tables", json!({ "name": "people" })).await.status, 201);
    assert_eq!(fixture.get("/api/tables").await.json(), json!({ "tables": ["people"] }));
    let all = "/api/tables/people/documents";
    let made = call(&fixture, Method::POST, all, json!({ "name": "Ann", "tags": ["x", [1]] })).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    let location = made.header("location").to_owned();
    assert_eq!(fixture.get(&location).await.json()["tags"], json!(["x", [1]]));
    let one = format!("{all}/1");
    assert_eq!(call(&fixture, Method::PUT, &one, json!({ "a": 1 })).await.status, StatusCode::CREATED);
    assert_eq!(call(&fixture, Method::PUT, &one, json!({ "b": 2 })).await.status, StatusCode::OK);
    assert_eq!(fixture.get(&one).await.json(), json!({ "id": "1", "b": 2 }));
    assert_eq!(call(&fixture, Method::PATCH, &one, json!({ "c": { "d": 3 } })).await.status, StatusCode::OK);
    assert_eq!(fixture.get(&one).await.json(), json!({ "id": "1", "b": 2, "c": { "d": 3 } }));
    assert_eq!(call(&fixture, Method::PUT, &one, json!({ "id": "2" })).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        call(&fixture, Method::PATCH, &one, json!({ "id": "2" })).await.status,
        StatusCode::BAD_REQUEST
    );
    let taken = call(&fixture, Method::POST, all, json!({ "id": "1" })).await;
    assert_eq!((taken.status, taken.error_kind().as_str()), (StatusCode::CONFLICT, "Conflict"));
    let several = call(&fixture, Method::POST, all, json!([{ "id": "1" }, { "id": 7 }])).await.json();
    assert_eq!((&several["inserted"], &several["errors"]), (&json!(1), &json!(1)));
    assert_eq!(fixture.get(&format!("{all}/7?json_key=true")).await.json(), json!({ "id": 7 }));
    assert_eq!(fixture.get(&format!("{all}/7")).await.status, StatusCode::NOT_FOUND, "a string is no number");
    assert_eq!(delete(&fixture, &one).await.status, StatusCode::NO_CONTENT);
    assert_eq!(delete(&fixture, &one).await.status, StatusCode::NOT_FOUND);
    assert_eq!(call(&fixture, Method::PATCH, &one, json!({})).await.status, StatusCode::NOT_FOUND);
    for bad in [json!(1), json!("x"), json!(null)] {
        assert_eq!(call(&fixture, Method::POST, all, bad).await.status, StatusCode::BAD_REQUEST);
    }
    fixture.stop().await;
}

#[tokio::test]
async fn pages_follow_each_other() {
    let fixture = with_rows(25).await;
    let all = "/api/tables/t/documents";
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = fixture.get(&format!("{all}?limit=10&json_key=true{after}")).await.json();
        seen.extend(ids(&page));
        assert_eq!(page["more"], json!(!page["next"].is_null()), "{page}");
        if page["next"].is_null() {
            break;
        }
        after = format!("&after={}", page["next"]);
    }
    assert_eq!(seen, (0..25).collect::<Vec<_>>());
    let filtered = fixture.get(&format!("{all}?filter=%7B%22even%22:true%7D&limit=3")).await.json();
    assert_eq!((ids(&filtered), &filtered["next"]), (vec![0, 2, 4], &json!(4)));
    let sorted = fixture.get(&format!("{all}?order=-id&limit=2&skip=1&fields=name")).await.json();
    assert_eq!(sorted["documents"], json!([{ "id": 23, "name": "23" }, { "id": 22, "name": "22" }]));
    assert_eq!((&sorted["more"], &sorted["next"]), (&json!(true), &json!(null)));
    fixture.result("r.table('t').indexCreate('name')").await;
    fixture.result("r.table('t').indexWait()").await;
    assert_eq!(ids(&fixture.get(&format!("{all}?index=-name&limit=2")).await.json()), [9, 8]);
    for bad in ["limit=1001", "limit=x", "filter=1", "order=id&after=1", "color=red", "after=x&json_key=true"]
    {
        let refused = fixture.get(&format!("{all}?{bad}")).await;
        assert_eq!(
            (refused.status, refused.error_kind().as_str()),
            (StatusCode::BAD_REQUEST, "BadRequest"),
            "{bad}"
        );
    }
    assert_eq!(fixture.get(&format!("{all}?index=none")).await.status, StatusCode::BAD_REQUEST);
    fixture.stop().await;
}

#[tokio::test]
async fn documents_go_in_and_out_as_lines() {
    let fixture = Fixture::start().await;
    fixture.result("r.tableCreate('t')").await;
    let all = "/api/tables/t/documents";
    let text: String = (0..5000).map(|number| format!("{{\"id\":{number},\"text\":\"é\"}}\n")).collect();
    let post = |query: &str, text: String| {
        let request = fixture.request(Method::POST, &format!("{all}{query}"));
        send(request.header("content-type", "application/x-ndjson").body(text))
    };
    let summary = post("?durability=soft", text.clone()).await;
    assert_eq!(summary.json()["inserted"], json!(5000), "{summary:?}");
    let again = post("?conflict=replace", text.trim_end().to_owned()).await.json();
    assert_eq!((&again["unchanged"], &again["errors"]), (&json!(5000), &json!(0)));
    let lines =
        |path: String| send(fixture.request(Method::GET, &path).header("accept", "application/x-ndjson"));
    let streamed = lines(all.to_owned()).await;
    assert_eq!(streamed.header("content-type"), "application/x-ndjson");
    assert_eq!(streamed.text, text);
    assert_eq!(lines(format!("{all}?limit=2")).await.text.lines().count(), 2);
    let broken = post("", "{\"id\":-1}\n\n{\"id\":".to_owned()).await;
    assert_eq!(broken.status, StatusCode::BAD_REQUEST);
    assert!(
        broken.json()["error"]["message"].as_str().is_some_and(|text| text.contains("Line 3")),
        "{broken:?}"
    );
    let query = fixture.request(Method::POST, "/api/query").header("accept", "application/x-ndjson");
    let query = send(query.json(&json!({ "query": "r.range(10000)" }))).await;
    assert_eq!(query.text.lines().count(), 10_000);
    let value = fixture.request(Method::POST, "/api/query").header("accept", "application/x-ndjson");
    assert_eq!(send(value.json(&json!({ "query": "[1, 'x']" }))).await.text, "1\n\"x\"\n");
    fixture.stop().await;
}

#[tokio::test]
async fn resources_are_for_those_who_may() {
    let fixture = with_rows(1).await;
    fixture.result("r.db('rethinkdb').table('users').insert({id: 'eve', password: 'p'})").await;
    let eve = |method: Method, path: &str| fixture.request(method, path).basic_auth("eve", Some("p"));
    for path in ["/api/tables/t/documents", "/api/tables/t/documents/1", "/api/tables/t"] {
        let reply = send(eve(Method::GET, path)).await;
        assert_eq!(
            (reply.status, reply.error_kind().as_str()),
            (StatusCode::FORBIDDEN, "ReqlPermissionsError")
        );
    }
    let written = send(eve(Method::POST, "/api/tables/t/documents").json(&json!({}))).await;
    assert_eq!(written.status, StatusCode::FORBIDDEN);
    assert_eq!(send(eve(Method::DELETE, "/api/databases/test")).await.status, StatusCode::FORBIDDEN);
    fixture.result("r.table('t').grant('eve', {read: true})").await;
    assert_eq!(send(eve(Method::GET, "/api/tables/t/documents")).await.status, StatusCode::OK);
    let system = fixture.get("/api/databases/rethinkdb/tables/table_config/documents").await.json();
    assert_eq!(system["documents"].as_array().map(Vec::len), Some(1), "{system}");
    fixture.stop().await;
}

#[tokio::test]
async fn message_pack_is_spoken() {
    let fixture = Fixture::start().await;
    fixture.result("r.tableCreate('t')").await;
    let media_type = "application/msgpack";
    let get = |path: &str| fixture.request(Method::GET, path).header("accept", media_type);
    let document = Datum::object([("id", Datum::from("a")), ("bytes", Datum::Binary(vec![0, 255].into()))]);
    let mut packed = Vec::new();
    message_pack::write(&document, &mut packed).expect("it can be written");
    let all = "/api/tables/t/documents";
    let post = fixture.request(Method::POST, all).header("content-type", media_type);
    assert_eq!(send(post.body(packed.clone())).await.status, StatusCode::CREATED);
    let response = get(&format!("{all}/a")).send().await.expect("an answer");
    assert_eq!(response.headers()["content-type"], media_type);
    let read = message_pack::parse(&response.bytes().await.expect("all of it")).expect("MessagePack");
    assert_eq!(read, document);
    let query = fixture.request(Method::POST, "/api/query").header("accept", media_type);
    let query =
        query.json(&json!({ "query": "r.range(3)", "batch_rows": 2 })).send().await.expect("an answer");
    let answer = message_pack::parse(&query.bytes().await.expect("all of it")).expect("MessagePack");
    assert_eq!(answer.get("result"), Some(Datum::array([0, 1].map(Datum::from))));
    let cursor = answer.get("cursor").expect("a cursor");
    let next =
        get(&format!("/api/cursors/{}", cursor.as_str().expect("text"))).send().await.expect("an answer");
    let next = message_pack::parse(&next.bytes().await.expect("all of it")).expect("MessagePack");
    assert_eq!(
        (next.get("result"), next.get("more")),
        (Some(Datum::array([Datum::from(2)])), Some(false.into()))
    );
    let post = fixture.request(Method::POST, all).header("content-type", media_type);
    assert_eq!(send(post.body(vec![0xc1])).await.error_kind(), "BadRequest");
    fixture.stop().await;
}
