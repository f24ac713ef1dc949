//! What is remembered of what happened in a tenant.

use serde_json::{Value, json};

use super::clock::Timestamp;
use super::entropy::Entropy;
use super::ids::AuditEventId;
use super::refresh_family::RefreshFamily;

#[derive(Clone, Debug)]
pub struct AuditEvent {
    pub id: AuditEventId,
    pub at: Timestamp,
    pub action: Action,
    /// Who did it: an id, `operator:` and an id for an operator who is no member of the tenant, `operator` for
    /// the command line, `housekeeping` for what was planned before, or `anonymous`.
    pub actor: String,
    /// On what: an id.
    pub target: String,
    /// From where: the client's address, if it came by the network.
    pub address: Option<String>,
    /// JSON: what was there before and after, where something was changed.
    pub details: Option<String>,
}

/// Who does what was planned, when its time has come.
pub const HOUSEKEEPING: &str = "housekeeping";

impl AuditEvent {
    pub fn new(
        now: Timestamp,
        entropy: &dyn Entropy,
        action: Action,
        actor: String,
        target: String,
    ) -> Self {
        let id = AuditEventId::generate(now, entropy);
        Self { id, at: now, action, actor, target, address: None, details: None }
    }

    /// With what was there before and what is there now; neither holds a secret.
    #[must_use]
    pub fn with_change(self, before: &Value, after: &Value) -> Self {
        let details = json!({ "before": before, "after": after }).to_string();
        Self { details: Some(details), ..self }
    }

    /// About the user whose refresh family it is, in whose trail it belongs, and what became of the family.
    #[must_use]
    pub fn about_family(self, family: &RefreshFamily, state: &str) -> Self {
        let told = |state: &str| {
            json!({
                "application": family.grant.application_id,
                "refresh_family": family.id,
                "state": state,
            })
        };
        Self { target: family.grant.user_id.to_string(), ..self }
            .with_change(&told("live"), &told(state))
    }
}

macro_rules! actions {
    ($($name:ident = $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Action { $($name,)* }

        impl Action {
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            pub const ALL: &[Self] = &[$(Self::$name,)*];

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
    OperatorEntered = "operator.entered",
    TenantDisabled = "tenant.disabled",
    TenantEnabled = "tenant.enabled",
    TenantDeletionPlanned = "tenant.deletion_planned",
    TenantDeleted = "tenant.deleted",
    TenantDeletionCancelled = "tenant.deletion_cancelled",
    ApplicationChanged = "application.changed",
    ApplicationDisabled = "application.disabled",
    ApplicationEnabled = "application.enabled",
    ApplicationDeleted = "application.deleted",
    ApplicationMadeDefault = "application.made_default",
    SecretAdded = "application.secret_added",
    SecretRemoved = "application.secret_removed",
    RoleChanged = "role.changed",
    RoleDeleted = "role.deleted",
    RolesAssigned = "user.roles_assigned",
    UserInvited = "user.invited",
    UserEnabled = "user.enabled",
    UserDeleted = "user.deleted",
    SessionsEnded = "user.sessions_ended",
    ResetRequired = "user.reset_required",
    MemberAdded = "member.added",
    MemberChanged = "member.changed",
    MemberRemoved = "member.removed",
    MailRetried = "mail.retried",
    KeyScheduled = "key.scheduled",
    KeyReplaced = "key.replaced",
    KeyWithdrawn = "key.withdrawn",
    TenantChanged = "tenant.changed",
    HostClaimed = "tenant.host_claimed",
    HostClaimWithdrawn = "tenant.host_claim_withdrawn",
    HostVerified = "tenant.host_verified",
    HostVerificationFailed = "tenant.host_verification_failed",
    HostGivenUp = "tenant.host_given_up",
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
    FamilyEnded = "refresh.ended",
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
