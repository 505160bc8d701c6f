//! Proposals, votes and pauses that only look drawn.

use num::Duration;
use wire::{Action, Change, ParameterName};

use super::Drawing;

/// Parameters with values that they may have and that they may not, as they are at other times.
const PARAMETERS: [(&str, [i64; 3]); 13] = [
    ("fees.option_billionths", [300_000, 500_000, -1]),
    ("fees.future_taker_billionths", [500_000, 0, 100_000_001]),
    ("margin.initial_billionths", [1_300_000_000, 1_500_000_000, 999_999_999]),
    ("liquidation.step_billionths", [250_000_000, 1_000_000_000, 0]),
    ("limits.order_lots_max", [1_000_000, 50, 19]),
    ("limits.position_lots_max", [1_000_000, 40, 0]),
    ("limits.open_interest_lots_max", [1_000_000, 90, i64::MIN]),
    ("funding.cap_billionths", [5_000_000, 0, -5]),
    ("halt.collect_ms", [75, 20, 1 << 32]),
    ("withdrawals.share_billionths", [200_000, 1_000_000_000, 0]),
    ("fees.none", [1, 2, 3]),
    ("oracle.quorum", [1, 2, 3]),
    ("limits", [1, 2, 3]),
];

impl Drawing<'_> {
    pub(super) fn governance(&mut self) -> Action {
        let open = &self.bench.state.governance().proposals;
        let open: Vec<u64> = open.iter().filter(|(_, it)| it.due_at.is_none()).map(|(id, _)| *id).collect();
        match self.draw.below(12) {
            0..2 => Action::Pause { span: Duration::from_millis(self.draw.below(62)) },
            2..8 if !open.is_empty() => Action::Vote { proposal: self.draw.of(&open) },
            8 => Action::Vote { proposal: self.draw.below(9) },
            9 => {
                let commit = (self.bench.state.commit() + self.draw.below(20)).saturating_sub(3);
                let version = if self.draw.one_in(2) { 2 } else { 3 };
                Action::Propose { change: Change::Upgrade { version, commit } }
            }
            _ => {
                let (name, values) = self.draw.of(&PARAMETERS);
                let value = self.draw.of(&[values[0], values[1], values[1], values[2]]);
                let name = ParameterName::new(name.as_bytes().to_vec()).unwrap();
                Action::Propose { change: Change::Parameter { name, value } }
            }
        }
    }
}
