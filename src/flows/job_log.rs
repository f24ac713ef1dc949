//! When each job of this process ran last, and how it went.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::clock::Timestamp;

#[derive(Clone, Debug)]
pub struct Run {
    pub at: Timestamp,
    /// Why it failed, if it did.
    pub error: Option<String>,
}

#[derive(Default)]
pub struct JobLog(Mutex<BTreeMap<&'static str, Run>>);

impl JobLog {
    pub fn note(&self, job: &'static str, at: Timestamp, error: Option<String>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(job, Run { at, error });
    }

    pub fn runs(&self) -> Vec<(&'static str, Run)> {
        let runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        runs.iter().map(|(job, run)| (*job, run.clone())).collect()
    }
}
