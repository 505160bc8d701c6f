//! Whether the other end of a connection is still there.
//!
//! A client may ask for heartbeats (`public/set_heartbeat`). Then, every interval, it hears a heartbeat; when it
//! said nothing itself for an interval it gets a `test_request`, and when it does not answer that, the
//! connection is closed, as the venue does.
//!
//! Invariant: no clock in here; whoever owns the connection says when an interval has passed.

/// What to do at the end of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    Heartbeat,
    TestRequest,
    Close,
}

/// What is known of the other end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heart {
    /// It said something in the present interval.
    heard: bool,
    asked: bool,
}

impl Heart {
    pub fn hear(&mut self) {
        *self = Self { heard: true, asked: false };
    }

    /// An interval has passed.
    pub fn beat(&mut self) -> Beat {
        let beat = match (self.heard, self.asked) {
            (true, _) => Beat::Heartbeat,
            (false, false) => Beat::TestRequest,
            (false, true) => Beat::Close,
        };
        *self = Self { heard: false, asked: beat == Beat::TestRequest };
        beat
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_silent_is_asked_once_and_then_cut_off() {
        let mut heart = Heart::default();
        heart.hear();
        assert_eq!(heart.beat(), Beat::Heartbeat);
        assert_eq!(heart.beat(), Beat::TestRequest);
        heart.hear();
        assert_eq!(
            [heart.beat(), heart.beat(), heart.beat()],
            [Beat::Heartbeat, Beat::TestRequest, Beat::Close]
        );
    }
}
