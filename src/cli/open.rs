//! Opening what the commands work with: the database, the master key, and the flows' context over them.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::CommandError;
use crate::config::{MasterKeySource, PublicUrl, StoreSettings, UpstreamSettings};
use crate::crypto::entropy::OsEntropy;
use crate::crypto::hashing_threads::{HashingSettings, PasswordHasher};
use crate::crypto::master_key::MasterKey;
use crate::dns::TxtLookup;
use crate::domain::clock::SystemClock;
use crate::domain::password::NewPassword;
use crate::domain::tenant::{Slug, Tenant};
use crate::flows::administration::{health, tenants};
use crate::flows::{Context, Resources};
use crate::mail::{Mailer, Smtp};
use crate::storage::{DatabaseUrl, Db};
use crate::upstream::{self, Target, Upstreams};

/// The data directory, made if it is missing; for its owner alone.
pub fn make_data_dir(path: &Path) -> Result<(), CommandError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
        CommandError(format!("cannot make the data directory {}: {error}", path.display()))
    })
}

/// The database; SQLite's file is made if it is missing, for its owner alone.
pub fn database(settings: &StoreSettings) -> Result<Db, CommandError> {
    let url = DatabaseUrl::parse(&settings.database_url())?;
    if let DatabaseUrl::Sqlite(path) = &url
        && let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty())
    {
        make_data_dir(parent)?;
    }
    if let DatabaseUrl::Sqlite(path) = &url {
        // SQLite would make it readable for everybody.
        fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path).map_err(
            |error| CommandError(format!("cannot open the database {}: {error}", path.display())),
        )?;
    }
    Ok(Db::open(url)?)
}

/// For what only looks, or works on what is there: it makes no file.
pub fn database_as_it_is(settings: &StoreSettings) -> Result<Db, CommandError> {
    Ok(Db::open(DatabaseUrl::parse(&settings.database_url())?)?)
}

/// From the environment, or from the data directory where `dev` put it.
pub fn master_key(settings: &StoreSettings) -> Result<MasterKey, CommandError> {
    let (text, from) = match &settings.master_key {
        Some(MasterKeySource::Text(text)) => (text.clone(), "DOORWARD_MASTER_KEY".to_owned()),
        Some(MasterKeySource::File(path)) => (read(path)?, path.display().to_string()),
        None => {
            let path = settings.key_file();
            if !path.exists() {
                return Err(CommandError(format!(
                    "there is no master key: set DOORWARD_MASTER_KEY or DOORWARD_MASTER_KEY_FILE, or point \
                     --data-dir at the folder of a `doorward dev` ({} has none)",
                    settings.data_dir.display()
                )));
            }
            (read(&path)?, path.display().to_string())
        }
    };
    MasterKey::from_base64(&text).map_err(|why| CommandError(format!("{from}: {why}")))
}

/// The key that is there, or a new one. A half-written file never becomes the key: it is written under
/// another name and then linked, which one process alone can do.
pub fn master_key_or_new(settings: &StoreSettings) -> Result<MasterKey, CommandError> {
    let path = settings.key_file();
    if settings.master_key.is_none() && !path.exists() {
        let key = MasterKey::generate(&OsEntropy);
        let draft = path.with_extension(format!("draft-{}", std::process::id()));
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&draft)?;
        file.write_all(key.to_base64().as_bytes())?;
        file.sync_all()?;
        let _ = fs::hard_link(&draft, &path);
        fs::remove_file(&draft)?;
    }
    master_key(settings)
}

fn read(path: &PathBuf) -> Result<String, CommandError> {
    fs::read_to_string(path).map_err(|error| {
        CommandError(format!("cannot read the master key {}: {error}", path.display()))
    })
}

pub fn context(
    db: Db,
    key: &MasterKey,
    public_url: PublicUrl,
    settings: &StoreSettings,
    mailer: Mailer,
) -> Result<Arc<Context>, CommandError> {
    let entropy = Arc::new(OsEntropy);
    let resources = Resources {
        db,
        clock: Arc::new(SystemClock),
        hasher: PasswordHasher::start(HashingSettings::default(), entropy.clone())?,
        entropy,
        public_url,
        upstreams: open_upstreams(&settings.upstreams),
        dns: TxtLookup::new(settings.dns_servers.clone()),
        mailer,
    };
    Ok(Arc::new(Context::new(resources, key)))
}

/// The server that the environment names; without one, mail waits.
pub fn mailer(settings: &StoreSettings) -> Result<Mailer, CommandError> {
    match &settings.mail {
        Some(mail) => Ok(Mailer::Smtp(Smtp::new(&mail.smtp_url, &mail.from)?)),
        None => Ok(Mailer::Nowhere),
    }
}

fn open_upstreams(settings: &UpstreamSettings) -> Upstreams {
    let target = |(host, port): &(String, u16)| Target { host: host.clone(), port: *port };
    Upstreams::new(upstream::Settings {
        allowed: settings.allowed.iter().map(target).collect(),
        google_issuer: settings.google_issuer.clone(),
        github_url: settings.github_url.clone(),
        github_api_url: settings.github_api_url.clone(),
    })
}

/// For the commands that work beside a server: environment, database, key.
pub async fn beside(data_dir: Option<PathBuf>) -> Result<Arc<Context>, CommandError> {
    let settings = StoreSettings::from_environment(data_dir)?;
    let db = database_as_it_is(&settings)?;
    let pending = db.pending_migrations().await?;
    if !pending.is_empty() {
        return Err(CommandError(format!(
            "the database lacks {} migrations; run `doorward migrate` first",
            pending.len()
        )));
    }
    let key = master_key(&settings)?;
    let public_url = public_url(&settings)?;
    // Mail is sent by the server beside.
    let context = context(db, &key, public_url, &settings, Mailer::Nowhere)?;
    health::refuse_another_key(&context).await?.map_err(CommandError)?;
    Ok(context)
}

/// `DOORWARD_PUBLIC_URL`, or what a `dev` server on the same folder said last.
pub fn public_url(settings: &StoreSettings) -> Result<PublicUrl, CommandError> {
    if let Some(url) = &settings.public_url {
        return Ok(url.clone());
    }
    let facts = fs::read_to_string(settings.dev_file()).unwrap_or_default();
    let facts: serde_json::Value = serde_json::from_str(&facts).unwrap_or_default();
    let url = facts["public_url"].as_str().unwrap_or("http://localhost:8080");
    Ok(PublicUrl::parse(url)?)
}

pub async fn tenant(context: &Context, slug: &str) -> Result<Tenant, CommandError> {
    let slug =
        Slug::parse(slug).map_err(|why| CommandError(format!("--tenant `{slug}`: {why}")))?;
    Ok(tenants::find(context, &slug).await?)
}

/// A password from standard input, without the line break that `echo` adds.
pub fn password_from_stdin() -> Result<NewPassword, CommandError> {
    let mut text = String::new();
    std::io::stdin().lock().take(8_192).read_to_string(&mut text)?;
    let text = text
        .strip_suffix('\n')
        .map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    NewPassword::parse(text)
        .map_err(|why| CommandError(format!("the password on standard input: {why}")))
}
