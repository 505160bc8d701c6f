//! Scenarios as files: the first line of each says what it proves, the rest is what happens and what must be.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails with the line that it failed at")]

mod support;

use std::collections::BTreeSet;

use exchange::genesis::{HaltParameters, LadderParameters, WithdrawalParameters};
use num::{Cash, Fix, HOUR_MS, Lots, Ticks, Timestamp};
use support::*;
use wire::{
    AccountId, Action, Destination, Event, InstrumentId, Outcome, SignedIntent, TradeKind, UnderlyingId,
};

/// A running scenario.
struct Scene {
    bench: Bench,
    /// What the last line did.
    events: Vec<Event>,
    /// Intents that are to be in one commit.
    together: Option<Vec<SignedIntent>>,
}

fn begin(text: &str) -> Scene {
    let has = |word: &str| text.lines().any(|line| line.split(' ').next() == Some(word));
    let bench = Bench::with(|genesis| {
        let halt = HaltParameters { move_billionths: Fix::SCALE / 20, ..HaltParameters::default() };
        genesis.halt = has("halt").then_some(halt);
        genesis.ladder = has("ladder").then(LadderParameters::default);
        let rules =
            WithdrawalParameters { share_billionths: Fix::SCALE / 24, ..WithdrawalParameters::default() };
        genesis.withdrawals = has("withdrawals").then_some(rules);
        genesis.limits.price_band_billionths = Fix::SCALE / 4;
    });
    Scene { bench: bench.fund(), events: Vec::new(), together: None }
}

