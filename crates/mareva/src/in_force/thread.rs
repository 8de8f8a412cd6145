use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{Builder, JoinHandle};

use anyhow::Context as _;

use crate::STACK;

/// A thread that works on what it is told, with the stack that rules and lists need, until this is dropped. What it is at then is
/// not waited for: it ends with the process, or when it finds nobody to answer.
#[derive(Debug)]
pub struct Told<T> {
    door: Option<SyncSender<T>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Told<T> {
    /// At most `waiting` are told ahead.
    ///
    /// # Errors
    /// No thread.
    pub fn start(name: &str, waiting: usize, work: impl FnOnce(Receiver<T>) + Send + 'static) -> anyhow::Result<Self> {
        let (door, told) = mpsc::sync_channel(waiting);
        let thread = Builder::new().name(name.to_owned()).stack_size(STACK);
        let thread = thread.spawn(move || work(told));
        let thread = thread.with_context(|| format!("cannot start the thread {name}; raise the limit on processes"))?;
        Ok(Self { door: Some(door), thread: Some(thread) })
    }
}

impl<T> Told<T> {
    /// Where to tell it. Doors that are held elsewhere keep it alive.
    pub fn door(&self) -> Option<&SyncSender<T>> {
        self.door.as_ref()
    }
}

impl<T> Drop for Told<T> {
    fn drop(&mut self) {
        self.door = None;
        if let Some(thread) = self.thread.take().filter(JoinHandle::is_finished) {
            let _ = thread.join();
        }
    }
}
