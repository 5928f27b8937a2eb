//! The open files of this process. All handles on a file share one [`Writer`], by whatever path
//! they opened it. The last handle to close ends the writer's thread.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tenure_core::Result;

use crate::identity::Identity;
use crate::writer::Writer;

/// The open files of this process.
static FILES: Mutex<Option<HashMap<Identity, Weak<File>>>> = Mutex::new(None);

/// An open file, which its handles share.
pub(crate) struct File {
    pub(crate) writer: Arc<Writer>,
}

impl File {
    /// The file at a path, which must exist.
    pub(crate) fn of(path: &Arc<Path>) -> Result<Arc<Self>> {
        let identity = Identity::of(path)?;
        let mut files = FILES.lock().unwrap_or_else(PoisonError::into_inner);
        let files = files.get_or_insert_default();
        if let Some(file) = files.get(&identity).and_then(Weak::upgrade) {
            return Ok(file);
        }
        files.retain(|_, file| file.strong_count() > 0);
        let writer = Writer::new(path.clone(), identity.clone());
        let file = Arc::new(Self {
            writer: Arc::new(writer),
        });
        files.insert(identity, Arc::downgrade(&file));
        Ok(file)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.writer.queue.end();
    }
}
