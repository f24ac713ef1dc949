//! How many letters come to one mailbox: nobody is flooded through us, and nobody's recovery is kept from coming.
//!
//! Letters to accounts whose address is proved and those to all other accounts are counted apart: anybody can make
//! accounts of the latter kind for anybody's address, here or in another tenant.

use std::time::Duration;

use crate::crypto::digest::sha256_base64url;
use crate::domain::allowance::Allowance;
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::TenantId;
use crate::domain::mail_order::{Cause, Letter};
use crate::storage::{Booked, Spent, StorageError, SystemTx};

/// Recoveries from one tenant: of one proved account, or of all accounts of the mailbox that nobody has proved.
/// Those beyond it wait their turn.
const RECOVERY: Allowance = Allowance { burst: 5, every: Duration::from_secs(12 * 60) };
/// Those of all proved accounts that one mailbox has in a tenant, by tags. It is more than one of them can have,
/// waiting ones and all: whoever asks for one account leaves something for another, whose link is another.
const RECOVERY_OF_MAILBOX: Allowance = Allowance { burst: 12, every: Duration::from_secs(5 * 60) };
/// All that anybody can ask for but the recovery, from one tenant.
const ASKED: Allowance = Allowance { burst: 8, every: Duration::from_secs(10 * 60) };
/// Either of these from all tenants together.
const FROM_ALL: Allowance = Allowance { burst: 10, every: Duration::from_secs(6 * 60) };
/// Recoveries that each tenant has left for an account whose owner is known, whatever came from others.
const RESERVE: Allowance = Allowance { burst: 2, every: Duration::from_secs(30 * 60) };
/// All that it has left for one mailbox: again more than for one account.
const RESERVE_OF_MAILBOX: Allowance = Allowance { burst: 6, every: Duration::from_secs(10 * 60) };
/// Letters of one kind that admins of one tenant cause.
const BY_ADMINS: Allowance = Allowance { burst: 10, every: Duration::from_secs(6 * 60) };
const BY_ADMINS_FROM_ALL: Allowance = Allowance { burst: 15, every: Duration::from_secs(4 * 60) };
/// What has happened to an account is told more often before it is too much, and counted by itself.
const NOTICES: Allowance = Allowance { burst: 20, every: Duration::from_secs(3 * 60) };
const NOTICES_FROM_ALL: Allowance = Allowance { burst: 40, every: Duration::from_secs(90) };
/// Letters on request of one tenant: a sender's good name is shared by all of them. Notices have as many for
/// themselves, so that neither holds up the other.
const OF_ONE_TENANT: Allowance = Allowance { burst: 1_000, every: Duration::from_secs(2) };

/// When a letter may be sent.
pub(super) enum Turn {
    Now,
    Later(Timestamp),
    /// The mailbox has had too many.
    Never,
}

/// A letter that is to be counted.
#[derive(Clone)]
pub(super) struct Counted {
    pub tenant: TenantId,
    pub letter: Letter,
    pub mailbox: EmailAddress,
    /// Whether it is for an account whose owner has proved the address.
    pub is_proved: bool,
    pub now: Timestamp,
    /// When it is worth nothing any more.
    pub too_late: Timestamp,
}

impl Counted {
    pub fn take_turn(&self, tx: &mut SystemTx<'_>) -> Result<Turn, StorageError> {
        let turn = match self.letter.cause() {
            Cause::Event => self.spend(tx, NOTICES, NOTICES_FROM_ALL)?,
            Cause::Admin => self.spend(tx, BY_ADMINS, BY_ADMINS_FROM_ALL)?,
            Cause::Anybody => self.spend(tx, ASKED, FROM_ALL)?,
            Cause::Recovery => self.book_recovery(tx)?,
        };
        let Some(turn) = turn else { return Ok(Turn::Never) };
        let of_tenant = match self.letter.cause() {
            Cause::Event => "mail:notices",
            Cause::Admin | Cause::Anybody | Cause::Recovery => "mail",
        };
        let mut tenant = tx.tenant(self.tenant);
        let booked = tenant.allowances().book(of_tenant, OF_ONE_TENANT, self.now, self.too_late)?;
        let Booked::At(at) = booked else { return Ok(Turn::Never) };
        let turn = turn.max(at);
        Ok(if turn <= self.now { Turn::Now } else { Turn::Later(turn) })
    }

