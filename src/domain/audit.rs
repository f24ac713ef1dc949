//! What is remembered of what happened in a tenant.

use super::clock::Timestamp;
use super::ids::AuditEventId;

#[derive(Clone, Debug)]
pub struct AuditEvent {
    pub id: AuditEventId,
    pub at: Timestamp,
    pub action: Action,
    /// Who did it: an id, or `anonymous`, or `operator` for the command line.
    pub actor: String,
    /// On what: an id.
    pub target: String,
    /// From where: the client's address, if it came by the network.
    pub address: Option<String>,
}

macro_rules! actions {
    ($($name:ident = $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action { $($name,)* }

        impl Action {
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

actions! {
    TenantCreated = "tenant.created",
    ApplicationCreated = "application.created",
    RoleCreated = "role.created",
    UserCreated = "user.created",
    UserDisabled = "user.disabled",
    PasswordSet = "user.password_set",
    OperatorCreated = "operator.created",
    KeyScheduled = "key.scheduled",
    KeyReplaced = "key.replaced",
    TenantChanged = "tenant.changed",
    SignedUp = "user.signed_up",
    SignUpRepeated = "user.sign_up_repeated",
    AccountClaimed = "user.account_claimed",
    EmailVerified = "user.email_verified",
    EmailChanged = "user.email_changed",
    RecoveryAsked = "user.recovery_asked",
    PasswordReset = "user.password_reset",
    PasswordChanged = "user.password_changed",
    ProfileChanged = "user.profile_changed",
    DeletionPlanned = "user.deletion_planned",
    DeletionCancelled = "user.deletion_cancelled",
    SessionEnded = "session.ended",
    CodeAsked = "user.code_asked",
    CodeFailed = "user.code_failed",
    SignInThrottled = "user.sign_in_throttled",
    ConsentGranted = "consent.granted",
    ConsentDenied = "consent.denied",
    ConsentRevoked = "consent.revoked",
    MailTested = "mail.tested",
    MailWithheld = "mail.withheld",
    SignedIn = "user.signed_in",
    SignInFailed = "user.sign_in_failed",
    SignedOut = "user.signed_out",
    CodeReplayed = "code.replayed",
    RefreshReuseDetected = "refresh.reuse_detected",
    RefreshCaughtUp = "refresh.caught_up",
    TokenRevoked = "token.revoked",
    ProviderSet = "provider.set",
    ProviderRemoved = "provider.removed",
    FederationFailed = "federation.failed",
    IdentityLinked = "identity.linked",
    IdentityUnlinked = "identity.unlinked",
}
