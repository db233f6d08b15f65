//! `placet-local` as its own process.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::actors::{Agent, Person};

/// The startup JSON of each data directory's first start, the only one that shows credentials.
static FIRST_STARTUPS: Mutex<BTreeMap<PathBuf, Value>> = Mutex::new(BTreeMap::new());

/// A running `placet-local`; killed when dropped.
pub struct Runner {
    pub child: Child,
    /// The JSON that this start printed.
    pub startup: Value,
    /// The startup JSON of the directory's first start, with its credentials.
    first_startup: Value,
    _stdout: Lines<BufReader<ChildStdout>>,
}

impl Runner {
    /// The path of a binary that was built with these tests.
    pub fn binary(name: &str) -> PathBuf {
        let here = std::env::current_exe().expect("the path of the tests");
        let found = here.ancestors().skip(1).take(2).map(|dir| dir.join(name)).find(|path| path.exists());
        found.unwrap_or_else(|| panic!("{name} is not built: run `cargo build --workspace` first"))
    }

    pub fn command() -> Command {
        let mut command = Command::new(Self::binary("placet-local"));
        for setting in ["PLACET_OWNER_EMAIL", "PLACET_OWNER_PASSWORD", "PLACET_MAX_WAIT_MS"] {
            command.env_remove(setting);
        }
        command.kill_on_drop(true);
        command
    }

    /// Starts the runner on `dir` and a free port, and reads its startup JSON.
    pub async fn start(dir: &Path) -> Self {
        let mut command = Self::command();
        command.args(["--json", "--port", "0", "--data-dir"]).arg(dir);
        Self::from(command).await
    }

    /// The same, with webhooks to this machine allowed.
    pub async fn start_delivering(dir: &Path) -> Self {
        let mut command = Self::command();
        command.args(["--json", "--port", "0", "--allow-loopback-webhooks", "--data-dir"]).arg(dir);
        Self::from(command).await
    }

    /// Starts the runner with this command, and reads its startup JSON.
    pub async fn from(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("placet-local starts");
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = stdout.next_line().await.unwrap().expect("the startup JSON, on one line");
        let startup: Value = serde_json::from_str(&line).expect("JSON");
        let arguments: Vec<_> = command.as_std().get_args().collect();
        let dir = arguments.windows(2).find(|pair| pair[0] == "--data-dir").map(|pair| PathBuf::from(pair[1]));
        let first_startup = match dir {
            None => startup.clone(),
            Some(dir) => {
                let mut all = FIRST_STARTUPS.lock().expect("no test panicked here");
                if !startup["apiKey"].is_null() {
                    all.insert(dir.clone(), startup.clone());
                }
                all.get(&dir).cloned().unwrap_or_default()
            }
        };
        Self { child, startup, first_startup, _stdout: stdout }
    }

    /// A member of the startup JSON, or of the first start's.
    pub fn text(&self, name: &str) -> &str {
        let found = self.startup[name].as_str().or_else(|| self.first_startup[name].as_str());
        found.unwrap_or_else(|| panic!("{name} is missing in {}", self.startup))
    }

    pub fn agent(&self) -> Agent {
        Agent::new(self.text("url"), self.text("apiKey"), self.text("channelId"))
    }

    pub async fn person(&self) -> Person {
        let person = Person::signed_out(self.text("url"), self.text("email"), self.text("password"));
        person.sign_in().await.expect(200);
        person
    }

    /// The owner in a browser, signed in on the inbox's sign-in page.
    pub async fn browser(&self) -> Person {
        self.browser_of(self.text("email"), self.text("password")).await
    }

    /// The browser of another person, signed in.
    pub async fn browser_of(&self, email: &str, password: &str) -> Person {
        let person = Person::signed_out(self.text("inboxUrl"), email, password);
        person.submit_form("/login", &[("email", email), ("password", password)]).await.expect(303);
        person
    }

    /// Sends SIGKILL.
    pub async fn kill(&mut self) {
        self.child.start_kill().expect("the runner is running");
        self.child.wait().await.expect("the runner exits");
    }

    /// Sends SIGTERM; returns the exit code.
    pub async fn terminate(&mut self) -> Option<i32> {
        let pid = self.child.id().expect("the runner is running").to_string();
        Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill");
        self.child.wait().await.expect("the runner exits").code()
    }
}
