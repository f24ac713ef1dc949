//! Which account a provider's word opens. The one question behind each rule: could somebody get into an account
//! that is not theirs, by an address that they only claim, or by an account that they made for its owner?

use serde_json::{Value, json};

use super::{Recorder, Refusal};
use crate::domain::after_sign_in::AfterSignIn;
use crate::domain::audit::Action;
use crate::domain::email_address::EmailAddress;
use crate::domain::identity::{AssertedEmail, Assertion, Identity, LINK_OFFER_LIFE, LinkOffer};
use crate::domain::ids::{LinkOfferId, UserId};
use crate::domain::mail_order::Letter;
use crate::domain::provider::{ProfileRefresh, Provider, UnverifiedEmail};
use crate::domain::session::Session;
use crate::domain::tenant::{AccountPolicy, DisplayName, EmailVerification, SignUp};
use crate::domain::upstream_sign_in::Purpose;
use crate::domain::upstream_token::SealedTokens;
use crate::domain::user::{User, UserStatus};
use crate::flows::account::authority::{Authority, Freshness};
use crate::flows::account::claim::take_over;
use crate::storage::{StorageError, TenantTx};

/// What a provider's word changes of a user, as the audit log says it.
fn described(name: Option<&DisplayName>, picture: Option<&str>) -> Value {
    json!({ "name": name.map(DisplayName::as_str), "picture": picture })
}

/// Somebody back from a provider, and the ids of what may become of it.
#[derive(Clone)]
pub struct Visit {
    pub browser: String,
    pub session: Option<Session>,
    pub purpose: Purpose,
    pub(super) recorder: Recorder,
    /// The provider's, if they are kept.
    pub(super) tokens: Option<SealedTokens>,
    pub user_id: UserId,
    pub offer_id: LinkOfferId,
}

#[derive(Debug)]
pub enum Settled {
    SignIn { user: User, then: AfterSignIn },
    Linked,
    Offered(LinkOfferId),
    Refused(Refusal),
}

impl Visit {
    pub fn settle(
        &self,
        tx: &mut TenantTx<'_>,
        policy: AccountPolicy,
        provider: &Provider,
        assertion: Assertion,
    ) -> Result<Settled, StorageError> {
        let settled = match domain_refusal(provider, &assertion) {
            Some(why) => Settled::Refused(why),
            None => match self.purpose {
                Purpose::SignIn { then } => self.sign_in(tx, policy, provider, assertion, then)?,
                Purpose::ProveAccount { offer } => self.prove(tx, provider, assertion, offer)?,
                Purpose::Link { user } => self.link(tx, provider, assertion, user)?,
            },
        };
        if let Settled::Refused(why) = &settled {
            tx.audit_events().append(&self.recorder.refused(&provider.key, why))?;
        }
        Ok(settled)
    }

    fn sign_in(
        &self,
        tx: &mut TenantTx<'_>,
        policy: AccountPolicy,
        provider: &Provider,
        assertion: Assertion,
        then: AfterSignIn,
    ) -> Result<Settled, StorageError> {
        if let Some(identity) = tx.identities().find(provider.id, &assertion.subject)? {
            let is_required = policy.email_verification == EmailVerification::Required;
            return match self.known(tx, provider, &identity, assertion)? {
                Some(user) if is_required && !user.email_verified => {
                    Ok(Settled::Refused(Refusal::UnverifiedEmail(user.email)))
                }
                Some(user) => Ok(Settled::SignIn { user, then }),
                None => Ok(Settled::Refused(Refusal::Disabled)),
            };
        }
        match assertion.email.clone() {
            None => Ok(Settled::Refused(Refusal::NoEmail)),
            Some(AssertedEmail::Unverified(email)) => {
                self.unverified(tx, policy, provider, assertion, email, then)
            }
            Some(AssertedEmail::Verified(email)) => {
                self.verified(tx, policy, provider, assertion, email, then)
            }
        }
    }

