//! Governance: members propose and vote, what passed is enacted after its lock, and a guardian stops things for a while.

use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use exchange::Genesis;
use num::{Duration, Timestamp};
use wire::{AccountId, Change, Event, Outcome, Reject};

use super::{Marks, ONE, Reference};

#[derive(Clone, Debug)]
struct Proposal {
    change: Change,
    votes: BTreeSet<usize>,
    open_until: Timestamp,
    due_at: Option<Timestamp>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Governance {
    proposals: BTreeMap<u64, Proposal>,
    next: u64,
    /// Versions of the rules, by the commits from which on they are.
    versions: BTreeMap<u64, u32>,
    paused_until: Timestamp,
    rested_at: Timestamp,
}

/// Whether a parameter may be so much, and then it is; `None` where there is none of that name.
fn set(genesis: &mut Genesis, name: &[u8], value: i64) -> Option<bool> {
    let one = i64::try_from(ONE).expect("a billion");
    let span = i64::from(u32::MAX);
    let quoted = genesis.vault.map_or(1, |it| it.lots);
    let signed = |of: &mut i64, low: i64, high: i64| {
        let may = (low..=high).contains(&value);
        if may {
            *of = value;
        }
        may
    };
    let counted = |of: &mut u64, low: u64, high: i64| match u64::try_from(value) {
        Ok(value) if value >= low && value <= high.unsigned_abs() => {
            *of = value;
            true
        }
        _ => false,
    };
    let limits = &mut genesis.limits;
    Some(match name {
        b"fees.option_billionths" => signed(&mut genesis.fees.option_billionths, 0, one / 10),
        b"fees.future_taker_billionths" => signed(&mut genesis.fees.future_taker_billionths, 0, one / 10),
        b"margin.initial_billionths" => signed(&mut genesis.margin.initial_billionths, one, one * 10),
        b"liquidation.step_billionths" => signed(&mut genesis.liquidation.step_billionths, 1, one),
        b"limits.order_lots_max" => counted(&mut limits.order_lots_max, quoted, 1 << 38),
        b"limits.position_lots_max" => counted(&mut limits.position_lots_max, 1, i64::MAX),
        b"limits.open_interest_lots_max" => counted(&mut limits.open_interest_lots_max, 1, i64::MAX),
        b"funding.cap_billionths" => signed(&mut genesis.funding.as_mut()?.cap_billionths, 0, one / 10),
        b"halt.collect_ms" => counted(&mut genesis.halt.as_mut()?.collect_ms, 0, span),
        b"withdrawals.share_billionths" => {
            signed(&mut genesis.withdrawals.as_mut()?.share_billionths, 1, one)
        }
        _ => return None,
    })
}

impl Reference {
    pub(super) fn check_running(&self) -> Result<(), Reject> {
        let need = self.governance.paused_until;
        if self.now < need { Err(Reject::Paused { need }) } else { Ok(()) }
    }

    fn member(&self, account: AccountId) -> Result<usize, Reject> {
        let rules = self.genesis.governance.as_ref().ok_or(Reject::NotMember)?;
        let key = hex::encode(account.owner.0);
        rules.members.iter().position(|it| it.key == key).ok_or(Reject::NotMember)
    }

    pub(super) fn propose(&mut self, account: AccountId, change: &Change) -> Result<Outcome, Reject> {
        let member = self.member(account)?;
        let rules = self.genesis.governance.clone().expect("it has members");
        let have = u32::try_from(self.governance.proposals.len()).expect("few");
        if have >= rules.proposals_max {
            return Err(Reject::ProposalLimit { have, need: rules.proposals_max });
        }
        self.check_change(change)?;
        let proposal = self.governance.next;
        self.governance.next += 1;
        let open_until = Timestamp::from_millis(self.now.millis() + rules.voting_ms);
        let it = Proposal { change: change.clone(), votes: BTreeSet::new(), open_until, due_at: None };
        self.governance.proposals.insert(proposal, it);
        self.tell(Event::Proposed { proposal, change: change.clone(), open_until });
        self.count_vote(member, proposal);
        Ok(Outcome::Proposed { proposal })
    }

