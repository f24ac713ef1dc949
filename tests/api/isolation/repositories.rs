//! Every method of every repository, called in the scope of one tenant with what belongs to another: it finds
//! nothing, changes nothing, and links nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use doorward::crypto::digest::digest;
use doorward::domain::activity::{Day, Kind};
use doorward::domain::after_sign_in::AfterSignIn;
use doorward::domain::allowance::Allowance;
use doorward::domain::application::{Application, ApplicationStatus, ClientAuthentication};
use doorward::domain::audit::AuditEvent;
use doorward::domain::authorization_code::{AuthorizationCode, CodeState, Grant};
use doorward::domain::authorization_request::PendingRequest;
use doorward::domain::clock::Timestamp;
use doorward::domain::consent::Consent;
use doorward::domain::domain_claim::{CLAIM_LIFE, DomainClaim};
use doorward::domain::email_address::EmailAddress;
use doorward::domain::identity::{Assertion, Identity, LinkOffer, Organisation, Subject};
use doorward::domain::ids::{
    EmailCodeId, FamilyId, LinkOfferId, ProviderId, RequestId, RoleId, SessionId, UserId,
};
use doorward::domain::mail_order::{Letter, MailOrder, MailStatus};
use doorward::domain::member::{Member, MemberRole};
use doorward::domain::one_time_token::{OneTimeToken, Purpose};
use doorward::domain::password::PasswordHash;
use doorward::domain::provider::{
    ProfileRefresh, Provider, ProviderKey, ProviderKind, TokenRetention, UnverifiedEmail,
};
use doorward::domain::refresh_family::{FamilyState, RefreshFamily, RevocationReason};
use doorward::domain::role::{Role, RoleKey};
use doorward::domain::scope::Scopes;
use doorward::domain::secret::{Secret, SecretDigest};
use doorward::domain::session::{Method, Session, SessionKind};
use doorward::domain::tenant::{DisplayName, Domain, SignUp};
use doorward::domain::upstream_sign_in::{self, UpstreamSignIn};
use doorward::domain::upstream_token::SealedTokens;
use doorward::domain::user::{User, UserStatus};
use doorward::storage::{
    ApplicationFilter, AuditFilter, Booked, Device, Rotation, Spent, StorageError, StoredKey,
    StoredProvider, TenantTx,
};

use crate::harness::{TestApp, TestTenant, on_both_databases};

on_both_databases! {
    no_method_of_a_repository_reaches_into_another_tenant,
}

const BROWSER: &str = "browser";

/// What stands in a tenant's rows.
#[derive(Clone)]
struct Rows {
    now: Timestamp,
    provider: StoredProvider,
    /// Its identity is linked, too.
    offer: LinkOffer,
    upstream: UpstreamSignIn,
    upstream_state: SecretDigest,
    application: Application,
    user: User,
    hash: PasswordHash,
    role: Role,
    session: Session,
    family: RefreshFamily,
    code: AuthorizationCode,
    code_digest: SecretDigest,
    state_digest: SecretDigest,
    request: PendingRequest,
    jti: String,
    key: StoredKey,
    event: AuditEvent,
    consent: Consent,
    token: OneTimeToken,
    token_digest: SecretDigest,
    order: MailOrder,
    sign_in: EmailCodeId,
    member: Member,
    claim: DomainClaim,
}

const DAY: Day = Day::from_number(20_000);

const ALLOWANCE_KEY: &str = "account:x";
const ALLOWANCE: Allowance = Allowance { burst: 1, every: Duration::from_secs(3_600) };

/// What came of a call in a foreign scope.
#[derive(Debug, PartialEq)]
enum Came {
    /// Found nothing, or changed no row.
    Nothing,
    /// The database refused to link across tenants.
    Refused,
    /// A new row of the caller's own, although the other tenant has one of that name: names are each tenant's own.
    Own,
    Reached(String),
}

use Came::{Nothing, Own, Refused};

fn found<T: std::fmt::Debug>(found: Option<T>) -> Came {
    found.map_or(Nothing, |found| Came::Reached(format!("{found:?}")))
}

fn changed(rows: bool) -> Came {
    if rows { Came::Reached("changed a row".to_owned()) } else { Nothing }
}

fn none_of<T: std::fmt::Debug>(rows: Vec<T>, foreign: impl Fn(&T) -> bool) -> Came {
    found(rows.into_iter().find(foreign))
}

