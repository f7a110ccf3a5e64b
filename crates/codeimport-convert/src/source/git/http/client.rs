//! gix's HTTP trait over reqwest.

use super::{
    answer,
    exchange::{AnswerBody, AnswerHead, Exchange, RequestBody},
};
use crate::{
    SourceOptions,
    source::{
        fault::{Fault, FaultSlot},
        http::{self, Body, Head, Patience},
    },
};
use codeimport_core::SourceUrl;
use codeimport_subprocess::Cancel;
use gix::{
    error::{ErrorExt as _, ResultExt as _, message},
    protocol::transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse},
};
use reqwest::{
    blocking::{Client, RequestBuilder},
    header::{HeaderMap, HeaderName, HeaderValue},
};
use std::{any::Any, io, sync::Arc};

/// Some servers answer in Git's protocol only to those whose name begins with git's.
const USER_AGENT: &str = concat!("git/2.0 (codeimport ", env!("CARGO_PKG_VERSION"), ")");

/// A client for one source.
pub(in crate::source::git) struct HttpClient {
    sender: Sender,
    redirected_base: Option<String>,
}

/// What is needed to send a request, now or later.
#[derive(Clone)]
pub(super) struct Sender {
    client: Client,
    patience: Patience,
}

impl HttpClient {
    pub(in crate::source::git) fn new(
        url: &SourceUrl,
        options: &SourceOptions,
        faults: FaultSlot,
        cancel: Cancel,
    ) -> gix::Result<Self> {
        let login = options.login.as_ref();
        let client = http::client(url.host(), USER_AGENT, login, options.connect_timeout, options.idle_timeout);
        let client = client.or_raise(|| message("could not set up HTTP"))?;
        let patience = Patience { idle_timeout: options.idle_timeout, faults, cancel };
        Ok(Self { sender: Sender { client, patience }, redirected_base: None })
    }
}

impl Sender {
    /// Sends a request and insists on Git as the answer.
    pub(super) fn send(&self, request: RequestBuilder) -> io::Result<(Head, Body)> {
        let (head, mut body) = http::send(request, self.patience.clone())?;
        match answer::fault_of(&head, &mut body) {
            None => Ok((head, body)),
            Some(fault) => Err(self.patience.faults.record(fault)),
        }
    }
}

impl Http for HttpClient {
    type Headers = AnswerHead;
    type ResponseBody = AnswerBody;
    type PostBody = RequestBody;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<AnswerHead, AnswerBody>> {
        let request = self.sender.client.get(url).headers(header_map(headers));
        let (head, body) = self.sender.send(request).map_err(|error| error.and_raise(message("request failed")))?;
        let tail = url.strip_prefix(base_url).unwrap_or_default();
        match head.url.strip_suffix(tail) {
            Some(base) => self.redirected_base = (base != base_url).then(|| base.to_owned()),
            // The last stop of a redirect is no longer a repository's list of refs.
            None => {
                return Err(gix::Error::from_error(self.sender.patience.faults.record(Fault::Redirected(head.url))));
            }
        }
        let exchange = Exchange::answered(head, body);
        Ok(GetResponse { headers: AnswerHead::new(&exchange), body: AnswerBody::new(&exchange) })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _kind: PostBodyDataKind,
    ) -> gix::Result<PostResponse<AnswerHead, AnswerBody, RequestBody>> {
        let request = self.sender.client.post(url).headers(header_map(headers));
        let exchange = Exchange::unsent(self.sender.clone(), request);
        Ok(PostResponse {
            post_body: RequestBody::new(Arc::clone(&exchange)),
            headers: AnswerHead::new(&exchange),
            body: AnswerBody::new(&exchange),
        })
    }

    fn configure(&mut self, _config: &dyn Any) -> gix::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.redirected_base.clone()
    }
}

/// `name: value` lines as reqwest wants them. gix makes them; one that is malformed is left out.
fn header_map(lines: impl IntoIterator<Item = impl AsRef<str>>) -> HeaderMap {
    let mut map = HeaderMap::new();
    for line in lines {
        let Some((name, value)) = line.as_ref().split_once(':') else { continue };
        // Ours says who we are.
        if name.eq_ignore_ascii_case("user-agent") {
            continue;
        }
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value.trim())) {
            map.append(name, value);
        }
    }
    map
}
