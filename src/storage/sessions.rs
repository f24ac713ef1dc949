//! Sessions: what grants a browser its authority, and what refresh families die with.

use std::cmp::Reverse;

use diesel::prelude::*;

use super::error::StorageError;
use super::schema::sessions;
use super::tenant_tx::Scope;
use crate::domain::clock::Timestamp;
use crate::domain::ids::{SessionId, UserId};
use crate::domain::provider::ProviderKey;
use crate::domain::refresh_family::RefreshFamily;
use crate::domain::session::{Method, Session, SessionKind};

pub struct Sessions<'t>(pub(super) Scope<'t>);

#[derive(Queryable, Insertable)]
#[diesel(table_name = sessions)]
struct Row {
    tenant_id: String,
    id: String,
    user_id: String,
    kind: String,
    authenticated_at: i64,
    methods: String,
    user_agent: Option<String>,
    address: Option<String>,
    created_at: i64,
    last_seen_at: i64,
    ended_at: Option<i64>,
}

/// Where a session comes from, for its owner to recognise it by.
#[derive(Clone, Debug, Default)]
pub struct Device {
    pub user_agent: Option<String>,
    pub address: Option<String>,
}

/// A session as its owner sees it in a list.
#[derive(Clone, Debug)]
pub struct ListedSession {
    pub session: Session,
    pub device: Device,
}

pub struct SessionList {
    pub sessions: Vec<ListedSession>,
    /// Whether there are more, which were used less lately.
    pub has_older: bool,
}

/// More than anybody looks through; the newest come first.
const LISTED: usize = 100;

