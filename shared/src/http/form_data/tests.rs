use super::*;

fn filename(value: &[u8]) -> String {
    let header = [b"form-data; name=\"file\"; ", value].concat();
    let Disposition { name, filename } = Disposition::parse(&header);
    assert_eq!(name.as_deref(), Some("file"));
    filename.unwrap_or_else(|| "(none)".to_owned())
}

#[test]
fn names_as_clients_write_them() {
    let cases: [(&[u8], &str); 39] = [
        (b"filename=\"plain.txt\"", "plain.txt"),
        (b"filename=plain.txt", "plain.txt"),
        (b"filename=two words.txt ; x=y", "two words.txt"),
        (b"FileName = \"a b.txt\"", "a b.txt"),
        (b"filename=\"a;b=c.txt\"", "a;b=c.txt"),
        (b"filename=\"x; name=evil\"", "x; name=evil"),
        (b"filename=\"\"", ""),
        ("filename=\"Grüße 🦀.txt\"".as_bytes(), "Grüße 🦀.txt"),
        // .NET
        (b"filename=\"=?utf-8?B?csOpc3Vtw6kucGRm?=\"; filename*=utf-8''r%C3%A9sum%C3%A9.pdf", "résumé.pdf"),
        (b"filename=\"=?utf-8?B?csOpc3Vtw6kucGRm?=\"", "résumé.pdf"),
        (b"filename*=utf-8''r%C3%A9sum%C3%A9.pdf", "résumé.pdf"),
        (b"filename*=UTF-8'en'%E2%82%AC%20rates; filename=rates", "€ rates"),
        (b"filename*=iso-8859-1''%A3%20rates; filename=x", "£ rates"),
        (b"filename*=\"utf-8''r%C3%A9.pdf\"", "ré.pdf"),
        // An extended name that cannot be read leaves the plain one.
        (b"filename*=utf-8''%FF; filename=\"x.txt\"", "x.txt"),
        (b"filename*=utf-8''; filename=\"x.txt\"", "x.txt"),
        (b"filename*=nonsense; filename=\"x.txt\"", "x.txt"),
        (b"filename*=martian''x; filename=\"y.txt\"", "y.txt"),
        // RFC 2047
        (b"filename=\"=?utf-8?Q?r=C3=A9sum=C3=A9_v2.pdf?=\"", "résumé v2.pdf"),
        (b"filename=\"=?ISO-8859-1?q?r=E9sum=E9.pdf?=\"", "résumé.pdf"),
        (b"filename=\"=?utf-8?B?w6nDqcM=?= =?utf-8?B?qS50eHQ=?=\"", "ééé.txt"),
        (b"filename=\"=?utf-8?X?abc?=\"", "=?utf-8?X?abc?="),
        (b"filename=\"=?utf-8?B?***?=\"", "=?utf-8?B?***?="),
        (b"filename=\"=?what\"", "=?what"),
        // aiohttp
        (b"filename=\"plain%20name.txt\"", "plain name.txt"),
        (b"filename=\"r%C3%A9sum%C3%A9.pdf\"", "résumé.pdf"),
        (b"filename=\"50%25%20off.txt\"", "50% off.txt"),
        (b"filename=\"..%2Fetc%2Fpasswd\"", "../etc/passwd"),
        // Percent signs of the name itself
        (b"filename=\"100%25.txt\"", "100%25.txt"),
        (b"filename=\"50% off.txt\"", "50% off.txt"),
        (b"filename=\"100%.txt\"", "100%.txt"),
        (b"filename=\"a%2.txt\"", "a%2.txt"),
        (b"filename=\"%FF%FE.txt\"", "%FF%FE.txt"),
        // Browsers, curl
        (b"filename=\"say %22hi%22 now%0D%0A.txt\"", "say \"hi\" now\r\n.txt"),
        (b"filename=\"say \\\"hi\\\" a\\\\b.txt\"", "say \"hi\" a\\b.txt"),
        (b"filename=\"a\\b.txt\"", "a\\b.txt"),
        (b"filename=\"ends with\\\"", "ends with\\"),
        // Old programs
        (b"filename=\"r\xE9sum\xE9 \x80.pdf\"", "résumé €.pdf"),
        (b"filename=\"C:\\Users\\anna\\plan.txt\"", "plan.txt"),
    ];
    for (value, name) in cases {
        assert_eq!(filename(value), name, "{}", String::from_utf8_lossy(value));
    }
    assert_eq!(filename(b"filename=\"\\\\\\\\server\\share\\a.txt\""), "a.txt");
    assert_eq!(filename(b"filename=\"C:\\\""), "C:\\");
    assert_eq!(filename(b"filename=\"../../etc/passwd\""), "../../etc/passwd");
    assert_eq!(filename(b"x=y"), "(none)");
}

#[test]
fn what_is_no_header_has_no_names() {
    for header in ["", ";", "form-data", "form-data;;;=;", "form-data; name", "name=x", "form-data; =\"", "\""] {
        let found = Disposition::parse(header.as_bytes());
        assert_eq!((found.name, found.filename), (None, None), "{header}");
    }
}

#[test]
fn a_name_inside_another_is_no_field() {
    let found = Disposition::parse(b"form-data; filename=\"a; name=\\\"channelId\\\"\"; name=\"file\"");
    assert_eq!(found.name.as_deref(), Some("file"));
    assert_eq!(found.filename.as_deref(), Some("a; name=\"channelId\""));
}
