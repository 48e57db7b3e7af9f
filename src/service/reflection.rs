//! grpc.reflection, v1 and v1alpha: tools learn the API from the server.
//!
//! A question that cannot be answered gets an error message on its stream, as the protocol asks,
//! and the stream stays. The streams end as a drain begins, so that an open tool delays no drain.
//!
//! The messages of both versions are the same on the wire, so those of v1 serve both. This is not
//! the service of tonic-reflection, whose streams end with their first error and never by a drain.

use std::{
    convert::Infallible,
    future::ready,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, stream};
use prost_reflect::{DescriptorError, DescriptorPool, FileDescriptor};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status, Streaming, server::NamedService};
use tonic_reflection::pb::v1::{
    ErrorResponse, ExtensionNumberResponse, ExtensionRequest, FileDescriptorResponse,
    ListServiceResponse, ServerReflectionRequest as Question, ServerReflectionResponse,
    ServiceResponse, server_reflection_request::MessageRequest,
    server_reflection_response::MessageResponse,
};
use tower::{Service, service_fn};

use super::{errors, handler, transport};
use crate::{domain::fault::echo, protocol::pb};

/// Everything that the server tells of its API.
#[derive(Clone, Debug)]
pub(super) struct Described(DescriptorPool);

impl Described {
    /// Reads the embedded descriptors of all services.
    ///
    /// # Errors
    /// If they cannot be read, which a test rules out.
    pub(super) fn new() -> Result<Self, DescriptorError> {
        let mut pool = DescriptorPool::decode(pb::DESCRIPTORS)?;
        for more in [
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_types::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ] {
            // A file that several sets have is taken once.
            pool.decode_file_descriptor_set(more)?;
        }
        Ok(Self(pool))
    }

    /// The descriptors.
    pub(super) fn pool(&self) -> DescriptorPool {
        self.0.clone()
    }

    /// The names of all services.
    pub(super) fn services(&self) -> Vec<String> {
        self.0.services().map(|service| service.full_name().to_owned()).collect()
    }

    /// The answer to one question of a stream.
    fn answer(&self, question: Question) -> ServerReflectionResponse {
        let answer = self.look_up(&question).unwrap_or_else(|(code, text)| {
            let error = ErrorResponse { error_code: code.into(), error_message: text };
            MessageResponse::ErrorResponse(error)
        });
        ServerReflectionResponse {
            valid_host: question.host.clone(),
            original_request: Some(question),
            message_response: Some(answer),
        }
    }

    fn look_up(&self, question: &Question) -> Result<MessageResponse, (Code, String)> {
        use MessageRequest as Asked;

        let lacks = |what: &str, name: &str| {
            (Code::NotFound, format!("the server has no {what} {:?}", echo(name)))
        };
        let asked = question.message_request.as_ref();
        let Some(asked) = asked else {
            return Err((Code::InvalidArgument, "message_request is missing".to_owned()));
        };
        match asked {
            Asked::ListServices(_) => Ok(self.list()),
            Asked::FileByFilename(name) => {
                let file = self.0.get_file_by_name(name);
                file.map(|file| encoded(&file)).ok_or_else(|| lacks("file", name))
            }
            Asked::FileContainingSymbol(name) => {
                let file = self.file_of(name);
                file.map(|file| encoded(&file)).ok_or_else(|| lacks("symbol", name))
            }
            Asked::FileContainingExtension(asked) => {
                let ExtensionRequest { containing_type: name, extension_number } = asked;
                let message = self.0.get_message_by_name(name);
                let number = u32::try_from(*extension_number).ok();
                let extension = message.zip(number).and_then(|(m, n)| m.get_extension(n));
                let file = extension.map(|extension| encoded(&extension.parent_file()));
                file.ok_or_else(|| lacks("extension of", name))
            }
            Asked::AllExtensionNumbersOfType(name) => {
                let message = self.0.get_message_by_name(name);
                let message = message.ok_or_else(|| lacks("message", name))?;
                let numbers = message.extensions().map(|extension| extension.number());
                let extension_number = numbers.filter_map(|n| i32::try_from(n).ok()).collect();
                let base_type_name = name.clone();
                Ok(MessageResponse::AllExtensionNumbersResponse(ExtensionNumberResponse {
                    base_type_name,
                    extension_number,
                }))
            }
        }
    }

