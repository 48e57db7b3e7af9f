//! The page of the port: in both languages, for browsers and terminals, and nothing for a stranger
//! to learn.

use http::{Method, StatusCode};
use tidu::domain::access::Role;

use crate::support::{
    Governed, commit, list, rights,
    web::{ask, get},
};

const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
const CHINESE: (&str, &str) = ("accept-language", "zh-CN,zh;q=0.9,en;q=0.8");

#[tokio::test]
async fn the_page_says_what_this_is_and_where_to_go() {
    let governed = Governed::open();
    governed.ledger.append(commit(list(1, 7))).await.unwrap();
    let host = ("host", "localhost:50051");
    let table = [
        (vec![host], "text/plain; charset=utf-8", "en", "has 7 events."),
        (vec![host, BROWSER], "text/html; charset=utf-8", "en", "has 7 events."),
        (vec![host, CHINESE], "text/plain; charset=utf-8", "zh-CN", "现有 7 个事件"),
        (vec![host, CHINESE, BROWSER], "text/html; charset=utf-8", "zh-CN", "现有 7 个事件"),
    ];
    for (headers, kind, language, log) in table {
        let page = get(&governed.api, "/", &headers).await;
        assert_eq!(page.status, StatusCode::OK);
        assert_eq!(page.header("content-type"), kind);
        assert_eq!(page.header("content-language"), language);
        let id = governed.ledger.log_id().to_string();
        for part in
            [log, &id, "http://localhost:50051/v1/events", "grpcurl -plaintext localhost:50051"]
        {
            assert!(page.body.contains(part), "{part} is not in {}", page.body);
        }
        let head = ask(&governed.api, Method::HEAD, "/", &headers).await;
        assert_eq!(
            (head.status, head.headers, head.body.as_str()),
            (page.status, page.headers, "")
        );
    }
}

#[tokio::test]
async fn the_page_needs_nothing_but_itself() {
    let governed = Governed::open();
    let hostile = "x\"><script>alert(1)</script>";
    for headers in [vec![BROWSER], vec![BROWSER, ("host", hostile)]] {
        let page = get(&governed.api, "/", &headers).await;
        assert!(!page.body.contains("<script") && !page.body.contains("src="), "{}", page.body);
        assert!(page.body.contains("http://HOST:PORT/v1/events"), "{}", page.body);
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(
            policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        // The policy allows the one style that the page has.
        let style = page.body.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        let hash = <sha2::Sha256 as sha2::Digest>::digest(style);
        assert!(policy.contains(&crate::support::base64(&hash)), "{policy}");
    }
    let icon = get(&governed.api, "/favicon.ico", &[]).await;
    assert_eq!((icon.status, icon.body.as_str()), (StatusCode::NO_CONTENT, ""));
}

#[tokio::test]
async fn a_page_for_strangers_tells_nothing_of_the_log() {
    let reader = [("guangdong.reader", rights(Role::Reader, None))];
    let (empty, full) = (Governed::new(&reader), Governed::new(&reader));
    full.ledger.append(commit(list(1, 7))).await.unwrap();
    for headers in [vec![], vec![BROWSER], vec![CHINESE], vec![CHINESE, BROWSER]] {
        let page = get(&full.as_stranger().api, "/", &headers).await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.body.contains("Authorization: Bearer $TOKEN"), "{}", page.body);
        assert!(!page.body.contains(&full.ledger.log_id().to_string()));
        let of_empty = get(&empty.as_stranger().api, "/", &headers).await;
        assert_eq!(page.body, of_empty.body, "it depends on the log");
        let known = get(&full.as_principal("guangdong.reader").api, "/", &headers).await;
        assert_eq!(page.body, known.body);
    }
}

#[tokio::test]
async fn the_description_of_the_api_is_served() {
    let governed = Governed::open();
    let described = get(&governed.api, "/openapi.json", &[]).await;
    assert_eq!(
        (described.status, described.header("content-type")),
        (StatusCode::OK, "application/json")
    );
    let document: serde_json::Value = serde_json::from_str(&described.body).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    // Its parameters are those that the server takes.
    let parameters = document["paths"]["/v1/events"]["get"]["parameters"].as_array().unwrap();
    let in_query = parameters.iter().filter(|parameter| parameter["in"] == "query");
    let names: Vec<_> = in_query.map(|parameter| parameter["name"].as_str().unwrap()).collect();
    let refused = get(&governed.api, "/v1/events?nothing=1", &[]).await;
    assert!(refused.body.contains(&names.join(", ")), "{} in {}", names.join(", "), refused.body);
    let head = ask(&governed.api, Method::HEAD, "/openapi.json", &[]).await;
    assert_eq!((head.headers, head.body.as_str()), (described.headers, ""));
}
