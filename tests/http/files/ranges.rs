//! `Range` requests and `HEAD` on every download route.

use reqwest::{Method, RequestBuilder};
use test_support::{Agent, Person, RawForm, Reply, World};

const SIZE: usize = 5000;

fn bytes() -> Vec<u8> {
    (0..SIZE).map(|index| (index * 7 % 251) as u8).collect()
}

/// A request to each route that serves a file's bytes.
async fn downloads(person: &Person, agent: &Agent, file: &str) -> Vec<Box<dyn Fn(Method) -> RequestBuilder>> {
    let share = person.get(&format!("/api/files/{file}/share")).await.expect(200)["url"].as_str().unwrap().to_owned();
    let share = url::Url::parse(&share).map_or(share.clone(), |url| url.path().to_owned());
    let (by_agent, own) = (format!("/api/v1/files/{file}/download"), format!("/api/files/{file}/download"));
    let (agent, person, visitor) = (agent.clone(), person.clone(), agent.clone());
    vec![
        Box::new(move |method| agent.request(method, &by_agent)),
        Box::new(move |method| person.request(method, &own)),
        Box::new(move |method| visitor.request(method, &share)),
    ]
}

#[tokio::test]
async fn every_download_route_answers_ranges() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let stored = RawForm::for_agent(&agent).file("clip.mp4", Some("video/mp4"), &bytes()).send(&agent, "store").await;
    let file = stored.expect(201)["id"].as_str().unwrap().to_owned();
    for download in downloads(&person, &agent, &file).await {
        for (range, first, last) in [
            ("bytes=0-1", 0, 1),
            ("bytes=0-", 0, SIZE - 1),
            ("bytes=4990-9999", 4990, SIZE - 1),
            ("bytes=-10", 4990, SIZE - 1),
            ("bytes=77-77", 77, 77),
        ] {
            let got = Reply::fetch(download(Method::GET).header("Range", range)).await;
            assert_eq!(got.status, 206, "{range}: {}", got.text());
            assert_eq!(got.bytes, bytes()[first..=last], "{range}");
            assert_eq!(got.header("content-range"), format!("bytes {first}-{last}/{SIZE}"));
            assert_eq!(got.header("content-length"), (last - first + 1).to_string());
            assert_eq!((got.header("content-type"), got.header("accept-ranges")), ("video/mp4", "bytes"));
            assert!(!got.header("etag").is_empty() && got.header("content-disposition").contains("clip.mp4"));
        }
        for range in ["bytes=0-1,4-5", "bytes=5-2", "items=0-1", "bytes=x", ""] {
            let got = Reply::fetch(download(Method::GET).header("Range", range)).await;
            assert_eq!((got.status, got.bytes.len()), (200, SIZE), "{range}");
            assert_eq!((got.header("accept-ranges"), got.header("content-range")), ("bytes", ""));
        }
        for range in ["bytes=5000-", "bytes=9999-10000", "bytes=-0"] {
            let got = Reply::fetch(download(Method::GET).header("Range", range)).await;
            got.expect_error(416, "range_not_satisfiable");
            assert_eq!(got.header("content-range"), format!("bytes */{SIZE}"), "{range}");
        }
    }
}

#[tokio::test]
async fn if_range_compares_the_etag() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let stored = RawForm::for_agent(&agent).file("a.bin", None, &bytes()).send(&agent, "store").await.expect(201);
    let file = stored["id"].as_str().unwrap();
    for download in downloads(&person, &agent, file).await {
        let etag = Reply::fetch(download(Method::GET)).await.header("etag").to_owned();
        let resume = async |condition: &str, range: &str| {
            Reply::fetch(download(Method::GET).header("Range", range).header("If-Range", condition)).await
        };
        assert_eq!(resume(&etag, "bytes=100-").await.status, 206);
        for other in ["\"another\"", &format!("W/{etag}"), "Sat, 28 Nov 2026 12:00:00 GMT", "", "*"] {
            for range in ["bytes=100-", "bytes=9999-"] {
                let got = resume(other, range).await;
                assert_eq!((got.status, got.bytes.len()), (200, SIZE), "{other} {range}");
            }
        }
        resume(&etag, "bytes=9999-").await.expect_error(416, "range_not_satisfiable");
        let known =
            Reply::fetch(download(Method::GET).header("Range", "bytes=0-1").header("If-None-Match", &etag)).await;
        assert_eq!((known.status, known.bytes.len()), (304, 0));
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let stored =
        RawForm::for_agent(&agent).file("a.html", Some("text/html"), &bytes()).send(&agent, "store").await.expect(201);
    let file = stored["id"].as_str().unwrap();
    for download in downloads(&person, &agent, file).await {
        let (head, get) = (Reply::fetch(download(Method::HEAD)).await, Reply::fetch(download(Method::GET)).await);
        assert_eq!((head.status, head.bytes.len(), get.bytes.len()), (200, 0, SIZE));
        for name in [
            "content-length",
            "content-type",
            "content-disposition",
            "etag",
            "accept-ranges",
            "content-security-policy",
        ] {
            assert!(!head.header(name).is_empty(), "{name}");
            assert_eq!(head.header(name), get.header(name), "{name}");
        }
        let known = Reply::fetch(download(Method::HEAD).header("If-None-Match", get.header("etag"))).await;
        assert_eq!(known.status, 304);
        // `Range` applies only to GET.
        let part = Reply::fetch(download(Method::HEAD).header("Range", "bytes=0-1")).await;
        assert_eq!((part.status, part.header("content-length")), (200, "5000"));
    }
    agent.get(&format!("/api/v1/files/{}/download", "fil_nothing")).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn an_empty_file_has_no_range() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let stored = RawForm::for_agent(&agent).file("a.txt", None, b"").send(&agent, "store").await.expect(201);
    let path = format!("/api/v1/files/{}/download", stored["id"].as_str().unwrap());
    let got = Reply::fetch(agent.request(Method::GET, &path).header("Range", "bytes=0-")).await;
    got.expect_error(416, "range_not_satisfiable");
    let got = Reply::fetch(agent.request(Method::GET, &path).header("Range", "bytes=-5")).await;
    assert_eq!((got.status, got.bytes.len()), (200, 0));
}

#[tokio::test]
async fn large_files_are_served_in_ranges_by_storage() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let large: Vec<u8> = (0..=250).cycle().take(5_000_000).collect();
    let announced = crate::files::direct_uploads::announce(&agent, "film.mp4", "video/mp4", large.len()).await;
    assert_eq!(crate::files::direct_uploads::put(&announced, large.clone()).await.status, 200);
    let path = format!("/api/v1/files/{}/download", announced["attachment"]["id"].as_str().unwrap());
    let redirect = Reply::fetch(agent.request(Method::GET, &path).header("Range", "bytes=0-1")).await;
    assert_eq!(redirect.status, 302);
    let from_storage = crate::files::uploads::unauthenticated_client()
        .get(redirect.header("location"))
        .header("Range", "bytes=4999990-");
    let got = Reply::fetch(from_storage).await;
    assert_eq!((got.status, got.bytes == large[4_999_990..]), (206, true));
    assert_eq!(got.header("content-range"), "bytes 4999990-4999999/5000000");
}
