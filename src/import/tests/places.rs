//! The region of a row, by its code or by the names of places.

use super::*;

fn region(list: &str) -> (String, Vec<String>) {
    let import = import(list);
    let region = designated(&import, 0).profile.as_ref().unwrap().registered_region.clone();
    let notes = import.report.notes.iter().filter(|note| note.reason == NoteReason::RegionNotKnown);
    (region, notes.map(|note| note.message.to_string()).collect())
}

#[test]
fn names_of_places_give_the_region_of_a_row() {
    for (headers, cells, code) in [
        ("地市", "广州市", "440100"),
        ("地市", "广州", "440100"),
        ("所在城市,区县", "广州市,天河区", "440106"),
        ("县区", "天河区", "440106"),
        ("省份,地市", "广东省,深圳市", "440300"),
        ("省份,地市,县区", "北京市,北京市,朝阳区", "110105"),
        ("地市,行政区划代码", "广州市,440305", "440305"),
        ("行政区划", "广东省深圳市", "440300"),
    ] {
        let found = region(&format!("企业名称,{headers}\n示例一号有限公司,{cells}\n"));
        assert_eq!(found, (code.to_owned(), vec![]), "{headers}: {cells}");
    }
}

#[test]
fn a_place_that_is_not_known_is_noted_and_left_out() {
    for (headers, cells, code) in [
        ("省份,地市", "广东省,长沙市", ""),
        ("地市", "示例市", ""),
        ("县区", "市辖区", ""),
        ("地市,县区", "广州市,鼓楼区", "440100"),
    ] {
        let (found, notes) = region(&format!("企业名称,{headers}\n示例一号有限公司,{cells}\n"));
        assert_eq!((found.as_str(), notes.len()), (code, 1), "{headers}: {cells}");
        let text = cells.rsplit(',').next().unwrap();
        assert!(notes[0].contains(text), "{notes:?}");
    }
    assert_eq!(region("企业名称,地市\n示例一号有限公司,\n"), (String::new(), vec![]));
}
