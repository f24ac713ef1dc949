//! A tenant's logo: drawing what was given, and finding what is shown.

use super::{Context, Failure};
use crate::domain::ids::TenantId;
use crate::domain::logo::{InvalidLogo, Logo};
use crate::storage::StorageError;

/// Draws the picture in `file` anew, away from the threads that answer requests.
pub async fn draw(context: &Context, file: Vec<u8>) -> Result<Result<Logo, InvalidLogo>, Failure> {
    let stopped = |error: &dyn ToString| Failure::Internal(error.to_string());
    let _turn = context.drawing.acquire().await.map_err(|error| stopped(&error))?;
    let drawn = tokio::task::spawn_blocking(move || Logo::parse(&file));
    drawn.await.map_err(|error| stopped(&error))
}

/// The tenant's logo as PNG.
pub async fn find(context: &Context, tenant: TenantId) -> Result<Option<Vec<u8>>, Failure> {
    Ok(context.db.read::<_, StorageError>(tenant, |tx| tx.logos().find()).await?)
}
