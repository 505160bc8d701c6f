//! Governance: members with stake change parameters and versions behind a time lock; a guardian may pause.
//!
//! A proposal is open for a span of commit time. When the stake that voted for it reaches the quorum it has passed;
//! it is enacted after a further span, in which everybody who does not like it can leave. Parameters are named as in
//! genesis, and every relation that genesis must keep is checked when a change is proposed and again when it is
//! enacted. The guardian can stop trading and withdrawals for a bounded time, after which they go on by themselves and
//! cannot be stopped again for a while.
//!
//! Invariant: nothing here moves money, and nothing changes before its time lock has passed. The parameters in force
//! are genesis with the enacted changes in place, always.
//! Left out on purpose: who the validators are. Members and stakes are those of genesis.

use std::collections::{BTreeMap, BTreeSet};

use crypto::PublicKey;
use num::{Duration, Timestamp};
use wire::{Change, Event, Outcome, ParameterName, Reject};

use crate::{
    genesis::{Genesis, GovernanceParameters},
    ledger::AccountIndex,
    state::{State, Underlying},
};

/// The newest version of the rules that this program knows.
pub const VERSION: u32 = 1;

/// A change that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    pub change: Change,
    /// Members by their places in genesis.
    pub votes: BTreeSet<usize>,
    /// Until when it can be voted for.
    pub open_until: Timestamp,
    /// When it is enacted, once it has passed.
    pub due_at: Option<Timestamp>,
}

saved!(Proposal { change, votes, open_until, due_at });

/// What governance has decided and is deciding.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Governance {
    pub proposals: BTreeMap<u64, Proposal>,
    /// The number of the next proposal.
    pub(crate) next: u64,
    /// Enacted changes of parameters.
    pub changed: BTreeMap<ParameterName, i64>,
    /// The version of the rules from commits on.
    pub(crate) upgrades: BTreeMap<u64, u32>,
    pub paused_until: Timestamp,
    /// From when on the guardian may pause again.
    pub(crate) rested_at: Timestamp,
}

saved!(Governance { proposals, next, changed, upgrades, paused_until, rested_at });

impl State {
    pub fn governance(&self) -> &Governance {
        &self.governance
    }

    /// The version of the rules that a commit goes by.
    pub fn version_at(&self, commit: u64) -> u32 {
        self.governance.upgrades.range(..=commit).next_back().map_or(1, |(_, version)| *version)
    }

    pub(crate) fn check_running(&self) -> Result<(), Reject> {
        let need = self.governance.paused_until;
        if self.time < need { Err(Reject::Paused { need }) } else { Ok(()) }
    }

    pub(crate) fn propose(&mut self, account: AccountIndex, change: &Change) -> Result<Outcome, Reject> {
        let (rules, member) = self.member(account)?;
        let have = u32::try_from(self.governance.proposals.len()).unwrap_or(u32::MAX);
        if have >= rules.proposals_max {
            return Err(Reject::ProposalLimit { have, need: rules.proposals_max });
        }
        self.check_change(change)?;
        let (span, proposal) = (Duration::from_millis(rules.voting_ms), self.governance.next);
        let open_until = self.time.saturating_add(span);
        let it = Proposal { change: change.clone(), votes: BTreeSet::new(), open_until, due_at: None };
        let governance = self.governance_mut();
        governance.next += 1;
        governance.proposals.insert(proposal, it);
        self.emit(Event::Proposed { proposal, change: change.clone(), open_until });
        self.count_vote((&rules, member), proposal);
        Ok(Outcome::Proposed { proposal })
    }

    pub(crate) fn vote(&mut self, account: AccountIndex, have: u64) -> Result<(), Reject> {
        let (rules, member) = self.member(account)?;
        let open = self.governance.proposals.get(&have).filter(|it| it.due_at.is_none());
        open.ok_or(Reject::UnknownProposal { have })?;
        self.count_vote((&rules, member), have);
        Ok(())
    }

    /// Counts a member's vote, once; the proposal passes with the vote that completes the quorum.
    fn count_vote(&mut self, (rules, member): (&GovernanceParameters, usize), proposal: u64) {
        let due_at = self.time.saturating_add(Duration::from_millis(rules.delay_ms));
        let Some(it) = self.governance_mut().proposals.get_mut(&proposal) else { return };
        it.votes.insert(member);
        let stakes = it.votes.iter().filter_map(|place| rules.members.get(*place));
        let stake: u64 = stakes.map(|member| member.stake).sum();
        if stake >= rules.quorum && it.due_at.is_none() {
            it.due_at = Some(due_at);
            self.emit(Event::ProposalPassed { proposal, due_at });
        }
    }

    /// Stops trading and withdrawals for a while; a guardian who has stopped them may let them go on early.
    pub(crate) fn pause(&mut self, account: AccountIndex, have: Duration) -> Result<(), Reject> {
        let rules = self.parameters.governance.clone().ok_or(Reject::NotGuardian)?;
        if rules.guardian_key() != Some(self.account(account).id.owner) {
            return Err(Reject::NotGuardian);
        }
        let need = Duration::from_millis(rules.pause_ms_max);
        if have > need {
            return Err(Reject::PauseTooLong { have, need });
        }
        let now = self.time;
        let is_ending = have == Duration::ZERO && now < self.governance.paused_until;
        if !is_ending && now < self.governance.rested_at {
            return Err(Reject::PauseTooSoon { need: self.governance.rested_at });
        }
        let until = now.saturating_add(have);
        let governance = self.governance_mut();
        governance.paused_until = until;
        governance.rested_at = until.saturating_add(Duration::from_millis(rules.rest_ms));
        self.emit(Event::Paused { until });
        Ok(())
    }

