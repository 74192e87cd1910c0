//! Which path leads where.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::time::timeout;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::access_log::{self, REQUEST_ID};
use crate::caller::CSRF_HEADER;
use crate::door::Shared;
use crate::error::HttpError;
use crate::limits::{REQUEST_TIMEOUT, REQUESTS_MAX};
use crate::options::HttpOptions;
use crate::{backups, bundle, health, live, login, metrics, openapi, query, resources, terms};

/// How long browsers remember what another origin may do.
const CORS_AGE: Duration = Duration::from_secs(3600);

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let api = Router::new()
        .route("/api/query", post(query::ask))
        .route("/api/cursors/{id}", get(query::next).delete(query::close))
        .route("/api/terms", get(terms::terms))
        .route("/api/session", get(login::session))
        .route("/api/openapi.json", get(openapi::document))
        .route("/_metrics", get(metrics::metrics))
        .route("/api/login", post(login::log_in))
        .route("/api/logout", post(login::log_out))
        .merge(resources::routes())
        .merge(backups::routes())
        .layer(from_fn(limit_time))
        .merge(resources::unhurried_routes())
        .layer(from_fn_with_state(Arc::clone(&shared), limit_number));
    let open = Router::new()
        .route("/api/ws", get(live::open))
        .route("/api/changes", get(live::changes))
        .route("/", get(bundle::welcome))
        .route("/_admin", get(bundle::redirect))
        .route("/_admin/", get(bundle::index))
        .route("/_admin/{*path}", get(bundle::file))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/health/startup", get(health::startup))
        .route("/_health", get(health::live))
        .route("/_ready", get(health::ready));
    api.merge(open)
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .with_state(Arc::clone(&shared))
        .layer(CompressionLayer::new().compress_when(compressible()))
        .layer(cors(&shared.door.options))
        .layer(CatchPanicLayer::custom(crashed))
        .layer(from_fn_with_state(shared, access_log::around))
}

/// Works on so many requests at a time.
async fn limit_number(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let Ok(_permit) = Arc::clone(&shared.door.requests).try_acquire_owned() else {
        let message = format!("The server works on {REQUESTS_MAX} requests already.");
        return HttpError::busy(message, 1).into_response();
    };
    next.run(request).await
}

/// Works on a request for so long.
async fn limit_time(request: Request, next: Next) -> Response {
    match timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let seconds = REQUEST_TIMEOUT.as_secs();
            let message = format!("The request took longer than {seconds} seconds and was cancelled.");
            HttpError::timeout(StatusCode::GATEWAY_TIMEOUT, message).into_response()
        }
    }
}

/// What is worth compressing.
fn compressible() -> impl Predicate {
    DefaultPredicate::new().and(NotForContentType::const_new(backups::TAR))
}

/// What pages of other origins may do. Cookies are never for them.
fn cors(options: &HttpOptions) -> CorsLayer {
    let origins = if options.trusts_all() {
        AllowOrigin::any()
    } else {
        let named = options
            .cors_origins
            .iter()
            .filter_map(|origin| HeaderValue::from_str(origin.trim_end_matches('/')).ok());
        AllowOrigin::list(named)
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            HeaderName::from_static(CSRF_HEADER),
            HeaderName::from_static("last-event-id"),
            REQUEST_ID,
        ])
        .expose_headers([REQUEST_ID])
        .max_age(CORS_AGE)
}

async fn unknown(request: Request) -> HttpError {
    HttpError::not_found(format!("There is nothing at {}.", request.uri().path()))
}

async fn wrong_method(request: Request) -> HttpError {
    let message = format!("{} is not for {}.", request.uri().path(), request.method());
    HttpError::new(StatusCode::METHOD_NOT_ALLOWED, "BadRequest", message)
}

fn crashed(panic: Box<dyn std::any::Any + Send>) -> Response {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(panic = text, "a request crashed");
    HttpError::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal", "The request crashed in the server.")
        .into_response()
}
