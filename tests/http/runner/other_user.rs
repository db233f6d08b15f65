//! A process of another user of the machine has no more access to a running `placet-local` than any
//! unauthenticated caller. Only root can start processes as another user; as other users, these tests
//! check only the calls and the file modes.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::Runner;
use tokio::process::Command;

use crate::runner::ports::{listening, listening_local};

/// The user `nobody` on Linux.
const OTHER: u32 = 65534;

/// Another user if this process can start processes as one, else its own user.
fn other_user() -> u32 {
    let own = fs::metadata("/proc/self").unwrap().uid();
    if own == 0 { OTHER } else { own }
}

/// Runs a Python program as a user; returns its JSON output.
async fn run_as(user: u32, program: &str, argument: &Value) -> Value {
    let mut command = Command::new("python3");
    command.args(["-I", "-c", program, &argument.to_string()]).current_dir("/").stdin(Stdio::null());
    if fs::metadata("/proc/self").unwrap().uid() != user {
        command.uid(user).gid(user);
    }
    let output = command.output().await.expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// All files below a directory.
fn below(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap().map(|it| it.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_process_of_another_user_cannot_decide_read_or_write() {
    // The parent directory is world-readable, so that only the runner's own modes protect its files.
    let open = TempDir::new().unwrap();
    fs::set_permissions(open.path(), Permissions::from_mode(0o755)).unwrap();
    let control = open.path().join("control");
    fs::write(&control, "world-readable").unwrap();
    fs::set_permissions(&control, Permissions::from_mode(0o644)).unwrap();
    let directory = open.path().join("data");
    let runner = Runner::start(&directory).await;
    let (agent, person) = (runner.agent(), runner.person().await);
    let (review, file) = (agent.request_approval().await, agent.store_file().await);
    let process = runner.child.id().unwrap();
    let files = below(&directory);

    assert_eq!(mode(&directory), 0o700);
    for name in ["secret", "inbox-host"] {
        assert_eq!(mode(&directory.join(name)), 0o600, "{name}");
    }
    assert_eq!(listening_local(process), 0, "nothing listens on a local socket");
    let secrets = [runner.text("password"), runner.text("apiKey"), runner.text("inboxUrl")];
    let arguments = String::from_utf8(fs::read(format!("/proc/{process}/cmdline")).unwrap()).unwrap();
    assert!(
        secrets.iter().all(|secret| !arguments.contains(secret)),
        "arguments are readable by every user: {arguments}"
    );

    let ports: BTreeSet<u16> = listening(process).into_iter().map(|(_, port)| port).collect();
    let argument = json!({
        "control": control, "directory": directory, "files": files, "process": process, "ports": ports,
        "review": review, "file": file,
    });
    let attempts = run_as(other_user(), include_str!("other_user.py"), &argument).await;
    assert_eq!(attempts["user"], other_user());
    if other_user() == OTHER {
        let mut outcomes = attempts["files"].as_object().unwrap().clone();
        assert_eq!(outcomes.remove(control.to_str().unwrap()), Some(json!("done")), "the parent directory is readable");
        assert!(outcomes.len() > 8, "{outcomes:?}");
        for (path, outcome) in outcomes {
            assert_eq!(outcome, "PermissionError", "{path}");
        }
    }
    let host = runner.text("inboxUrl").strip_prefix("http://").unwrap().split(':').next().unwrap();
    for call in attempts["calls"].as_array().unwrap() {
        // Pages redirect the runner's own user to the inbox.
        if other_user() == OTHER || call["status"] != 307 {
            assert!((400..500).contains(&call["status"].as_u64().unwrap()), "{call}");
            assert!(!call["answer"].as_str().unwrap().contains(host), "{call}");
        }
    }
    let shown = agent.get_in_channel(&format!("/api/v1/reviews/{review}")).await.expect(200);
    assert_eq!(shown["review"]["status"], "pending");
    person.answer(&review, json!({ "selectedOption": "reject" })).await.expect(201);
    assert_eq!(agent.get(&format!("/api/v1/files/{file}/download")).await.text(), "a note");
}

/// Another user can call the agents' address, but does not learn the inbox's host name.
#[tokio::test]
async fn only_the_runners_own_user_is_redirected_to_the_inbox() {
    let mut command = Runner::command();
    command.args(["--ephemeral", "--json", "--port", "0"]);
    let runner = Runner::from(command).await;
    let program = "import sys, json, http.client as h\nc = h.HTTPConnection(json.loads(sys.argv[1]))\nc.request('GET', '/files?q=a')\n\
                   a = c.getresponse()\nprint(json.dumps([a.status, str(a.getheaders()) + str(a.read())]))";
    let address = json!(runner.text("url").strip_prefix("http://").unwrap());
    let own = fs::metadata("/proc/self").unwrap().uid();
    let redirected = run_as(own, program, &address).await;
    assert_eq!(redirected[0], 307);
    assert!(
        redirected[1].as_str().unwrap().contains(&format!("{}/files?q=a", runner.text("inboxUrl"))),
        "{redirected}"
    );
    if other_user() == OTHER {
        let refused = run_as(OTHER, program, &address).await;
        let text = refused[1].as_str().unwrap();
        assert!(refused[0] == 421 && !text.contains(".localhost") && text.contains("inbox URL"), "{refused}");
    }
}
