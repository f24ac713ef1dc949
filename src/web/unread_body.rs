//! A chunked body that nobody reads to its end. The HTTP library would wait for the rest without a time limit
//! if its handler dropped it; as long as somebody holds it, it closes the connection once it has answered.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage};
use futures_core::Stream;

/// An answer has left by then.
const HELD: Duration = Duration::from_secs(5);

#[derive(Clone)]
struct Shared {
    payload: Rc<RefCell<Payload>>,
    is_over: Rc<Cell<bool>>,
}

impl Stream for Shared {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = Pin::new(&mut *self.payload.borrow_mut()).poll_next(context);
        if matches!(polled, Poll::Ready(None)) {
            self.is_over.set(true);
        }
        polled
    }
}

pub async fn hold(
    mut request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if !request.headers().contains_key(header::TRANSFER_ENCODING) {
        return next.call(request).await;
    }
    let shared =
        Shared { payload: Rc::new(RefCell::new(request.take_payload())), is_over: Rc::default() };
    request.set_payload(Payload::Stream { payload: Box::pin(shared.clone()) });
    let response = next.call(request).await;
    if !shared.is_over.get() {
        actix_web::rt::spawn(async move {
            tokio::time::sleep(HELD).await;
            drop(shared);
        });
    }
    response
}
