//! A set as one tar file, which is written while it is sent.

use std::fs::File;
use std::io::{self, Read, Write};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use photondb_server::backups::SetReport;
use tokio::sync::mpsc::Sender;

use super::{AdminBackups, SetPath};
use crate::door::Shared;
use crate::error::HttpError;
use crate::extract::Named;
use crate::limits::STREAM_PARTS_MAX;
use crate::live::ChannelBody;

/// Backups are compressed already: what is sent is not compressed again.
pub(crate) const MEDIA_TYPE: &str = "application/x-tar";
/// What everything in a tar file is a multiple of.
const BLOCK_BYTES: u64 = 512;
/// Bytes that are sent together.
const PART_BYTES: usize = 256 * 1024;
const FILE_MODE: u32 = 0o600;

pub(super) async fn download(
    State(shared): State<Arc<Shared>>,
    AdminBackups(backups): AdminBackups,
    Named(SetPath { set }): Named<SetPath>,
) -> Result<Response, HttpError> {
    let set = shared.context.workers.run(move || backups.set(&set)).await??;
    let name = format!("attachment; filename=\"photondb-{}.tar\"", set.name);
    let name = HeaderValue::from_str(&name).map_err(|error| HttpError::bad_request(error.to_string()))?;
    let head = [
        (CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)),
        (CONTENT_LENGTH, HeaderValue::from(tar_bytes(&set))),
        (CONTENT_DISPOSITION, name),
    ];
    let (parts, body) = ChannelBody::open(STREAM_PARTS_MAX);
    // Not one of the workers: it takes as long as the client reads.
    tokio::task::spawn_blocking(move || {
        if let Err(error) = write_tar(&set, Parts(parts.clone())) {
            tracing::info!(%error, set = set.name, "a download of a backup was broken off");
            // Without its proper end nobody takes it for whole. Fails when nobody reads any more.
            drop(parts.blocking_send(Err(error)));
        }
    });
    Ok((head, body).into_response())
}

/// Length of the tar file: a head for each file, each filled up, and two empty blocks.
fn tar_bytes(set: &SetReport) -> u64 {
    let files = set.files.iter().map(|file| BLOCK_BYTES + file.bytes.next_multiple_of(BLOCK_BYTES));
    files.sum::<u64>() + 2 * BLOCK_BYTES
}

fn write_tar(set: &SetReport, parts: Parts) -> io::Result<()> {
    let mut tar = tar::Builder::new(io::BufWriter::with_capacity(PART_BYTES, parts));
    for file in &set.files {
        let mut header = tar::Header::new_ustar();
        header.set_size(file.bytes);
        header.set_mode(FILE_MODE);
        header.set_mtime(file.time_ms / 1000);
        let content = File::open(&file.path)?.take(file.bytes);
        tar.append_data(&mut header, format!("{}/{}", set.name, file.name), content)?;
    }
    tar.into_inner()?.flush()
}

/// Sends what is written into it.
struct Parts(Sender<io::Result<Bytes>>);

impl Write for Parts {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = Bytes::copy_from_slice(bytes);
        self.0.blocking_send(Ok(part)).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
