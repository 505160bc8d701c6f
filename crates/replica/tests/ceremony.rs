//! Whole ceremonies in one thread, from a seed: random orders, silent and lying dealers, false complaints,
//! restarts, and a key that is handed on.
#![allow(clippy::unwrap_used, reason = "what a test cannot set up fails it")]

use std::collections::VecDeque;

use commonware_codec::Encode;
use crypto::{
    Coin, CoinValue, Digest, Opening, OpeningKey, SigningKey, Terms, ThresholdCoin, ThresholdKey,
    ThresholdShare, deal_by, seeded,
};
use proptest::prelude::{ProptestConfig, any, proptest};
use replica::ceremony::{Blame, Ceremony, Holders, Plan, Receiver, Secrets, Step};
use wire::{
    Blob, CeremonyMessage, SignedCeremonyMessage, Statement, Transaction, limits::CEREMONY_PART_BYTES_MAX,
};

fn secrets(member: u16, share: Option<ThresholdShare>) -> Secrets {
    let bytes = Digest::of("clockless test member", &member.to_le_bytes()).0;
    Secrets {
        key: SigningKey::from_bytes(bytes),
        opening: OpeningKey::from_secret(&bytes),
        seed: bytes,
        share,
    }
}

fn receiver(member: u16) -> Receiver {
    let secrets = secrets(member, None);
    Receiver { key: secrets.key.public_key(), sealing: secrets.opening.sealing_key() }
}

fn plan(epoch: u64, receivers: impl IntoIterator<Item = u16>, previous: Option<Holders>) -> Plan {
    let receivers = receivers.into_iter().map(receiver).collect();
    Plan { network: Digest([9; 32]), epoch, receivers, previous }
}

/// What a member does in a ceremony.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Role {
    Honest,
    Silent,
    /// Deals nonsense to these receivers, and otherwise behaves.
    Cheats(Vec<u16>),
    /// Deals well, and has bytes of its own dealing changed that everybody sees.
    Unreadable,
    /// Complains of everybody without reason.
    Slanders,
}

struct Member {
    number: u16,
    role: Role,
    secrets: Secrets,
    ceremony: Ceremony,
    /// How much of the order it has read.
    read: usize,
    steps: Vec<Step>,
}

impl Member {
    fn new(plan: &Plan, number: u16, role: Role, share: Option<ThresholdShare>) -> Self {
        let secrets = secrets(number, share);
        let ceremony = Ceremony::new(plan.clone(), secrets.clone()).unwrap();
        Self { number, role, secrets, ceremony, read: 0, steps: Vec::new() }
    }

    fn share(&self) -> Option<ThresholdShare> {
        self.ceremony.share().cloned()
    }
}

/// A ceremony: its members, and the order of what was said. The seed decides who does something next.
struct Hall {
    plan: Plan,
    members: Vec<Member>,
    waiting: VecDeque<Transaction>,
    order: Vec<Transaction>,
    blames: Vec<Blame>,
    seed: u64,
    restarts: usize,
}

impl Hall {
    fn new(plan: Plan, members: Vec<Member>, seed: u64) -> Self {
        Self {
            plan,
            members,
            waiting: VecDeque::new(),
            order: Vec::new(),
            blames: Vec::new(),
            seed,
            restarts: 0,
        }
    }

    fn fresh(roles: &[Role], seed: u64) -> Self {
        let plan = plan(1, 0..u16::try_from(roles.len()).unwrap(), None);
        let members =
            (0..).zip(roles).map(|(number, role)| Member::new(&plan, number, role.clone(), None)).collect();
        Self::new(plan, members, seed)
    }