impl Sessions<'_> {
    /// The sessions of the user that have not ended and were used since `since`, by a browser or by an app that
    /// holds one of the `families`: the last used first. A refresh does not touch its session, which would be a
    /// second row to write; when it was is looked up here.
    pub fn list(
        &mut self,
        user: UserId,
        since: Timestamp,
        families: &[RefreshFamily],
    ) -> Result<SessionList, StorageError> {
        let in_use: Vec<String> =
            families.iter().map(|family| family.grant.session_id.to_string()).collect();
        let rows = sessions::table
            .filter(sessions::tenant_id.eq(self.0.tenant))
            .filter(sessions::user_id.eq(user.to_string()))
            .filter(sessions::ended_at.is_null())
            .filter(sessions::last_seen_at.gt(since.as_millis()).or(sessions::id.eq_any(in_use)))
            .order(sessions::last_seen_at.desc())
            .limit(i64::try_from(LISTED + 1).unwrap_or(i64::MAX))
            .load::<Row>(self.0.connection)?;
        let has_older = rows.len() > LISTED;
        let mut sessions = rows
            .into_iter()
            .take(LISTED)
            .map(|row| {
                let device =
                    Device { user_agent: row.user_agent.clone(), address: row.address.clone() };
                let mut session = Session::try_from(row)?;
                let of_session = |family: &&RefreshFamily| family.grant.session_id == session.id;
                for family in families.iter().filter(of_session) {
                    session.last_seen_at = session.last_seen_at.max(family.rotated_at);
                }
                Ok(ListedSession { session, device })
            })
            .collect::<Result<Vec<_>, StorageError>>()?;
        sessions.sort_by_key(|listed| Reverse(listed.session.last_seen_at));
        Ok(SessionList { sessions, has_older })
    }

    /// Ends a session of that user. `false` if it is not theirs, or had ended before.
    pub fn end_of(
        &mut self,
        user: UserId,
        id: SessionId,
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let moved = diesel::update(
            sessions::table
                .filter(sessions::tenant_id.eq(self.0.tenant))
                .filter(sessions::id.eq(id.to_string()))
                .filter(sessions::user_id.eq(user.to_string()))
                .filter(sessions::ended_at.is_null()),
        )
        .set(sessions::ended_at.eq(now.as_millis()))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    pub fn insert(&mut self, session: &Session, device: &Device) -> Result<(), StorageError> {
        let row = Row {
            tenant_id: self.0.tenant.to_owned(),
            id: session.id.to_string(),
            user_id: session.user_id.to_string(),
            kind: session.kind.as_str().to_owned(),
            authenticated_at: session.authenticated_at.as_millis(),
            methods: words(&session.methods),
            user_agent: device.user_agent.clone(),
            address: device.address.clone(),
            created_at: session.created_at.as_millis(),
            last_seen_at: session.last_seen_at.as_millis(),
            ended_at: session.ended_at.map(Timestamp::as_millis),
        };
        diesel::insert_into(sessions::table).values(&row).execute(self.0.connection)?;
        Ok(())
    }

    pub fn find(&mut self, id: SessionId) -> Result<Option<Session>, StorageError> {
        let row = sessions::table
            .filter(sessions::tenant_id.eq(self.0.tenant))
            .filter(sessions::id.eq(id.to_string()))
            .first::<Row>(self.0.connection)
            .optional()?;
        row.map(Session::try_from).transpose()
    }

    /// The user proved again who they are. `false` if the session has ended or is another user's.
    pub fn reauthenticate(
        &mut self,
        id: SessionId,
        user: UserId,
        methods: &[Method],
        now: Timestamp,
    ) -> Result<bool, StorageError> {
        let moved = diesel::update(
            sessions::table
                .filter(sessions::tenant_id.eq(self.0.tenant))
                .filter(sessions::id.eq(id.to_string()))
                .filter(sessions::user_id.eq(user.to_string()))
                .filter(sessions::ended_at.is_null()),
        )
        .set((
            sessions::authenticated_at.eq(now.as_millis()),
            sessions::last_seen_at.eq(now.as_millis()),
            sessions::methods.eq(words(methods)),
        ))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    pub fn touch(&mut self, id: SessionId, now: Timestamp) -> Result<(), StorageError> {
        diesel::update(
            sessions::table
                .filter(sessions::tenant_id.eq(self.0.tenant))
                .filter(sessions::id.eq(id.to_string()))
                .filter(sessions::ended_at.is_null()),
        )
        .set(sessions::last_seen_at.eq(now.as_millis()))
        .execute(self.0.connection)?;
        Ok(())
    }

    /// `false` if there is none, or it had ended before.
    pub fn end(&mut self, id: SessionId, now: Timestamp) -> Result<bool, StorageError> {
        let moved = diesel::update(
            sessions::table
                .filter(sessions::tenant_id.eq(self.0.tenant))
                .filter(sessions::id.eq(id.to_string()))
                .filter(sessions::ended_at.is_null()),
        )
        .set(sessions::ended_at.eq(now.as_millis()))
        .execute(self.0.connection)?;
        Ok(moved == 1)
    }

    /// Ends the sessions of the user, but `except`, that began at an upstream provider, and says how many.
    pub fn end_begun_at(
        &mut self,
        user: UserId,
        provider: &ProviderKey,
        except: Option<SessionId>,
        now: Timestamp,
    ) -> Result<usize, StorageError> {
        let rows = sessions::table
            .filter(sessions::tenant_id.eq(self.0.tenant))
            .filter(sessions::user_id.eq(user.to_string()))
            .filter(sessions::ended_at.is_null())
            .load::<Row>(self.0.connection)?;
        let mut ended = 0;
        for row in rows {
            let session = Session::try_from(row)?;
            let began_there =
                session.methods.iter().any(|method| method.provider() == Some(provider));
            if began_there && except != Some(session.id) {
                ended += usize::from(self.end(session.id, now)?);
            }
        }
        Ok(ended)
    }

    /// Ends every session of the user but `except`, and says how many.
    pub fn end_all(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
        now: Timestamp,
    ) -> Result<usize, StorageError> {
        let except = except.map(|id| id.to_string()).unwrap_or_default();
        let moved = diesel::update(
            sessions::table
                .filter(sessions::tenant_id.eq(self.0.tenant))
                .filter(sessions::user_id.eq(user.to_string()))
                .filter(sessions::id.ne(except))
                .filter(sessions::ended_at.is_null()),
        )
        .set(sessions::ended_at.eq(now.as_millis()))
        .execute(self.0.connection)?;
        Ok(moved)
    }
}

fn words(methods: &[Method]) -> String {
    methods.iter().map(Method::to_word).collect::<Vec<_>>().join(" ")
}

pub(super) fn parse_methods(words: &str) -> Result<Vec<Method>, StorageError> {
    let parse = |word| Method::from_word(word).ok_or(StorageError::Corrupt("session"));
    words.split(' ').map(parse).collect()
}

impl TryFrom<Row> for Session {
    type Error = StorageError;

    fn try_from(row: Row) -> Result<Self, StorageError> {
        let unreadable = || StorageError::Corrupt("session");
        Ok(Self {
            id: SessionId::parse(&row.id).map_err(|_| unreadable())?,
            user_id: UserId::parse(&row.user_id).map_err(|_| unreadable())?,
            kind: SessionKind::parse(&row.kind).ok_or_else(unreadable)?,
            authenticated_at: Timestamp::from_millis(row.authenticated_at),
            methods: parse_methods(&row.methods)?,
            created_at: Timestamp::from_millis(row.created_at),
            last_seen_at: Timestamp::from_millis(row.last_seen_at),
            ended_at: row.ended_at.map(Timestamp::from_millis),
        })
    }
}