    /// Now, or never.
    fn spend(
        &self,
        tx: &mut SystemTx<'_>,
        from_tenant: Allowance,
        from_all: Allowance,
    ) -> Result<Option<Timestamp>, StorageError> {
        let (key, now) = (self.key(), self.now);
        if tx.tenant(self.tenant).allowances().spend(&key, from_tenant, now)? != Spent::Granted {
            return Ok(None);
        }
        if tx.allowances().spend(&key, from_all, now)? != Spent::Granted {
            tx.tenant(self.tenant).allowances().give_back(&key, from_tenant, now)?;
            return Ok(None);
        }
        Ok(Some(now))
    }

    /// Later rather than never: whoever asks may be the owner.
    fn book_recovery(&self, tx: &mut SystemTx<'_>) -> Result<Option<Timestamp>, StorageError> {
        let Self { now, too_late, .. } = *self;
        let key = self.key();
        if !self.is_proved {
            let own = [(key.clone(), RECOVERY)];
            let Some(turn) = self.book_in_tenant(tx, &own)? else { return Ok(None) };
            return match tx.allowances().book(&key, FROM_ALL, now, too_late)? {
                Booked::At(all) => Ok(Some(turn.max(all))),
                Booked::Full => self.give_back(tx, &own).map(|()| None),
            };
        }
        let account = format!("{key}:{}", sha256_base64url(self.mailbox.key().as_bytes()));
        let own = [(account.clone(), RECOVERY), (key.clone(), RECOVERY_OF_MAILBOX)];
        let Some(turn) = self.book_in_tenant(tx, &own)? else { return Ok(None) };
        if tx.allowances().spend(&key, FROM_ALL, now)? == Spent::Granted {
            return Ok(Some(turn));
        }
        let reserve = [
            (format!("{account}:reserve"), RESERVE),
            (format!("{key}:reserve"), RESERVE_OF_MAILBOX),
        ];
        match self.book_in_tenant(tx, &reserve)? {
            Some(reserved) => Ok(Some(turn.max(reserved))),
            None => self.give_back(tx, &own).map(|()| None),
        }
    }

    /// Takes a turn of each of them, or of none.
    fn book_in_tenant(
        &self,
        tx: &mut SystemTx<'_>,
        each: &[(String, Allowance)],
    ) -> Result<Option<Timestamp>, StorageError> {
        let mut turn = self.now;
        for (taken, (key, allowance)) in each.iter().enumerate() {
            let mut tenant = tx.tenant(self.tenant);
            match tenant.allowances().book(key, *allowance, self.now, self.too_late)? {
                Booked::At(at) => turn = turn.max(at),
                Booked::Full => {
                    self.give_back(tx, &each[..taken])?;
                    return Ok(None);
                }
            }
        }
        Ok(Some(turn))
    }

    fn give_back(
        &self,
        tx: &mut SystemTx<'_>,
        each: &[(String, Allowance)],
    ) -> Result<(), StorageError> {
        for (key, allowance) in each {
            tx.tenant(self.tenant).allowances().give_back(key, *allowance, self.now)?;
        }
        Ok(())
    }

    /// What it is counted under: tags of an address make no other mailbox of it.
    fn key(&self) -> String {
        let standing = if self.is_proved { "proved" } else { "unproved" };
        let kind = match self.letter.cause() {
            Cause::Recovery => format!("recovery:{standing}"),
            Cause::Anybody => format!("asked:{standing}"),
            Cause::Admin | Cause::Event => self.letter.as_str().to_owned(),
        };
        format!("mail:{kind}:{}", sha256_base64url(self.mailbox.mailbox_key().as_bytes()))
    }
}
