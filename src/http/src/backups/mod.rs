//! The backups that the server keeps of itself: taken, looked at and fetched over HTTP.

mod download;

use std::sync::Arc;

pub(crate) use download::MEDIA_TYPE as TAR;

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use photondb_server::backups::{
    BackupMode, Backups, BackupsError, FileReport, Finished, SetReport, TaskKind, TaskReport,
};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::body;
use crate::caller::Caller;
use crate::door::Shared;
use crate::error::HttpError;
use crate::extract::Named;

type Answer = Result<Response, HttpError>;

/// The one user who may: a backup holds all tables, and the users with their rights.
const ADMIN: &str = "admin";

/// The backups, for those who may have them.
pub(crate) struct AdminBackups(Arc<Backups>);

/// What to begin.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewBackup {
    #[serde(default)]
    mode: Mode,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Automatic,
    Full,
    Incremental,
}

/// The name of a set.
#[derive(Deserialize)]
pub(crate) struct SetPath {
    set: String,
}

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/backups", get(list).post(start))
        .route("/api/backups/running", get(running).delete(cancel))
        .route("/api/backups/sets/{set}", get(describe).delete(remove))
        .route("/api/backups/sets/{set}/verify", post(verify))
        .route("/api/backups/sets/{set}/download", get(download::download))
}

impl FromRequestParts<Arc<Shared>> for AdminBackups {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, HttpError> {
        let caller = Caller::from_request_parts(parts, shared).await?;
        if caller.user().as_str() != ADMIN {
            return Err(HttpError::forbidden(
                "Only the user `admin` may work with backups, which hold all tables and the users with their \
                 rights.",
            ));
        }
        let backups = shared.context.sources.backups.clone();
        backups.map(Self).ok_or_else(|| {
            HttpError::not_found("This server keeps no backups: its documents are in memory alone.")
        })
    }
}

async fn list(State(shared): State<Arc<Shared>>, AdminBackups(backups): AdminBackups) -> Answer {
    // The sets are read after the tasks: they show what a task that is told as finished has done.
    let (running, last) = backups.tasks();
    let found = Arc::clone(&backups);
    let sets = shared.context.workers.run(move || found.sets()).await??;
    let answer = json!({
        "directory": backups.directory().display().to_string(),
        "running": running.as_ref().map(task_json),
        "last": last.as_ref().map(finished_json),
        "sets": sets.iter().map(set_json).collect::<Vec<_>>(),
    });
    Ok(Json(answer).into_response())
}

async fn start(
    State(shared): State<Arc<Shared>>,
    AdminBackups(backups): AdminBackups,
    headers: HeaderMap,
    body: Body,
) -> Answer {
    let NewBackup { mode } = body::json(&headers, &body::read(&headers, body).await?)?;
    let mode = match mode {
        Mode::Automatic => BackupMode::Automatic,
        Mode::Full => BackupMode::Full,
        Mode::Incremental => BackupMode::IncrementalOnly,
    };
    begin(&shared, backups, TaskKind::Backup(mode)).await
}

async fn verify(
    State(shared): State<Arc<Shared>>,
    AdminBackups(backups): AdminBackups,
    Named(SetPath { set }): Named<SetPath>,
) -> Answer {
    begin(&shared, backups, TaskKind::Verify(set)).await
}

async fn begin(shared: &Shared, backups: Arc<Backups>, kind: TaskKind) -> Answer {
    let task = shared.context.workers.run(move || backups.start(kind)).await??;
    Ok((StatusCode::ACCEPTED, Json(task_json(&task))).into_response())
}

async fn running(AdminBackups(backups): AdminBackups) -> Answer {
    let task = backups.running().ok_or_else(no_task)?;
    Ok(Json(task_json(&task)).into_response())
}

async fn cancel(AdminBackups(backups): AdminBackups) -> Result<StatusCode, HttpError> {
    if backups.cancel() { Ok(StatusCode::NO_CONTENT) } else { Err(no_task()) }
}

async fn describe(
    State(shared): State<Arc<Shared>>,
    AdminBackups(backups): AdminBackups,
    Named(SetPath { set }): Named<SetPath>,
) -> Answer {
    let set = shared.context.workers.run(move || backups.set(&set)).await??;
    Ok(Json(set_json(&set)).into_response())
}

async fn remove(
    State(shared): State<Arc<Shared>>,
    AdminBackups(backups): AdminBackups,
    Named(SetPath { set }): Named<SetPath>,
) -> Result<StatusCode, HttpError> {
    shared.context.workers.run(move || backups.delete(&set)).await??;
    Ok(StatusCode::NO_CONTENT)
}

fn no_task() -> HttpError {
    HttpError::not_found("No backup is being taken or verified.")
}

impl From<BackupsError> for HttpError {
    fn from(error: BackupsError) -> Self {
        let message = error.to_string();
        match error {
            BackupsError::Busy | BackupsError::NothingToContinue => {
                Self::new(StatusCode::CONFLICT, "Conflict", message)
            }
            BackupsError::NoSuchSet(_) => Self::not_found(message),
            BackupsError::Io { .. } | BackupsError::Set(_) => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal", message)
            }
        }
    }
}

fn task_json(task: &TaskReport) -> Value {
    json!({
        "kind": task.kind.name(),
        "set": task.set,
        "started_ms": task.started_at_ms,
        "items": task.progress.items,
        "items_total": task.progress.items_total,
        "bytes": task.progress.bytes,
    })
}

fn finished_json(finished: &Finished) -> Value {
    json!({
        "kind": finished.kind.name(),
        "set": finished.set,
        "started_ms": finished.started_at_ms,
        "ended_ms": finished.ended_at_ms,
        "bytes": finished.bytes,
        "outcome": finished.outcome.name(),
        "message": finished.message,
        "problems": finished.problems,
    })
}

fn set_json(set: &SetReport) -> Value {
    let ((first, last), (first_ms, last_ms)) = (set.positions, set.times_ms);
    let verification =
        set.verification.as_ref().map(|found| json!({ "at_ms": found.at_ms, "problems": found.problems }));
    json!({
        "name": set.name,
        "directory": set.directory.display().to_string(),
        "bytes": set.bytes,
        "first_position": first,
        "last_position": last,
        "first_ms": first_ms,
        "last_ms": last_ms,
        "problems": set.problems,
        "verification": verification,
        "files": set.files.iter().map(file_json).collect::<Vec<_>>(),
    })
}

fn file_json(file: &FileReport) -> Value {
    json!({
        "name": file.name,
        "kind": file.kind,
        "bytes": file.bytes,
        "items": file.items,
        "first_position": file.positions.0,
        "last_position": file.positions.1,
        "time_ms": file.time_ms,
    })
}
