//! Recognises columns of personal data by their headers, and such data in cells.

use crate::{
    domain::personal::{self, PersonalData},
    lang::Both,
};

/// Parts of folded headers that mark data about a person.
const HEADER_PARTS: &[&str] = &[
    "联系人",
    "联络人",
    "经办人",
    "电话",
    "手机",
    "身份证",
    "证件号",
    "邮箱",
    "电子邮件",
    "法定代表",
    "法人代表",
    "法人姓名",
    "传真",
    "联系方式",
    "负责人",
    "实际控制人",
    "姓名",
    "微信",
    "填表人",
    "填报人",
    "contact",
    "phone",
    "mobile",
    "email",
    "idcard",
    "idnumber",
    "identitycard",
    "legalrepresentative",
    "legalperson",
    "wechat",
];
/// Whole folded headers. As parts they would match innocent words (`hotel`).
const HEADERS: &[&str] = &["法人", "tel", "fax", "qq"];

/// Whether a column holds personal data, by its folded header.
pub(super) fn is_personal_header(folded: &str) -> bool {
    HEADERS.contains(&folded) || HEADER_PARTS.iter().any(|part| folded.contains(part))
}

/// The kind of personal data that a text contains, if any.
pub(super) fn found(text: &str, holds: Holds) -> Option<PersonalData> {
    match holds {
        Holds::Text => personal::find(text),
        Holds::Url => personal::find_in_url(text),
        Holds::Code => personal::find_in_designee(text),
    }
}

/// The kind of personal data, in a sentence.
pub(super) fn said(data: PersonalData) -> Both {
    let zh = match data {
        PersonalData::MobileNumber => "手机号码",
        PersonalData::IdentityNumber => "居民身份证号码",
        PersonalData::MailAddress => "电子邮箱地址",
        PersonalData::TelephoneNumber => "电话号码",
    };
    Both::word(data.as_str(), zh)
}

/// The form of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    /// A web address.
    Url,
    /// The code of a designee.
    Code,
}
