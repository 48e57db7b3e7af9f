//! What is tried on bytes that nobody wrote. Shared by the targets of cargo-fuzz, which look for
//! inputs that reach new code, and by the test suite, which changes a fixed corpus.
//!
//! A target panics if something is wrong, and otherwise says whether the input was accepted.

pub mod pages;

use prost::Message as _;
use tidu::{
    archive::{
        LogBuilder,
        format::{Form, Reader, Writer},
    },
    catalogue_files::CatalogueFiles,
    domain::AuthorityCode,
    import::{self, Options},
    limits::RESPONSE_BYTES_MAX,
    protocol::{
        json::Json,
        pb::{
            self, ledger_service_client::LedgerServiceClient,
            register_service_client::RegisterServiceClient,
        },
        wire::{Bounds, ListBounds, Shape, Walk},
    },
    service::Api,
};
use tonic::{Code, Status};

/// An archive is refused, or written again it has the same bytes.
pub fn archive(bytes: &[u8]) -> bool {
    let mut builder = LogBuilder::checking(CatalogueFiles::built_in());
    let believed = builder.archive("an archive", bytes).and_then(|()| builder.finish().map(drop));
    let Ok(mut reader) = Reader::open(bytes) else {
        assert!(believed.is_err(), "believed without a header");
        return false;
    };
    let mut writer = Writer::begin(Vec::new(), reader.header(), Form::Plain).unwrap();
    loop {
        match reader.frame() {
            Ok(Some(frame)) => writer.frame(&frame).unwrap(),
            Ok(None) => break,
            Err(_) => {
                assert!(believed.is_err(), "believed without its end");
                return false;
            }
        }
    }
    let plain = writer.finish().unwrap();
    if reader.form() == Form::Plain {
        assert_eq!(plain, bytes, "another archive says the same");
    } else {
        assert!(Reader::open(plain.as_slice()).is_ok());
    }
    believed.is_ok()
}

/// A list gives rows, or an error that says something.
pub fn list(bytes: &[u8]) -> bool {
    let text = |text: &str| Some(text.to_owned());
    let options = Options {
        authority: text("440000"),
        programme: text("specialised-sme"),
        batch: text("2024-1"),
        date: text("2024-03-01"),
        ..Options::default()
    };
    let authority_of = |name: &str| AuthorityCode::from_name(name).map(AuthorityCode::as_str);
    match import::read("the list", bytes, &options, authority_of) {
        Ok(import) => {
            assert!(!import.rows.is_empty(), "{:?}", import.report);
            true
        }
        Err(error) => {
            assert!(error.to_string().len() > 10, "{error}");
            false
        }
    }
}

/// A list with other contents in the cells that are not read gives the same events, or is refused.
pub fn unread(bytes: &[u8]) -> bool {
    let Some((page, format, hidden, contents)) = pages::parse(bytes) else { return false };
    let mut contents = contents.into_iter();
    pages::try_unread(page, format, hidden, || contents.next()) == pages::Outcome::Same
}

/// A line of an export is refused, or written again it means the same.
pub fn line(bytes: &[u8]) -> bool {
    let json = Json::new().unwrap();
    let Ok(text) = str::from_utf8(bytes) else { return false };
    let Ok(place) = json.place(text) else { return false };
    let frame = place.frame();
    let name = if frame.withheld { "Withheld" } else { "RecordedEvent" };
    let again = json.line_of(name, &frame.bytes).unwrap();
    assert_eq!(json.place(&again).unwrap().frame().bytes, frame.bytes, "{again}");
    true
}

/// A request is walked in parts as it is in one piece, and prost makes no more of it than was
/// counted. The first byte is the length of the parts, the rest is the request.
pub fn wire(bytes: &[u8]) -> bool {
    let Some((part, message)) = bytes.split_first() else { return false };
    let (shape, list) = (Shape::of("tidu.v1.AppendRequest"), |items, elements| ListBounds {
        field: 4,
        items,
        elements,
    });
    let walked = |bounds: Bounds, part: usize| {
        let mut walk = Walk::new(shape, bounds);
        message.chunks(part.max(1)).try_for_each(|part| walk.push(part))?;
        walk.finish()
    };
    let narrow = Bounds { elements: 20, list: Some(list(3, 20)) };
    let wide = Bounds { elements: u32::MAX, list: Some(list(u32::MAX, u32::MAX)) };
    for bounds in [narrow, wide] {
        assert_eq!(walked(bounds, (*part).into()), walked(bounds, message.len()));
    }
    let Ok(counts) = walked(wide, message.len()) else { return false };
    let Ok(request) = pb::AppendRequest::decode(message) else { return false };
    assert_eq!(request.events.len() as u64, u64::from(counts.items));
    let texts: usize = request.events.iter().map(|event| event.co_issuers.len()).sum();
    assert!(texts as u64 <= counts.of_items, "{texts} texts, {counts:?}");
    true
}

/// The services that answer questions.
pub struct Questioned {
    pub ledger: LedgerServiceClient<Api>,
    pub register: RegisterServiceClient<Api>,
}

/// How many questions there are.
pub const QUESTIONS: u8 = 6;

/// A question with a filter or a page token is refused, or gets an answer within its bound. The
/// first byte chooses the question, the rest is its request.
pub async fn question(questioned: &mut Questioned, bytes: &[u8]) -> bool {
    let Questioned { ledger, register } = questioned;
    let Some((which, bytes)) = bytes.split_first() else { return false };
    macro_rules! ask {
        ($service:ident . $method:ident ( $request:ty )) => {
            match <$request>::decode(bytes) {
                Ok(request) => answered($service.$method(request).await),
                Err(_) => false,
            }
        };
    }
    match which % QUESTIONS {
        0 => ask!(ledger.list_events(pb::ListEventsRequest)),
        1 => ask!(register.list_titles(pb::ListTitlesRequest)),
        2 => ask!(register.list_designees(pb::ListDesigneesRequest)),
        3 => ask!(register.list_batches(pb::ListBatchesRequest)),
        4 => ask!(register.list_measures(pb::ListMeasuresRequest)),
        _ => ask!(register.count_titles(pb::CountTitlesRequest)),
    }
}

fn answered<M: prost::Message>(answer: Result<tonic::Response<M>, Status>) -> bool {
    match answer {
        Ok(answer) => {
            assert!(answer.into_inner().encoded_len() <= RESPONSE_BYTES_MAX);
            true
        }
        Err(status) => {
            let broken = [Code::Internal, Code::Unknown, Code::DataLoss, Code::Unavailable];
            assert!(!broken.contains(&status.code()), "{status:?}");
            false
        }
    }
}