type Call = fn(&mut TenantTx<'_>, &Rows) -> Result<Came, StorageError>;

/// The method, what must come of it, and the call.
const CALLS: &[(&str, Came, Call)] = &[
    ("activity.add", Own, |tx, _| own(tx.activity().add(Kind::SignIn, DAY, 1))),
    ("activity.since", Nothing, |tx, _| {
        // The other tenant has counted a hundred.
        Ok(none_of(tx.activity().since(Kind::SignIn, DAY)?, |(_, count)| *count > 1))
    }),
    ("activity.has_any", Nothing, |tx, _| Ok(changed(tx.activity().has_any(Kind::SignUp)?))),
    ("logos.put", Own, |tx, _| own(tx.logos().put(b"the picture of another"))),
    ("logos.remove", Nothing, |tx, _| Ok(changed(tx.logos().remove()?))),
    ("logos.find", Nothing, |tx, _| Ok(found(tx.logos().find()?))),
    ("members.insert", Own, |tx, a| {
        let member = Member { role: MemberRole::Viewer, ..a.member.clone() };
        own(tx.members().insert(&member))
    }),
    ("members.find", Nothing, |tx, a| {
        let member = tx.members().find(a.member.user_id)?;
        Ok(found(member.filter(|member| member.role == MemberRole::Owner)))
    }),
    ("members.page", Nothing, |tx, _| {
        Ok(none_of(tx.members().page(None, 100)?, |member| member.role == MemberRole::Owner))
    }),
    ("members.set_role", Nothing, |tx, a| {
        Ok(changed(tx.members().set_role(a.member.user_id, MemberRole::Admin)?))
    }),
    ("members.delete", Nothing, |tx, a| Ok(changed(tx.members().delete(a.member.user_id)?))),
    ("users.revoke_role", Nothing, |tx, a| {
        Ok(changed(tx.users().revoke_role(a.user.id, a.role.id)?))
    }),
    ("users.with_role", Nothing, |tx, a| {
        Ok(none_of(tx.users().with_role(a.role.id, None, 10)?, |_| true))
    }),
    ("users.page", Nothing, |tx, a| {
        Ok(none_of(tx.users().page(None, 100)?, |user| user.id == a.user.id))
    }),
    ("users.search", Nothing, |tx, a| {
        let found = tx.users().search(a.user.email.key(), 100)?;
        Ok(none_of(found, |user| user.id == a.user.id))
    }),
    ("users.delete", Nothing, |tx, a| Ok(changed(tx.users().delete(a.user.id)?))),
    ("applications.find", Nothing, |tx, a| Ok(found(tx.applications().find(a.application.id)?))),
    ("applications.lock", Nothing, |tx, a| Ok(changed(tx.applications().lock(a.application.id)?))),
    ("applications.update", Nothing, |tx, a| {
        Ok(changed(tx.applications().update(&a.application)?))
    }),
    ("applications.insert_secret", Refused, |tx, a| {
        let secret = &a.application.secrets[0];
        own(tx.applications().insert_secret(a.application.id, secret))
    }),
    ("applications.delete_secret", Nothing, |tx, a| {
        let secret = a.application.secrets[0].id;
        Ok(changed(tx.applications().delete_secret(a.application.id, secret)?))
    }),
    ("applications.delete", Nothing, |tx, a| {
        Ok(changed(tx.applications().delete(a.application.id)?))
    }),
    ("roles.lock", Nothing, |tx, a| Ok(changed(tx.roles().lock(a.role.id)?))),
    ("roles.find", Nothing, |tx, a| Ok(found(tx.roles().find(a.role.id)?))),
    ("roles.update", Nothing, |tx, a| Ok(changed(tx.roles().update(&a.role)?))),
    ("roles.delete", Nothing, |tx, a| Ok(changed(tx.roles().delete(a.role.id)?))),
    ("operators.exist", Nothing, |tx, _| Ok(changed(tx.operators().exist()?))),
    ("mail_orders.revive", Nothing, |tx, a| {
        Ok(changed(tx.mail_orders().revive(a.order.id, later(a))?))
    }),
    ("identities.insert", Refused, |tx, a| {
        let subject = Subject::parse("another").unwrap();
        own(tx.identities().insert(&Identity { subject, ..a.offer.identity.clone() }))
    }),
    ("identities.find", Nothing, |tx, a| {
        let identity = &a.offer.identity;
        Ok(found(tx.identities().find(identity.provider_id, &identity.subject)?))
    }),
    ("identities.list", Nothing, |tx, a| Ok(none_of(tx.identities().list(a.user.id)?, |_| true))),
    ("identities.record_use", Nothing, |tx, a| {
        let used = Identity { last_used_at: later(a), ..a.offer.identity.clone() };
        Ok(changed(tx.identities().record_use(&used)?))
    }),
    ("identities.delete", Nothing, |tx, a| {
        let identity = &a.offer.identity;
        let (provider, subject) = (identity.provider_id, &identity.subject);
        Ok(changed(tx.identities().delete(a.user.id, provider, subject)?))
    }),
    ("identities.delete_all", Nothing, |tx, a| {
        Ok(changed(tx.identities().delete_all(a.user.id)? > 0))
    }),
    ("upstream_tokens.put", Nothing, |tx, a| {
        let identity = &a.offer.identity;
        let put = tx.upstream_tokens().put(identity.provider_id, &identity.subject, &sealed("x"));
        Ok(changed(put?))
    }),
    ("upstream_tokens.find", Nothing, |tx, a| {
        Ok(found(tx.upstream_tokens().find(a.user.id, a.provider.provider.id)?))
    }),
    ("upstream_tokens.lease", Nothing, |tx, a| {
        let (provider, subject) = (a.provider.provider.id, &a.offer.identity.subject);
        let lease = (later(a), later(a));
        Ok(changed(tx.upstream_tokens().lease(provider, subject, &sealed("a"), lease)?))
    }),
    ("upstream_tokens.renew", Nothing, |tx, a| {
        let (provider, subject) = (a.provider.provider.id, &a.offer.identity.subject);
        Ok(changed(tx.upstream_tokens().renew(provider, subject, a.now, &sealed("x"))?))
    }),
    ("upstream_tokens.end_lease", Nothing, |tx, a| {
        let (provider, subject) = (a.provider.provider.id, &a.offer.identity.subject);
        Ok(changed(tx.upstream_tokens().end_lease(provider, subject, a.now)?))
    }),
    ("upstream_tokens.delete", Nothing, |tx, a| {
        let (provider, subject) = (a.provider.provider.id, &a.offer.identity.subject);
        Ok(changed(tx.upstream_tokens().delete(provider, subject, a.now)?))
    }),
    ("upstream_tokens.delete_all", Nothing, |tx, a| {
        Ok(changed(tx.upstream_tokens().delete_all(a.provider.provider.id)? > 0))
    }),
    ("link_offers.insert", Refused, |tx, a| {
        let id = LinkOfferId::from_bytes([9; 16]);
        own(tx.link_offers().insert(&LinkOffer { id, ..a.offer.clone() }, BROWSER))
    }),
    ("link_offers.find", Nothing, |tx, a| {
        Ok(found(tx.link_offers().find(a.offer.id, BROWSER, a.now)?))
    }),
    ("link_offers.delete", Nothing, |tx, a| {
        Ok(changed(tx.link_offers().delete(a.offer.id, BROWSER)?))
    }),
    ("link_offers.delete_all", Nothing, |tx, a| {
        Ok(changed(tx.link_offers().delete_all(a.user.id)? > 0))
    }),
    ("providers.insert", Own, |tx, a| own(tx.providers().insert(&a.provider))),
    ("providers.update", Nothing, |tx, a| Ok(changed(tx.providers().update(&a.provider)?))),
    ("providers.lock", Nothing, |tx, a| Ok(changed(tx.providers().lock(a.provider.provider.id)?))),
    ("providers.list", Nothing, |tx, a| {
        let id = a.provider.provider.id;
        Ok(none_of(tx.providers().list()?, |found| found.provider.id == id))
    }),
    ("providers.delete", Nothing, |tx, a| {
        Ok(changed(tx.providers().delete(a.provider.provider.id)?))
    }),
    ("upstream_sign_ins.insert", Refused, |tx, a| {
        own(tx.upstream_sign_ins().insert(&digest_of("another"), BROWSER, &a.upstream))
    }),
    ("upstream_sign_ins.take", Nothing, |tx, a| {
        let id = a.provider.provider.id;
        Ok(found(tx.upstream_sign_ins().take(&a.upstream_state, BROWSER, id, a.now)?))
    }),
    ("users.lock", Nothing, |tx, a| Ok(changed(tx.users().lock(a.user.id)?))),
    ("users.claim", Nothing, |tx, a| {
        Ok(changed(tx.users().claim(a.user.id, &a.user.email, None, None)?))
    }),
    ("users.refresh_profile", Nothing, |tx, a| {
        Ok(changed(tx.users().refresh_profile(a.user.id, None, None)?))
    }),
    ("allowances.spend", Own, |tx, a| {
        // The other tenant's is used up; this one's is its own.
        let spent = tx.allowances().spend(ALLOWANCE_KEY, ALLOWANCE, a.now)?;
        Ok(if spent == Spent::Granted { Own } else { Came::Reached(format!("{spent:?}")) })
    }),
    ("allowances.book", Own, |tx, a| {
        let booked = tx.allowances().book(ALLOWANCE_KEY, ALLOWANCE, a.now, later(a))?;
        Ok(if booked == Booked::At(a.now) { Own } else { Came::Reached(format!("{booked:?}")) })
    }),
    ("allowances.give_back", Nothing, |tx, a| {
        tx.allowances().give_back(ALLOWANCE_KEY, ALLOWANCE, a.now)?;
        Ok(Nothing)
    }),
    ("allowances.tell_refusal", Nothing, |tx, a| {
        Ok(changed(tx.allowances().tell_refusal(ALLOWANCE_KEY, ALLOWANCE, a.now)?))
    }),
    ("allowances.restore", Own, |tx, _| {
        tx.allowances().restore(ALLOWANCE_KEY)?;
        Ok(Own)
    }),
    ("applications.insert", Own, |tx, a| own(tx.applications().insert(&a.application))),
    ("applications.page", Nothing, |tx, a| {
        let page = tx.applications().page(&ApplicationFilter::default(), None, 100)?;
        Ok(none_of(page, |found| found.id == a.application.id))
    }),
    ("applications.list", Nothing, |tx, a| {
        Ok(none_of(tx.applications().list()?, |found| found.id == a.application.id))
    }),
    ("applications.set_default", Nothing, |tx, a| {
        Ok(changed(tx.applications().set_default(a.application.id)?))
    }),
    ("applications.set_status", Nothing, |tx, a| {
        let status = ApplicationStatus::Disabled;
        Ok(changed(tx.applications().set_status(a.application.id, status)?))
    }),
    ("audit_events.append", Own, |tx, a| own(tx.audit_events().append(&a.event))),
    ("audit_events.formerly", Nothing, |tx, a| {
        Ok(none_of(tx.audit_events().formerly(&a.user.email)?, |_| true))
    }),
    ("audit_events.page", Nothing, |tx, a| {
        let actor = a.user.id.to_string();
        Ok(none_of(tx.audit_events().page(&AuditFilter::default(), None, 1_000)?, |event| {
            event.actor == actor
        }))
    }),
    ("authorization_codes.insert", Refused, |tx, a| {
        own(tx.authorization_codes().insert(&digest_of("another"), &a.code))
    }),
    ("authorization_codes.find", Nothing, |tx, a| {
        Ok(found(tx.authorization_codes().find(&a.code_digest)?))
    }),
    ("authorization_codes.spend", Nothing, |tx, a| {
        Ok(changed(tx.authorization_codes().spend(&a.code_digest, a.family.id)?))
    }),
    ("authorization_requests.insert", Own, |tx, a| {
        own(tx.authorization_requests().insert(&a.request, BROWSER))
    }),
    ("authorization_requests.find", Nothing, |tx, a| {
        Ok(found(tx.authorization_requests().find(a.request.id, BROWSER, a.now)?))
    }),
    ("authorization_requests.delete", Nothing, |tx, a| {
        Ok(changed(tx.authorization_requests().delete(a.request.id, BROWSER)?))
    }),
    ("browser_states.insert", Own, |tx, a| {
        own(tx.browser_states().insert(&a.state_digest, "{}", later(a)))
    }),
    ("browser_states.find", Nothing, |tx, a| {
        Ok(found(tx.browser_states().find(&a.state_digest, a.now)?))
    }),
    ("browser_states.update", Nothing, |tx, a| {
        Ok(changed(tx.browser_states().update(&a.state_digest, "{\"x\":1}", later(a))?))
    }),
    ("browser_states.extend", Nothing, |tx, a| {
        Ok(changed(tx.browser_states().extend(&a.state_digest, later(a))?))
    }),
    ("browser_states.delete", Nothing, |tx, a| {
        Ok(changed(tx.browser_states().delete(&a.state_digest)?))
    }),
    ("consents.find", Nothing, |tx, a| Ok(found(tx.consents().find(a.user.id, a.application.id)?))),
    ("consents.of_user", Nothing, |tx, a| Ok(none_of(tx.consents().of_user(a.user.id)?, |_| true))),
    ("consents.put", Refused, |tx, a| own(tx.consents().put(a.user.id, &a.consent))),
    ("consents.delete", Nothing, |tx, a| {
        Ok(changed(tx.consents().delete(a.user.id, a.application.id)?))
    }),
    ("consents.delete_all", Nothing, |tx, a| Ok(changed(tx.consents().delete_all(a.user.id)? > 0))),
    ("domain_claims.put", Own, |tx, a| own(tx.domain_claims().put(&a.claim))),
    ("domain_claims.find", Nothing, |tx, a| Ok(found(tx.domain_claims().find(a.now)?))),
    ("domain_claims.spend", Nothing, |tx, a| {
        Ok(changed(tx.domain_claims().spend(&a.claim.challenge, a.now)?))
    }),
    ("domain_claims.delete", Nothing, |tx, _| Ok(changed(tx.domain_claims().delete()?))),
    ("email_codes.insert", Own, |tx, a| {
        own(tx.email_codes().insert(a.sign_in, BROWSER, &a.user.email, a.now))
    }),
    ("email_codes.find", Nothing, |tx, a| {
        Ok(found(tx.email_codes().find(a.sign_in, BROWSER, a.now)?))
    }),
    ("email_codes.find_open", Nothing, |tx, a| {
        Ok(found(tx.email_codes().find_open(a.sign_in, BROWSER, a.now)?))
    }),
    ("email_codes.set_code", Nothing, |tx, a| {
        Ok(changed(tx.email_codes().set_code(a.sign_in, "mac")?))
    }),
    ("email_codes.count_try", Nothing, |tx, a| {
        Ok(found(tx.email_codes().count_try(a.sign_in, BROWSER, a.now)?))
    }),
    ("email_codes.delete", Nothing, |tx, a| {
        Ok(changed(tx.email_codes().delete(a.sign_in, BROWSER)?))
    }),
    ("mail_orders.insert", Own, |tx, a| own(tx.mail_orders().insert(&a.order))),
    ("mail_orders.delete", Nothing, |tx, a| Ok(changed(tx.mail_orders().delete(a.order.id)?))),
    ("mail_orders.lock", Nothing, |tx, a| Ok(changed(tx.mail_orders().lock(a.order.id)?))),
    ("mail_orders.withdraw", Nothing, |tx, a| {
        let (letter, subject) = (a.order.letter, a.order.subject.as_deref().unwrap());
        Ok(changed(tx.mail_orders().withdraw(letter, subject)? > 0))
    }),
    ("mail_orders.defer", Nothing, |tx, a| {
        Ok(changed(tx.mail_orders().defer(a.order.id, later(a))?))
    }),
    ("mail_orders.fail", Nothing, |tx, a| {
        let status = MailStatus::Waiting;
        Ok(changed(tx.mail_orders().fail(a.order.id, status, later(a), "why")?))
    }),
    ("mail_orders.dead", Nothing, |tx, a| {
        Ok(none_of(tx.mail_orders().dead(None, 1_000)?, |order| order.id == a.order.id))
    }),
    ("one_time_tokens.put", Refused, |tx, a| {
        own(tx.one_time_tokens().put(&digest_of("another"), &a.token, a.now))
    }),
    ("one_time_tokens.find", Nothing, |tx, a| {
        let purpose = a.token.purpose;
        Ok(found(tx.one_time_tokens().find(&a.token_digest, purpose, a.now)?))
    }),
    ("one_time_tokens.spend", Nothing, |tx, a| {
        let purpose = a.token.purpose;
        Ok(changed(tx.one_time_tokens().spend(&a.token_digest, purpose, a.now)?))
    }),
    ("one_time_tokens.delete_all", Nothing, |tx, a| {
        let purpose = a.token.purpose;
        Ok(changed(tx.one_time_tokens().delete_all(a.user.id, purpose)? > 0))
    }),
    ("operators.insert", Refused, |tx, a| own(tx.operators().insert(a.user.id, a.now))),
    ("operators.contains", Nothing, |tx, a| Ok(changed(tx.operators().contains(a.user.id)?))),
    ("refresh_families.insert", Refused, |tx, a| {
        own(tx.refresh_families().insert(&RefreshFamily { id: family_id(9), ..a.family.clone() }))
    }),
    ("refresh_families.find", Nothing, |tx, a| Ok(found(tx.refresh_families().find(a.family.id)?))),
    ("refresh_families.find_usable", Nothing, |tx, a| {
        Ok(found(tx.refresh_families().find_usable(a.family.id)?))
    }),
    ("refresh_families.rotate", Nothing, |tx, a| {
        let rotation = Rotation { from: 1, to: 2, now: a.now, idle_expires_at: later(a) };
        Ok(changed(tx.refresh_families().rotate(a.family.id, rotation)?))
    }),
    ("refresh_families.live_of_user", Nothing, |tx, a| {
        Ok(none_of(tx.refresh_families().live_of_user(a.user.id, a.now)?, |_| true))
    }),
    ("refresh_families.revoke_of_user", Nothing, |tx, a| {
        let (user, reason) = (a.user.id, RevocationReason::UserRevoked);
        Ok(changed(tx.refresh_families().revoke_of_user(user, None, reason, a.now)? > 0))
    }),
    ("refresh_families.revoke", Nothing, |tx, a| {
        let reason = RevocationReason::SignedOut;
        Ok(changed(tx.refresh_families().revoke(a.family.id, reason, a.now)?))
    }),
    ("revoked_access_tokens.insert", Own, |tx, a| {
        own(tx.revoked_access_tokens().insert(&a.jti, later(a)))
    }),
    ("revoked_access_tokens.contains", Nothing, |tx, a| {
        Ok(changed(tx.revoked_access_tokens().contains(&a.jti)?))
    }),
    ("roles.insert", Own, |tx, a| own(tx.roles().insert(&a.role))),
    ("roles.find_by_key", Nothing, |tx, a| Ok(found(tx.roles().find_by_key(&a.role.key)?))),
    ("roles.page", Nothing, |tx, a| {
        Ok(none_of(tx.roles().page(None, 100)?, |role| role.id == a.role.id))
    }),
    ("roles.search", Nothing, |tx, a| {
        Ok(none_of(tx.roles().search(a.role.key.as_str(), 100)?, |role| role.id == a.role.id))
    }),
    ("roles.before", Nothing, |tx, a| {
        let after_all = Role { rank: i32::MAX, ..a.role.clone() };
        Ok(found(tx.roles().before(&after_all)?.filter(|role| role.id == a.role.id)))
    }),
    ("roles.next_rank", Nothing, |tx, a| Ok(changed(tx.roles().next_rank()? == a.role.rank + 1))),
    ("roles.list", Nothing, |tx, a| Ok(none_of(tx.roles().list()?, |role| role.id == a.role.id))),
    ("sessions.insert", Refused, |tx, a| {
        let id = SessionId::from_bytes([9; 16]);
        own(tx.sessions().insert(&Session { id, ..a.session.clone() }, &Device::default()))
    }),
    ("sessions.list", Nothing, |tx, a| {
        let since = Timestamp::from_millis(0);
        let families = [a.family.clone()];
        Ok(none_of(tx.sessions().list(a.user.id, since, &families)?.sessions, |_| true))
    }),
    ("sessions.end_of", Nothing, |tx, a| {
        Ok(changed(tx.sessions().end_of(a.user.id, a.session.id, a.now)?))
    }),
    ("sessions.find", Nothing, |tx, a| Ok(found(tx.sessions().find(a.session.id)?))),
    ("sessions.reauthenticate", Nothing, |tx, a| {
        let methods = [Method::Password];
        Ok(changed(tx.sessions().reauthenticate(a.session.id, a.user.id, &methods, a.now)?))
    }),
    ("sessions.touch", Nothing, |tx, a| {
        tx.sessions().touch(a.session.id, later(a))?;
        Ok(Nothing)
    }),
    ("sessions.end", Nothing, |tx, a| Ok(changed(tx.sessions().end(a.session.id, a.now)?))),
    ("sessions.end_begun_at", Nothing, |tx, a| {
        let provider = &a.provider.provider.key;
        Ok(changed(tx.sessions().end_begun_at(a.user.id, provider, None, a.now)? > 0))
    }),
    ("sessions.end_all", Nothing, |tx, a| {
        Ok(changed(tx.sessions().end_all(a.user.id, None, a.now)? > 0))
    }),
    ("signing_keys.withdraw", Nothing, |tx, a| {
        let end = a.now + std::time::Duration::from_secs(1_000 * 24 * 60 * 60);
        Ok(changed(tx.signing_keys().withdraw(&a.key.kid, end)?))
    }),
    ("signing_keys.insert", Own, |tx, a| own(tx.signing_keys().insert(&a.key))),
    ("signing_keys.list", Nothing, |tx, a| {
        Ok(none_of(tx.signing_keys().list()?, |key| key.kid == a.key.kid))
    }),
    ("signing_keys.retire_at", Nothing, |tx, a| {
        tx.signing_keys().retire_at(a.key.algorithm, a.now)?;
        Ok(Nothing)
    }),
    ("signing_keys.announce_end", Nothing, |tx, a| {
        tx.signing_keys().announce_end(a.key.algorithm, a.now, later(a))?;
        Ok(Nothing)
    }),
    ("users.insert", Own, |tx, a| own(tx.users().insert(&a.user, Some(&a.hash)))),
    ("users.find", Nothing, |tx, a| Ok(found(tx.users().find(a.user.id)?))),
    ("users.addresses", Nothing, |tx, a| {
        Ok(none_of(tx.users().addresses(&[a.user.id.to_string()])?, |_| true))
    }),
    ("users.find_by_email", Nothing, |tx, a| {
        Ok(found(tx.users().find_by_email(&a.user.email)?.map(|(user, _)| user)))
    }),
    ("users.profile", Nothing, |tx, a| Ok(found(tx.users().profile(a.user.id)?))),
    ("users.password", Nothing, |tx, a| Ok(found(tx.users().password(a.user.id)?))),
    ("users.roles", Nothing, |tx, a| Ok(none_of(tx.users().roles(a.user.id)?, |_| true))),
    ("users.grant_role", Refused, |tx, a| own(tx.users().grant_role(a.user.id, a.role.id))),
    ("users.set_password", Nothing, |tx, a| {
        Ok(changed(tx.users().set_password(a.user.id, &a.hash)?))
    }),
    ("users.replace_password", Nothing, |tx, a| {
        Ok(changed(tx.users().replace_password(a.user.id, &a.hash, &a.hash)?))
    }),
    ("users.password", Nothing, |tx, a| Ok(found(tx.users().password(a.user.id)?))),
    ("users.drop_password", Nothing, |tx, a| Ok(changed(tx.users().drop_password(a.user.id)?))),
    ("users.drop_unproved_password", Nothing, |tx, a| {
        Ok(changed(tx.users().drop_unproved_password(a.user.id)?))
    }),
    ("users.verify_email", Nothing, |tx, a| {
        Ok(changed(tx.users().verify_email(a.user.id, &a.user.email)?))
    }),
    ("users.change_email", Nothing, |tx, a| {
        let email = EmailAddress::parse("new@example.com").unwrap();
        Ok(changed(tx.users().change_email(a.user.id, &email)?))
    }),
    ("users.rename", Nothing, |tx, a| Ok(changed(tx.users().rename(a.user.id, None)?))),
    ("users.plan_deletion", Nothing, |tx, a| {
        Ok(changed(tx.users().plan_deletion(a.user.id, later(a))?))
    }),
    ("users.keep", Nothing, |tx, a| Ok(changed(tx.users().keep(a.user.id)?))),
    ("users.set_status", Nothing, |tx, a| {
        Ok(changed(tx.users().set_status(a.user.id, UserStatus::Disabled)?))
    }),
];

/// An insertion with another tenant's ids.
fn own(inserted: Result<(), StorageError>) -> Result<Came, StorageError> {
    inserted.map(|()| Own)
}

async fn no_method_of_a_repository_reaches_into_another_tenant(app: &TestApp) {
    assert_eq!(named(), declared(), "each method of a repository needs a call in this test");
    let (acme, bolt, cleo) =
        (app.tenant("acme").await, app.tenant("bolt").await, app.tenant("cleo").await);
    let rows = Arc::new(fill(app, &acme).await);
    let before = everything_of(app, &acme, &rows).await;
    for (name, expected, call) in CALLS {
        // Undone, so that one call leaves nothing for the next to find.
        let foreign = rows.clone();
        let undone = app.context.db.write(bolt.tenant.id, move |tx| {
            Err::<Came, _>(Undone(match call(tx, &foreign) {
                Ok(came) => came,
                Err(StorageError::MissingReference) => Refused,
                Err(error) => panic!("{error}"),
            }))
        });
        let Undone(came) = undone.await.unwrap_err();
        assert_eq!(came, *expected, "{name} in the scope of another tenant");
        // Committed, so that what it does to the other tenant would be seen.
        let foreign = rows.clone();
        let committed =
            app.context.db.write::<_, StorageError>(cleo.tenant.id, move |tx| call(tx, &foreign));
        let committed = committed.await;
        let refused = matches!(committed, Err(StorageError::MissingReference));
        assert!(committed.is_ok() || refused, "{name}: {committed:?}");
        let after = everything_of(app, &acme, &rows).await;
        assert_eq!(after, before, "{name} in the scope of another tenant changed something");
    }
}

struct Undone(Came);

impl From<StorageError> for Undone {
    fn from(error: StorageError) -> Self {
        panic!("{error}")
    }
}

fn named() -> BTreeSet<String> {
    CALLS.iter().map(|(name, _, _)| (*name).to_owned()).collect()
}

/// `repository.method` of all that takes a tenant's scope, read from the source.
fn declared() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/storage");
    let mut methods = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        let repository = path.file_stem().unwrap().to_str().unwrap();
        if !source.contains("(pub(super) Scope<'t>)") {
            continue;
        }
        let heads = source.split("pub fn ").skip(1);
        let of_self = heads.filter(|head| {
            let parameters = &head[..head.find(')').unwrap()];
            parameters.contains("&mut self")
        });
        let names = of_self.map(|head| head.split('(').next().unwrap());
        methods.extend(names.map(|name| format!("{repository}.{name}")));
    }
    methods
}

