//! `placet-migrate`: brings the items of a deployment's table to the schema version of this code.
//! It uses its caller's AWS credentials; `make migrate` runs it. It can be interrupted and repeated.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use shared::error::Error;
use shared::storage::Store;

#[derive(Parser)]
#[command(about = "Brings the items of a deployment's table to the schema version of this code")]
struct Options {
    /// The deployment's table
    #[arg(long)]
    table: String,
    /// The deployment's bucket
    #[arg(long)]
    bucket: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Options { table, bucket } = Options::parse();
    let store = Store::of_deployment(&table, &bucket).await;
    // If an output is gone, the exit code still says how it ended.
    let migrated = store.migrate(|changed| drop(writeln!(io::stdout(), "{changed} items so far"))).await;
    match migrated {
        Ok(changed) => {
            let _ = writeln!(io::stdout(), "Migrated {changed} items; the table is at the current version.");
            ExitCode::SUCCESS
        }
        Err(err) => {
            let sentence = match err {
                Error::NewerData { .. } => "a newer version of the service has written to this table".to_owned(),
                err => format!("the table could not be read or written: {err:?}"),
            };
            let _ = writeln!(io::stderr(), "placet-migrate: {sentence}");
            ExitCode::FAILURE
        }
    }
}
