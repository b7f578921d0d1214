//! What was asked once and is kept: a run sees one state of the world, and asks for nothing twice.
//!
//! Forgets nothing; it lives as long as a run.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

/// Values by what they answer, each fetched once however many ask at the same time.
pub struct Memo<K, V>(Mutex<HashMap<K, Slot<V>>>);

/// A value, or the place where those who asked first will put it.
type Slot<V> = Arc<OnceCell<V>>;

impl<K: Eq + Hash, V: Clone> Memo<K, V> {
    pub async fn recall(&self, key: K, fetch: impl Future<Output = V>) -> V {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(key).or_default())
        };
        slot.get_or_init(|| fetch).await.clone()
    }
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
