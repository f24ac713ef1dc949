//! What a post has done, told by the page that it leads to, so that loading that page again does nothing again. The
//! address holds a key, and a sentence of ours stands for it: nobody is shown somebody else's words.

use actix_web::HttpResponse;

use super::view::see;

macro_rules! done {
    ($($name:ident = $key:literal: $sentence:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Done { $($name,)* }

        impl Done {
            const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }

            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }

            pub fn parse(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$name),)* _ => None }
            }
        }
    };
}

done! {
    Saved = "saved": "Saved.",
    AppMade = "app-made": "The application is there.",
    AppDisabled = "app-disabled": "The application is disabled: it gets no tokens any more.",
    AppEnabled = "app-enabled": "The application is enabled again.",
    AppDefault = "app-default": "It is the default application now.",
    AppDeleted = "app-deleted": "The application is deleted.",
    SecretRemoved = "secret-removed": "The client secret is removed.",
    UserInvited = "user-invited": "The user is invited: a letter with a link to choose a password is on its way.",
    UserCreated = "user-created": "The user is created. No mail went out.",
    UserVerified = "user-verified": "The e-mail address counts as verified now.",
    UserDisabled = "user-disabled": "The user is disabled and signed out everywhere.",
    UserEnabled = "user-enabled": "The user is enabled again.",
    UserDeleted = "user-deleted": "The user is deleted.",
    SessionEnded = "session-ended": "The session is ended.",
    SessionsEnded = "sessions-ended": "All sessions are ended.",
    FamilyEnded = "family-ended": "The application's sign-in is ended; it gets no more tokens by it.",
    ResetRequired = "reset-required": "The password works no more. A letter with a link to choose another is on its way.",
    RolesSaved = "roles-saved": "The roles are saved. They show in the next refresh.",
    RoleMade = "role-made": "The role is there.",
    RoleMoved = "role-moved": "The role has its new rank.",
    RoleDeleted = "role-deleted": "The role is deleted.",
    ProviderAdded = "provider-added": "The provider is there.",
    ProviderRemoved = "provider-removed": "The provider is removed.",
    LogoSaved = "logo-saved": "The logo is saved.",
    LogoRemoved = "logo-removed": "The logo is removed.",
    LetterOrdered = "test": "The letter is on its way. If it cannot be sent, it is listed below.",
    LetterWaits = "test-waits": "The letter waits: it goes out once a mail server takes it.",
    LetterRetried = "retry": "The letter is tried once more.",
    KeysAnnounced = "keys-announced": "New keys are published. They sign from tomorrow on.",
    KeysReplaced = "keys-replaced": "All keys are replaced.",
    KeyWithdrawn = "key-withdrawn": "The key is withdrawn.",
    MemberAdded = "member-added": "The member is added.",
    MemberRemoved = "member-removed": "The member is removed.",
    HostClaimed = "host-claimed": "The host is claimed. The records to set in DNS stand below.",
    HostVerified = "host-verified": "The host is verified, and the tenant answers there now.",
    HostWithdrawn = "host-withdrawn": "The claim is withdrawn.",
    HostGivenUp = "host-given-up": "The host is given up.",
    TenantSuspended = "tenant-suspended": "The tenant is suspended.",
    TenantResumed = "tenant-resumed": "The suspension is ended.",
    DeletionPlanned = "deletion-planned": "The tenant is closed and will be deleted.",
    DeletionCancelled = "deletion-cancelled": "The tenant is not deleted.",
}

/// Leads to the page, which tells what was done.
pub fn done(page: &str, what: Done) -> HttpResponse {
    see(format!("{page}?done={}", what.key()))
}
