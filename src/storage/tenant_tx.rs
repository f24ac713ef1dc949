//! Tenant scope as a type. Only `Db` makes a [`TenantTx`], for one tenant; its repositories take no
//! tenant and start filtered, so that a query across tenants cannot be written by forgetting something.

use super::activity::Activity;
use super::allowances::Allowances;
use super::applications::Applications;
use super::audit_events::AuditEvents;
use super::authorization_codes::AuthorizationCodes;
use super::authorization_requests::AuthorizationRequests;
use super::browser_states::BrowserStates;
use super::connection::AnyConnection;
use super::consents::Consents;
use super::domain_claims::DomainClaims;
use super::email_codes::EmailCodes;
use super::identities::Identities;
use super::link_offers::LinkOffers;
use super::logos::Logos;
use super::mail_orders::MailOrders;
use super::members::Members;
use super::one_time_tokens::OneTimeTokens;
use super::operators::Operators;
use super::providers::Providers;
use super::refresh_families::RefreshFamilies;
use super::revoked_access_tokens::RevokedAccessTokens;
use super::roles::Roles;
use super::sessions::Sessions;
use super::signing_keys::SigningKeys;
use super::upstream_sign_ins::UpstreamSignIns;
use super::upstream_tokens::UpstreamTokens;
use super::users::Users;
use crate::domain::ids::TenantId;

pub struct TenantTx<'c> {
    connection: &'c mut AnyConnection,
    id: TenantId,
    key: String,
}

/// What a repository works with: the connection, and the tenant that every query is filtered by.
pub(super) struct Scope<'t> {
    pub connection: &'t mut AnyConnection,
    pub tenant: &'t str,
}

macro_rules! repositories {
    ($($method:ident: $repository:ident,)*) => {
        impl<'c> TenantTx<'c> {
            pub(super) fn new(connection: &'c mut AnyConnection, tenant: TenantId) -> Self {
                Self { connection, id: tenant, key: tenant.to_string() }
            }

            pub fn tenant_id(&self) -> TenantId {
                self.id
            }

            $(pub fn $method(&mut self) -> $repository<'_> {
                $repository(Scope { connection: self.connection, tenant: &self.key })
            })*
        }
    };
}

repositories! {
    activity: Activity,
    allowances: Allowances,
    applications: Applications,
    audit_events: AuditEvents,
    authorization_codes: AuthorizationCodes,
    authorization_requests: AuthorizationRequests,
    browser_states: BrowserStates,
    consents: Consents,
    domain_claims: DomainClaims,
    email_codes: EmailCodes,
    logos: Logos,
    mail_orders: MailOrders,
    members: Members,
    one_time_tokens: OneTimeTokens,
    operators: Operators,
    refresh_families: RefreshFamilies,
    revoked_access_tokens: RevokedAccessTokens,
    roles: Roles,
    sessions: Sessions,
    signing_keys: SigningKeys,
    providers: Providers,
    identities: Identities,
    link_offers: LinkOffers,
    upstream_sign_ins: UpstreamSignIns,
    upstream_tokens: UpstreamTokens,
    users: Users,
}
