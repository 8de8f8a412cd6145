//! What only an operator may ask: which rules are in force, and that they be read again. Off unless the config names a file with
//! a token; whoever does not show it learns nothing.

use std::sync::{Arc, mpsc};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;

use super::Shown;
use crate::in_force::{Ask, Asked, Board};

/// How long whoever asks waits for the rules to be read.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the administration of rules needs.
#[derive(Debug)]
pub struct Admin {
    /// BLAKE3 of the token: hashes compare in constant time.
    token: blake3::Hash,
    board: Arc<Board>,
    /// The watch of the folder; none where rules do not change while the process runs.
    door: Option<mpsc::SyncSender<Ask>>,
}

impl Admin {
    /// For whoever shows `token`.
    pub fn new(token: &[u8], board: Arc<Board>, door: Option<mpsc::SyncSender<Ask>>) -> Self {
        Self { token: blake3::hash(token), board, door }
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
        shown.is_some_and(|token| blake3::hash(token) == self.token)
    }
}

/// `GET /admin/rules`.
pub async fn rules(State(shown): State<Shown>, headers: HeaderMap) -> Response {
    match admin(&shown, &headers) {
        Ok(admin) => answer(StatusCode::OK, &admin.board.shown()),
        Err(code) => refused(code),
    }
}

/// `POST /admin/rules/reload`.
pub async fn reload(State(shown): State<Shown>, headers: HeaderMap) -> Response {
    let admin = match admin(&shown, &headers) {
        Ok(admin) => admin,
        Err(code) => return refused(code),
    };
    let Some(door) = admin.door.clone() else {
        let reason = "rules.path and snapshots.path must be set for rules to change without a restart";
        return answer(StatusCode::CONFLICT, &json!({ "outcome": "refused", "reason": reason }));
    };
    tracing::info!("asked to read the rules again");
    let asked = spawn_blocking(move || {
        let (ask, reply) = mpsc::sync_channel(1);
        door.try_send(ask).ok()?;
        reply.recv_timeout(PATIENCE).ok()
    });
    match asked.await.ok().flatten() {
        Some(Asked::Changed) => answer(StatusCode::ACCEPTED, &json!({ "outcome": "changed" })),
        Some(Asked::Unchanged) => answer(StatusCode::OK, &json!({ "outcome": "unchanged" })),
        Some(Asked::Refused(refusal)) => {
            answer(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "outcome": "refused", "faults": refusal.0 }))
        }
        None => answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "outcome": "busy" })),
    }
}

fn admin<'s>(shown: &'s Shown, headers: &HeaderMap) -> Result<&'s Admin, StatusCode> {
    let admin = shown.admin.as_deref().ok_or(StatusCode::NOT_FOUND)?;
    if admin.admits(headers) { Ok(admin) } else { Err(StatusCode::UNAUTHORIZED) }
}

fn refused(code: StatusCode) -> Response {
    match code {
        StatusCode::UNAUTHORIZED => (code, [(header::WWW_AUTHENTICATE, "Bearer")]).into_response(),
        _ => code.into_response(),
    }
}

fn answer(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], format!("{body}\n")).into_response()
}