    /// The user of an identity that opens an account; `None` if they may not sign in.
    fn known(
        &self,
        tx: &mut TenantTx<'_>,
        provider: &Provider,
        identity: &Identity,
        assertion: Assertion,
    ) -> Result<Option<User>, StorageError> {
        let user = tx.users().find(identity.user_id)?;
        let Some(mut user) = user.filter(|user| user.status == UserStatus::Active) else {
            return Ok(None);
        };
        match provider.profile {
            ProfileRefresh::FirstSignIn => {}
            ProfileRefresh::EverySignIn => {
                let before = (user.name.clone(), user.picture.clone());
                // What is not as the provider said last, the user has changed.
                if user.name == identity.name && assertion.name.is_some() {
                    user.name.clone_from(&assertion.name);
                }
                if user.picture == identity.picture && assertion.picture.is_some() {
                    user.picture.clone_from(&assertion.picture);
                }
                if before != (user.name.clone(), user.picture.clone()) {
                    let picture = user.picture.as_deref();
                    tx.users().refresh_profile(user.id, user.name.as_ref(), picture)?;
                    let event = self.recorder.event(Action::ProfileChanged, provider.id, user.id);
                    let after = described(user.name.as_ref(), picture);
                    let before = described(before.0.as_ref(), before.1.as_deref());
                    tx.audit_events().append(&event.with_change(&before, &after))?;
                }
            }
        }
        self.verify_own_address(tx, &mut user, assertion.email.as_ref())?;
        let now = self.recorder.now;
        let mut used = Identity::new(provider.id, user.id, assertion, now);
        let (name, picture) = (identity.name.clone(), identity.picture.clone());
        (used.name, used.picture) = match provider.profile {
            // They say what was taken over, so that what the user changed shows.
            ProfileRefresh::FirstSignIn => (name, picture),
            ProfileRefresh::EverySignIn => (used.name.or(name), used.picture.or(picture)),
        };
        tx.identities().record_use(&used)?;
        keep(tx, &used, self.tokens.as_ref())?;
        Ok(Some(user))
    }

    /// An account whose address nobody has proved has one way in, this one or a password. The provider has seen now
    /// that its user reads mail there.
    fn verify_own_address(
        &self,
        tx: &mut TenantTx<'_>,
        user: &mut User,
        asserted: Option<&AssertedEmail>,
    ) -> Result<(), StorageError> {
        if !user.email_verified && vouches_for(asserted, &user.email) {
            user.email_verified = tx.users().verify_email(user.id, &user.email)?;
            tx.audit_events().append(&self.recorder.event(
                Action::EmailVerified,
                user.id,
                user.id,
            ))?;
        }
        Ok(())
    }

    /// The provider does not vouch for the address: it never opens an account that there is.
    fn unverified(
        &self,
        tx: &mut TenantTx<'_>,
        policy: AccountPolicy,
        provider: &Provider,
        assertion: Assertion,
        email: EmailAddress,
        then: AfterSignIn,
    ) -> Result<Settled, StorageError> {
        // Asked first, so that where such addresses get nowhere, nobody learns who has an account.
        let is_required = policy.email_verification == EmailVerification::Required;
        if is_required || provider.unverified_email == UnverifiedEmail::Refused {
            return Ok(Settled::Refused(Refusal::UnverifiedEmail(email)));
        }
        if tx.users().find_by_email(&email)?.is_some() {
            return Ok(Settled::Refused(Refusal::UnverifiedMeetsAccount(email)));
        }
        self.sign_up(tx, policy, provider, assertion, &AssertedEmail::Unverified(email), then)
    }

    fn verified(
        &self,
        tx: &mut TenantTx<'_>,
        policy: AccountPolicy,
        provider: &Provider,
        assertion: Assertion,
        email: EmailAddress,
        then: AfterSignIn,
    ) -> Result<Settled, StorageError> {
        let Some((user, _)) = tx.users().find_by_email(&email)? else {
            let email = AssertedEmail::Verified(email);
            return self.sign_up(tx, policy, provider, assertion, &email, then);
        };
        if user.status != UserStatus::Active {
            return Ok(Settled::Refused(Refusal::Disabled));
        }
        let is_signed_in = self.is_signed_in(tx, user.id, Freshness::Any)?;
        if !user.email_verified && email.is_same_mailbox(&user.email) {
            self.claim(tx, provider, assertion, user, &email, then)
        } else if is_signed_in {
            // The session proves the account, and the address is the same.
            self.insert(tx, provider, user.id, assertion)?;
            tell_owner(tx, &self.recorder, user.id, Letter::IdentityLinked)?;
            Ok(Settled::SignIn { user, then })
        } else {
            self.offer(tx, provider, user.id, assertion, then)
        }
    }

