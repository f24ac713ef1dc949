//! An authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1) whose every part has been checked.

use std::time::Duration;

use super::clock::Timestamp;
use super::ids::{ApplicationId, RequestId};
use super::pkce::CodeChallenge;
use super::provider::ProviderKey;
use super::scope::Scopes;
use super::session::Session;

/// How long a user may take to sign in before the request is forgotten.
pub const PENDING_LIFE: Duration = Duration::from_secs(60 * 60);

#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    pub application_id: ApplicationId,
    pub redirect_uri: String,
    pub response_mode: ResponseMode,
    pub state: Option<String>,
    pub scopes: Scopes,
    pub nonce: Option<String>,
    pub code_challenge: Option<CodeChallenge>,
    pub resource: Option<String>,
    pub prompt: Prompt,
    pub max_age: Option<Duration>,
    pub login_hint: Option<String>,
    /// The key of the upstream provider that the user is to be sent to.
    pub provider: Option<ProviderKey>,
    /// The subject of `id_token_hint`: the user whom the client expects.
    pub expected_user: Option<String>,
}

/// A request that waits for its user to sign in, kept on our side and bound to one browser.
#[derive(Clone, Debug)]
pub struct PendingRequest {
    pub id: RequestId,
    /// The parameters as they came; they are checked anew when the request goes on.
    pub query: String,
    pub created_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMode {
    Query,
    FormPost,
}

/// `prompt`: `none` stands alone, the others combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prompt {
    Never,
    AsNeeded { login: bool, confirm: bool },
}

impl Prompt {
    /// OpenID Connect Core §3.1.2.1: space-delimited, `none` with nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
        if words == ["none"] {
            return Some(Self::Never);
        }
        let known =
            words.iter().all(|word| matches!(*word, "login" | "consent" | "select_account"));
        known.then(|| Self::AsNeeded {
            login: words.contains(&"login"),
            confirm: words.contains(&"consent") || words.contains(&"select_account"),
        })
    }
}

/// What stands between a request and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextStep {
    /// Nothing: answer with a code.
    Answer,
    /// The user signs in.
    SignIn,
    /// The user says that it is they who go on.
    Confirm,
    /// The user says what a third party's application may see.
    Consent,
    /// The user proves their address, as the tenant wants it.
    VerifyEmail,
    /// `prompt=none`, but the user is needed.
    Refuse(UserNeeded),
}

/// What for (OpenID Connect Core §3.1.2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserNeeded {
    ToSignIn,
    ToConsent,
    ToVerifyEmail,
}

/// What the user of the session has said of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentState {
    /// It is the tenant's own: nobody is asked.
    Needless,
    /// All that it asks for was allowed before.
    Given,
    Missing,
}

/// What the user has done for this very request so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    JustArrived,
    /// Waiting since then.
    Pending {
        since: Timestamp,
    },
    /// Waiting since then, and the user chose to go on.
    Confirmed {
        since: Timestamp,
    },
}

impl Progress {
    /// Whether the user proved who they are after the request had come.
    fn proved_by(self, session: &Session) -> bool {
        match self {
            Self::JustArrived => false,
            Self::Pending { since } | Self::Confirmed { since } => session.authenticated_at > since,
        }
    }
}

impl AuthorizationRequest {
    pub fn next_step(
        &self,
        session: Option<&Session>,
        consent: ConsentState,
        progress: Progress,
        now: Timestamp,
    ) -> NextStep {
        let signed_in = session.filter(|session| {
            self.expected_user.as_ref().is_none_or(|user| *user == session.user_id.to_string())
        });
        match (self.prompt, signed_in) {
            (Prompt::Never, None) => NextStep::Refuse(UserNeeded::ToSignIn),
            (Prompt::Never, Some(session)) if self.is_too_old(session, now) => {
                NextStep::Refuse(UserNeeded::ToSignIn)
            }
            (Prompt::Never, Some(_)) if consent == ConsentState::Missing => {
                NextStep::Refuse(UserNeeded::ToConsent)
            }
            (Prompt::Never, Some(_)) => NextStep::Answer,
            // Someone signed in for this request, but not the user whom the client expects.
            (Prompt::AsNeeded { .. }, None)
                if session.is_some_and(|session| progress.proved_by(session)) =>
            {
                NextStep::Refuse(UserNeeded::ToSignIn)
            }
            (Prompt::AsNeeded { .. }, None) => NextStep::SignIn,
            (Prompt::AsNeeded { login, confirm }, Some(session)) => {
                let just_proved = progress.proved_by(session);
                if !just_proved && (login || self.is_too_old(session, now)) {
                    NextStep::SignIn
                } else if consent == ConsentState::Missing
                    || (confirm
                        && consent == ConsentState::Given
                        && !matches!(progress, Progress::Confirmed { .. }))
                {
                    NextStep::Consent
                } else if confirm && !just_proved && !matches!(progress, Progress::Confirmed { .. })
                {
                    NextStep::Confirm
                } else {
                    NextStep::Answer
                }
            }
        }
    }

    /// What takes the place of `step` for a user who has not proved an address that the tenant wants proved: a
    /// session from before it wanted that is no way around it.
    pub fn before_verification(&self, step: NextStep) -> NextStep {
        match (step, self.prompt) {
            (NextStep::Answer | NextStep::Confirm | NextStep::Consent, Prompt::Never) => {
                NextStep::Refuse(UserNeeded::ToVerifyEmail)
            }
            (NextStep::Answer | NextStep::Confirm | NextStep::Consent, Prompt::AsNeeded { .. }) => {
                NextStep::VerifyEmail
            }
            // Whoever signs in may be somebody else.
            (step @ (NextStep::SignIn | NextStep::VerifyEmail | NextStep::Refuse(_)), _) => step,
        }
    }

    /// `max_age`: seconds since the user last proved who they are.
    fn is_too_old(&self, session: &Session, now: Timestamp) -> bool {
        self.max_age.is_some_and(|max_age| now > session.authenticated_at + max_age)
    }
}
