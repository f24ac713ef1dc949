//! The inner functions of the hot paths, without HTTP and without a database: `cargo bench --bench inner`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{Criterion, criterion_group, criterion_main};
use doorward::config::PublicUrl;
use doorward::crypto::entropy::OsEntropy;
use doorward::crypto::hashing_threads::{HashingSettings, PasswordHasher};
use doorward::crypto::jwt::{self, SigningKey, TokenType, VerifyingKey};
use doorward::crypto::master_key::MasterKey;
use doorward::crypto::refresh_token::{RefreshTokens, TokenOwner};
use doorward::dns::TxtLookup;
use doorward::domain::application::{
    ApplicationKind, DirectLogin, Party, TokenSettings, UpstreamTokenAccess,
};
use doorward::domain::clock::SystemClock;
use doorward::domain::ids::{ApplicationId, FamilyId, TenantId};
use doorward::domain::parameters::Parameters;
use doorward::domain::provider::UpstreamIssuer;
use doorward::domain::signing_key::Algorithm;
use doorward::domain::tenant::{AccountPolicy, DisplayName, Slug};
use doorward::flows::administration::Administrator;
use doorward::flows::administration::applications::{self, NewApplication};
use doorward::flows::administration::tenants::{self, NewTenant};
use doorward::flows::oauth::authorize::{self, ReplyTo};
use doorward::flows::tenant_snapshot::TenantName;
use doorward::flows::{Context, Resources, TenantSnapshot};
use doorward::mail::Mailer;
use doorward::storage::{DatabaseUrl, Db};
use doorward::upstream::{self, Upstreams};
use serde_json::{Value, json};
use url::Url;

fn tokens(criterion: &mut Criterion) {
    let claims = json!({
        "iss": "https://auth.example.com/t/acme", "sub": "usr0352hZxp5IIoJE9VKhAk25",
        "aud": "https://auth.example.com/t/acme", "exp": 4_000_000_000_u64, "iat": 1_800_000_000,
        "client_id": "app0352hZxp5IIoJE9VKhAk25", "scope": "openid email", "role": "ADMIN", "roles": ["ADMIN"],
    });
    for algorithm in Algorithm::ALL {
        let made = jwt::generate(algorithm).unwrap();
        let key = SigningKey::from_der(made.kid, algorithm, &made.private_der).unwrap();
        let verifying = VerifyingKey::from_jwk(&made.public_jwk).unwrap();
        let token = key.sign(TokenType::AccessToken, &claims).unwrap();
        criterion.bench_function(&format!("sign {algorithm}"), |bench| {
            bench.iter(|| key.sign(TokenType::AccessToken, black_box(&claims)).unwrap());
        });
        criterion.bench_function(&format!("parse and check {algorithm}"), |bench| {
            bench.iter(|| {
                let checked: Value =
                    jwt::verify(black_box(&token), TokenType::AccessToken, |_| Some(&verifying))
                        .unwrap();
                checked
            });
        });
    }
}

fn refresh_tokens(criterion: &mut Criterion) {
    let tokens = RefreshTokens::new(&MasterKey::generate(&OsEntropy));
    let owner = TokenOwner {
        tenant: TenantId::from_bytes([1; 16]),
        application: ApplicationId::from_bytes([2; 16]),
    };
    let family = FamilyId::from_bytes([3; 16]);
    let token = tokens.derive(owner, family, 7);
    criterion.bench_function("derive a refresh token", |bench| {
        bench.iter(|| tokens.derive(owner, black_box(family), 7));
    });
    criterion.bench_function("check a refresh token", |bench| {
        bench.iter(|| tokens.check(owner, black_box(token.expose())).unwrap());
    });
}

fn authorize_checks(criterion: &mut Criterion) {
    let folder = std::env::temp_dir().join(format!("doorward-inner-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let url = format!("sqlite://{}", folder.join("inner.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (tenant, client_id) = runtime.block_on(tenant(&url));
    let query = format!(
        "client_id={client_id}&redirect_uri=https%3A%2F%2Fapp.example%2Fcallback&response_type=code\
         &scope=openid%20email&state=st&nonce=n&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
         &code_challenge_method=S256"
    );
    criterion.bench_function("check an authorization request", |bench| {
        bench.iter(|| {
            let parameters = Parameters::parse(black_box(query.as_bytes())).unwrap();
            let reply_to = ReplyTo::find(&tenant, &parameters).unwrap();
            authorize::check(&tenant, &reply_to, &parameters).unwrap()
        });
    });
    std::fs::remove_dir_all(folder).unwrap();
}

/// Nobody is called.
fn upstreams() -> Upstreams {
    let url = |text| Url::parse(text).unwrap();
    Upstreams::new(upstream::Settings {
        allowed: Vec::new(),
        google_issuer: UpstreamIssuer::parse("https://accounts.google.com").unwrap(),
        github_url: url("https://github.com"),
        github_api_url: url("https://api.github.com"),
    })
}

/// A tenant with one app, as requests find it.
async fn tenant(url: &str) -> (Arc<TenantSnapshot>, String) {
    let db = Db::open(DatabaseUrl::parse(url).unwrap()).unwrap();
    db.migrate().unwrap();
    let entropy = Arc::new(OsEntropy);
    let resources = Resources {
        db,
        clock: Arc::new(SystemClock),
        hasher: PasswordHasher::start(HashingSettings::default(), entropy.clone()).unwrap(),
        entropy,
        public_url: PublicUrl::parse("https://auth.example.com").unwrap(),
        mailer: Mailer::Nowhere,
        upstreams: upstreams(),
        dns: TxtLookup::new(Vec::new()),
    };
    let context = Context::new(resources, &MasterKey::generate(&OsEntropy));
    let slug = Slug::parse("acme").unwrap();
    let name = DisplayName::parse("Acme").unwrap();
    let new = NewTenant {
        slug: slug.clone(),
        name: name.clone(),
        domain: None,
        accounts: AccountPolicy::default(),
    };
    let made = tenants::create(&Administrator::command_line(&context), new).await.unwrap();
    let new = NewApplication {
        name,
        kind: ApplicationKind::Web,
        redirect_uris: vec!["https://app.example/callback".to_owned()],
        post_logout_redirect_uris: Vec::new(),
        allowed_origins: Vec::new(),
        audience: None,
        direct_login: DirectLogin::Refused,
        is_default: true,
        party: Party::First,
        upstream_tokens: UpstreamTokenAccess::Refused,
        tokens: TokenSettings::default(),
        secret: None,
    };
    let application = applications::create(&Administrator::command_line(&context), &made, new)
        .await
        .unwrap()
        .application;
    let found = context
        .tenants
        .find(
            &context.db,
            &context.sealer,
            &context.public_url,
            TenantName::Slug(slug),
            context.now(),
        )
        .await
        .unwrap();
    (found.unwrap(), application.id.to_string())
}

criterion_group!(inner, tokens, refresh_tokens, authorize_checks);
criterion_main!(inner);
