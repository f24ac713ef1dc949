//! Against guessing: how often passwords and codes may be tried, for one account, from one range of addresses, and in
//! one tenant. A try is counted before it is made, so that a hundred at once count as a hundred, and given
//! back if it was right. Nobody is locked out: sessions go on, recovery works, and a device from which the
//! account was used before has tries of its own.

use std::net::IpAddr;
use std::time::Duration;

use crate::crypto::digest::sha256_base64url;
use crate::domain::allowance::Allowance;
use crate::domain::application::ClientAuthentication;
use crate::domain::audit::{Action, AuditEvent};
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::UserId;
use crate::flows::{Context, Failure, TenantSnapshot};
use crate::storage::{Spent, StorageError, TenantTx};

/// 100 wrong passwords in the first hour, 40 in each that follows (OWASP ASVS 5 §6.3.1).
const ACCOUNT: Allowance = Allowance { burst: 60, every: Duration::from_secs(90) };
/// Of a known device, for its account.
const DEVICE: Allowance = Allowance { burst: 20, every: Duration::from_secs(90) };
/// Many people may share an address.
const ADDRESS_RANGE: Allowance = Allowance { burst: 500, every: Duration::from_secs(2) };
/// A spread-out attack on all accounts of a tenant.
const TENANT: Allowance = Allowance { burst: 10_000, every: Duration::from_millis(100) };

/// What orders mail or makes an account, from one range: an office on its first day, and then one each so often.
const ORDERS: Allowance = Allowance { burst: 100, every: Duration::from_secs(10) };

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credential {
    Password,
    /// Counted apart: whoever uses up the one leaves the other.
    EmailCode,
}

/// Each way to a provider and back writes a row, and calls the provider.
const VISITS_TO_PROVIDERS: Allowance = Allowance { burst: 200, every: Duration::from_secs(1) };

/// Who tries.
#[derive(Clone, Debug, Default)]
pub struct Guesser {
    pub address: Option<String>,
    /// What the browser's cookie says of the account that it was used for.
    pub known_device: Option<String>,
    /// A client that authenticated speaks for many people from one address.
    pub client: Option<ClientAuthentication>,
}

/// Tries that were counted, and are to be given back if they were honest.
#[derive(Clone, Debug, Default)]
pub struct Charged {
    keys: Vec<(String, Allowance)>,
}

pub enum Charge {
    Granted(Charged),
    /// Too many: wait so many seconds.
    Refused {
        retry_after: u64,
    },
}

/// What a try is counted for, and what is said when that is used up.
#[derive(Clone)]
pub(super) struct Price {
    keys: Vec<(String, Allowance)>,
    refused: AuditEvent,
}

/// Counts a try at the account of `email`, or of `user` if there is one.
pub async fn charge(
    context: &Context,
    tenant: &TenantSnapshot,
    credential: Credential,
    email: &str,
    user: Option<UserId>,
    guesser: &Guesser,
) -> Result<Charge, Failure> {
    let price = price(context, tenant, credential, email, user, guesser);
    let now = context.now();
    let spent = context.db.write_again(tenant.tenant.id, move |tx| price.charge(tx, now));
    Ok(spent.await?)
}

/// What such a try costs, for whoever counts it together with something else.
pub(super) fn price(
    context: &Context,
    tenant: &TenantSnapshot,
    credential: Credential,
    email: &str,
    user: Option<UserId>,
    guesser: &Guesser,
) -> Price {
    let target = user.map_or_else(|| "unknown".to_owned(), |id| id.to_string());
    let address = guesser.address.as_deref();
    Price {
        keys: keys(context, tenant, credential, email, user, guesser),
        refused: context.event(Action::SignInThrottled, "anonymous", target, address),
    }
}

impl Price {
    /// Within the transaction in which the try is taken.
    pub fn charge(&self, tx: &mut TenantTx<'_>, now: Timestamp) -> Result<Charge, StorageError> {
        let mut granted = Charged::default();
        for (key, allowance) in &self.keys {
            match tx.allowances().spend(key, *allowance, now)? {
                Spent::Granted => granted.keys.push((key.clone(), *allowance)),
                Spent::Refused(wait) => {
                    granted.give_back(tx, now)?;
                    // The log only grows: whoever goes on trying adds nothing to it.
                    if tx.allowances().tell_refusal(key, *allowance, now)? {
                        tx.audit_events().append(&self.refused)?;
                    }
                    return Ok(Charge::Refused { retry_after: wait.as_secs() + 1 });
                }
            }
        }
        Ok(Charge::Granted(granted))
    }
}

/// Counts a visit on the way to a provider or back; the seconds to wait, if there were too many from there.
pub async fn visit_provider(
    context: &Context,
    tenant: &TenantSnapshot,
    address: Option<&str>,
) -> Result<Option<u64>, Failure> {
    let Some(address) = address.and_then(|address| address.parse().ok()) else { return Ok(None) };
    let (key, now) = (format!("federation:{}", range(address)), context.now());
    let spent = context.db.write_again(tenant.tenant.id, move |tx| {
        tx.allowances().spend(&key, VISITS_TO_PROVIDERS, now)
    });
    Ok(match spent.await? {
        Spent::Granted => None,
        Spent::Refused(wait) => Some(wait.as_secs() + 1),
    })
}