    pub(super) fn vote(&mut self, account: AccountId, have: u64) -> Result<(), Reject> {
        let member = self.member(account)?;
        let found = self.governance.proposals.get(&have);
        if found.is_none_or(|it| it.due_at.is_some()) {
            return Err(Reject::UnknownProposal { have });
        }
        self.count_vote(member, have);
        Ok(())
    }

    fn count_vote(&mut self, member: usize, proposal: u64) {
        let rules = self.genesis.governance.clone().expect("it has members");
        let due_at = Timestamp::from_millis(self.now.millis() + rules.delay_ms);
        let it = self.governance.proposals.get_mut(&proposal).expect("it is open");
        it.votes.insert(member);
        let stake: u64 = it.votes.iter().map(|place| rules.members[*place].stake).sum();
        if stake >= rules.quorum {
            it.due_at = Some(due_at);
            self.tell(Event::ProposalPassed { proposal, due_at });
        }
    }

    pub(super) fn pause(&mut self, account: AccountId, have: Duration) -> Result<(), Reject> {
        let rules = self.genesis.governance.clone().ok_or(Reject::NotGuardian)?;
        if rules.guardian != Some(hex::encode(account.owner.0)) {
            return Err(Reject::NotGuardian);
        }
        if have.millis() > rules.pause_ms_max {
            return Err(Reject::PauseTooLong { have, need: Duration::from_millis(rules.pause_ms_max) });
        }
        let goes_on = have.millis() == 0 && self.check_running().is_err();
        if !goes_on && self.now < self.governance.rested_at {
            return Err(Reject::PauseTooSoon { need: self.governance.rested_at });
        }
        let until = Timestamp::from_millis(self.now.millis() + have.millis());
        self.governance.paused_until = until;
        self.governance.rested_at = Timestamp::from_millis(until.millis() + rules.rest_ms);
        self.tell(Event::Paused { until });
        Ok(())
    }

    fn check_change(&self, change: &Change) -> Result<(), Reject> {
        match change {
            Change::Parameter { name, value } => {
                match set(&mut Genesis::clone(&self.genesis), name, *value) {
                    None => Err(Reject::UnknownParameter),
                    Some(false) => Err(Reject::ParameterOutOfRange { have: *value }),
                    Some(true) => Ok(()),
                }
            }
            Change::Upgrade { version: have, commit } => {
                let before = self.governance.versions.range(..=*commit).next_back();
                let need = before.map_or(1, |(_, version)| *version) + 1;
                if *have != need {
                    return Err(Reject::VersionOutOfOrder { have: *have, need });
                }
                let (have, need) = (*commit, self.acting.0 + 1);
                if have < need { Err(Reject::CommitPassed { have, need }) } else { Ok(()) }
            }
        }
    }

    /// What is due is enacted if it still may be; what nobody can vote for any more is forgotten.
    pub(super) fn enact_proposals(&mut self, marks: &mut Marks, after: &Marks) {
        for (proposal, it) in self.governance.proposals.clone() {
            let is_over = it.due_at.map_or(it.open_until < self.now, |due_at| due_at <= self.now);
            if !is_over {
                continue;
            }
            self.governance.proposals.remove(&proposal);
            let is_enacted = it.due_at.is_some() && self.check_change(&it.change).is_ok();
            match it.change {
                Change::Parameter { name, value } if is_enacted => {
                    set(Rc::make_mut(&mut self.genesis), &name, value);
                    marks.follow(after);
                }
                Change::Upgrade { version, commit } if is_enacted => {
                    self.governance.versions.insert(commit, version);
                }
                _ => {}
            }
            self.tell(Event::ProposalEnded { proposal, is_enacted });
        }
    }
}