    fn random(&mut self, below: usize) -> usize {
        self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.seed >> 33).unwrap() % below
    }

    fn begin(&mut self) {
        for place in 0..self.members.len() {
            let member = &mut self.members[place];
            match member.role.clone() {
                Role::Silent => {}
                Role::Honest => member.ceremony.speak(&mut member.steps),
                Role::Slanders => {
                    member.ceremony.speak(&mut member.steps);
                }
                Role::Cheats(victims) => self.say_false_dealing(place, &victims),
                Role::Unreadable => self.say_false_dealing(place, &[]),
            }
            self.perform(place);
        }
    }

    /// Orders a dealing whose sealings for `victims` are garbled, or its first commitment when there are none.
    fn say_false_dealing(&mut self, place: usize, victims: &[u16]) {
        let Plan { receivers, previous, .. } = &self.plan;
        let sealing: Vec<_> = receivers.iter().map(|receiver| receiver.sealing).collect();
        let terms =
            Terms::new(self.plan.digest(), sealing, previous.as_ref().map(|previous| previous.key.clone()))
                .unwrap();
        let Member { number, secrets, .. } = &self.members[place];
        let mut rng = seeded(&secrets.seed, terms.context());
        let mut bytes = deal_by(&mut rng, &terms, *number, secrets.share.as_ref()).unwrap().encode();
        let sealed = (1 + usize::from(terms.acknowledgements_needed())) * 32 + 128;
        let sealings = bytes.len() - receivers.len() * sealed;
        for victim in victims {
            bytes[sealings + usize::from(*victim) * sealed + 120] ^= 1;
        }
        if victims.is_empty() {
            bytes[0] ^= 0xff;
        }
        let dealing = Digest::of("clockless dealing 2026", &bytes);
        let parts = bytes.chunks(CEREMONY_PART_BYTES_MAX);
        let count = u16::try_from(parts.len()).unwrap();
        for (part, bytes) in (0..).zip(parts) {
            let bytes = Blob::new(bytes.to_vec()).unwrap();
            let statement = Statement::Part { dealing, part, parts: count, bytes };
            let signed = self.sign(place, statement);
            self.waiting.push_back(signed.to_transaction());
        }
    }

    fn sign(&self, place: usize, statement: Statement) -> SignedCeremonyMessage {
        let key = &self.members[place].secrets.key;
        CeremonyMessage { ceremony: self.plan.digest(), sender: key.public_key(), statement }.sign(key)
    }

    fn perform(&mut self, place: usize) {
        for step in std::mem::take(&mut self.members[place].steps) {
            match step {
                Step::Order(transaction) => self.say(place, transaction),
                Step::Ask(signed) => {
                    let honest = |it: &usize| *it != place && self.members[*it].role == Role::Honest;
                    let others: Vec<usize> = (0..self.members.len()).filter(honest).collect();
                    others.into_iter().for_each(|other| self.hear(other, &signed));
                }
                Step::Answer { receiver, message } => {
                    let mut members = self.members.iter().map(|member| member.secrets.key.public_key());
                    let to = members.position(|key| key == receiver).unwrap();
                    self.hear(to, &message);
                }
                Step::Blame(blame) => self.blames.push(blame),
                Step::Key(key) => assert_eq!(self.members[place].ceremony.key(), Some(&key)),
                Step::Share(share) => assert_eq!(self.members[place].ceremony.share(), Some(&share)),
            }
        }
    }

    fn hear(&mut self, place: usize, signed: &SignedCeremonyMessage) {
        let member = &mut self.members[place];
        member.ceremony.heard(signed, &mut member.steps);
        self.perform(place);
    }

    /// Has something ordered, and whatever a slanderer would add.
    fn say(&mut self, place: usize, transaction: Transaction) {
        let signed = SignedCeremonyMessage::of_transaction(&transaction).unwrap();
        if let (Role::Slanders, Statement::Acknowledgement { dealings }) =
            (&self.members[place].role, &signed.message.statement)
        {
            let (dealing, opening) = (dealings[0], Opening([7; 96]));
            let slander = self.sign(place, Statement::Complaint { dealing, opening });
            self.waiting.push_back(slander.to_transaction());
            return;
        }
        // Its own dealing is the false one.
        let deals = matches!(signed.message.statement, Statement::Part { .. });
        if !(deals && matches!(self.members[place].role, Role::Cheats(_) | Role::Unreadable)) {
            self.waiting.push_back(transaction);
        }
    }

    /// One thing happens: something is ordered, or somebody reads on, or restarts.
    fn turn(&mut self) -> bool {
        let place = self.random(self.members.len());
        let behind: Vec<usize> =
            (0..self.members.len()).filter(|it| self.members[*it].read < self.order.len()).collect();
        if !self.waiting.is_empty() && (behind.is_empty() || self.random(2) == 0) {
            let next = self.random(self.waiting.len());
            let transaction = self.waiting.remove(next).unwrap();
            self.order.push(transaction);
            return true;
        }
        if self.restarts > 0 && self.random(8) == 0 {
            self.restarts -= 1;
            self.restart(place);
            return true;
        }
        let Some(reader) = behind.get(place % behind.len().max(1)) else { return false };
        self.read_on(*reader);
        true
    }

    fn read_on(&mut self, place: usize) {
        let member = &mut self.members[place];
        member.ceremony.ordered(&self.order[member.read], &mut member.steps);
        member.read += 1;
        if member.role != Role::Silent {
            member.ceremony.speak(&mut member.steps);
            self.perform(place);
        }
    }

    /// Everything but the secrets and the order is lost.
    fn restart(&mut self, place: usize) {
        let member = &mut self.members[place];
        if member.role != Role::Honest {
            return;
        }
        member.ceremony = Ceremony::new(self.plan.clone(), member.secrets.clone()).unwrap();
        let mut replayed = Vec::new();
        for transaction in &self.order[..member.read] {
            member.ceremony.ordered(transaction, &mut replayed);
        }
        member.ceremony.speak(&mut member.steps);
        self.perform(place);
    }

    /// Until nothing happens any more; those without a share ask again then.
    fn run(&mut self) -> ThresholdKey {
        self.begin();
        for _ in 0..3 {
            while self.turn() {}
            for place in 0..self.members.len() {
                let member = &mut self.members[place];
                if member.role == Role::Honest {
                    member.ceremony.remind(&mut member.steps);
                    self.perform(place);
                }
            }
        }
        self.members.iter().find_map(|member| member.ceremony.key().cloned()).expect("a key")
    }

    /// What must hold at the end of every ceremony: one key, and a share of it for every honest receiver.
    fn check(&self, key: &ThresholdKey) -> Vec<ThresholdCoin> {
        let mut coins = Vec::new();
        for member in &self.members {
            assert_eq!(member.ceremony.key(), Some(key), "member {}", member.number);
            let receives = self.plan.receivers.iter().any(|it| it.key == member.secrets.key.public_key());
            if receives && member.role == Role::Honest {
                let share = member.share().expect("every honest receiver has a share");
                coins.push(ThresholdCoin::new(key.clone(), share, 1).expect("a share of the key"));
            }
        }
        for blame in &self.blames {
            assert!(blame.holds(&self.plan));
            assert!(!matches!(self.members[usize::from(blame.dealer)].role, Role::Honest | Role::Slanders));
        }
        coins
    }

    fn blamed(&self) -> Vec<u16> {
        let mut dealers: Vec<u16> = self.blames.iter().map(|blame| blame.dealer).collect();
        dealers.sort_unstable();
        dealers.dedup();
        dealers
    }
}

