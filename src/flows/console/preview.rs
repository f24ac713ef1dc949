//! What the tokens of a user in an app would say.

use serde_json::{Value, json};

use super::sign_in;
use crate::domain::application::ClientAuthentication;
use crate::domain::authorization_code::Grant;
use crate::domain::ids::{ApplicationId, FamilyId, SessionId};
use crate::domain::scope::Scopes;
use crate::domain::session::Method;
use crate::domain::tenant::Tenant;
use crate::domain::user::{Profile, UserStatus};
use crate::flows::oauth::issue::{self, SignedIn};
use crate::flows::oauth::token::new_family;
use crate::flows::{Context, Failure};

/// The claims of the tokens, or why there would be none.
pub enum Preview {
    Tokens {
        access: Value,
        id: Value,
    },
    UserDisabled,
    /// Or it is gone, or no user's.
    ApplicationDisabled,
    /// It answers nobody.
    TenantClosed,
}

pub async fn tokens(
    context: &Context,
    tenant: &Tenant,
    profile: Profile,
    application: ApplicationId,
) -> Result<Preview, Failure> {
    if profile.user.status == UserStatus::Disabled {
        return Ok(Preview::UserDisabled);
    }
    let snapshot = sign_in::snapshot_of(context, tenant).await?;
    let Some(snapshot) = snapshot else { return Ok(Preview::TenantClosed) };
    let application = snapshot.application(application).filter(|it| it.kind.acts_for_users());
    let Some(application) = application else { return Ok(Preview::ApplicationDisabled) };
    let now = context.now();
    let grant = Grant {
        application_id: application.id,
        user_id: profile.user.id,
        session_id: SessionId::generate(now, &*context.entropy),
        scopes: Scopes::for_any_application(),
        resource: None,
        authenticated_at: now,
    };
    let id = FamilyId::generate(now, &*context.entropy);
    let client = ClientAuthentication::Authenticated;
    let family = new_family(id, grant, application, client, now);
    let signed_in = SignedIn { family, profile, methods: vec![Method::Password] };
    let (access, id) = issue::preview(context, &snapshot, application, &signed_in);
    Ok(Preview::Tokens { access: json!(access), id: json!(id) })
}
