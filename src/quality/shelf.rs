//! Pools of images in bounded memory, each made once however many threads ask for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::Result;
use crate::image::Image;
use crate::loader::is_worker;

/// Which pool: its generation and its class.
pub(super) type PoolKey = (u64, u32);

/// Keeps pools until newer ones need their memory, or are two generations on.
#[derive(Default)]
pub(super) struct Shelf {
    budget: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    pools: BTreeMap<PoolKey, Place>,
    /// Counts the uses.
    clock: u64,
    bytes: usize,
}

enum Place {
    /// A thread is making it.
    Making,
    Ready {
        pool: Arc<Vec<Image>>,
        bytes: usize,
        used: u64,
    },
}

impl Shelf {
    /// Of `budget` bytes.
    pub fn new(budget: usize) -> Self {
        Self { budget, ..Self::default() }
    }

    /// The bytes of all pools on it.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// The pool, made by `make` if it is not there; threads that ask meanwhile wait for it.
    ///
    /// No lock is held while it is made. A thread of rayon that is no loader's worker does not wait: it may have taken up
    /// this call while it waits for parallel work, and what it would wait for may lie under it on its stack, or need that
    /// work. It makes the pool again, with the same content.
    pub fn get(&self, key: PoolKey, make: impl FnOnce() -> Result<Vec<Image>>) -> Result<Arc<Vec<Image>>> {
        let mut state = self.lock();
        loop {
            state.clock += 1;
            let now = state.clock;
            match state.pools.get_mut(&key) {
                Some(Place::Ready { pool, used, .. }) => {
                    *used = now;
                    return Ok(Arc::clone(pool));
                }
                Some(Place::Making) if rayon::current_thread_index().is_some() && !is_worker() => {
                    drop(state);
                    return Ok(Arc::new(make()?));
                }
                Some(Place::Making) => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                None => break,
            }
        }
        state.pools.insert(key, Place::Making);
        drop(state);
        let making = Making { shelf: self, key };
        let pool = Arc::new(make()?);
        self.put(key, &pool);
        drop(making);
        Ok(pool)
    }

    fn put(&self, key: PoolKey, pool: &Arc<Vec<Image>>) {
        let bytes = pool.iter().map(|image| image.data().len() + size_of::<Image>()).sum();
        let mut state = self.lock();
        let (generation, label) = key;
        let old = |other: &PoolKey| other.1 == label && other.0.saturating_add(1) < generation;
        let old: Vec<PoolKey> = state.ready().filter(|(key, _)| old(key)).map(|(key, _)| key).collect();
        old.into_iter().for_each(|key| state.remove(key));
        while state.bytes + bytes > self.budget {
            let Some((oldest, _)) = state.ready().min_by_key(|(_, used)| *used) else { break };
            state.remove(oldest);
        }
        if state.bytes + bytes <= self.budget {
            let used = state.clock;
            state.bytes += bytes;
            state.pools.insert(key, Place::Ready { pool: Arc::clone(pool), bytes, used });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The pools that are there, and when they were last used.
    fn ready(&self) -> impl Iterator<Item = (PoolKey, u64)> {
        self.pools.iter().filter_map(|(key, place)| match place {
            Place::Ready { used, .. } => Some((*key, *used)),
            Place::Making => None,
        })
    }

    fn remove(&mut self, key: PoolKey) {
        if let Some(Place::Ready { bytes, .. }) = self.pools.remove(&key) {
            self.bytes -= bytes;
        }
    }
}

/// Lets those who wait go on, also if the pool could not be made: then the first of them tries again.
struct Making<'a> {
    shelf: &'a Shelf,
    key: PoolKey,
}

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let mut state = self.shelf.lock();
        if let Some(Place::Making) = state.pools.get(&self.key) {
            state.pools.remove(&self.key);
        }
        drop(state);
        self.shelf.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    const ONE: usize = 100 + size_of::<Image>();

    fn pool() -> Result<Vec<Image>> {
        Ok(vec![Image::filled(10, 10, &[7])?])
    }

    fn held(shelf: &Shelf) -> Vec<PoolKey> {
        shelf.lock().pools.keys().copied().collect()
    }

    #[test]
    fn the_pool_used_longest_ago_makes_room() {
        let shelf = Shelf::new(2 * ONE + 5);
        for label in [0, 1, 0, 2] {
            shelf.get((0, label), pool).unwrap();
        }
        assert_eq!((held(&shelf), shelf.bytes()), (vec![(0, 0), (0, 2)], 2 * ONE));
        assert_eq!(Shelf::new(3).get((0, 0), pool).unwrap().len(), 1);
    }

    #[test]
    fn two_generations_are_kept() {
        let shelf = Shelf::new(100 * ONE);
        for key in [(0, 0), (0, 1), (1, 0), (2, 0), (1, 0)] {
            shelf.get(key, pool).unwrap();
        }
        assert_eq!(held(&shelf), [(0, 1), (1, 0), (2, 0)]);
    }

    #[test]
    fn many_threads_make_it_once() {
        let (shelf, times) = (Shelf::new(1 << 20), AtomicUsize::new(0));
        let slow = || {
            times.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(50));
            pool()
        };
        thread::scope(|scope| {
            (0..4).for_each(|_| drop(scope.spawn(|| shelf.get((0, 0), slow).unwrap())));
        });
        assert_eq!(times.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn who_waits_for_a_failure_tries_again() {
        let shelf = Shelf::new(1 << 20);
        assert!(shelf.get((0, 0), || Err(Error::config("struck"))).is_err());
        assert!(catch_unwind(AssertUnwindSafe(|| shelf.get((0, 0), || panic!("struck")))).is_err());
        thread::scope(|scope| {
            scope.spawn(|| {
                let fail = || {
                    thread::sleep(Duration::from_millis(50));
                    Err(Error::config("struck"))
                };
                shelf.get((0, 0), fail).err()
            });
            thread::sleep(Duration::from_millis(10));
            assert!(shelf.get((0, 0), pool).is_ok());
        });
    }

    /// As parallel work of rayon that is stolen may ask for it.
    #[test]
    fn a_thread_of_rayon_that_asks_for_what_it_makes_does_not_wait() {
        let shelf = Shelf::new(1 << 20);
        let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        let found = threads.install(|| {
            shelf.get((0, 0), || {
                let inner = shelf.get((0, 0), pool)?;
                Ok(inner.to_vec())
            })
        });
        assert_eq!(found.unwrap().len(), 1);
    }
}
