//! Civil dates from data time, with integers alone.
//!
//! Invariant: the calendar is the proleptic Gregorian one in UTC; every expiry is at 08:00.
//! Source of the day count: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

use num::{DAY_MS, HOUR_MS, Timestamp};

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/// Hour of the day, UTC, at which instruments expire.
pub const EXPIRY_HOUR: u64 = 8;

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    pub year: u32,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

impl Date {
    /// The day that holds a time.
    pub fn of(time: Timestamp) -> Self {
        // Days since 0000-03-01, in eras of 400 years of 146,097 days.
        let days = time.millis() / DAY_MS + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
        let year = year_of_era + era * 400 + u64::from(month <= 2);
        let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
        Self {
            year: small(year),
            month: small(month),
            day: small(day_of_year - (153 * shifted_month + 2) / 5 + 1),
        }
    }

    /// 00:00 of the day; `None` when there is no such day or it lies before 1970.
    pub fn midnight(self) -> Option<Timestamp> {
        let (year, month, day) = (u64::from(self.year), u64::from(self.month), u64::from(self.day));
        if !(1..=12).contains(&month) || day == 0 || !(1970..=9999).contains(&year) {
            return None;
        }
        let shifted_year = if month <= 2 { year - 1 } else { year };
        let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
        let shifted_month = if month > 2 { month - 3 } else { month + 9 };
        let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let midnight = Timestamp::from_millis((era * 146_097 + day_of_era).checked_sub(719_468)? * DAY_MS);
        // A 31st of April comes back as the first of May.
        (Self::of(midnight) == self).then_some(midnight)
    }
}

/// 00:00 UTC of a day in milliseconds; `None` when there is no such day.
pub fn midnight_ms(year: u32, month: u32, day: u32) -> Option<u64> {
    Date { year, month, day }.midnight().map(Timestamp::millis)
}

/// The time of expiry that `25SEP26` names; `None` when the text is nothing of the kind. The grammar has no
/// leading zero of the day and the month in capitals; years are of this century.
pub fn parse_expiry(text: &str) -> Option<Timestamp> {
    let is_plain = text.is_ascii() && (6..=7).contains(&text.len());
    let (day, rest) = is_plain.then(|| text.split_at(text.len() - 5))?;
    let (month, year) = rest.split_at(3);
    let month = MONTHS.iter().position(|name| *name == month)?;
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(day) || !all_digits(year) || day.starts_with('0') {
        return None;
    }
    let month = u32::try_from(month).ok()? + 1;
    let date = Date { year: 2000 + year.parse::<u32>().ok()?, month, day: day.parse().ok()? };
    Some(Timestamp::from_millis(date.midnight()?.millis() + EXPIRY_HOUR * HOUR_MS))
}

/// The text that `parse_expiry` reads, of the day that holds `expiry`.
pub fn format_expiry(expiry: Timestamp) -> String {
    let date = Date::of(expiry);
    let month = usize::try_from(date.month).ok().and_then(|month| MONTHS.get(month.wrapping_sub(1)));
    format!("{}{}{:02}", date.day, month.copied().unwrap_or("???"), date.year % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_a_century_and_a_half_follows_the_one_before() {
        let mut last = Date { year: 1969, month: 12, day: 31 };
        for day in 0..55_000u64 {
            let midnight = Timestamp::from_millis(day * DAY_MS);
            let date = Date::of(midnight);
            let follows = (date.year == last.year && date.month == last.month && date.day == last.day + 1)
                || (date.day == 1 && date.month == last.month + 1 && date.year == last.year)
                || (date.day == 1 && date.month == 1 && last.month == 12 && date.year == last.year + 1);
            assert!(follows, "{last:?} then {date:?}");
            assert_eq!(date.midnight(), Some(midnight));
            last = date;
        }
        assert_eq!(Date::of(Timestamp::from_millis(951_782_400_000)), Date { year: 2000, month: 2, day: 29 });
    }

    #[test]
    fn days_that_are_not_have_no_midnight() {
        for (year, month, day) in [
            (2026, 2, 29),
            (2026, 4, 31),
            (2026, 0, 1),
            (2026, 13, 1),
            (2026, 1, 0),
            (1969, 1, 1),
            (10_000, 1, 1),
        ] {
            assert_eq!(midnight_ms(year, month, day), None, "{year}-{month}-{day}");
        }
        assert_eq!(midnight_ms(2026, 8, 8), Some(1_786_147_200_000));
    }

    #[test]
    fn expiries_round_trip_and_other_texts_are_none() {
        for day in 0..36_000u64 {
            let expiry = Timestamp::from_millis(946_684_800_000 + day * DAY_MS + 8 * HOUR_MS);
            assert_eq!(parse_expiry(&format_expiry(expiry)), Some(expiry));
        }
        for text in
            ["", "08AUG26", "8aug26", "8AUG2026", "32AUG26", "29FEB26", "8AUG2", "AUG26", "+8AUG26", "8ÄUG26"]
        {
            assert_eq!(parse_expiry(text), None, "{text}");
        }
    }
}