/// A row of everything in `tenant`.
async fn fill(app: &TestApp, tenant: &TestTenant) -> Rows {
    let now = app.context.now();
    let id = tenant.user;
    let email = tenant.email.clone();
    let event = app.context.event(
        doorward::domain::audit::Action::SignedIn,
        id,
        "session",
        Some("127.0.0.1"),
    );
    let address = EmailAddress::parse(&email).unwrap();
    let subject = Some("subject".to_owned());
    let order = app.context.letter(tenant.tenant.id, Letter::Test, &address, subject);
    let order = MailOrder { status: MailStatus::Dead, ..order };
    let filled = app.context.db.write::<_, StorageError>(tenant.tenant.id, move |tx| {
        let email = EmailAddress::parse(&email).unwrap();
        let (user, hash) = tx.users().find_by_email(&email)?.unwrap();
        let applications = tx.applications().list()?;
        let application = applications
            .into_iter()
            .find(|found| !found.is_default && !found.secrets.is_empty())
            .unwrap();
        let session = session(user.id, now);
        let grant = Grant {
            application_id: application.id,
            user_id: user.id,
            session_id: session.id,
            scopes: Scopes::for_any_application(),
            resource: None,
            authenticated_at: now,
        };
        let rows = Rows {
            consent: Consent {
                application_id: application.id,
                scopes: Scopes::for_any_application(),
                granted_at: now,
            },
            token: OneTimeToken {
                purpose: Purpose::ResetPassword,
                user_id: user.id,
                email: email.clone(),
            },
            token_digest: digest_of("token"),
            order,
            member: Member { user_id: user.id, role: MemberRole::Owner, created_at: now },
            claim: DomainClaim {
                domain: Domain::parse("login.acme.example").unwrap(),
                challenge: "challenge".to_owned(),
                created_at: now,
                expires_at: now + CLAIM_LIFE,
            },
            sign_in: EmailCodeId::from_bytes([4; 16]),
            now,
            provider: provider(now),
            offer: offer(user.id, now),
            upstream: UpstreamSignIn {
                provider_id: provider(now).provider.id,
                nonce: "nonce".to_owned(),
                sealed_code_verifier: "sealed".to_owned(),
                purpose: upstream_sign_in::Purpose::SignIn { then: AfterSignIn::of(None) },
                signed_in_since: None,
                expires_at: now + Duration::from_secs(60),
            },
            upstream_state: digest_of("upstream"),
            hash: hash.unwrap(),
            role: Role {
                id: RoleId::from_bytes([8; 16]),
                key: RoleKey::parse("AUDITOR").unwrap(),
                description: "Looks on".to_owned(),
                rank: 9,
            },
            family: family(grant.clone(), now),
            code: AuthorizationCode {
                grant,
                redirect_uri: "https://web.acme.example/callback".to_owned(),
                code_challenge: None,
                nonce: None,
                state: CodeState::Fresh,
                expires_at: now + Duration::from_secs(60),
            },
            code_digest: digest_of("code"),
            state_digest: digest_of("state"),
            request: PendingRequest {
                id: RequestId::from_bytes([7; 16]),
                query: "client_id=x".to_owned(),
                created_at: now,
            },
            jti: "jti".to_owned(),
            key: tx.signing_keys().list()?.remove(0),
            event,
            application,
            user,
            session,
        };
        tx.providers().insert(&rows.provider)?;
        let identity = &rows.offer.identity;
        tx.identities().insert(identity)?;
        let (provider, subject, tokens) = (identity.provider_id, &identity.subject, sealed("a"));
        assert!(tx.upstream_tokens().put(provider, subject, &tokens)?);
        let lease = (rows.now, rows.now);
        assert!(tx.upstream_tokens().lease(provider, subject, &tokens, lease)?);
        tx.link_offers().insert(&rows.offer, BROWSER)?;
        tx.upstream_sign_ins().insert(&rows.upstream_state, BROWSER, &rows.upstream)?;
        tx.roles().insert(&rows.role)?;
        tx.sessions().insert(&rows.session, &Device::default())?;
        tx.refresh_families().insert(&rows.family)?;
        tx.authorization_codes().insert(&rows.code_digest, &rows.code)?;
        tx.authorization_requests().insert(&rows.request, BROWSER)?;
        tx.browser_states().insert(&rows.state_digest, "{}", later(&rows))?;
        tx.revoked_access_tokens().insert(&rows.jti, later(&rows))?;
        tx.operators().insert(rows.user.id, now)?;
        tx.audit_events().append(&rows.event)?;
        tx.consents().put(rows.user.id, &rows.consent)?;
        tx.one_time_tokens().put(&rows.token_digest, &rows.token, later(&rows))?;
        tx.mail_orders().insert(&rows.order)?;
        tx.email_codes().insert(rows.sign_in, BROWSER, &rows.user.email, now)?;
        tx.email_codes().set_code(rows.sign_in, "the code")?;
        tx.logos().put(b"a picture")?;
        tx.domain_claims().put(&rows.claim)?;
        tx.members().insert(&rows.member)?;
        tx.activity().add(Kind::SignIn, DAY, 100)?;
        tx.activity().add(Kind::SignUp, DAY, 100)?;
        tx.allowances().spend(ALLOWANCE_KEY, ALLOWANCE, now)?;
        Ok(rows)
    });
    filled.await.unwrap()
}

