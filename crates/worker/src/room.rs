//! Room for own transactions that are on their way, shared by clients.
//!
//! Invariant: a client has no more on its way than there is room left, so that one alone takes half of it, n take
//! n / (n + 1), and whoever comes next finds some. These are the dynamic thresholds of Choudhury and Hahne, "Dynamic
//! queue length thresholds for shared-memory packet switches" (IEEE/ACM Transactions on Networking, 1998), with
//! alpha = 1.

use std::collections::BTreeMap;

/// Too much is on its way already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{have} bytes are on their way, at most {need} may be")]
pub struct Busy {
    /// Of this client.
    pub have: usize,
    pub need: usize,
}

/// Bytes of each client, in the order of the clients.
pub type Shares = Vec<(u64, usize)>;

#[derive(Debug)]
pub(crate) struct Room {
    max: usize,
    taken: usize,
    of_client: BTreeMap<u64, usize>,
}

impl Room {
    pub(crate) const fn new(max: usize) -> Self {
        Self { max, taken: 0, of_client: BTreeMap::new() }
    }

    pub(crate) const fn taken(&self) -> usize {
        self.taken
    }

    /// Room for a transaction of a client; a last one may reach beyond the limit.
    pub(crate) fn take(&mut self, client: u64, bytes: usize) -> Result<(), Busy> {
        let have = self.of_client.get(&client).copied().unwrap_or(0);
        let need = self.max.saturating_sub(self.taken);
        if have >= need {
            return Err(Busy { have, need });
        }
        self.occupy(client, bytes);
        Ok(())
    }

    /// What was taken in an earlier life is taken still, whatever is left.
    pub(crate) fn occupy(&mut self, client: u64, bytes: usize) {
        self.taken += bytes;
        *self.of_client.entry(client).or_default() += bytes;
    }

    pub(crate) fn give_back(&mut self, shares: &[(u64, usize)]) {
        for (client, bytes) in shares {
            self.taken = self.taken.saturating_sub(*bytes);
            if let Some(own) = self.of_client.get_mut(client) {
                *own = own.saturating_sub(*bytes);
                if *own == 0 {
                    self.of_client.remove(client);
                }
            }
        }
    }
}