fn value(coins: &[ThresholdCoin], members: &[u16]) -> CoinValue {
    let shares: Vec<_> = members.iter().zip(coins).map(|(member, coin)| (*member, coin.share(4))).collect();
    coins[0].recover(4, &shares).unwrap()
}

fn cheats(victims: &[u16]) -> Role {
    Role::Cheats(victims.to_vec())
}

fn with(size: usize, roles: &[(usize, Role)]) -> Vec<Role> {
    let mut all = vec![Role::Honest; size];
    roles.iter().for_each(|(place, role)| all[*place] = role.clone());
    all
}

#[test]
fn a_committee_makes_its_key_whatever_f_of_its_members_do() {
    let cases: [(Vec<Role>, &[u16]); 7] = [
        (with(1, &[]), &[]),
        (with(4, &[]), &[]),
        (with(4, &[(0, Role::Silent)]), &[]),
        (with(4, &[(1, Role::Unreadable)]), &[1]),
        (with(4, &[(3, Role::Slanders)]), &[]),
        (with(7, &[(2, cheats(&[0, 1, 3])), (5, Role::Silent)]), &[2]),
        (with(7, &[(0, Role::Slanders), (6, Role::Unreadable)]), &[6]),
    ];
    for (roles, blamed) in cases {
        let mut hall = Hall::fresh(&roles, 7);
        let key = hall.run();
        let honest = roles.iter().filter(|role| **role == Role::Honest).count();
        assert_eq!(hall.check(&key).len(), honest, "{roles:?}");
        assert_eq!(hall.blamed(), blamed, "{roles:?}");
    }
}