    /// Enacts what is due and forgets what nobody can vote for any more.
    pub(crate) fn enact_proposals(&mut self) {
        let now = self.time;
        let is_over = |it: &Proposal| it.due_at.map_or(it.open_until < now, |due| due <= now);
        let over = self.governance.proposals.iter().filter(|(_, it)| is_over(it));
        for proposal in over.map(|(number, _)| *number).collect::<Vec<_>>() {
            let Some(it) = self.governance_mut().proposals.remove(&proposal) else { continue };
            let is_enacted = it.due_at.is_some() && self.enact(&it.change).is_ok();
            self.emit(Event::ProposalEnded { proposal, is_enacted });
        }
    }

    fn enact(&mut self, change: &Change) -> Result<(), Reject> {
        self.check_change(change)?;
        match change {
            Change::Parameter { name, value } => {
                let mut changed = self.governance.changed.clone();
                changed.insert(name.clone(), *value);
                let genesis = self.parameters.base.changed_by(&changed);
                let genesis = genesis.expect("invariant: the change was checked just now");
                self.governance_mut().changed = changed;
                self.parameters = self.parameters.clone().with(&genesis);
                self.follow_parameters();
            }
            Change::Upgrade { version, commit } => {
                self.governance_mut().upgrades.insert(*commit, *version);
            }
        }
        Ok(())
    }

    /// Makes anew what was counted with the parameters of before.
    fn follow_parameters(&mut self) {
        self.lift_ceilings();
        for place in 0..self.instruments.len() {
            let most = self.position_max(&self.instruments[place]);
            self.instruments[place].position_max = most;
        }
        for place in 0..self.underlyings.len() {
            let Ok(id) = u16::try_from(place).map(wire::UnderlyingId) else { continue };
            self.mark_underlying(id);
        }
    }

    fn check_change(&self, change: &Change) -> Result<(), Reject> {
        match change {
            Change::Parameter { name, value } => {
                if !self.parameters.base.has_parameter(name) && self.scanned(name).is_none() {
                    return Err(Reject::UnknownParameter);
                }
                let mut changed = self.governance.changed.clone();
                changed.insert(name.clone(), *value);
                let out_of_range = Reject::ParameterOutOfRange { have: *value };
                self.parameters.base.changed_by(&changed).map(drop).ok_or(out_of_range)
            }
            Change::Upgrade { version, commit } => {
                let need = self.version_at(*commit).saturating_add(1);
                if *version != need {
                    return Err(Reject::VersionOutOfOrder { have: *version, need });
                }
                let need = self.commit.saturating_add(1);
                if *commit < need { Err(Reject::CommitPassed { have: *commit, need }) } else { Ok(()) }
            }
        }
    }

    /// The underlying whose scan range has this name.
    fn scanned(&self, name: &ParameterName) -> Option<&Underlying> {
        let symbol = scan_symbol(name)?;
        self.underlyings.iter().find(|it| it.symbol == symbol)
    }

    fn member(&self, account: AccountIndex) -> Result<(GovernanceParameters, usize), Reject> {
        let rules = self.parameters.governance.clone().ok_or(Reject::NotMember)?;
        let owner = self.account(account).id.owner;
        let place = rules.members.iter().position(|member| member.public_key() == Some(owner));
        place.map(|place| (rules, place)).ok_or(Reject::NotMember)
    }

    fn governance_mut(&mut self) -> &mut Governance {
        self.keep_governance();
        &mut self.governance
    }
}

/// Sections of genesis whose numbers can be changed.
const SECTIONS: [&str; 14] = [
    "fees",
    "margin",
    "marks",
    "liquidation",
    "limits",
    "halt",
    "funding",
    "smiles",
    "combos",
    "exotics",
    "vault",
    "withdrawals",
    "listing",
    "ladder",
];

impl Genesis {
    /// Whether there is a number of this name, such as `fees.option_billionths`.
    pub(crate) fn has_parameter(&self, name: &ParameterName) -> bool {
        let value = serde_json::to_value(self).ok();
        let pointer = pointer(name);
        pointer
            .zip(value)
            .is_some_and(|(pointer, value)| value.pointer(&pointer).is_some_and(|it| it.is_number()))
    }

    /// This genesis with numbers changed; `None` when one is not there or a relation does not hold.
    pub(crate) fn changed_by(&self, changes: &BTreeMap<ParameterName, i64>) -> Option<Self> {
        let mut value = serde_json::to_value(self).ok()?;
        for (name, number) in changes {
            if let Some(symbol) = scan_symbol(name) {
                value["scan"][symbol] = serde_json::Value::from(*number);
                continue;
            }
            let place = value.pointer_mut(&pointer(name)?)?;
            *place = place.is_number().then(|| serde_json::Value::from(*number))?;
        }
        let changed: Self = serde_json::from_value(value).ok()?;
        changed.check_parameters().ok().map(|()| changed)
    }
}

/// The symbol in a name such as `scan.BTC`: that underlying's scan range, in billionths of its price.
fn scan_symbol(name: &ParameterName) -> Option<&str> {
    let (section, symbol) = core::str::from_utf8(name).ok()?.split_once('.')?;
    (section == "scan").then_some(symbol)
}

/// A parameter's name as a path into genesis.
fn pointer(name: &ParameterName) -> Option<String> {
    let text = core::str::from_utf8(name).ok()?;
    let (section, rest) = text.split_once('.')?;
    let is_plain = rest.chars().all(|it| it.is_ascii_lowercase() || it == '_');
    (SECTIONS.contains(&section) && is_plain).then(|| format!("/{section}/{rest}"))
}

impl GovernanceParameters {
    fn guardian_key(&self) -> Option<PublicKey> {
        crate::genesis::parse_key(self.guardian.as_ref()?)
    }
}
