//! The designee that a text on the command line means: a code, a whole name, or a part of one.
//!
//! The server resolves codes and whole names. A text that is neither is looked for in all names.
//! The only designee with it is meant; several are listed; if there is none, names like it are
//! told.

use std::collections::BTreeSet;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use super::{
    CliError,
    args::Output,
    client::Client,
    commands::print_found,
    names,
    print::{Tone, print_toned},
};
use crate::{
    domain::{DesigneeId, name::folded},
    lang::{comma, say},
    limits::{CHOICE_DESIGNEES_MAX, NAME_PART_CHARS_MIN, NAMES_SHOWN_MAX},
    protocol::pb,
};

/// A question about a designee.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// What was typed.
    pub(crate) text: &'a str,
    /// The moment of the answer.
    pub(crate) as_of: Option<pb::AsOf>,
    /// The form of the answer.
    pub(crate) output: Output,
    /// The command without its designee, to type again: `tidu show`.
    pub(crate) command: &'a str,
}

/// The reason of a refusal.
fn reason(refused: &Status) -> String {
    let details = refused.get_error_details();
    details.error_info().map_or_else(String::new, |info| info.reason.clone())
}

/// True if the server refused the text as a designee: it knows neither such a code nor such a name.
fn is_unknown(refused: &Status) -> bool {
    let details = refused.get_error_details();
    let field = details.error_info().and_then(|info| info.metadata.get("field"));
    reason(refused) == "DESIGNEE_NOT_FOUND" || field.is_some_and(|field| field == "designee")
}

/// True for an identifier, also for a code whose check character is wrong: the server knows under
/// which identifiers that one is recorded.
fn is_code(text: &str) -> bool {
    DesigneeId::parse(text).is_ok() || DesigneeId::of_odd_code(text).is_ok()
}

