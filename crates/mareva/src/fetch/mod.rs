//! Lists got from where they are published. What comes is checked whole (its size, checksum and signature, that it loads, that it may
//! follow the version that is there) before it takes the place of that; whatever is at fault, what is there stays.

mod download;
mod origin;
mod receipt;

use std::path::Path;
use std::sync::Arc;

use mareva_model::{Fault, Refusal};
use mareva_screening::LoadedList;

use crate::config::{ListFetch, ListFile};
use crate::open::{load_list, reload};
use crate::replay::WholeFile;
use download::{Body, Client};
use receipt::Receipt;

pub use receipt::checked_at;

/// What came of a list.
#[derive(Debug)]
pub enum Fetched {
    /// Its publisher says that it is as it was, or sends what is there.
    Unchanged(Arc<LoadedList>),
    /// Another version is in its place now.
    Changed { former: Option<Arc<LoadedList>>, list: Arc<LoadedList> },
}

/// Gets a list and puts it in the place of its file, where everything about it is right.
///
/// # Errors
/// Every fault of it.
pub fn fetch(file: &ListFile, source: &ListFetch) -> Result<Fetched, Refusal> {
    let path = &file.list.path;
    let client = Client::new(file, source)?;
    // First: whoever else gets it is to be done, or to wait.
    let mut out = WholeFile::create(path).map_err(|error| unwritten(file, &error))?;
    let former = former(file);
    let receipt = Receipt::read(path).filter(|receipt| receipt.is_of(source, former.as_deref()));
    let keep = |receipt: Receipt| receipt.keep(path).map_err(|error| unwritten(file, &error.into()));
    let got = client.download(receipt.as_ref(), &mut out);
    let got = got.and_then(|body| out.sync().map(|()| body).map_err(|error| unwritten(file, &error)));
    let (tags, bytes) = match got {
        Ok(Body::Sent { tags, bytes }) => (tags, bytes),
        Ok(Body::Unchanged) => {
            out.discard();
            let (Some(receipt), Some(former)) = (receipt, former) else {
                let reason = "its server says that nothing has changed, and was not asked that";
                return Err(Refusal::one(&file.key, reason, "look at the server, or at what stands between"));
            };
            return keep(receipt).map(|()| Fetched::Unchanged(former));
        }
        Err(refusal) => {
            out.discard();
            return Err(refusal);
        }
    };
    let proven = origin::check(&client, file, source, out.written());
    let list = proven.and_then(|()| load_from(out.written(), file, former.as_ref())).map_err(|mut refusal| {
        let kept = format!("{bytes} bytes came and are kept in {}", out.written().display());
        refusal.0.push(Fault::new(&file.key, kept, "look at them; the version in force stays"));
        refusal
    })?;
    let receipt = Receipt::of(source, tags, &list);
    if former.as_ref().is_some_and(|former| Arc::ptr_eq(former, &list)) {
        out.discard();
        return keep(receipt).map(|()| Fetched::Unchanged(list));
    }
    out.finish().map_err(|error| unwritten(file, &error))?;
    keep(receipt).map(|()| Fetched::Changed { former, list })
}

/// What is there; one that does not load is told.
fn former(file: &ListFile) -> Option<Arc<LoadedList>> {
    let refusal = match file.list.path.exists().then(|| load_list(file))? {
        Ok(list) => return Some(list),
        Err(refusal) => refusal,
    };
    for Fault { place, reason, remedy } in &refusal.0 {
        tracing::warn!(
            place,
            reason,
            remedy,
            "the file that is there does not load, so that nothing is compared with it"
        );
    }
    None
}

/// Loads what came: `former` itself where it says the same.
fn load_from(written: &Path, file: &ListFile, former: Option<&Arc<LoadedList>>) -> Result<Arc<LoadedList>, Refusal> {
    let mut came = file.clone();
    came.list.path = written.to_owned();
    match former {
        Some(former) => Ok(reload(&came, former)?.unwrap_or_else(|| former.clone())),
        None => load_list(&came),
    }
}

fn unwritten(file: &ListFile, error: &anyhow::Error) -> Refusal {
    Refusal::one(&file.key, format!("{error:#}"), "make room there, or check the folder and its permissions")
}