    fn list(&self) -> MessageResponse {
        let service = self.services().into_iter().map(|name| ServiceResponse { name }).collect();
        MessageResponse::ListServicesResponse(ListServiceResponse { service })
    }

    /// The file that declares a message, an enum, a service, an extension, or a part of one.
    fn file_of(&self, symbol: &str) -> Option<FileDescriptor> {
        let pool = &self.0;
        let whole = pool.get_service_by_name(symbol).map(|found| found.parent_file());
        let whole = whole.or_else(|| Some(pool.get_message_by_name(symbol)?.parent_file()));
        let whole = whole.or_else(|| Some(pool.get_enum_by_name(symbol)?.parent_file()));
        let whole = whole.or_else(|| Some(pool.get_extension_by_name(symbol)?.parent_file()));
        whole.or_else(|| self.file_of_part(symbol))
    }

    /// The file of a method, a field, a oneof, or a value of an enum.
    fn file_of_part(&self, symbol: &str) -> Option<FileDescriptor> {
        let (whole, part) = symbol.rsplit_once('.')?;
        if let Some(service) = self.0.get_service_by_name(whole) {
            let mut methods = service.methods();
            return methods.any(|method| method.name() == part).then(|| service.parent_file());
        }
        if let Some(message) = self.0.get_message_by_name(whole)
            && (message.get_field_by_name(part).is_some()
                || message.oneofs().any(|oneof| oneof.name() == part))
        {
            return Some(message.parent_file());
        }
        // The values of an enum are named beside it, not inside it.
        let declares = |found: &prost_reflect::EnumDescriptor| {
            let beside = found.full_name().rsplit_once('.').map_or("", |(scope, _)| scope);
            beside == whole && found.get_value_by_name(part).is_some()
        };
        self.0.all_enums().find(declares).map(|found| found.parent_file())
    }
}

fn encoded(file: &FileDescriptor) -> MessageResponse {
    let file_descriptor_proto = vec![file.encode_to_vec()];
    MessageResponse::FileDescriptorResponse(FileDescriptorResponse { file_descriptor_proto })
}

/// The service in one of its two versions.
#[derive(Clone)]
pub(super) struct Reflection<const ALPHA: bool> {
    pub(super) described: Described,
    pub(super) drain: CancellationToken,
}

impl NamedService for Reflection<false> {
    const NAME: &'static str = "grpc.reflection.v1.ServerReflection";
}

impl NamedService for Reflection<true> {
    const NAME: &'static str = "grpc.reflection.v1alpha.ServerReflection";
}

impl<const ALPHA: bool> Service<super::Request> for Reflection<ALPHA> {
    type Response = super::Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<super::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    /// The intake lets only calls of the one method in.
    fn call(&mut self, request: super::Request) -> Self::Future {
        let Self { described, drain } = self.clone();
        Box::pin(async move {
            let talk = |request: Request<Streaming<Question>>| {
                let (described, drain) = (described.clone(), drain.clone());
                let talk = Talk { questions: request.into_inner(), described, drain };
                ready(Ok::<_, Status>(Response::new(talk.answers())))
            };
            Ok(handler().streaming(service_fn(talk), request).await)
        })
    }
}

/// One stream of questions.
struct Talk {
    questions: Streaming<Question>,
    described: Described,
    drain: CancellationToken,
}

type Told = Result<ServerReflectionResponse, Status>;

impl Talk {
    fn answers(self) -> impl Stream<Item = Told> + Send + 'static {
        stream::unfold(Some(self), |talk| async { talk?.next().await })
    }

    /// The next answer, or the end of the stream.
    async fn next(mut self) -> Option<(Told, Option<Self>)> {
        let question = tokio::select! {
            biased;
            () = self.drain.cancelled() => return Some((Err(errors::draining()), None)),
            question = self.questions.message() => question,
        };
        match question {
            Ok(question) => Some((Ok(self.described.answer(question?)), Some(self))),
            Err(status) => Some((Err(transport::detailed(status)), None)),
        }
    }
}