impl Charged {
    /// Within the transaction that makes something of the right password.
    pub fn give_back(&self, tx: &mut TenantTx<'_>, now: Timestamp) -> Result<(), StorageError> {
        for (key, allowance) in &self.keys {
            tx.allowances().give_back(key, *allowance, now)?;
        }
        Ok(())
    }
}

fn keys(
    context: &Context,
    tenant: &TenantSnapshot,
    credential: Credential,
    email: &str,
    user: Option<UserId>,
    guesser: &Guesser,
) -> Vec<(String, Allowance)> {
    let device = user.zip(guesser.known_device.as_deref());
    let of_device = match credential {
        Credential::Password => "device",
        Credential::EmailCode => "code-device",
    };
    if let Some(device) = device.and_then(|(user, cookie)| read(context, tenant, user, cookie)) {
        return vec![(format!("{of_device}:{device}"), DEVICE)];
    }
    let mut keys = vec![(account_key(credential, email), ACCOUNT), ("sign-in".to_owned(), TENANT)];
    let range = limited_range(guesser.address.as_deref(), guesser.client);
    keys.extend(range.map(|range| (format!("range:{range}"), ADDRESS_RANGE)));
    keys
}

fn account_key(credential: Credential, email: &str) -> String {
    let of_account = match credential {
        Credential::Password => "account",
        Credential::EmailCode => "code",
    };
    format!("{of_account}:{}", sha256_base64url(email.as_bytes()))
}

/// The account's owner has shown that they read its mail: whatever others have guessed, the sign-in that follows is
/// looked at, in whatever browser or app.
pub(super) fn forgive(tx: &mut TenantTx<'_>, email: &EmailAddress) -> Result<(), StorageError> {
    for credential in [Credential::Password, Credential::EmailCode] {
        tx.allowances().restore(&account_key(credential, email.key()))?;
    }
    Ok(())
}

/// Who asks for a letter or an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asker<'a> {
    pub address: Option<&'a str>,
    /// A client that authenticated speaks for many people from one address.
    pub client: Option<ClientAuthentication>,
}

/// What came of asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked<T = ()> {
    Done(T),
    /// Too much from this range of addresses: wait so many seconds.
    TooMuch {
        retry_after: u64,
    },
}

/// The limit that an asker is under, to be spent in the transaction of what was asked for.
#[derive(Clone, Debug)]
pub(super) struct AskerLimit(Option<String>);

impl Asker<'_> {
    pub(super) fn limit(&self) -> AskerLimit {
        let range = limited_range(self.address, self.client);
        AskerLimit(range.map(|range| format!("orders:{range}")))
    }
}

impl AskerLimit {
    /// The address that is asked about has no part in it, so the answer tells nothing of it.
    pub fn spend(&self, tx: &mut TenantTx<'_>, now: Timestamp) -> Result<Asked, StorageError> {
        let Some(key) = &self.0 else { return Ok(Asked::Done(())) };
        Ok(match tx.allowances().spend(key, ORDERS, now)? {
            Spent::Granted => Asked::Done(()),
            Spent::Refused(wait) => Asked::TooMuch { retry_after: wait.as_secs() + 1 },
        })
    }

    /// There was no time for what was asked.
    pub fn give_back(&self, tx: &mut TenantTx<'_>, now: Timestamp) -> Result<(), StorageError> {
        match &self.0 {
            Some(key) => tx.allowances().give_back(key, ORDERS, now),
            None => Ok(()),
        }
    }
}

/// The range of a client that speaks for itself.
fn limited_range(address: Option<&str>, client: Option<ClientAuthentication>) -> Option<String> {
    match client {
        Some(ClientAuthentication::Authenticated) => None,
        Some(ClientAuthentication::Unauthenticated) | None => {
            address.and_then(|address| address.parse().ok()).map(range)
        }
    }
}

/// What one household or one office has: a /24 of IPv4, a /64 of IPv6.
fn range(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0")
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::")
        }
    }
}

/// The cookie that says of a browser: this account was used here.
pub fn known_device(context: &Context, tenant: &TenantSnapshot, user: UserId) -> String {
    let device = crate::domain::entropy::random_letters(&*context.entropy, 16);
    let tenant = tenant.tenant.id.to_string();
    let mac = context.known_devices.sign(&[&tenant, &user.to_string(), &device]);
    format!("{device}.{mac}")
}

fn read(context: &Context, tenant: &TenantSnapshot, user: UserId, cookie: &str) -> Option<String> {
    let (device, mac) = cookie.split_once('.')?;
    let tenant = tenant.tenant.id.to_string();
    let parts = [tenant.as_str(), &user.to_string(), device];
    context.known_devices.verify(&parts, mac).then(|| device.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_range() {
        let range = |text: &str| range(text.parse().unwrap());
        assert_eq!(range("192.0.2.1"), range("192.0.2.200"));
        assert_eq!(range("::ffff:192.0.2.1"), range("192.0.2.1"));
        assert_ne!(range("192.0.2.1"), range("192.0.3.1"));
        assert_eq!(range("2001:db8::1"), range("2001:db8:0:0:ffff::1"));
        assert_ne!(range("2001:db8::1"), range("2001:db8:0:1::1"));
    }
}