    /// Whoever made the account never showed that the address is theirs; this user has. The account becomes
    /// theirs, and nothing of the other's opens it any more.
    fn claim(
        &self,
        tx: &mut TenantTx<'_>,
        provider: &Provider,
        assertion: Assertion,
        user: User,
        email: &EmailAddress,
        then: AfterSignIn,
    ) -> Result<Settled, StorageError> {
        let (name, picture) = (assertion.name.clone(), assertion.picture.clone());
        if !tx.users().claim(user.id, email, name.as_ref(), picture.as_deref())? {
            // It was verified at this very moment: to be looked at anew.
            return Err(StorageError::Conflict);
        }
        let told = self.recorder.letter(tx.tenant_id(), Letter::AccountClaimed, email);
        let event = self.recorder.event(Action::AccountClaimed, user.id, user.id);
        take_over(tx, &user, told, event, self.recorder.now)?;
        self.insert(tx, provider, user.id, assertion)?;
        let user = User {
            email: email.clone(),
            email_verified: true,
            name,
            picture,
            deletes_at: None,
            ..user
        };
        Ok(Settled::SignIn { user, then })
    }

    fn sign_up(
        &self,
        tx: &mut TenantTx<'_>,
        policy: AccountPolicy,
        provider: &Provider,
        assertion: Assertion,
        email: &AssertedEmail,
        then: AfterSignIn,
    ) -> Result<Settled, StorageError> {
        match (policy.sign_up, provider.sign_up) {
            (SignUp::Open, SignUp::Open) => {}
            (SignUp::Closed, _) | (_, SignUp::Closed) => {
                let email = email.address().clone();
                return Ok(Settled::Refused(Refusal::SignUpClosed(email)));
            }
        }
        let user = User {
            id: self.user_id,
            email: email.address().clone(),
            email_verified: matches!(email, AssertedEmail::Verified(_)),
            name: assertion.name.clone(),
            picture: assertion.picture.clone(),
            status: UserStatus::Active,
            created_at: self.recorder.now,
            deletes_at: None,
        };
        tx.users().insert(&user, None)?;
        if !user.email_verified {
            let letter = self.recorder.letter(tx.tenant_id(), Letter::VerifyEmail, &user.email);
            tx.mail_orders().insert(&letter)?;
        }
        tx.audit_events().append(&self.recorder.event(Action::SignedUp, user.id, user.id))?;
        self.insert(tx, provider, user.id, assertion)?;
        Ok(Settled::SignIn { user, then })
    }

    /// The account is proved by its password, or by an identity that opens it already.
    fn offer(
        &self,
        tx: &mut TenantTx<'_>,
        provider: &Provider,
        user: UserId,
        assertion: Assertion,
        then: AfterSignIn,
    ) -> Result<Settled, StorageError> {
        let now = self.recorder.now;
        let offer = LinkOffer {
            id: self.offer_id,
            identity: Identity::new(provider.id, user, assertion, now),
            tokens: self.tokens.clone(),
            request: then.request(),
            expires_at: now + LINK_OFFER_LIFE,
        };
        tx.link_offers().insert(&offer, &self.browser)?;
        Ok(Settled::Offered(offer.id))
    }

    fn prove(
        &self,
        tx: &mut TenantTx<'_>,
        provider: &Provider,
        assertion: Assertion,
        offer: LinkOfferId,
    ) -> Result<Settled, StorageError> {
        let offer = tx.link_offers().find(offer, &self.browser, self.recorder.now)?;
        let Some(offer) = offer else { return Ok(Settled::Refused(Refusal::Expired)) };
        let identity = tx.identities().find(provider.id, &assertion.subject)?;
        let identity = identity.filter(|own| own.user_id == offer.identity.user_id);
        let Some(identity) = identity else {
            return Ok(Settled::Refused(Refusal::OtherAccount));
        };
        let Some(user) = self.known(tx, provider, &identity, assertion)? else {
            return Ok(Settled::Refused(Refusal::Disabled));
        };
        match take_up(tx, &self.recorder, &offer, &self.browser)? {
            TakenUp::Linked => Ok(Settled::SignIn { user, then: AfterSignIn::of(offer.request) }),
            TakenUp::Gone => Ok(Settled::Refused(Refusal::Expired)),
            TakenUp::OpensAnother => Ok(Settled::Refused(Refusal::IdentityTaken)),
        }
    }

