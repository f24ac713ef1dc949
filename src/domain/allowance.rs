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
    /// When an allowance that is whole at `whole_at` is whole again after one more try; or how long to wait
    /// until one may be made.
    pub fn spend(self, whole_at: Timestamp, now: Timestamp) -> Result<Timestamp, Duration> {
        let after = whole_at.max(now) + self.every;
        let limit = now + self.every * self.burst;
        if after <= limit { Ok(after) } else { Err(after.since(limit)) }
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
}
