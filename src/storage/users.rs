//! Users, their passwords' hashes and the roles they have.

use std::collections::{BTreeSet, HashSet};

use diesel::prelude::*;

use super::error::StorageError;
use super::prefix::past;
use super::schema::{roles, user_name_words, user_roles, users};
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::email_address::EmailAddress;
use crate::domain::ids::{RoleId, UserId};
use crate::domain::password::PasswordHash;
use crate::domain::role::RoleKey;
use crate::domain::tenant::DisplayName;
use crate::domain::user::{Profile, User, UserStatus};

pub struct Users<'t>(pub(super) Scope<'t>);

#[derive(Queryable, Insertable)]
#[diesel(table_name = users)]
pub(super) struct UserRow {
    tenant_id: String,
    id: String,
    email: String,
    email_key: String,
    email_verified: bool,
    name: Option<String>,
    picture: Option<String>,
    status: String,
    password_hash: Option<String>,
    created_at: i64,
    deletes_at: Option<i64>,
    name_key: Option<String>,
}

impl Users<'_> {
    /// `Conflict` if the address has an account already.
    pub fn insert(
        &mut self,
        user: &User,
        password: Option<&PasswordHash>,
    ) -> Result<(), StorageError> {
        let row = UserRow {
            tenant_id: self.0.tenant.to_owned(),
            id: user.id.to_string(),
            email: user.email.as_str().to_owned(),
            email_key: user.email.key().to_owned(),
            email_verified: user.email_verified,
            name: user.name.as_ref().map(ToString::to_string),
            picture: user.picture.clone(),
            status: user.status.as_str().to_owned(),
            password_hash: password.map(|hash| hash.as_str().to_owned()),
            created_at: user.created_at.as_millis(),
            deletes_at: user.deletes_at.map(Timestamp::as_millis),
            name_key: name_key(user.name.as_ref()),
        };
        diesel::insert_into(users::table).values(&row).execute(self.0.connection)?;
        self.insert_words(&row.id, row.name_key.as_deref())
    }

    pub fn find(&mut self, id: UserId) -> Result<Option<User>, StorageError> {
        let row = users::table
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id.to_string()))
            .first::<UserRow>(self.0.connection)
            .optional()?;
        row.map(User::try_from).transpose()
    }

    /// Ids and addresses of those of `ids` that are users of the tenant.
    pub fn addresses(&mut self, ids: &[String]) -> Result<Vec<(String, String)>, StorageError> {
        let some = users::table
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq_any(ids))
            .select((users::id, users::email));
        Ok(some.load(self.0.connection)?)
    }

    /// The hash of the user's password, if they have one.
    pub fn password(&mut self, id: UserId) -> Result<Option<PasswordHash>, StorageError> {
        let hash = users::table
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id.to_string()))
            .select(users::password_hash)
            .first::<Option<String>>(self.0.connection)
            .optional()?;
        Ok(hash.flatten().map(PasswordHash::from_phc))
    }

    pub fn find_by_email(
        &mut self,
        email: &EmailAddress,
    ) -> Result<Option<(User, Option<PasswordHash>)>, StorageError> {
        let row = users::table
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::email_key.eq(email.key()))
            .first::<UserRow>(self.0.connection)
            .optional()?;
        row.map(with_password).transpose()
    }

    /// The user with their roles.
    pub fn profile(&mut self, id: UserId) -> Result<Option<Profile>, StorageError> {
        let Some(user) = self.find(id)? else { return Ok(None) };
        let roles = self.roles(id)?;
        Ok(Some(Profile { user, roles }))
    }

    /// The keys of the user's roles, by rank.
    pub fn roles(&mut self, id: UserId) -> Result<Vec<RoleKey>, StorageError> {
        let keys = user_roles::table
            .inner_join(roles::table.on(
                roles::tenant_id.eq(user_roles::tenant_id).and(roles::id.eq(user_roles::role_id)),
            ))
            .filter(user_roles::tenant_id.eq(self.0.tenant))
            .filter(user_roles::user_id.eq(id.to_string()))
            .order((roles::rank.asc(), roles::key.asc()))
            .select(roles::key)
            .load::<String>(self.0.connection)?;
        keys.iter()
            .map(|key| RoleKey::parse(key).map_err(|_| StorageError::Corrupt("role")))
            .collect()
    }

    pub fn grant_role(&mut self, id: UserId, role: RoleId) -> Result<(), StorageError> {
        diesel::insert_into(user_roles::table)
            .values((
                user_roles::tenant_id.eq(self.0.tenant),
                user_roles::user_id.eq(id.to_string()),
                user_roles::role_id.eq(role.to_string()),
            ))
            .execute(self.0.connection)?;
        Ok(())
    }

    /// `false` if the user did not have it.
    pub fn revoke_role(&mut self, id: UserId, role: RoleId) -> Result<bool, StorageError> {
        let granted = user_roles::table
            .filter(user_roles::tenant_id.eq(self.0.tenant))
            .filter(user_roles::user_id.eq(id.to_string()))
            .filter(user_roles::role_id.eq(role.to_string()));
        Ok(diesel::delete(granted).execute(self.0.connection)? == 1)
    }

    /// The newest `limit` of those who have the role before `before`, the newest first.
    pub fn with_role(
        &mut self,
        role: RoleId,
        before: Option<UserId>,
        limit: i64,
    ) -> Result<Vec<User>, StorageError> {
        let before = before.map_or_else(|| past(""), |id| id.to_string());
        let rows = user_roles::table
            .inner_join(users::table.on(
                users::tenant_id.eq(user_roles::tenant_id).and(users::id.eq(user_roles::user_id)),
            ))
            .filter(user_roles::tenant_id.eq(self.0.tenant))
            .filter(user_roles::role_id.eq(role.to_string()))
            .filter(user_roles::user_id.lt(before))
            .order(user_roles::user_id.desc())
            .limit(limit)
            .select(users::all_columns)
            .load::<UserRow>(self.0.connection)?;
        rows.into_iter().map(User::try_from).collect()
    }

    /// The newest `limit` users before `before`, the newest first.
    pub fn page(&mut self, before: Option<UserId>, limit: i64) -> Result<Vec<User>, StorageError> {
        let of_tenant = users::table
            .filter(users::tenant_id.eq(self.0.tenant))
            .order(users::id.desc())
            .limit(limit);
        let rows = match before {
            None => of_tenant.load::<UserRow>(self.0.connection)?,
            Some(id) => {
                of_tenant.filter(users::id.lt(id.to_string())).load::<UserRow>(self.0.connection)?
            }
        };
        rows.into_iter().map(User::try_from).collect()
    }

    /// Users whose address, name or a word of it begins with `text`, which is in lower case: those by address
    /// first, and those by the whole name next.
    pub fn search(&mut self, text: &str, limit: i64) -> Result<Vec<User>, StorageError> {
        let of_tenant = || users::table.filter(users::tenant_id.eq(self.0.tenant)).limit(limit);
        let mut rows = of_tenant()
            .filter(users::email_key.ge(text))
            .filter(users::email_key.lt(past(text)))
            .order(users::email_key.asc())
            .load::<UserRow>(self.0.connection)?;
        let named = of_tenant()
            .filter(users::name_key.ge(text))
            .filter(users::name_key.lt(past(text)))
            .order(users::name_key.asc())
            .load::<UserRow>(self.0.connection)?;
        let by_word = user_name_words::table
            .inner_join(
                users::table.on(users::tenant_id
                    .eq(user_name_words::tenant_id)
                    .and(users::id.eq(user_name_words::user_id))),
            )
            .filter(user_name_words::tenant_id.eq(self.0.tenant))
            .filter(user_name_words::word.ge(text))
            .filter(user_name_words::word.lt(past(text)))
            .order(user_name_words::word.asc())
            .limit(limit)
            .select(users::all_columns)
            .load::<UserRow>(self.0.connection)?;
        let mut known: HashSet<String> = rows.iter().map(|row| row.id.clone()).collect();
        for row in named.into_iter().chain(by_word) {
            if known.insert(row.id.clone()) {
                rows.push(row);
            }
        }
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        rows.into_iter().map(User::try_from).collect()
    }

    pub fn delete(&mut self, id: UserId) -> Result<bool, StorageError> {
        let user = users::table
            .filter(users::tenant_id.eq(self.0.tenant))
            .filter(users::id.eq(id.to_string()));
        Ok(diesel::delete(user).execute(self.0.connection)? == 1)
    }

    pub fn set_password(&mut self, id: UserId, hash: &PasswordHash) -> Result<bool, StorageError> {
        let moved = diesel::update(
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::id.eq(id.to_string())),
        )
        .set(users::password_hash.eq(hash.as_str()))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    pub fn drop_password(&mut self, id: UserId) -> Result<bool, StorageError> {
        let moved = diesel::update(
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::id.eq(id.to_string())),
        )
        .set(users::password_hash.eq(None::<String>))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// The same for an account whose address nobody has proved. `false` if somebody has.
    pub fn drop_unproved_password(&mut self, id: UserId) -> Result<bool, StorageError> {
        let moved = diesel::update(
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::id.eq(id.to_string()))
                .filter(users::email_verified.eq(false)),
        )
        .set(users::password_hash.eq(None::<String>))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// Replaces the hash only if it is still `old`: a rehash must not undo a change of password.
    pub fn replace_password(
        &mut self,
        id: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
    ) -> Result<bool, StorageError> {
        let moved = diesel::update(
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::id.eq(id.to_string()))
                .filter(users::password_hash.eq(old.as_str())),
        )
        .set(users::password_hash.eq(new.as_str()))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// The address is the user's, as a mailed link has proved: it stands for `email` alone.
    pub fn verify_email(&mut self, id: UserId, email: &EmailAddress) -> Result<bool, StorageError> {
        let moved = diesel::update(
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::id.eq(id.to_string()))
                .filter(users::email_key.eq(email.key())),
        )
        .set(users::email_verified.eq(true))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// Another address, which its owner has just proved. `Conflict` if it has an account already.
    pub fn change_email(&mut self, id: UserId, email: &EmailAddress) -> Result<bool, StorageError> {
        let moved = diesel::update(
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::id.eq(id.to_string())),
        )
        .set((
            users::email.eq(email.as_str()),
            users::email_key.eq(email.key()),
            users::email_verified.eq(true),
        ))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    pub fn rename(&mut self, id: UserId, name: Option<&DisplayName>) -> Result<bool, StorageError> {
        let moved = diesel::update(
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::id.eq(id.to_string())),
        )
        .set((users::name.eq(name.map(DisplayName::as_str)), users::name_key.eq(name_key(name))))
        .execute(self.0.connection)?;
        self.replace_words(id, name, moved)
    }

    /// Plans the account's deletion. `false` if it is planned already: the first plan stands.
    pub fn plan_deletion(&mut self, id: UserId, at: Timestamp) -> Result<bool, StorageError> {
        let moved = diesel::update(
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::id.eq(id.to_string()))
                .filter(users::deletes_at.is_null()),
        )
        .set(users::deletes_at.eq(at.as_millis()))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// Takes the plan back. `false` if there was none.
    pub fn keep(&mut self, id: UserId) -> Result<bool, StorageError> {
        let moved = diesel::update(
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::id.eq(id.to_string()))
                .filter(users::deletes_at.is_not_null()),
        )
        .set(users::deletes_at.eq(None::<i64>))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    pub fn set_status(&mut self, id: UserId, status: UserStatus) -> Result<bool, StorageError> {
        let moved = diesel::update(
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::id.eq(id.to_string())),
        )
        .set(users::status.eq(status.as_str()))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }
}