/// What `tenant` itself sees of its rows.
async fn everything_of(app: &TestApp, tenant: &TestTenant, rows: &Arc<Rows>) -> Vec<String> {
    let rows = rows.clone();
    let read = app.context.db.read::<_, StorageError>(tenant.tenant.id, move |tx| {
        Ok(vec![
            format!("{:?}", tx.activity().since(Kind::SignIn, DAY)?),
            format!("{:?}", tx.members().page(None, 1_000)?),
            format!("{:?}", tx.identities().list(rows.user.id)?),
            format!("{:?}", tx.upstream_tokens().find(rows.user.id, rows.provider.provider.id)?),
            format!("{:?}", tx.link_offers().find(rows.offer.id, BROWSER, rows.now)?),
            format!("{:?}", tx.providers().list()?),
            format!("{:?}", tx.applications().list()?),
            format!("{:?}", tx.audit_events().page(&AuditFilter::default(), None, 1_000)?),
            format!("{:?}", tx.authorization_codes().find(&rows.code_digest)?),
            format!("{:?}", tx.authorization_requests().find(rows.request.id, BROWSER, rows.now)?),
            format!("{:?}", tx.browser_states().find(&rows.state_digest, rows.now)?),
            format!("{:?}", tx.operators().contains(rows.user.id)?),
            format!("{:?}", tx.refresh_families().find_usable(rows.family.id)?),
            format!("{:?}", tx.revoked_access_tokens().contains(&rows.jti)?),
            format!("{:?}", tx.roles().list()?),
            format!("{:?}", tx.sessions().find(rows.session.id)?),
            format!("{:?}", tx.signing_keys().list()?),
            format!("{:?}", tx.consents().find(rows.user.id, rows.application.id)?),
            format!("{:?}", tx.email_codes().find(rows.sign_in, BROWSER, rows.now)?),
            format!("{:?}", tx.logos().find()?),
            format!("{:?}", tx.domain_claims().find(rows.now)?),
            format!("{:?}", tx.mail_orders().dead(None, 1_000)?),
            format!(
                "{:?}",
                tx.one_time_tokens().find(&rows.token_digest, rows.token.purpose, rows.now)?
            ),
            format!(
                "{:?}",
                tx.sessions().list(rows.user.id, Timestamp::from_millis(0), &[])?.sessions
            ),
            format!("{:?}", tx.users().find_by_email(&rows.user.email)?),
            format!("{:?}", tx.users().profile(rows.user.id)?),
        ])
    });
    let seen = read.await.unwrap();
    assert!(seen.iter().all(|text| text != "None" && text != "[]" && text != "false"), "{seen:?}");
    seen
}