impl Asked<'_> {
    /// The identifier of the designee that is meant, where only that will do.
    pub(crate) async fn identifier(&self, client: &mut Client) -> Result<String, CliError> {
        if is_code(self.text) {
            return Ok(self.text.to_owned());
        }
        let answer = self.designee(client).await?;
        Ok(answer.designee.unwrap_or_default().designee)
    }

    /// The designee that is meant.
    pub(crate) async fn designee(
        &self,
        client: &mut Client,
    ) -> Result<pb::GetDesigneeResponse, CliError> {
        let (designee, as_of) = (self.text.to_owned(), self.as_of);
        let request = pb::GetDesigneeRequest { designee, as_of };
        let refused = match client.register.get_designee(request).await {
            Ok(answer) => return Ok(answer.into_inner()),
            Err(refused) => refused,
        };
        let designee = self.instead(client, refused).await?;
        let request = pb::GetDesigneeRequest { designee, as_of };
        Ok(client.register.get_designee(request).await?.into_inner())
    }

    /// The identifier of the designee that is meant by a text that the server refused as a code and
    /// as a whole name.
    pub(crate) async fn instead(
        &self,
        client: &mut Client,
        refused: Status,
    ) -> Result<String, CliError> {
        if reason(&refused) == "NAME_AMBIGUOUS" {
            if !is_code(self.text) {
                self.list(client, true).await?;
            }
            return Err(self.advised(refused));
        }
        let is_short = folded(self.text).chars().count() < NAME_PART_CHARS_MIN;
        if !is_unknown(&refused) || is_short || is_code(self.text) {
            return Err(refused.into());
        }
        let most = i32::try_from(CHOICE_DESIGNEES_MAX).unwrap_or(i32::MAX);
        // What cannot be a part of a name is refused as it was.
        let Ok(found) = self.find(client, self.text, most).await else {
            return Err(refused.into());
        };
        match found.designees.as_slice() {
            [] => self.reject_unknown(client, refused).await,
            [only] => {
                self.tell_chosen(only)?;
                Ok(only.bearer.clone().unwrap_or_default().designee)
            }
            several => {
                self.list(client, false).await?;
                Err(self.ambiguous(several, !found.next_page_token.is_empty()))
            }
        }
    }

    async fn find(
        &self,
        client: &mut Client,
        text: &str,
        page_size: i32,
    ) -> Result<pb::FindDesigneesResponse, CliError> {
        let request = pb::FindDesigneesRequest { page_size, ..self.request(text, false) };
        Ok(client.register.find_designees(request).await?.into_inner())
    }

    fn request(&self, text: &str, whole_name: bool) -> pb::FindDesigneesRequest {
        let (text, as_of) = (text.to_owned(), self.as_of);
        pb::FindDesigneesRequest { text, whole_name, as_of, ..Default::default() }
    }

    /// Lists the designees that may be meant, for people.
    async fn list(&self, client: &mut Client, whole_name: bool) -> Result<(), CliError> {
        if !self.output.is_human() {
            return Ok(());
        }
        let request = self.request(self.text, whole_name);
        print_found(client, &request, CHOICE_DESIGNEES_MAX, Output::Human).await
    }

    /// Tells people which designee the answer is about, because they did not name it.
    fn tell_chosen(&self, only: &pb::FoundDesignee) -> Result<(), CliError> {
        if !self.output.is_human() {
            return Ok(());
        }
        let (text, name) = (self.text, &only.matched_name);
        let told = say!(
            en: "“{text}” is in the name of one designee only: {name}",
            zh: "名称中含“{text}”的认定对象只有一个：{name}"
        );
        print_toned(&told, Tone::Faint)
    }

    /// The refusal of a text that is in the names of several designees. Programs get it as the
    /// server refuses a name that several bear; people have the list.
    fn ambiguous(&self, several: &[pb::FoundDesignee], has_more: bool) -> CliError {
        let (text, count) = (self.text, several.len());
        if !self.output.is_human() {
            return CliError::from(names_of_several(text, several, has_more));
        }
        let count = match has_more {
            true => say!(en: "more than {count}", zh: "{count} 个以上"),
            false => say!(en: "{count}", zh: "{count} 个"),
        };
        let refused = say!(
            en: "“{text}” is in the names of {count} designees [NAME_AMBIGUOUS]",
            zh: "名称中含“{text}”的认定对象有 {count} [NAME_AMBIGUOUS]"
        );
        let command = self.command;
        CliError::Refused(refused).advised(say!(
            en: "give more of the name, or the code: {command} CODE",
            zh: "请输入更完整的名称或代码：{command} 代码"
        ))
    }

    /// The refusal of a name that several bear, with the command that names one.
    fn advised(&self, refused: Status) -> CliError {
        let command = self.command;
        CliError::from(refused).advised(say!(
            en: "name one by its code: {command} CODE",
            zh: "请用代码指定其中一个：{command} 代码"
        ))
    }

    /// Refuses a text that is in no name, with the names that are like it.
    async fn reject_unknown(
        &self,
        client: &mut Client,
        refused: Status,
    ) -> Result<String, CliError> {
        let near = self.near(client).await?;
        let advice = match near.join(comma()) {
            none if none.is_empty() => say!(
                en: "no name on record has it; a shorter part finds more: tidu find PART",
                zh: "记录中没有含该文字的名称；可用更短的部分查找：tidu find 名称的一部分"
            ),
            near => say!(en: "did you mean {near}?", zh: "是否指 {near}？"),
        };
        Err(CliError::from(refused).advised(advice))
    }

    /// Names that are like the text: among those that share its first or its last characters.
    async fn near(&self, client: &mut Client) -> Result<Vec<String>, CliError> {
        let characters: Vec<char> = self.text.chars().collect();
        let middle = characters.len().div_ceil(2);
        let halves = [characters.get(..middle), characters.get(middle..)].into_iter().flatten();
        let mut known = BTreeSet::new();
        for half in halves.filter(|half| half.len() >= NAME_PART_CHARS_MIN) {
            let half: String = half.iter().collect();
            if folded(&half).chars().count() >= NAME_PART_CHARS_MIN {
                let found = self.find(client, &half, 0).await?;
                known.extend(found.designees.into_iter().map(|found| found.matched_name));
            }
        }
        let near = names::nearest(self.text, known.iter().map(String::as_str));
        Ok(near.into_iter().take(NAMES_SHOWN_MAX).map(str::to_owned).collect())
    }
}

/// A text in the names of several designees, as the server refuses a name that several bear.
fn names_of_several(text: &str, several: &[pb::FoundDesignee], has_more: bool) -> Status {
    let ids = several.iter().filter_map(|found| found.bearer.as_ref());
    let ids: Vec<&str> = ids.map(|bearer| bearer.designee.as_str()).collect();
    let designees = ids.join(", ");
    let more = if has_more { " or more" } else { "" };
    let message = format!("{}{more} designees have this in a name: {designees}", ids.len());
    let metadata = [("value", text.to_owned()), ("designees", designees)];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value));
    let details = ErrorDetails::with_error_info("NAME_AMBIGUOUS", "tidu", metadata);
    Status::with_error_details(Code::FailedPrecondition, message, details)
}

/// True if some designee of a filter is not an identifier.
pub(crate) fn needs_identifiers(filter: &pb::EventFilter) -> bool {
    filter.designees.iter().any(|designee| !is_code(designee))
}

/// Replaces names among the designees of a filter by their identifiers.
pub(crate) async fn identify(
    client: &mut Client,
    filter: &mut pb::EventFilter,
    output: Output,
) -> Result<(), CliError> {
    for designee in &mut filter.designees {
        if !is_code(designee) {
            let asked = Asked { text: designee, as_of: None, output, command: "--designee" };
            let meant = asked.identifier(client).await?;
            *designee = meant;
        }
    }
    Ok(())
}
