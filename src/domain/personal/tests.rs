use super::{PersonalData::*, identity::is_identity_number, *};

/// The forms of one mobile number that people write.
const MOBILE: &[&str] = &[
    "13800000000",
    "138-0000-0000",
    "138 0000 0000",
    "138.0000.0000",
    "138·0000·0000",
    "138－0000－0000",
    "138—0000—0000",
    "138 - 0000 - 0000",
    "(138)0000-0000",
    "(138) 0000 0000",
    "1380000 0000",
    "138 00000000",
    "1380-000-0000",
    "138 000 00000",
    "138 0000 00 00",
    "138 00 00 00 00",
    "1 3 8 0 0 0 0 0 0 0 0",
    "13 80 00 00 00 0",
    "１３８０００００000",
    "１３８　００００　００００",
    "13\u{200B}800000000",
    "138\u{200B}-0000-\u{FEFF}0000",
    "+8613800000000",
    "+86 138 0000 0000",
    "+86-138-0000-0000",
    "86 13800000000",
    "8613800000000",
    "0086 138 0000 0000",
    "008613800000000",
    "(+86)138 0000 0000",
    "013800000000",
    "tel13800000000",
    "Tel:13800000000",
    "手机13800000000",
    "TEL 19912345678",
    "wx15912345678",
    "\u{1D7CF}3800000000",
];

const IDENTITY: &[&str] = &[
    "440101190001010019",
    "11010519000101002X",
    "11010519000101002x",
    "11010519000101002Ｘ",
    "ID440101190001010019",
    "No.440101190001010019",
    "身份证440101190001010019",
    "4401 0119 0001 0100 19",
    "440101 19000101 0019",
    "440101-19000101-0019",
    "440101 19000101001 X",
    "110105 19000101 002X",
    "1 1 0 1 0 5 1 9 0 0 0 1 0 1 0 0 2 X",
    "４４０１０１１９０００１０１００１９",
    "4401\u{200B}01190001010019",
    "440101000101001",
    "440101 000101 001",
    "44010100 0101001",
    "911344199306102034",
];

const MAIL: &[&str] = &[
    "a.person@example.org",
    "A.PERSON+list@EXAMPLE.COM.CN",
    "邮箱:a_person@mail.example.org。",
    "张三@qq.com",
    "ａ＠ｅｘａｍｐｌｅ．ｏｒｇ",
    "a.person @ example.org",
    "a@example.org.",
    "a\u{200B}@\u{200B}example.org",
    "mailto:1234567@qq.com",
];

const TELEPHONE: &[&str] = &[
    "电话020-12345678",
    "联系电话：020-12345678",
    "电话号码 (020) 12345678",
    "联系人：某某 020-12345678",
    "tel: 020 1234 5678",
    "Phone 12345678",
];

/// Texts that hold no personal data.
const INNOCENT: &[&str] = &[
    "",
    "某某有限公司",
    "某某癸有限公司 020-12345678",
    "010-68205301",
    "400-123-4567",
    "符合 GB 18030-2022 的产品",
    "GB/T 19001-2016 与 GB/T 24001-2016",
    "GB 18030-2022 12",
    "ISO 13485:2016",
    "型号 A13800000000",
    "甲12800000000",
    "甲138000000001",
    "1380000000",
    "HJD-138-000",
    "工信部企业函〔2026〕123号",
    "国家税务总局令第18号",
    "2026-04-01至2029-03-31",
    "2026年04月01日",
    "1998-12-31-001",
    "1998 2005 2012",
    "13500000000元",
    "13 500 000 000",
    "13,500,000,000.00",
    "注册资本15000万元",
    "150-20260401",
    "15000-200000件",
    "110105190013010021",
    "914403001922038216",
    "91440101MA5XXXXX13",
    "代码914403001922038216的企业",
    "9144 0300 1922 0382 16",
    "12440000455860012F",
    "622202138000000001",
    "粤ICP备13012345号-1",
    "京公网安备11010502030143号",
    "ZL201310123456.7",
    "SC10144010112345",
    "138****0000",
    "3f2504e013800000000ab4f89",
    "工业@物联网有限公司",
    "@example.org",
    "Yes@Work Ltd. 2026",
    "logo@2x.png",
    "电话交换机 2000 台",
    "电话 2026年04月01日",
    "2026040112345678",
    "20260401123456",
    "联系人制度",
];

