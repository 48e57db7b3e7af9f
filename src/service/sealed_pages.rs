//! Page tokens of a server with principals: sealed, so that a token serves nobody but the principal
//! to whom it was given, with the rights that it had then, and unchanged.
//!
//! The seal goes around the token of [`page`](super::page), which names the request. A veil hides
//! the token: its places tell how much lies outside the caller's rights. Without principals tokens
//! go out as they are.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use tonic::{Code, Request, Response, Status};

use super::{
    call::{Call, answer},
    errors,
    page::foreign_token,
};
use crate::{
    access::AccessControl,
    domain::{access::Rights, fault::echo, text::hex},
    limits::SEAL_BYTES,
    protocol::pb::{self, ErrorReason},
};

/// Says what the seals here are on.
const DOMAIN: &[u8] = b"page token";
/// Says what the veils are made for.
const VEIL: &[u8] = b"veil of a page token";
/// Bytes of the digest of rights in a token.
const RIGHTS_BYTES: usize = 8;

/// A request for a page.
pub(super) trait PageRequest {
    const NAME: &'static str;

    fn page_token(&mut self) -> &mut String;
}

/// A page.
pub(super) trait PageAnswer {
    fn next_page_token(&mut self) -> &mut String;
}

macro_rules! pages {
    ($($request:ident => $answer:ident,)*) => {
        $(
            impl PageRequest for pb::$request {
                const NAME: &'static str = stringify!($request);

                fn page_token(&mut self) -> &mut String {
                    &mut self.page_token
                }
            }

            impl PageAnswer for pb::$answer {
                fn next_page_token(&mut self) -> &mut String {
                    &mut self.next_page_token
                }
            }
        )*
    };
}

pages! {
    ListPrincipalsRequest => ListPrincipalsResponse,
    ListCursorsRequest => ListCursorsResponse,
    ListEventsRequest => ListEventsResponse,
    ListDesigneesRequest => ListDesigneesResponse,
    ListTitlesRequest => ListTitlesResponse,
    DiffRulesRequest => DiffRulesResponse,
    ListChangesRequest => ListChangesResponse,
    ListTimelinesRequest => ListTimelinesResponse,
    CompareBatchesRequest => CompareBatchesResponse,
    ListBatchesRequest => ListBatchesResponse,
    ListPoolsRequest => ListPoolsResponse,
    ListPoolMembersRequest => ListPoolMembersResponse,
    ListMeasuresRequest => ListMeasuresResponse,
    ListAssessmentsRequest => ListAssessmentsResponse,
    FindDesigneesRequest => FindDesigneesResponse,
    ListSuspectsRequest => ListSuspectsResponse,
}

/// As [`answer`], for a request for a page: its token is opened, and the one of its answer sealed.
///
/// # Errors
/// As for [`answer`]; INVALID_ARGUMENT for a token that was not given to this caller for such a
/// request, or before its rights changed.
pub(super) async fn answer_page<T: PageRequest, R: PageAnswer, F>(
    request: Request<T>,
    handler: impl FnOnce(Call, T) -> F,
) -> Result<Response<R>, Status>
where
    F: Future<Output = Result<R, Status>>,
{
    let seal = async |call: Call, mut request: T| {
        let seal = PageSeal::of(&call, T::NAME);
        if let Some(seal) = &seal {
            let token = request.page_token();
            *token = seal.open(token)?;
        }
        let mut page = handler(call, request).await?;
        if let Some(seal) = &seal {
            let token = page.next_page_token();
            *token = seal.close(token);
        }
        Ok(page)
    };
    answer(request, seal).await
}

/// Seals the tokens of one caller and one kind of request.
struct PageSeal {
    access: Arc<AccessControl>,
    request: &'static str,
    principal: Vec<u8>,
    rights: String,
}

impl PageSeal {
    /// `None` without principals.
    fn of(call: &Call, request: &'static str) -> Option<Self> {
        let access = call.access.clone().filter(|access| !access.policy().is_open())?;
        let principal = call.principal().name().to_vec();
        Some(Self { access, request, principal, rights: digest(call.rights()) })
    }

    /// Seals the token of the next page; there may be none.
    fn close(&self, token: &str) -> String {
        if token.is_empty() {
            return String::new();
        }
        let seal = self.access.seal().seal(&self.context(&self.rights, token));
        let veiled = self.veil(&seal, token.as_bytes());
        format!("{}.{}.{}", hex(&veiled), self.rights, hex(&seal))
    }

    /// Puts a veil on a token, or takes it off: a stream of bytes that follows from its seal.
    fn veil(&self, seal: &[u8], text: &[u8]) -> Vec<u8> {
        let blocks = (0_u64..).zip(text.chunks(SEAL_BYTES));
        let veiled = blocks.flat_map(|(number, block)| {
            let stream = self.access.seal().seal(&[VEIL, seal, &number.to_be_bytes()]);
            block.iter().zip(stream).map(|(byte, veil)| byte ^ veil)
        });
        veiled.collect()
    }

    /// The token inside a sealed one; there may be none.
    fn open(&self, sealed: &str) -> Result<String, Status> {
        if sealed.is_empty() {
            return Ok(String::new());
        }
        let parts = || {
            let (rest, seal) = sealed.rsplit_once('.')?;
            let (veiled, rights) = rest.rsplit_once('.')?;
            let is_whole = !veiled.is_empty() && rights.len() == 2 * RIGHTS_BYTES;
            let seal = unhex(seal).filter(|_| is_whole)?;
            let token = String::from_utf8(self.veil(&seal, &unhex(veiled)?)).ok()?;
            let context = self.context(rights, &token);
            self.access.seal().is_seal_of(&seal, &context).then_some((token, rights))
        };
        let (token, rights) = parts().ok_or_else(|| foreign_token(sealed))?;
        if rights != self.rights {
            return Err(errors::status(
                Code::InvalidArgument,
                ErrorReason::PageTokenInvalid,
                "the rights of the caller have changed since the page before; begin again without \
                 page_token",
                [("value", echo(sealed))],
            ));
        }
        Ok(token)
    }

    fn context<'a>(&'a self, rights: &'a str, token: &'a str) -> [&'a [u8]; 5] {
        [DOMAIN, self.request.as_bytes(), &self.principal, rights.as_bytes(), token.as_bytes()]
    }
}

/// Tells rights apart, also after a restart.
fn digest(rights: &Rights) -> String {
    let digest = Sha256::digest(format!("{rights:?}"));
    hex(digest.get(..RIGHTS_BYTES).unwrap_or_default())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let byte = |at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    (0..text.len()).step_by(2).map(byte).collect()
}
