//! How often something may be tried: so many times at once, and one more each so often (the generic cell
//! rate algorithm). One number is kept: the time at which the allowance is whole again.

use std::time::Duration;

use super::clock::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Tries at once.
    pub burst: u32,
    /// One more try each.
    pub every: Duration,
}

impl Allowance {
    /// How long it takes to become whole, once used up.
    pub fn window(self) -> Duration {
        self.every * self.burst
    }

    /// When an allowance that is whole at `whole_at` is whole again after one more try; or how long to wait
    /// until one may be made.
    pub fn spend(self, whole_at: Timestamp, now: Timestamp) -> Result<Timestamp, Duration> {
        let after = whole_at.max(now) + self.every;
        let limit = now + self.window();
        if after <= limit { Ok(after) } else { Err(after.since(limit)) }
    }

    /// The same for what can wait its turn: when the allowance is whole again, and when the turn is.
    pub fn book(self, whole_at: Timestamp, now: Timestamp) -> (Timestamp, Timestamp) {
        let after = whole_at.max(now) + self.every;
        (after, self.turn_of(after, now))
    }

    /// The turn of whatever moved the number to `after`.
    pub fn turn_of(self, after: Timestamp, now: Timestamp) -> Timestamp {
        now.max(after - self.window())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_may_be_spent_at_once_and_then_one_each_so_often() {
        let allowance = Allowance { burst: 3, every: Duration::from_secs(10) };
        let now = Timestamp::from_secs(1_000);
        let mut whole_at = Timestamp::from_secs(0);
        for _ in 0..3 {
            whole_at = allowance.spend(whole_at, now).unwrap();
        }
        assert_eq!(allowance.spend(whole_at, now), Err(Duration::from_secs(10)));
        let later = now + Duration::from_secs(10);
        whole_at = allowance.spend(whole_at, later).unwrap();
        assert_eq!(allowance.spend(whole_at, later), Err(Duration::from_secs(10)));
        assert!(allowance.spend(whole_at, now + Duration::from_secs(3_600)).is_ok());
    }

    #[test]
    fn what_can_wait_gets_a_turn_of_its_own() {
        let allowance = Allowance { burst: 2, every: Duration::from_secs(10) };
        let now = Timestamp::from_secs(1_000);
        let mut whole_at = Timestamp::from_secs(0);
        let mut turns = Vec::new();
        for _ in 0..4 {
            let (after, turn) = allowance.book(whole_at, now);
            whole_at = after;
            turns.push(turn.since(now).as_secs());
        }
        assert_eq!(turns, [0, 0, 10, 20]);
    }
}
