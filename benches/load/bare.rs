//! The bounds: what the machine can do of the same work, without Doorward around it.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use doorward::crypto::entropy::OsEntropy;
use doorward::crypto::jwt::{self, SigningKey, TokenType};
use doorward::crypto::password::{Arena, SALT_LENGTH, hash};
use doorward::domain::application::{
    Application, ApplicationKind, ApplicationStatus, ClientAuthentication, DirectLogin, Lifetimes,
    Party, TokenSettings,
};
use doorward::domain::authorization_code::Grant;
use doorward::domain::clock::{Clock, SystemClock};
use doorward::domain::email_address::EmailAddress;
use doorward::domain::ids::{ApplicationId, FamilyId, SessionId, TenantId, UserId};
use doorward::domain::refresh_family::{FamilyState, RefreshFamily};
use doorward::domain::scope::Scopes;
use doorward::domain::secret::Secret;
use doorward::domain::session::{Method, Session, SessionKind};
use doorward::domain::signing_key::Algorithm;
use doorward::domain::tenant::{AccountPolicy, DisplayName, Slug, Tenant, TenantStatus};
use doorward::domain::user::{User, UserStatus};
use doorward::storage::{DatabaseUrl, Db, Device, Rotation, StorageError};
use serde_json::json;

use super::Options;
use super::measure::{Figures, repeat};

/// The argument that makes this program a bare HTTP server.
pub const SERVE: &str = "--serve-bytes";

/// Signatures on all cores.
pub fn signatures(algorithm: Algorithm, options: &Options) -> Figures {
    let key = jwt::generate(algorithm).unwrap();
    let key = SigningKey::from_der(key.kid, algorithm, &key.private_der).unwrap();
    let claims =
        json!({ "iss": "https://auth.example.com/t/acme", "sub": "usr0352hZxp5IIoJE9VKhAk25" });
    repeat(cores(), options.seconds, None, |_| {
        || {
            key.sign(TokenType::AccessToken, &claims).unwrap();
        }
    })
}

/// Password hashes on all cores.
pub fn hashes(options: &Options) -> Figures {
    let password = Secret::new("marzipan-Kestrel-47".to_owned());
    repeat(cores(), options.seconds, None, |_| {
        let (mut arena, password) = (Arena::default(), &password);
        move || {
            hash(&mut arena, password, &[7; SALT_LENGTH]).unwrap();
        }
    })
}

fn cores() -> usize {
    std::thread::available_parallelism().unwrap().get()
}