#[test]
fn whoever_was_cheated_and_comes_late_gets_its_share_from_the_others() {
    let mut hall = Hall::fresh(&with(4, &[(1, cheats(&[3]))]), 3);
    hall.begin();
    // Member 3 reads nothing until the others are done: the false dealing is among those that count.
    let late = 3;
    let done = |hall: &Hall| hall.members[..late].iter().all(|member| member.ceremony.key().is_some());
    while !done(&hall) {
        let first = (0..hall.waiting.len()).find(|it| {
            let signed = SignedCeremonyMessage::of_transaction(&hall.waiting[*it]).unwrap();
            signed.message.sender != hall.members[late].secrets.key.public_key()
        });
        let transaction = hall.waiting.remove(first.unwrap()).unwrap();
        hall.order.push(transaction);
        (0..late).for_each(|place| hall.read_on(place));
    }
    assert!(hall.members[late].share().is_none());
    while hall.members[late].read < hall.order.len() {
        hall.read_on(late);
    }
    let key = hall.members[late].ceremony.key().cloned().unwrap();
    assert_eq!(hall.check(&key).len(), 3);
    assert!(hall.members[late].share().is_some());
}

#[test]
fn a_key_is_handed_on_to_other_members_without_changing_its_coins() {
    let mut first = Hall::fresh(&with(4, &[]), 5);
    let key = first.run();
    let coins = first.check(&key);
    let expected = value(&coins, &[0, 1, 2, 3]);
    let holders = Holders { key: key.clone(), members: (0..4).map(|member| receiver(member).key).collect() };
    for (new, roles) in [
        (vec![0u16, 1, 2, 3], with(4, &[])),
        (vec![2, 3, 4, 5, 6], with(7, &[(0, Role::Silent)])),
        (vec![1, 2, 3, 4], with(5, &[(1, cheats(&[2, 3]))])),
    ] {
        let plan = plan(2, new.clone(), Some(holders.clone()));
        let members = (0..).zip(&roles).map(|(number, role)| {
            let share = first.members.get(usize::from(number)).and_then(Member::share);
            Member::new(&plan, number, role.clone(), share)
        });
        let mut hall = Hall::new(plan.clone(), members.collect(), 11);
        let next = hall.run();
        assert!(next.has_same_public_as(&key));
        assert_ne!(next, key);
        let coins = hall.check(&next);
        let honest: Vec<u16> = (0..)
            .zip(&new)
            .filter(|(_, member)| roles[usize::from(**member)] == Role::Honest)
            .map(|(place, _)| place)
            .collect();
        let mut ordered: Vec<ThresholdCoin> = coins;
        // Members are walked by number, receivers by place; both rise.
        ordered.truncate(honest.len());
        assert_eq!(value(&ordered, &honest), expected, "{new:?}");
    }
}