#[test]
fn common_forms_are_found() {
    let mut wrong: Vec<String> = Vec::new();
    for (forms, kind) in [
        (MOBILE, MobileNumber),
        (IDENTITY, IdentityNumber),
        (MAIL, MailAddress),
        (TELEPHONE, TelephoneNumber),
    ] {
        for form in forms {
            let around = ["{}", "某某有限公司 {}", "某某有限公司（{}）分公司"];
            for text in around.map(|around| around.replace("{}", form)) {
                if find(&text) != Some(kind) {
                    wrong.push(text);
                }
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
}

#[test]
fn texts_that_only_resemble_personal_data_are_left_alone() {
    let wrong: Vec<_> = INNOCENT.iter().filter(|text| find(text).is_some()).collect();
    assert_eq!(wrong, [&""; 0]);
}

#[test]
fn any_place_in_a_long_text_is_judged() {
    let filler = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; ".repeat(8);
    assert_eq!(find(&filler), None);
    assert_eq!(find(&format!("{filler}13800000000; {filler}")), Some(MobileNumber));
    assert_eq!(find(&format!("{}138-0000-0000", "9 ".repeat(500))), Some(MobileNumber));
    assert_eq!(find(&"7".repeat(5_000)), None);
}

#[test]
fn addresses_of_pages_are_left_alone() {
    for url in [
        "https://example.gov.cn/art/2026/4/1/art_1234_56789.html",
        "https://example.gov.cn/202604/t20260401_13800000000.html",
        "https://example.gov.cn/13800000000.html",
        "https://example.gov.cn/col138/content_138-0000.html",
        "https://example.gov.cn/a?id=13800000000",
        "https://example.gov.cn/a?articleId=13800000000&p=1",
        "https://example.gov.cn/2026/0401/440101000101001.pdf",
        "https://example.gov.cn/file/a13800000000b.xlsx",
        "https://example.gov.cn/440101199913010010",
        "https://example.gov.cn/img/logo@2x.png",
        "https://example.gov.cn:8443/%E4%BA%8C%ZZ%",
        "https://example.gov.cn/3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    ] {
        assert_eq!(find_in_url(url), None, "{url}");
    }
}

#[test]
fn personal_data_in_addresses_is_found() {
    for (url, kind) in [
        ("https://example.org/13800000000", MobileNumber),
        ("https://example.org/user/13800000000/a", MobileNumber),
        ("https://example.org/a?tel=13800000000", MobileNumber),
        ("https://example.org/a?tel=%2B8613800000000&b=1", MobileNumber),
        ("https://example.org/a?tel=138%200000%200000", MobileNumber),
        ("https://example.org/138-0000-0000.html", MobileNumber),
        ("https://example.org/a?u=%31%33%38%30%30%30%30%30%30%30%30", MobileNumber),
        ("https://example.org/a?mail=a.person%40example.org", MailAddress),
        ("https://a.person@example.org/", MailAddress),
        ("https://example.org/t20260401_11010519491231002X.html", IdentityNumber),
        ("https://example.org/a?sfz=11010519491231002X", IdentityNumber),
    ] {
        assert_eq!(find_in_url(url), Some(kind), "{url}");
    }
}

#[test]
fn an_identity_number_has_a_day_and_a_check_character() {
    assert!(is_identity_number("11010519491231002X"));
    assert!(is_identity_number("430407190001010179"));
    assert!(!is_identity_number("430407190001010178"), "the check character");
    assert!(!is_identity_number("430407190013010179"), "the month");
    assert!(!is_identity_number("910407190001010179"), "the division");
    assert!(!is_identity_number("4304071900010101"));
    assert!(!is_identity_number("43040719000101017九"));
    assert!(is_identity_as_code("11010519491231002X"), "no credit code");
    assert!(is_identity_as_code("430407190001010179"), "by chance the form of a credit code");
    assert!(!is_identity_as_code("914403001922038216"));
}

#[test]
fn identifiers_are_judged_by_their_form() {
    for (text, found) in [
        ("914403001922038216", None),
        ("914403199001011234", None),
        ("430407190001010179", Some(IdentityNumber)),
        ("４３０４０７ 19000101-0179", Some(IdentityNumber)),
        ("430407190001010187", Some(IdentityNumber)),
        ("13800000000", Some(MobileNumber)),
        ("440101000101001", Some(IdentityNumber)),
        ("provisional:440000/某某 430407190001010179", Some(IdentityNumber)),
        ("provisional:440000/某某13800000000", Some(MobileNumber)),
        ("local:440000/430407190001010179", Some(IdentityNumber)),
        ("local:440000/914403001922038217", None),
        ("local:440000/zone-7", None),
        ("", None),
    ] {
        assert_eq!(find_in_designee(text), found, "{text}");
    }
}