fn provider(now: Timestamp) -> StoredProvider {
    let kind = ProviderKind::GitHub;
    StoredProvider {
        provider: Provider {
            id: ProviderId::from_bytes([4; 16]),
            key: ProviderKey::parse("github").unwrap(),
            name: DisplayName::parse("GitHub").unwrap(),
            kind,
            client_id: "client".to_owned(),
            scopes: Vec::new(),
            allowed_domains: Vec::new(),
            sign_up: SignUp::Open,
            unverified_email: UnverifiedEmail::Refused,
            profile: ProfileRefresh::FirstSignIn,
            tokens: TokenRetention::Kept,
            created_at: now,
        },
        sealed_secret: "sealed".to_owned(),
    }
}

fn sealed(access_token: &str) -> SealedTokens {
    SealedTokens { access_token: access_token.to_owned(), refresh_token: None }
}

fn offer(user: UserId, now: Timestamp) -> LinkOffer {
    let assertion = Assertion {
        subject: Subject::parse("583231").unwrap(),
        email: None,
        organisation: Organisation::Unknown,
        name: None,
        picture: None,
    };
    LinkOffer {
        id: LinkOfferId::from_bytes([3; 16]),
        identity: Identity::new(provider(now).provider.id, user, assertion, now),
        tokens: None,
        request: None,
        expires_at: now + Duration::from_secs(60),
    }
}

fn later(rows: &Rows) -> Timestamp {
    rows.now + Duration::from_secs(3_600)
}

fn digest_of(text: &str) -> SecretDigest {
    digest(&Secret::new(text.to_owned()))
}

fn family_id(byte: u8) -> FamilyId {
    FamilyId::from_bytes([byte; 16])
}

fn session(user_id: UserId, now: Timestamp) -> Session {
    Session {
        id: SessionId::from_bytes([5; 16]),
        user_id,
        kind: SessionKind::Browser,
        authenticated_at: now,
        methods: vec![Method::Password, Method::Federated(provider(now).provider.key)],
        created_at: now,
        last_seen_at: now,
        ended_at: None,
    }
}

fn family(grant: Grant, now: Timestamp) -> RefreshFamily {
    RefreshFamily {
        id: family_id(6),
        grant,
        generation: 1,
        rotated_at: now,
        client: ClientAuthentication::Authenticated,
        idle_expires_at: now + Duration::from_secs(1_000),
        expires_at: now + Duration::from_secs(10_000),
        state: FamilyState::Live,
    }
}
