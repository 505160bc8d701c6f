//! One pure validator: worker, dag, ordering, exchange and tree composed, without IO.
//!
//! `agreement` turns submissions and messages into commits; `execution` turns commits into state, roots and
//! attestations. The two meet in plain values, so a shell may run them on two threads; [`Replica`] runs them
//! on one.
//!
//! Invariant: effects leave as ordered values; what must be durable comes before what depends on it.

pub mod agreement;
pub mod execution;
pub mod snapshot;

use crypto::SigningKey;
use num::Timestamp;

use crate::{
    agreement::{Agreement, Input, Output, Record},
    execution::{Executed, Execution},
};

/// A whole validator on one thread.
#[derive(Debug)]
pub struct Replica {
    agreement: Agreement,
    execution: Execution,
    key: SigningKey,
}

impl Replica {
    pub fn new(agreement: Agreement, execution: Execution, key: SigningKey) -> Self {
        Self { agreement, execution, key }
    }

    /// Takes a record of the own log.
    pub fn restore(
        &mut self,
        section: u64,
        record: Record,
        out: &mut Vec<Output>,
        executed: &mut Vec<Executed>,
    ) {
        let from = out.len();
        self.agreement.restore(section, record, out);
        for output in &out[from..] {
            if let Output::Commit(payload) = output {
                executed.push(self.execution.apply(payload));
            }
        }
    }

    /// Begins after the log was restored. Its first block can already commit something.
    pub fn start(&mut self, now: Timestamp, out: &mut Vec<Output>, executed: &mut Vec<Executed>) {
        let from = out.len();
        self.agreement.start(now, out);
        self.execute(now, from, out, executed);
    }

    /// Takes one input. Commits among the outputs have been executed, and attested to.
    pub fn step(
        &mut self,
        now: Timestamp,
        input: Input,
        out: &mut Vec<Output>,
        executed: &mut Vec<Executed>,
    ) {
        let from = out.len();
        self.agreement.step(now, input, out);
        self.execute(now, from, out, executed);
    }

    /// Executes the commits among the outputs from `from` on, and those that attesting to them leads to.
    fn execute(
        &mut self,
        now: Timestamp,
        mut from: usize,
        out: &mut Vec<Output>,
        executed: &mut Vec<Executed>,
    ) {
        // An attestation can let the agreement go on, which can commit again.
        while from < out.len() {
            let commits: Vec<_> = out[from..]
                .iter()
                .filter_map(|output| match output {
                    Output::Commit(payload) => Some(payload.clone()),
                    _ => None,
                })
                .collect();
            from = out.len();
            for payload in commits {
                let done = self.execution.apply(&payload);
                let attestation = self.execution.attest(&done, &self.key);
                executed.push(done);
                if let Some(attestation) = attestation {
                    self.agreement.step(now, Input::Attest(attestation), out);
                }
            }
        }
    }

    pub fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    pub fn execution(&self) -> &Execution {
        &self.execution
    }
}
