//! Words from short lists: programmes, authorities, size classes, yes and no.

use super::clean;
use crate::{
    import::{AuthorityOf, columns::fold, error::echo_on_one_line},
    lang::{Both, Lang, both, comma},
    protocol::pb::SizeClass,
};

/// Programme ids and the Chinese names that lists use for them, without quotation marks. An id
/// passes without an entry here.
const PROGRAMMES: &[(&str, &[&str])] = &[
    ("innovative-sme", &["创新型中小企业"]),
    ("tech-sme", &["科技型中小企业"]),
    ("specialised-sme", &["专精特新中小企业", "省级专精特新中小企业"]),
    (
        "little-giant",
        &["专精特新小巨人企业", "专精特新小巨人", "小巨人企业", "国家级专精特新小巨人企业"],
    ),
    ("single-item-champion", &["制造业单项冠军企业", "制造业单项冠军", "单项冠军企业"]),
    ("national-platform", &["国家中小企业公共服务示范平台"]),
    ("national-base", &["国家小型微型企业创业创新示范基地"]),
];

/// A programme id. Ids are not checked here: the server has the catalogue.
pub(in crate::import) fn programme(text: &str) -> Result<String, Both> {
    let folded = clean(text).replace(' ', "");
    if folded.is_ascii() {
        return Ok(folded.to_ascii_lowercase());
    }
    let marks = ['“', '”', '"', '「', '」', '‘', '’', '\'', '《', '》'];
    let plain = folded.replace(marks, "");
    let known = PROGRAMMES.iter().find(|(_, names)| names.contains(&plain.as_str()));
    known.map(|(id, _)| (*id).to_owned()).ok_or_else(|| {
        let ids = PROGRAMMES.iter().map(|(id, _)| *id).collect::<Vec<_>>().join(", ");
        both!(
            en: "{0} is not a known programme; write its id: {ids}, …",
            zh: "“{0}”不是已知的认定项目；请写项目标识：{ids} 等",
            echo_on_one_line(text)
        )
    })
}

/// The code of an authority: from a code, which is not checked here, or from a name.
pub(in crate::import) fn authority(text: &str, authority_of: AuthorityOf) -> Result<String, Both> {
    let folded = clean(text).replace(' ', "");
    if folded.len() == 6 && folded.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(folded);
    }
    let code = authority_of(text).or_else(|| authority_of(&folded));
    code.map(str::to_owned).ok_or_else(|| {
        both!(
            en: "{0} is not the ministry (100000) or one of the 37 provincial-level authorities; \
                 write a code or a name such as 广东省",
            zh: "“{0}”不是工业和信息化部（100000），也不是 37 个省级机构之一；请写代码，或写 广东省 这样的名称",
            echo_on_one_line(text)
        )
    })
}

/// Size class of an enterprise.
#[rustfmt::skip]
pub(in crate::import) fn size(text: &str) -> Result<SizeClass, Both> {
    const SIZES: &[(SizeClass, &[&str])] = &[
        (SizeClass::Micro, &["micro", "微型", "微型企业", "微"]),
        (SizeClass::Small, &["small", "小型", "小型企业", "小"]),
        (SizeClass::Medium, &["medium", "中型", "中型企业", "中"]),
        (SizeClass::Large, &["large", "大型", "大型企业", "大"]),
    ];
    look_up(SIZES, text, &Both::word("a size class", "企业规模"))
}

/// Whether a cell says yes.
#[rustfmt::skip]
pub(in crate::import) fn yes_or_no(text: &str) -> Result<bool, Both> {
    const ANSWERS: &[(bool, &[&str])] = &[
        (true, &["yes", "是", "y", "true", "t", "1", "有", "对", "√", "✓", "✔", "☑"]),
        (false, &["no", "否", "n", "false", "f", "0", "无", "不是", "错", "×", "✗", "✘", "☐", "x"]),
    ];
    look_up(ANSWERS, text, &Both::word("yes or no", "“是”或“否”"))
}

/// A word without its marks: width, case, spaces, and the stops behind it.
pub(super) fn word(text: &str) -> String {
    let mut folded = fold(text);
    folded.truncate(folded.trim_end_matches(['。', ';', ',', '、']).len());
    folded
}

pub(super) fn look_up<T: Copy>(table: &[(T, &[&str])], text: &str, what: &Both) -> Result<T, Both> {
    let folded = word(text);
    let known = table.iter().find(|(_, names)| names.contains(&folded.as_str()));
    known.map(|(value, _)| *value).ok_or_else(|| {
        // The first two: one in English, the plainest in Chinese.
        let shown = |skipped| {
            let names = table.iter().flat_map(|(_, names)| names.iter().take(2).skip(skipped));
            names.copied().collect::<Vec<_>>().join(comma())
        };
        both!(
            en: "{0} is not {what}; there are {1}",
            zh: "“{0}”不是{what}；可填 {1}",
            echo_on_one_line(text),
            shown(Lang::current().of(0, 1))
        )
    })
}