/// Rotations of refresh families, durable, straight through the storage layer: nothing is parsed, signed or
/// sent. As many askers as connections, each with a family of its own.
pub fn rotations(options: &Options) -> Figures {
    let folder = std::env::temp_dir().join(format!("doorward-bare-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let url = match &options.postgres {
        Some(url) => url.clone(),
        None => format!("sqlite://{}", folder.join("bare.db").display()),
    };
    let db = Db::open(DatabaseUrl::parse(&url).unwrap()).unwrap();
    db.migrate().unwrap();
    let (tenant, families) = fill(&db, options.connections);
    let figures = repeat(options.connections, options.seconds, None, |index| {
        let (db, id) = (db.clone(), families[index]);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut generation = 1;
        move || {
            let now = SystemClock.now();
            let rotated = db.write::<_, StorageError>(tenant, move |tx| {
                let idle_expires_at = now + Duration::from_secs(604_800);
                let usable = tx.refresh_families().find_usable(id)?.unwrap();
                let rotation =
                    Rotation { from: generation, to: generation + 1, now, idle_expires_at };
                let rotated = tx.refresh_families().rotate(id, rotation)?;
                tx.users().roles(usable.user.id)?;
                Ok(rotated)
            });
            assert!(runtime.block_on(rotated).unwrap());
            generation += 1;
        }
    });
    let _ = std::fs::remove_dir_all(folder);
    figures
}

/// A tenant of its own with so many families.
fn fill(db: &Db, count: usize) -> (TenantId, Vec<FamilyId>) {
    let (now, entropy) = (SystemClock.now(), Arc::new(OsEntropy));
    let tenant = Tenant {
        id: TenantId::generate(now, &*entropy),
        slug: Slug::parse(&format!("bare{}", std::process::id())).unwrap(),
        name: DisplayName::parse("Bare").unwrap(),
        domain: None,
        status: TenantStatus::Active,
        accounts: AccountPolicy::default(),
        lifetimes: Lifetimes::default(),
        accent: None,
        logo: None,
        reply_to: None,
        deletes_at: None,
        created_at: now,
    };
    let id = tenant.id;
    let application = application(ApplicationId::generate(now, &*entropy), now);
    let user = User {
        id: UserId::generate(now, &*entropy),
        email: EmailAddress::parse("bare@example.com").unwrap(),
        email_verified: true,
        name: None,
        picture: None,
        status: UserStatus::Active,
        created_at: now,
        deletes_at: None,
    };
    let families: Vec<_> = (0..count).map(|_| FamilyId::generate(now, &*entropy)).collect();
    let ids = families.clone();
    let session_ids: Vec<_> = ids.iter().map(|_| SessionId::generate(now, &*entropy)).collect();
    let filled = db.system_write::<_, StorageError>(move |tx| {
        tx.tenants().insert(&tenant)?;
        let mut tx = tx.tenant(tenant.id);
        tx.applications().insert(&application)?;
        tx.users().insert(&user, None)?;
        for (id, session_id) in ids.into_iter().zip(session_ids) {
            let session = Session {
                id: session_id,
                user_id: user.id,
                kind: SessionKind::Direct,
                authenticated_at: now,
                methods: vec![Method::Password],
                created_at: now,
                last_seen_at: now,
                ended_at: None,
            };
            tx.sessions().insert(&session, &Device::default())?;
            tx.refresh_families().insert(&RefreshFamily {
                id,
                grant: Grant {
                    application_id: application.id,
                    user_id: user.id,
                    session_id,
                    scopes: Scopes::for_any_application(),
                    resource: None,
                    authenticated_at: now,
                },
                generation: 1,
                rotated_at: now,
                client: ClientAuthentication::Authenticated,
                idle_expires_at: now + Duration::from_secs(604_800),
                expires_at: now + Duration::from_secs(2_592_000),
                state: FamilyState::Live,
            })?;
        }
        Ok(())
    });
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(filled).unwrap();
    (id, families)
}

fn application(id: ApplicationId, now: doorward::domain::clock::Timestamp) -> Application {
    Application {
        id,
        name: DisplayName::parse("Bare").unwrap(),
        kind: ApplicationKind::Web,
        status: ApplicationStatus::Active,
        direct_login: DirectLogin::Allowed,
        party: Party::First,
        upstream_tokens: doorward::domain::application::UpstreamTokenAccess::Refused,
        is_default: true,
        audience: None,
        redirect_uris: vec![],
        post_logout_redirect_uris: vec![],
        allowed_origins: vec![],
        resources: vec![],
        secrets: vec![],
        tokens: TokenSettings::default(),
        created_at: now,
    }
}

/// A bare actix-web server, as a process of its own, that answers `body` to everything.
pub struct BareServer {
    process: Child,
    pub address: String,
}

impl BareServer {
    pub fn start(body: &str) -> Self {
        let address = {
            let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            socket.local_addr().unwrap().to_string()
        };
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args([SERVE, &address])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        process.stdin.take().unwrap().write_all(body.as_bytes()).unwrap();
        while std::net::TcpStream::connect(&address).is_err() {
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { process, address }
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Answers what stands on standard input, on the address of the second argument.
pub fn serve() {
    let address = std::env::args().nth_back(0).unwrap();
    let body = web::Bytes::from(std::io::read_to_string(std::io::stdin()).unwrap());
    let server = HttpServer::new(move || {
        let body = body.clone();
        let answer = move || {
            let body = body.clone();
            async move { HttpResponse::Ok().content_type("application/json").body(body) }
        };
        App::new().default_service(web::to(answer))
    });
    let server = server.bind(address).unwrap();
    actix_web::rt::System::new().block_on(server.run()).unwrap();
}
