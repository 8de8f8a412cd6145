//! Lists got from where they are published. What comes is checked whole (its size, checksum and signature, that it loads, that it may
//! follow the version that is there) before it takes the place of that; whatever is at fault, what is there stays.

mod download;
mod origin;
mod receipt;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mareva_model::{Fault, Refusal};
use mareva_screening::LoadedList;

use crate::config::{ListFetch, ListFile};
use crate::open::{load_list, reload};
use crate::replay::{UNFINISHED, WholeFile};
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
    // First: whoever else gets it is to be done, or to wait.
    let mut out = WholeFile::create(path).map_err(|error| unwritten(file, &error))?;
    let written = out.written().to_owned();
    let there = path.exists().then(|| load_list(file)).transpose();
    let former = there.as_ref().ok().cloned().flatten();
    if let Err(refusal) = &there {
        for Fault { place, reason, remedy } in &refusal.0 {
            tracing::warn!(
                place,
                reason,
                remedy,
                "the file that is there does not load, so that nothing is compared with it"
            );
        }
    }
    let client = Client::new(file, source).inspect_err(|_| discard(&written))?;
    let receipt = Receipt::read(path).filter(|receipt| receipt.is_of(source, former.as_deref()));
    let body = client.download(receipt.as_ref(), &mut out).and_then(|body| {
        out.sync().map_err(|error| unwritten(file, &error))?;
        Ok(body)
    });
    let body = match body {
        Ok(body) => body,
        Err(refusal) => {
            discard(&written);
            return Err(refusal);
        }
    };
    let Body::Sent { tags, bytes } = body else {
        discard(&written);
        let (Some(receipt), Some(former)) = (receipt, former) else {
            let reason = "its server says that nothing has changed, and was not asked that";
            return Err(Refusal::one(&file.key, reason, "look at the server, or at what stands between"));
        };
        receipt.keep(path).map_err(|error| unwritten(file, &error.into()))?;
        return Ok(Fetched::Unchanged(former));
    };
    let checked =
        origin::check(&client, file, source, &written).and_then(|()| load_from(&written, file, former.as_deref()));
    let list = checked.map_err(|mut refusal| {
        let kept = format!("{bytes} bytes came and are kept in {}", written.display());
        refusal.0.push(Fault::new(&file.key, kept, "look at them; the version in force stays"));
        refusal
    })?;
    let list = match list {
        Some(list) => list,
        None => {
            discard(&written);
            let Some(former) = former else { return Err(Refusal::one(&file.key, "has no content", "report this")) };
            Receipt::of(source, tags, &former).keep(path).map_err(|error| unwritten(file, &error.into()))?;
            return Ok(Fetched::Unchanged(former));
        }
    };
    out.finish().map_err(|error| unwritten(file, &error))?;
    Receipt::of(source, tags, &list).keep(path).map_err(|error| unwritten(file, &error.into()))?;
    Ok(Fetched::Changed { former, list })
}

/// Loads what came; none where it says what `former` says.
fn load_from(written: &Path, file: &ListFile, former: Option<&LoadedList>) -> Result<Option<Arc<LoadedList>>, Refusal> {
    let mut came = file.clone();
    came.list.path = written.to_owned();
    match former {
        Some(former) => reload(&came, former),
        None => load_list(&came).map(Some),
    }
}

/// Of nothing that is kept there is anything to lose.
fn discard(written: &Path) {
    if !written.as_os_str().as_encoded_bytes().ends_with(UNFINISHED.as_bytes()) {
        // A device is written as it is.
        return;
    }
    if let Err(error) = fs::remove_file(written) {
        tracing::warn!(path = %written.display(), %error, "cannot be removed");
    }
}

fn unwritten(file: &ListFile, error: &anyhow::Error) -> Refusal {
    Refusal::one(&file.key, format!("{error:#}"), "make room there, or check the folder and its permissions")
}

/// Where what is known of the last look at the publisher is kept, beside the list.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(what);
    name.into()
}