#[test]
fn nobody_is_blamed_for_what_he_did_not_say() {
    let mut hall = Hall::fresh(&with(4, &[(2, cheats(&[0]))]), 1);
    let key = hall.run();
    hall.check(&key);
    let blame = hall.blames[0].clone();
    assert!(blame.holds(&hall.plan));
    let other = Blame { dealer: 1, ..blame.clone() };
    assert!(!other.holds(&hall.plan));
    let without_proof = Blame { evidence: blame.evidence[..1].to_vec(), ..blame.clone() };
    assert!(!without_proof.holds(&hall.plan));
    let mut forged = blame.clone();
    forged.evidence[0].signature.0[0] ^= 1;
    assert!(!forged.holds(&hall.plan));
    assert!(!blame.holds(&Plan { epoch: 2, ..hall.plan.clone() }));
    // The words of an honest dealer prove nothing, whoever complains.
    let part = |it: &&Transaction| {
        let message = SignedCeremonyMessage::of_transaction(it).unwrap().message;
        matches!(message.statement, Statement::Part { .. }) && message.sender == receiver(1).key
    };
    let honest = hall.order.iter().find(part).unwrap();
    let honest = SignedCeremonyMessage::of_transaction(honest).unwrap();
    let Statement::Part { dealing, .. } = honest.message.statement else { unreachable!("invariant: a part") };
    let complaint = hall.sign(0, Statement::Complaint { dealing, opening: Opening([1; 96]) });
    assert!(!Blame { dealer: 1, evidence: vec![honest, complaint] }.holds(&hall.plan));
}

#[test]
fn strangers_replays_and_other_ceremonies_change_nothing() {
    let mut hall = Hall::fresh(&with(4, &[]), 1);
    hall.begin();
    let words: Vec<Transaction> = hall.waiting.iter().cloned().collect();
    let mut ceremony = Ceremony::new(plan(2, 0..4, None), secrets(0, None)).unwrap();
    let mut out = Vec::new();
    words.iter().for_each(|word| drop(ceremony.ordered(word, &mut out)));
    let mut own = Vec::new();
    ceremony.speak(&mut own);
    assert!(out.is_empty());
    assert_eq!(own.len(), 1, "only its own dealing is due");
    let stranger = secrets(9, None).key;
    let message = SignedCeremonyMessage::of_transaction(&words[0]).unwrap().message;
    let foreign = CeremonyMessage { sender: stranger.public_key(), ..message.clone() }.sign(&stranger);
    let stolen = SignedCeremonyMessage { message, signature: foreign.signature };
    let mut ceremony = Ceremony::new(hall.plan, secrets(2, None)).unwrap();
    for transaction in [foreign.to_transaction(), stolen.to_transaction(), Blob::new(vec![1, 2, 3]).unwrap()]
    {
        ceremony.ordered(&transaction, &mut out);
    }
    ceremony.heard(&foreign, &mut out);
    ceremony.speak(&mut out);
    assert_eq!(out.len(), 1, "nothing was acknowledged");
    let said: Vec<u8> = stolen.encode().to_vec();
    assert!(!said.is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn any_order_with_restarts_ends_in_one_key_for_all(seed in any::<u64>(), liars in 0usize..5) {
        let roles = match liars {
            0 => with(4, &[]),
            1 => with(4, &[(0, cheats(&[1, 2]))]),
            2 => with(4, &[(3, cheats(&[0]))]),
            3 => with(4, &[(2, Role::Slanders)]),
            _ => with(7, &[(1, cheats(&[6])), (4, cheats(&[0, 6]))]),
        };
        let mut hall = Hall::fresh(&roles, seed);
        hall.restarts = 3;
        let key = hall.run();
        hall.check(&key);
    }
}
