//! Integers with units. Only meaningful operations compile; every division names its rounding.
//!
//! Invariant: nothing here wraps, panics or rounds without being asked by name. Arithmetic that an
//! outsider can drive returns `Option` (`None` is overflow) and the caller turns that into a reject.
//! Left out on purpose: floats (they live in `pricing`), parsing of user text, conversions with `as`.

mod cash;
mod checked;
mod codec;
mod fix;
mod market;
mod quantity;
mod rounding;
mod time;

pub use cash::Cash;
pub use fix::Fix;
pub use market::{Market, MarketError};
pub use quantity::{Lots, Position, Side, Ticks};
pub use rounding::{Rounding, div_ceil, div_exact, div_floor, div_half_even, div_round, div_scale};
pub use time::{DAY_MS, Duration, HOUR_MS, MINUTE_MS, SECOND_MS, Timestamp, YEAR_MS};