impl Scene {
    fn instrument(&self, name: &str) -> InstrumentId {
        self.bench.state.instrument_named(name).unwrap_or_else(|| panic!("no instrument {name}")).id
    }

    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["halt", ..] | ["ladder"] | ["withdrawals"] => {}
            ["wait", ms] => self.until(self.bench.now_ms + ms.parse::<u64>().unwrap()),
            ["until", ms] => self.until(START_MS + ms.parse::<u64>().unwrap()),
            ["index", ..] => self.index(&words[1..]),
            ["together"] => self.together = Some(Vec::new()),
            ["end"] => {
                let intents = self.together.take().unwrap_or_default();
                self.events = self.bench.commit(intents);
            }
            ["expect", ..] => self.expect(&words[1..]),
            [user, ..] => {
                let action = self.action(&words[1..]);
                self.act(user.parse().unwrap(), action);
            }
            [] => {}
        }
    }

    fn until(&mut self, ms: u64) {
        self.bench.now_ms = ms;
        self.events = self.bench.commit(vec![]);
    }

    fn index(&mut self, prices: &[&str]) {
        let observed_at = Timestamp::from_millis(self.bench.now_ms);
        let said = (201..).zip(prices).map(|(user, usd)| {
            let price = usdc(usd.parse().unwrap());
            let action = Action::Observe { underlying: UnderlyingId(0), price, observed_at };
            self.bench.intent(user, vec![action])
        });
        let said = said.collect();
        self.events = self.bench.commit(said);
    }

    fn action(&self, words: &[&str]) -> Action {
        let whole = |text: &str| text.parse::<i64>().unwrap();
        match *words {
            ["sell", name, lots, price] => sell(self.instrument(name), lots.parse().unwrap(), whole(price)),
            ["buy", name, lots, price] => buy(self.instrument(name), lots.parse().unwrap(), whole(price)),
            ["cancel"] => Action::CancelAll { instrument: None },
            ["deposit", usd] => faucet(whole(usd)),
            ["withdraw", usd] => Action::Withdraw { amount: usdc(whole(usd)), to: Destination::default() },
            ["take", of, percent] => Action::TakeAuction {
                account: account(of.parse().unwrap()),
                part: Fix::from_raw(whole(percent) * (Fix::SCALE / 1_000)),
                reward_min: Cash::ZERO,
            },
            _ => panic!("no action {words:?}"),
        }
    }

    fn act(&mut self, user: u8, action: Action) {
        let intent = self.bench.intent(user, vec![action]);
        match &mut self.together {
            Some(together) => together.push(intent),
            None => self.events = self.bench.commit(vec![intent]),
        }
    }

    /// The word of an event, a reject or a state is the name that it has in the code.
    fn has(&self, events: &[Event], name: &str) -> bool {
        events.iter().any(|event| format!("{event:?}").split([' ', '{']).next() == Some(name))
    }

    fn expect(&self, words: &[&str]) {
        let state = &self.bench.state;
        let index = |user: &str| state.account_index(&account(user.parse().unwrap())).unwrap();
        match *words {
            ["event", name] => assert!(self.has(&self.bench.events, name), "no {name}"),
            ["accepted"] => {
                let refused =
                    outcomes(&self.events).into_iter().find(|it| matches!(it, Outcome::Rejected { .. }));
                assert_eq!(refused, None);
            }
            ["reject", name] => {
                let named = |it: &Outcome| matches!(it, Outcome::Rejected { reject } if format!("{reject:?}").starts_with(name));
                assert!(outcomes(&self.events).iter().any(named), "no {name} in {:?}", self.events);
            }
            ["position", user, name, lots] => {
                let have = self.bench.position(user.parse().unwrap(), self.instrument(name));
                assert_eq!(have, lots.parse::<i64>().unwrap());
            }
            ["open_interest", name, lots] => {
                let have = state.instrument_named(name).unwrap().open_interest;
                assert_eq!(have, lots.parse::<u64>().unwrap());
            }
            ["index", usd] => {
                let have = state.underlying_of(UnderlyingId(0)).unwrap().index;
                assert_eq!(have, usdc(usd.parse().unwrap()));
            }
            ["waits", user, usd] => {
                let left: i64 = state.withdrawals(index(user)).map(|(_, it)| it.left.micros()).sum();
                assert_eq!(left / Cash::SCALE, usd.parse::<i64>().unwrap());
            }
            ["fund", relation, usd] => {
                let (have, need) = (state.totals().insurance, usdc(usd.parse().unwrap()));
                let holds = match relation {
                    ">" => have > need,
                    ">=" => have >= need,
                    _ => have == need,
                };
                assert!(holds, "the fund has {have}");
            }
            ["no_payoff"] => {
                let paid = |event: &Event| matches!(event, Event::PositionSettled { amount, .. } if !amount.is_zero());
                assert!(
                    self.has(&self.bench.events, "PositionSettled") && !self.bench.events.iter().any(paid)
                );
            }
            ["opened", name, price, lots] => self.expect_opened(self.instrument(name), (price, lots)),
            [what @ ("deleveraged" | "insured" | "rewarded"), ref users @ ..] => {
                assert_eq!(self.of_users(|event| whose(what, event)), users);
            }
            ["balance", user, usd] => {
                assert_eq!(self.bench.balance(user.parse().unwrap()), usdc(usd.parse().unwrap()));
            }
            ["liquidated", ref users @ ..] => self.expect_liquidated(users),
            ["untouched", ref users @ ..] => users.iter().for_each(|user| {
                assert!(!self.liquidated().contains(&user.to_string()), "{user} was liquidated");
            }),
            _ => panic!("nothing to expect: {words:?}"),
        }
    }

    /// The market has opened at one price: so many lots, each of them at it.
    fn expect_opened(&self, id: InstrumentId, (price, lots): (&str, &str)) {
        let (at, size) = (Ticks::new(price.parse().unwrap()), Lots::new(lots.parse().unwrap()));
        let opened = Event::Reopened { instrument: id, price: Some(at), lots: size };
        assert!(self.bench.events.contains(&opened), "it has not opened so");
        let trades = self.bench.events.iter().filter_map(|event| match event {
            Event::Traded { trade } if trade.kind == TradeKind::Opening && trade.instrument == id => {
                Some(trade)
            }
            _ => None,
        });
        let (prices, sizes): (Vec<Ticks>, Vec<u64>) = trades.map(|it| (it.price, it.lots.get())).unzip();
        assert!(prices.iter().all(|price| *price == at) && sizes.iter().sum::<u64>() == size.get());
    }

    /// The users that events are about, each once, by rising number.
    fn of_users(&self, of: impl Fn(&Event) -> Option<AccountId>) -> Vec<String> {
        let met: BTreeSet<AccountId> = self.bench.events.iter().filter_map(of).collect();
        (1..=9).filter(|user| met.contains(&account(*user))).map(|user| user.to_string()).collect()
    }

    /// Whoever is liquidated has less than its maintenance margin when it begins, and something to close.
    fn liquidated(&self) -> Vec<String> {
        self.of_users(|event| match event {
            Event::LiquidationStarted { account, equity, maintenance } => {
                assert!(equity < maintenance, "{account:?} was healthy");
                Some(*account)
            }
            _ => None,
        })
    }

    fn expect_liquidated(&self, users: &[&str]) {
        let need: Vec<&str> = users.iter().copied().filter(|user| *user != "none").collect();
        assert_eq!(self.liquidated(), need);
    }
}

/// Whom something happened to: who gave up a part of a gain, whose debt the fund paid, who was paid for a bid.
fn whose(what: &str, event: &Event) -> Option<AccountId> {
    match (what, event) {
        ("deleveraged", Event::Deleveraged { counterparty, .. }) => Some(*counterparty),
        ("insured", Event::InsurancePaid { account, amount, .. }) => amount.is_positive().then_some(*account),
        ("rewarded", Event::AuctionTaken { bidder, reward, .. }) => reward.is_positive().then_some(*bidder),
        _ => None,
    }
}

fn check(text: &str) {
    assert!(text.starts_with("# "), "the first line says what is proved");
    let mut scene = begin(text);
    for (number, line) in text.lines().enumerate().skip(1) {
        let run = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| scene.line(line)));
        assert!(run.is_ok(), "line {}: {line}", number + 1);
    }
    assert!(scene.bench.now_ms < START_MS + 24 * HOUR_MS, "a scenario is of a day");
}

macro_rules! scenarios {
    ($($name:ident),* $(,)?) => {
        $(#[test]
        fn $name() {
            check(include_str!(concat!("data/scenarios/", stringify!($name), ".txt")));
        })*
    };
}

scenarios!(
    flash_crash,
    liquidity_hole,
    oracle_stall_and_liar,
    expiry_at_the_money,
    mass_default,
    reorder_within_a_commit,
    bank_run,
    real_day_2026_02_05,
);
