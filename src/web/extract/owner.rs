//! The owner of an account, in a browser that is signed in.

use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_core::future::LocalBoxFuture;

use super::browser::Browser;
use super::own_post::OwnPost;
use crate::domain::after_sign_in::AccountPage;
use crate::flows::account::session::SignedInBrowser;
use crate::web::hosted::PageError;
use crate::web::state::State;

/// A request of a browser that is signed in; any other is sent to the sign-in.
pub struct Owner {
    pub browser: Browser,
    signed_in: SignedInBrowser,
}

/// One whose user proved only just now who they are; any other is asked to prove it again.
pub struct FreshOwner(pub Owner);

/// A post of one of the account's forms.
pub struct OwnerPost {
    pub post: OwnPost,
    pub owner: SignedInBrowser,
}

/// A post that changes what an account hangs on.
pub struct FreshOwnerPost(pub OwnerPost);

impl Deref for Owner {
    type Target = SignedInBrowser;

    fn deref(&self) -> &SignedInBrowser {
        &self.signed_in
    }
}

fn to_login(browser: &Browser, page: AccountPage) -> PageError {
    let login = format!("{}/login", browser.tenant().base_path);
    PageError::elsewhere(match page {
        // It leads there by itself.
        AccountPage::Account => login,
        AccountPage::Password
        | AccountPage::Email
        | AccountPage::Delete
        | AccountPage::Identities => {
            format!("{login}?next={}", page.as_str())
        }
    })
}

/// The session ended while the post was on its way.
pub fn sign_in_again(request: &HttpRequest, browser: &Browser) -> PageError {
    to_login(browser, AccountPage::of(request.path()))
}

fn is_fresh(request: &HttpRequest, signed_in: &SignedInBrowser) -> bool {
    request
        .app_data::<web::Data<State>>()
        .is_some_and(|state| signed_in.session.is_fresh(state.context.now()))
}

impl FromRequest for Owner {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let browser = Browser::from_request(request, payload);
        Box::pin(async move {
            let browser = browser.await?;
            match browser.signed_in.clone() {
                Some(signed_in) => Ok(Self { browser, signed_in }),
                None => Err(to_login(&browser, AccountPage::Account)),
            }
        })
    }
}

impl FromRequest for FreshOwner {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let owner = Owner::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let owner = owner.await?;
            if is_fresh(&request, &owner) {
                Ok(Self(owner))
            } else {
                Err(to_login(&owner.browser, AccountPage::of(request.path())))
            }
        })
    }
}

impl FromRequest for OwnerPost {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let post = OwnPost::from_request(request, payload);
        Box::pin(async move {
            let post = post.await?;
            match post.browser.signed_in.clone() {
                Some(owner) => Ok(Self { post, owner }),
                None => Err(to_login(&post.browser, AccountPage::Account)),
            }
        })
    }
}

impl FromRequest for FreshOwnerPost {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let post = OwnerPost::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let post = post.await?;
            if is_fresh(&request, &post.owner) {
                Ok(Self(post))
            } else {
                Err(to_login(&post.post.browser, AccountPage::of(request.path())))
            }
        })
    }
}