    /// From the account page. The address does not matter: the user has both sides in hand.
    fn link(
        &self,
        tx: &mut TenantTx<'_>,
        provider: &Provider,
        assertion: Assertion,
        user: UserId,
    ) -> Result<Settled, StorageError> {
        if !self.is_signed_in(tx, user, Freshness::Fresh)? {
            return Ok(Settled::Refused(Refusal::NotFresh));
        }
        let Some(mut owner) = tx.users().find(user)? else {
            return Ok(Settled::Refused(Refusal::NotFresh));
        };
        self.verify_own_address(tx, &mut owner, assertion.email.as_ref())?;
        if !owner.email_verified {
            // Whoever made the account would keep a way in when its address's owner comes.
            return Ok(Settled::Refused(Refusal::AddressNotVerified(owner.email)));
        }
        match tx.identities().find(provider.id, &assertion.subject)? {
            Some(identity) if identity.user_id == user => {
                keep(tx, &identity, self.tokens.as_ref())?;
                Ok(Settled::Linked)
            }
            Some(_) => Ok(Settled::Refused(Refusal::IdentityTaken)),
            None => {
                self.insert(tx, provider, user, assertion)?;
                tell_owner(tx, &self.recorder, user, Letter::IdentityLinked)?;
                Ok(Settled::Linked)
            }
        }
    }

    /// Whether the browser still is signed in as that user: they were away at the provider.
    fn is_signed_in(
        &self,
        tx: &mut TenantTx<'_>,
        user: UserId,
        freshness: Freshness,
    ) -> Result<bool, StorageError> {
        match self.session.as_ref().filter(|own| own.user_id == user) {
            Some(own) => Authority::of(own, freshness, self.recorder.now).stands(tx),
            None => Ok(false),
        }
    }

    fn insert(
        &self,
        tx: &mut TenantTx<'_>,
        provider: &Provider,
        user: UserId,
        assertion: Assertion,
    ) -> Result<(), StorageError> {
        let identity = Identity::new(provider.id, user, assertion, self.recorder.now);
        insert(tx, &self.recorder, &identity)?;
        keep(tx, &identity, self.tokens.as_ref())
    }
}

/// The account of the offer has been proved: from now on the identity opens it.
pub(super) fn take_up(
    tx: &mut TenantTx<'_>,
    recorder: &Recorder,
    offer: &LinkOffer,
    browser: &str,
) -> Result<TakenUp, StorageError> {
    if !tx.link_offers().delete(offer.id, browser)? {
        return Ok(TakenUp::Gone);
    }
    let identity = &offer.identity;
    match tx.identities().find(identity.provider_id, &identity.subject)? {
        // Another tab was faster.
        Some(linked) if linked.user_id == identity.user_id => return Ok(TakenUp::Linked),
        Some(_) => return Ok(TakenUp::OpensAnother),
        None => insert(tx, recorder, identity)?,
    }
    keep(tx, &offer.identity, offer.tokens.as_ref())?;
    tell_owner(tx, recorder, offer.identity.user_id, Letter::IdentityLinked)?;
    Ok(TakenUp::Linked)
}

pub(super) enum TakenUp {
    Linked,
    /// It was taken up before, or is another browser's.
    Gone,
    /// Meanwhile the identity opens another account.
    OpensAnother,
}

fn keep(
    tx: &mut TenantTx<'_>,
    identity: &Identity,
    tokens: Option<&SealedTokens>,
) -> Result<(), StorageError> {
    match tokens {
        None => Ok(()),
        Some(tokens) => {
            tx.upstream_tokens().put(identity.provider_id, &identity.subject, tokens).map(drop)
        }
    }
}

/// That there is another way into an account that was there before, or one less.
pub(super) fn tell_owner(
    tx: &mut TenantTx<'_>,
    recorder: &Recorder,
    user: UserId,
    letter: Letter,
) -> Result<(), StorageError> {
    let Some(owner) = tx.users().find(user)? else { return Ok(()) };
    let letter = recorder.letter(tx.tenant_id(), letter, &owner.email);
    tx.mail_orders().insert(&letter)
}

fn insert(
    tx: &mut TenantTx<'_>,
    recorder: &Recorder,
    identity: &Identity,
) -> Result<(), StorageError> {
    tx.identities().insert(identity)?;
    let (user, provider) = (identity.user_id, identity.provider_id);
    tx.audit_events().append(&recorder.event(Action::IdentityLinked, user, provider))
}

fn vouches_for(asserted: Option<&AssertedEmail>, email: &EmailAddress) -> bool {
    match asserted {
        Some(AssertedEmail::Verified(verified)) => verified.is_same_mailbox(email),
        Some(AssertedEmail::Unverified(_)) | None => false,
    }
}

fn domain_refusal(provider: &Provider, assertion: &Assertion) -> Option<Refusal> {
    if provider.allows_any() {
        return None;
    }
    match &assertion.email {
        Some(AssertedEmail::Verified(email)) if provider.allows(email, assertion.organisation) => {
            None
        }
        email => {
            let email = email.as_ref().map(|email| email.address().clone());
            Some(Refusal::DomainNotAllowed(email))
        }
    }
}
