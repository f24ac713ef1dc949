//! What the flows count, for Prometheus. No label tells of a user.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use crate::domain::refresh_family::Verdict;

#[derive(Default)]
pub struct Metrics {
    rotations: Counter,
    replays_answered: Counter,
    reuses_detected: Counter,
    caught_up: Counter,
    refused: Counter,
}

impl Metrics {
    /// Counts what became of a refresh token; `None` where it never came to a verdict.
    pub(super) fn refresh_judged(&self, verdict: Option<Verdict>) {
        let counter = match verdict {
            Some(Verdict::Rotate) => &self.rotations,
            Some(Verdict::AnswerSuccessor) => &self.replays_answered,
            Some(Verdict::Reuse) => &self.reuses_detected,
            Some(Verdict::CatchUp) => &self.caught_up,
            Some(Verdict::Dead) | None => &self.refused,
        };
        counter.inc();
    }

    pub fn register(&self, registry: &mut Registry) {
        for (name, help, counter) in [
            ("rotations", "Refresh tokens that made a new generation", &self.rotations),
            (
                "replays_answered",
                "Refresh tokens that were answered with their successor again",
                &self.replays_answered,
            ),
            (
                "reuses_detected",
                "Refresh tokens that came back too late and ended their family",
                &self.reuses_detected,
            ),
            (
                "caught_up",
                "Refresh tokens newer than the database knew: it has lost writes",
                &self.caught_up,
            ),
            (
                "refused",
                "Refresh tokens that were refused, and whose family stays as it was",
                &self.refused,
            ),
        ] {
            registry.register(format!("doorward_refresh_{name}"), help, counter.clone());
        }
    }
}
