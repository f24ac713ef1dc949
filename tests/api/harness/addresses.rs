//! A tenant in which an address of each kind is known, for tests of what gives away which it is.

use doorward::domain::email_address::EmailAddress;
use doorward::domain::ids::UserId;
use doorward::domain::user::{User, UserStatus};
use doorward::storage::StorageError;

use super::{TestApp, TestTenant};

/// Who has an address: somebody with a password, nobody, somebody disabled, somebody who signs in by an
/// upstream provider, and somebody who has not proved it. The first is what the others are compared with.
pub const ADDRESSES: [&str; 5] = [
    "ada@acme.example",
    "nobody@acme.example",
    "off@acme.example",
    "bare@acme.example",
    "unproved@acme.example",
];

pub async fn tenant(app: &TestApp) -> TestTenant {
    let acme = app.tenant("acme").await;
    app.user(&acme.tenant, "off@acme.example", &[]).await;
    app.disable(&acme.tenant, "off@acme.example").await;
    let now = app.context.now();
    // Someone who signs in by an upstream provider.
    let bare = User {
        id: UserId::generate(now, &*app.context.entropy),
        email: EmailAddress::parse("bare@acme.example").unwrap(),
        email_verified: true,
        name: None,
        picture: None,
        status: UserStatus::Active,
        created_at: now,
        deletes_at: None,
    };
    let inserted = app
        .context
        .db
        .write::<_, StorageError>(acme.tenant.id, move |tx| tx.users().insert(&bare, None));
    inserted.await.unwrap();
    app.user(&acme.tenant, "unproved@acme.example", &[]).await;
    app.execute("UPDATE users SET email_verified = FALSE WHERE email = 'unproved@acme.example'");
    acme
}
