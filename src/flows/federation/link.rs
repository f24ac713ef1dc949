//! Linking identities to accounts: the offer that waits for its account to be proved, and the list on the
//! account page.

use super::settle::{TakenUp, take_up, tell_owner};
use super::{Recorder, Visitor};
use crate::domain::audit::Action;
use crate::domain::identity::{Identity, LinkOffer, Subject};
use crate::domain::ids::{LinkOfferId, RequestId, SessionId, UserId};
use crate::domain::mail_order::Letter;
use crate::domain::provider::Provider;
use crate::domain::session::Method;
use crate::domain::tenant::{AccountPolicy, EmailCode};
use crate::flows::account::authority::{Authority, Freshness};
use crate::flows::account::session;
use crate::flows::account::sign_in::{self, Credentials, Outcome};
use crate::flows::account::throttle::Guesser;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{StorageError, TenantTx};

/// What the user is told of an offer, and how they may prove the account.
#[derive(Debug)]
pub struct Offered {
    pub offer: LinkOffer,
    /// Of the account.
    pub email: String,
    pub has_password: bool,
    /// Their identities that open it already.
    pub identities: Vec<Identity>,
}

pub async fn offer(
    context: &Context,
    tenant: &TenantSnapshot,
    id: LinkOfferId,
    browser: &str,
) -> Result<Option<Offered>, Failure> {
    let (now, browser) = (context.now(), browser.to_owned());
    let found = context.db.read::<_, StorageError>(tenant.tenant.id, move |tx| {
        let Some(offer) = tx.link_offers().find(id, &browser, now)? else { return Ok(None) };
        let user = offer.identity.user_id;
        let Some(account) = tx.users().find(user)? else { return Ok(None) };
        Ok(Some(Offered {
            email: account.email.to_string(),
            has_password: tx.users().password(user)?.is_some(),
            identities: tx.identities().list(user)?,
            offer,
        }))
    });
    Ok(found.await?)
}

#[derive(Debug)]
pub enum Proved {
    SignedIn {
        session: SessionId,
        user: UserId,
        request: Option<RequestId>,
    },
    WrongPassword,
    /// Too many tries: wait so many seconds.
    TooMany {
        retry_after: u64,
    },
    /// It was taken up before, or too long ago.
    Gone,
}

pub async fn prove_with_password(
    context: &Context,
    tenant: &TenantSnapshot,
    id: LinkOfferId,
    password: &str,
    guesser: &Guesser,
    visitor: Visitor<'_>,
) -> Result<Proved, Failure> {
    let Some(Offered { offer, email, .. }) = offer(context, tenant, id, visitor.browser).await?
    else {
        return Ok(Proved::Gone);
    };
    let credentials = Credentials::parse(&email, password);
    let mut proof = match sign_in::with_password(context, tenant, credentials, guesser).await? {
        Outcome::Proved(proof) if proof.user.id == offer.identity.user_id => proof,
        Outcome::Proved(_) | Outcome::Wrong => return Ok(Proved::WrongPassword),
        Outcome::TooMany { retry_after } => return Ok(Proved::TooMany { retry_after }),
        // It was verified when the offer was made: it has another address now.
        Outcome::Unverified(_) => return Ok(Proved::Gone),
    };
    let provider = tenant.provider_by_id(offer.identity.provider_id);
    let Some(provider) = provider.map(|stored| stored.provider.key.clone()) else {
        return Ok(Proved::Gone);
    };
    let request = offer.request;
    let (recorder, browser) = (Recorder::new(context, &visitor.device), visitor.browser.to_owned());
    let witness = proof.clone();
    let taken = context.db.write(tenant.tenant.id, move |tx| {
        // A recovery may have chosen another password since this one was found right.
        if witness.holds(tx)? {
            take_up(tx, &recorder, &offer, &browser)
        } else {
            Ok(TakenUp::Gone)
        }
    });
    match taken.await {
        Ok(TakenUp::Linked) => {}
        // Another tab was faster.
        Ok(TakenUp::Gone | TakenUp::OpensAnother) | Err(StorageError::Conflict) => {
            return Ok(Proved::Gone);
        }
        Err(error) => return Err(error.into()),
    }
    context.mail_bell.notify_one();
    proof.methods.push(Method::Federated(provider));
    let (current, user) = (visitor.session_id(), proof.user.id);
    let session = session::begin(context, tenant, proof, current, visitor.device).await?;
    Ok(session.map_or(Proved::Gone, |session| Proved::SignedIn { session, user, request }))
}

/// What the account page shows: the identities, and whether one may be taken off.
#[derive(Debug)]
pub struct Linked {
    pub identities: Vec<Identity>,
    pub has_password: bool,
    /// By an e-mailed code, which takes a tenant that offers it and an address that is the user's.
    pub signs_in_by_code: bool,
}

impl Linked {
    /// The last way to sign in stays.
    pub fn may_unlink(&self) -> bool {
        self.has_password || self.signs_in_by_code || self.identities.len() > 1
    }
}

pub async fn list(
    context: &Context,
    tenant: &TenantSnapshot,
    user: UserId,
) -> Result<Linked, Failure> {
    let accounts = tenant.tenant.accounts;
    let listed =
        context.db.read::<_, StorageError>(tenant.tenant.id, move |tx| ways_in(tx, accounts, user));
    Ok(listed.await?)
}

fn ways_in(
    tx: &mut TenantTx<'_>,
    accounts: AccountPolicy,
    user: UserId,
) -> Result<Linked, StorageError> {
    let is_proved = tx.users().find(user)?.is_some_and(|user| user.email_verified);
    Ok(Linked {
        identities: tx.identities().list(user)?,
        has_password: tx.users().password(user)?.is_some(),
        signs_in_by_code: is_proved && accounts.email_code == EmailCode::On,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unlinked {
    Done,
    /// There is no such identity (any more).
    Gone,
    LastWay,
    NotFresh,
}

pub async fn unlink(
    context: &Context,
    tenant: &TenantSnapshot,
    provider: &Provider,
    subject: Subject,
    visitor: &Visitor<'_>,
) -> Result<Unlinked, Failure> {
    let Some(session) = visitor.session else { return Ok(Unlinked::NotFresh) };
    let user = session.user_id;
    let authority = Authority::of(session, Freshness::Fresh, context.now());
    let recorder = Recorder::new(context, &visitor.device);
    let (id, key, current) = (provider.id, provider.key.clone(), visitor.session_id());
    let accounts = tenant.tenant.accounts;
    let unlinked = context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        // It locks the user: of two at once, the second sees what the first has left.
        if !authority.stands(tx)? {
            return Ok(Unlinked::NotFresh);
        }
        if !ways_in(tx, accounts, user)?.may_unlink() {
            return Ok(Unlinked::LastWay);
        }
        if !tx.identities().delete(user, id, &subject)? {
            return Ok(Unlinked::Gone);
        }
        // Whoever takes an identity off may have lost it to somebody, who is in.
        tx.sessions().end_begun_at(user, &key, current, recorder.now)?;
        tell_owner(tx, &recorder, user, Letter::IdentityUnlinked)?;
        tx.audit_events().append(&recorder.event(Action::IdentityUnlinked, user, id))?;
        Ok(Unlinked::Done)
    });
    let unlinked = unlinked.await?;
    context.mail_bell.notify_one();
    Ok(unlinked)
}
