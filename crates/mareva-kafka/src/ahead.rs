//! The thread that decodes slices ahead of the one that is judged.
use std::{
    sync::{Arc, mpsc},
    thread,
};

use mareva_pipeline::InputSlice;

use crate::{
    error::Error,
    judge::{Decode, JudgeError},
    machine::SLICES_AHEAD,
    mailbox::{Letter, Mailbox},
    record::AlertRevision,
};

/// XML and JSON are walked by calling oneself; both have a bound on how deep they nest.
const STACK: usize = 16 << 20;

/// A slice on its way to the judge.
pub(crate) struct Cut {
    pub slice: InputSlice,
    pub replay: bool,
    pub published: Vec<AlertRevision>,
}

/// A slice and what it holds.
type DecodedCut<D> = (Cut, Result<D, JudgeError>);

/// See the module. It ends when it is dropped.
pub(crate) struct Ahead<D> {
    orders: mpsc::SyncSender<Cut>,
    decoded: mpsc::Receiver<DecodedCut<D>>,
}

impl<D: Send + 'static> Ahead<D> {
    /// It says [`Letter::Decoded`] for each slice that is ready to be taken.
    pub fn start(mut decode: Decode<D>, mailbox: &Arc<Mailbox>) -> Result<Self, Error> {
        const NAME: &str = "mareva-decoder";
        let (orders, received) = mpsc::sync_channel::<Cut>(SLICES_AHEAD);
        let (ready, decoded) = mpsc::sync_channel(SLICES_AHEAD);
        let mailbox = mailbox.clone();
        let work = move || {
            for cut in received {
                let found = decode(&cut.slice);
                if ready.send((cut, found)).is_err() {
                    return;
                }
                mailbox.reply(Letter::Decoded);
            }
        };
        let started = thread::Builder::new().name(NAME.to_owned()).stack_size(STACK).spawn(work);
        started.map_err(|error| Error::Thread { name: NAME, error })?;
        Ok(Self { orders, decoded })
    }

    /// Has a slice decoded. There is room: the machine has no more than [`SLICES_AHEAD`] of them out.
    pub fn decode(&self, cut: Cut) -> Result<(), Error> {
        self.orders.send(cut).map_err(|_| lost())
    }

    /// The next slice that is decoded, in the order in which they were asked for.
    pub fn take(&self) -> Result<DecodedCut<D>, Error> {
        self.decoded.recv().map_err(|_| lost())
    }
}

fn lost() -> Error {
    Error::ThreadLost("mareva-decoder")
}