/// What a user is found by, besides their address.
fn name_key(name: Option<&DisplayName>) -> Option<String> {
    name.map(|name| name.as_str().to_lowercase())
}

fn with_password(row: UserRow) -> Result<(User, Option<PasswordHash>), StorageError> {
    let hash = row.password_hash.clone().map(PasswordHash::from_phc);
    Ok((row.try_into()?, hash))
}

/// What a provider's word changes.
impl Users<'_> {
    /// Keeps others from changing the user's row until this transaction ends.
    pub fn lock(&mut self, id: UserId) -> Result<bool, StorageError> {
        let moved = diesel::update(
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::id.eq(id.to_string())),
        )
        .set(users::status.eq(users::status))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// Hands the account to whoever proved the address: verified, and without the password that somebody
    /// else may have chosen. `false` if the address has been verified meanwhile.
    pub fn claim(
        &mut self,
        id: UserId,
        email: &EmailAddress,
        name: Option<&DisplayName>,
        picture: Option<&str>,
    ) -> Result<bool, StorageError> {
        let moved = diesel::update(
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::id.eq(id.to_string()))
                .filter(users::email_key.eq(email.key()))
                .filter(users::email_verified.eq(false)),
        )
        .set((
            users::email.eq(email.as_str()),
            users::email_verified.eq(true),
            users::password_hash.eq(None::<String>),
            users::name.eq(name.map(DisplayName::as_str)),
            users::name_key.eq(name_key(name)),
            users::picture.eq(picture),
        ))
        .execute(self.0.connection)?;
        self.replace_words(id, name, moved)
    }

    /// Name and picture, as a provider says them.
    pub fn refresh_profile(
        &mut self,
        id: UserId,
        name: Option<&DisplayName>,
        picture: Option<&str>,
    ) -> Result<bool, StorageError> {
        let moved = diesel::update(
            users::table
                .filter(users::tenant_id.eq(self.0.tenant))
                .filter(users::id.eq(id.to_string())),
        )
        .set((
            users::name.eq(name.map(DisplayName::as_str)),
            users::name_key.eq(name_key(name)),
            users::picture.eq(picture),
        ))
        .execute(self.0.connection)?;
        self.replace_words(id, name, moved)
    }
}

