//! What can be asked at which path.

use serde_json::{Value, json};

/// One method of one path.
pub(super) struct Operation {
    pub method: &'static str,
    pub path: &'static str,
    pub id: &'static str,
    pub summary: &'static str,
    pub tag: &'static str,
    /// Names of [`QUERY_PARAMETERS`].
    pub parameters: &'static [&'static str],
    pub body: &'static [Payload],
    /// Status, meaning and forms of what is answered when all is well.
    pub answers: &'static [(&'static str, &'static str, &'static [Payload])],
}

/// A form of a body.
pub(super) enum Payload {
    /// JSON after a schema.
    Json(&'static str),
    /// Text of a media type.
    Text(&'static str),
    /// Other bytes of a media type.
    Bytes(&'static str),
}

/// Name, schema and meaning of what may stand behind the question mark.
type QueryParameter = (&'static str, fn() -> Value, &'static str);

pub(super) const QUERY_PARAMETERS: [QueryParameter; 12] = [
    (
        "filter",
        || json!({"type":"string","contentMediaType":"application/json"}),
        "A JSON object: documents with all of these values.",
    ),
    ("order", || json!({"type":"string"}), "A field to sort by; a minus in front means descending."),
    ("index", || json!({"type":"string"}), "An index to sort by; a minus in front means descending."),
    ("fields", || json!({"type":"string"}), "The fields that are wanted, with commas between."),
    ("after", || json!({"type":"string"}), "The key of the last document of the page before."),
    (
        "skip",
        || json!({"type":"integer","minimum":0,"maximum":1000000000}),
        "Documents to leave out at the beginning.",
    ),
    ("limit", || json!({"type":"integer","minimum":0,"maximum":1000}), "Documents of a page."),
    ("json_key", || json!({"type":"boolean"}), "Whether keys are JSON; otherwise they are strings."),
    ("durability", || json!({"enum":["hard","soft"]}), "What the write survives when it is answered."),
    (
        "conflict",
        || json!({"enum":["error","replace","update"]}),
        "What becomes of documents whose keys are taken.",
    ),
    ("query", || json!({"type":"string"}), "A changefeed as ReQL, or as a term in its JSON form."),
    ("db", || json!({"type":"string"}), "The database of tables that are named without one."),
];

const LINES: Payload = Payload::Text("application/x-ndjson");
const ANSWER: &[(&str, &str, &[Payload])] =
    &[("200", "The answer, or its first rows.", &[Payload::Json("Answer"), LINES])];
const BACKUP_TASK: &[(&str, &str, &[Payload])] = &[("202", "It has begun.", &[Payload::Json("BackupTask")])];
const NOTHING: &[(&str, &str, &[Payload])] = &[("204", "It is done.", &[])];
const WELL: &[(&str, &str, &[Payload])] = &[("200", "All is well.", &[Payload::Text("text/plain")])];
const SUMMARY: &[(&str, &str, &[Payload])] = &[("200", "What was done.", &[Payload::Json("Summary")])];
const TABLE: &[(&str, &str, &[Payload])] = &[("200", "The table.", &[Payload::Json("Table")])];
const TABLES: &[(&str, &str, &[Payload])] =
    &[("200", "The names of the tables.", &[Payload::Json("Tables")])];
const PAGE: &[(&str, &str, &[Payload])] = &[("200", "The documents.", &[Payload::Json("Page"), LINES])];
const DOCUMENT: &[(&str, &str, &[Payload])] = &[("200", "The document.", &[Payload::Json("Document")])];
const SESSION: &[(&str, &str, &[Payload])] = &[("200", "Who is logged in.", &[Payload::Json("Session")])];
const NEW_TABLE: &[(&str, &str, &[Payload])] = &[("201", "The new table.", &[Payload::Json("Table")])];
const PUT: &[(&str, &str, &[Payload])] = &[
    ("200", "The document was replaced.", &[Payload::Json("Summary")]),
    ("201", "The document is new.", &[Payload::Json("Summary")]),
];
const INSERTED: &[(&str, &str, &[Payload])] = &[
    ("200", "What was done with several documents.", &[Payload::Json("Summary")]),
    ("201", "The document is new.", &[Payload::Json("Summary")]),
];
const PAGE_PARAMETERS: &[&str] =
    &["filter", "order", "index", "fields", "after", "skip", "limit", "json_key"];
const WRITE_PARAMETERS: &[&str] = &["durability", "json_key"];

macro_rules! operations {
    ($($method:literal $path:literal $id:literal $tag:literal $summary:literal [$($parameters:expr)?] [$($body:expr),*] $answers:expr;)+) => {
        /// All of them.
        pub(super) const OPERATIONS: &[Operation] = &[$(Operation {
            method: $method,
            path: $path,
            id: $id,
            summary: $summary,
            tag: $tag,
            parameters: operations!(@parameters $($parameters)?),
            body: &[$($body),*],
            answers: $answers,
        },)+];
    };
    (@parameters) => { &[] };
    (@parameters $parameters:expr) => { $parameters };
}

operations! {
    "post" "/api/query" "query" "queries" "Runs a query." [] [Payload::Json("Query"), Payload::Text("text/plain")] ANSWER;
    "get" "/api/cursors/{id}" "nextRows" "queries" "The next rows of a long answer." [] [] ANSWER;
    "delete" "/api/cursors/{id}" "closeCursor" "queries" "Forgets the rest of a long answer." [] [] NOTHING;
    "get" "/api/changes" "changes" "queries" "The changes of a query as server-sent events." [&["query", "db"]] [] &[("200", "Events.", &[Payload::Text("text/event-stream")])];
    "get" "/api/terms" "terms" "queries" "The terms of the language." [] [] &[("200", "All terms.", &[Payload::Json("Terms")])];
    "get" "/api/session" "session" "sessions" "Who is logged in." [] [] SESSION;
    "post" "/api/login" "logIn" "sessions" "Logs in with a password; sets a cookie." [] [Payload::Json("Credentials")] SESSION;
    "post" "/api/logout" "logOut" "sessions" "Ends the session of the cookie." [] [] SESSION;
    "get" "/api/databases" "databases" "resources" "The names of the databases." [] [] &[("200", "The names.", &[Payload::Json("Databases")])];
    "post" "/api/databases" "createDatabase" "resources" "Makes a database." [] [Payload::Json("NewDatabase")] &[("201", "The new database.", &[Payload::Json("NewDatabase")])];
    "get" "/api/databases/{db}" "database" "resources" "A database and its tables." [] [] &[("200", "The database.", &[Payload::Json("Database")])];
    "delete" "/api/databases/{db}" "dropDatabase" "resources" "Drops a database with its tables." [] [] NOTHING;
    "get" "/api/databases/{db}/tables" "tables" "resources" "The names of the tables of a database." [] [] TABLES;
    "post" "/api/databases/{db}/tables" "createTable" "resources" "Makes a table." [] [Payload::Json("NewTable")] NEW_TABLE;
    "get" "/api/databases/{db}/tables/{table}" "table" "resources" "A table." [] [] TABLE;
    "delete" "/api/databases/{db}/tables/{table}" "dropTable" "resources" "Drops a table with its documents." [] [] NOTHING;
    "get" "/api/databases/{db}/tables/{table}/documents" "documents" "resources" "A page of documents." [PAGE_PARAMETERS] [] PAGE;
    "post" "/api/databases/{db}/tables/{table}/documents" "insertDocuments" "resources" "Inserts documents." [&["durability", "conflict"]] [Payload::Json("Documents"), LINES] INSERTED;
    "get" "/api/databases/{db}/tables/{table}/documents/{id}" "document" "resources" "A document." [&["json_key"]] [] DOCUMENT;
    "put" "/api/databases/{db}/tables/{table}/documents/{id}" "putDocument" "resources" "Makes or replaces a document." [WRITE_PARAMETERS] [Payload::Json("Document")] PUT;
    "patch" "/api/databases/{db}/tables/{table}/documents/{id}" "updateDocument" "resources" "Merges fields into a document." [WRITE_PARAMETERS] [Payload::Json("Document")] SUMMARY;
    "delete" "/api/databases/{db}/tables/{table}/documents/{id}" "deleteDocument" "resources" "Deletes a document." [WRITE_PARAMETERS] [] NOTHING;
    "get" "/api/tables" "defaultTables" "resources" "The names of the tables of the database `test`." [] [] TABLES;
    "post" "/api/tables" "createDefaultTable" "resources" "Makes a table in the database `test`." [] [Payload::Json("NewTable")] NEW_TABLE;
    "get" "/api/tables/{table}" "defaultTable" "resources" "A table of the database `test`." [] [] TABLE;
    "delete" "/api/tables/{table}" "dropDefaultTable" "resources" "Drops a table of the database `test`." [] [] NOTHING;
    "get" "/api/tables/{table}/documents" "defaultDocuments" "resources" "A page of documents." [PAGE_PARAMETERS] [] PAGE;
    "post" "/api/tables/{table}/documents" "insertDefaultDocuments" "resources" "Inserts documents." [&["durability", "conflict"]] [Payload::Json("Documents"), LINES] INSERTED;
    "get" "/api/tables/{table}/documents/{id}" "defaultDocument" "resources" "A document." [&["json_key"]] [] DOCUMENT;
    "put" "/api/tables/{table}/documents/{id}" "putDefaultDocument" "resources" "Makes or replaces a document." [WRITE_PARAMETERS] [Payload::Json("Document")] PUT;
    "patch" "/api/tables/{table}/documents/{id}" "updateDefaultDocument" "resources" "Merges fields into a document." [WRITE_PARAMETERS] [Payload::Json("Document")] SUMMARY;
    "delete" "/api/tables/{table}/documents/{id}" "deleteDefaultDocument" "resources" "Deletes a document." [WRITE_PARAMETERS] [] NOTHING;
    "get" "/api/backups" "backups" "backups" "The backups that the server keeps, and what is done with them." [] [] &[("200", "The backups, the newest first.", &[Payload::Json("Backups")])];
    "post" "/api/backups" "startBackup" "backups" "Begins a backup; there is one at a time." [] [Payload::Json("NewBackup")] BACKUP_TASK;
    "get" "/api/backups/running" "runningBackup" "backups" "How far the backup is, or the verification." [] [] &[("200", "How far it is.", &[Payload::Json("BackupTask")])];
    "delete" "/api/backups/running" "cancelBackup" "backups" "Ends the backup or the verification." [] [] NOTHING;
    "get" "/api/backups/sets/{set}" "backup" "backups" "A backup and its files." [] [] &[("200", "The backup.", &[Payload::Json("BackupSet")])];
    "delete" "/api/backups/sets/{set}" "deleteBackup" "backups" "Deletes a backup with all its files." [] [] NOTHING;
    "post" "/api/backups/sets/{set}/verify" "verifyBackup" "backups" "Begins to read every byte of a backup." [] [] BACKUP_TASK;
    "get" "/api/backups/sets/{set}/download" "downloadBackup" "backups" "A backup as a tar file." [] [] &[("200", "The files.", &[Payload::Bytes("application/x-tar")])];
    "get" "/health/live" "live" "health" "Whether the process answers." [] [] WELL;
    "get" "/health/ready" "ready" "health" "Whether requests may be sent here." [] [] WELL;
    "get" "/health/startup" "startup" "health" "Whether the server has started." [] [] WELL;
    "get" "/_metrics" "metrics" "health" "Metrics in the text format of Prometheus." [] [] WELL;
}
