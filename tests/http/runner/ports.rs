//! The ports that `placet-local` opens: the service's, and that of presigned URLs.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs;
use std::net::TcpListener;

use serde_json::json;
use tempfile::TempDir;
use test_support::Runner;
use url::Url;

use crate::files::direct_uploads::announce;

/// `127.0.0.1` and `::1`, as the kernel writes them.
const LOOPBACK: &str = "0100007F";
const LOOPBACK_IPV6: &str = "00000000000000000000000001000000";

/// The numbers of the sockets that a process holds.
fn sockets(process: u32) -> BTreeSet<String> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let targets = descriptors.filter_map(|it| fs::read_link(it.unwrap().path()).ok());
    targets.filter_map(|it| Some(it.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())).collect()
}

/// The addresses and ports that a process listens on, from the kernel's tables.
pub fn listening(process: u32) -> BTreeSet<(String, u16)> {
    let sockets = sockets(process);
    let tables = ["tcp", "tcp6"].map(|table| fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap());
    let rows = tables.iter().flat_map(|table| table.lines().skip(1));
    let columns = rows.map(|row| row.split_whitespace().collect::<Vec<_>>());
    // Column 3 is the state, where 0A means listening; column 9 is the socket's inode.
    let own = columns.filter(|row| row[3] == "0A" && sockets.contains(row[9]));
    own.map(|row| {
        let (address, port) = row[1].split_once(':').unwrap();
        (address.to_owned(), u16::from_str_radix(port, 16).unwrap())
    })
    .collect()
}

/// How many Unix sockets a process listens on.
pub fn listening_local(process: u32) -> usize {
    let sockets = sockets(process);
    let table = fs::read_to_string(format!("/proc/{process}/net/unix")).unwrap();
    let columns = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    // Column 3 has the flag of those that listen; column 6 is the socket's number.
    columns.filter(|row| row[3] == "00010000" && sockets.contains(row[6])).count()
}

fn port(url: &str) -> u16 {
    Url::parse(url).unwrap().port().unwrap()
}

#[tokio::test]
async fn only_the_service_and_storage_ports_listen() {
    let dir = TempDir::new().unwrap();
    let runner = Runner::start(dir.path()).await;
    let agent = runner.agent();
    agent.create_message(json!({ "text": "every engine is in use" })).await;
    let file = announce(&agent, "a", "text/plain", 1).await;
    let files = file["upload"]["url"].as_str().unwrap();
    let mut expected = BTreeSet::from([runner.text("url"), files].map(|url| (LOOPBACK.to_owned(), port(url))));
    // Browsers resolve the inbox's name to either address.
    if TcpListener::bind("[::1]:0").is_ok() {
        expected.insert((LOOPBACK_IPV6.to_owned(), port(runner.text("url"))));
    }
    assert_eq!(listening(runner.child.id().unwrap()), expected);
}