/// What a user is found by, besides the beginning of address and name.
impl Users<'_> {
    fn insert_words(&mut self, id: &str, name_key: Option<&str>) -> Result<(), StorageError> {
        let words: BTreeSet<&str> =
            name_key.unwrap_or_default().split_whitespace().skip(1).collect();
        for word in words {
            diesel::insert_into(user_name_words::table)
                .values((
                    user_name_words::tenant_id.eq(self.0.tenant),
                    user_name_words::user_id.eq(id),
                    user_name_words::word.eq(word),
                ))
                .execute(self.0.connection)?;
        }
        Ok(())
    }

    /// After `moved` rows of the user have got the name: none, if it is no user of the tenant.
    fn replace_words(
        &mut self,
        id: UserId,
        name: Option<&DisplayName>,
        moved: usize,
    ) -> Result<bool, StorageError> {
        if moved == 0 {
            return Ok(false);
        }
        let id = id.to_string();
        let old = user_name_words::table
            .filter(user_name_words::tenant_id.eq(self.0.tenant))
            .filter(user_name_words::user_id.eq(&id));
        diesel::delete(old).execute(self.0.connection)?;
        self.insert_words(&id, name_key(name).as_deref())?;
        Ok(true)
    }
}

impl TryFrom<UserRow> for User {
    type Error = StorageError;

    fn try_from(row: UserRow) -> Result<Self, StorageError> {
        let unreadable = || StorageError::Corrupt("user");
        Ok(Self {
            id: UserId::parse(&row.id).map_err(|_| unreadable())?,
            email: EmailAddress::stored(&row.email).map_err(|_| unreadable())?,
            email_verified: row.email_verified,
            name: row
                .name
                .map(|name| DisplayName::parse(&name))
                .transpose()
                .map_err(|_| unreadable())?,
            picture: row.picture,
            status: UserStatus::parse(&row.status).ok_or_else(unreadable)?,
            created_at: Timestamp::from_millis(row.created_at),
            deletes_at: row.deletes_at.map(Timestamp::from_millis),
        })
    }
}
