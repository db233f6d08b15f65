//! `placet-transfer`: moves everything that a deployment stores into a folder, or from a folder into a new deployment. It
//! uses its caller's AWS credentials; `make export` and `make import` run it. `placet-local export` and `import` do the
//! same with a data directory.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use placet_transfer::totals::Totals;
use placet_transfer::{TransferError, export, import};
use shared::aws::Clients;
use shared::clock::Clock;
use shared::storage::{Blobs, Store, Table};

#[derive(Parser)]
#[command(about = "Moves everything that a deployment stores into a folder, or from a folder into a new deployment")]
struct Options {
    /// The deployment's table
    #[arg(long)]
    table: String,
    /// The deployment's bucket
    #[arg(long)]
    bucket: String,
    direction: Direction,
    /// The folder of the export
    folder: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Direction {
    Export,
    Import,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(Totals { items, objects, bytes, checksum }) => {
            let _ = writeln!(io::stdout(), "{items} items, {objects} files, {bytes} bytes, checksum {checksum}");
            ExitCode::SUCCESS
        }
        Err(err) => {
            let _ = writeln!(io::stderr(), "placet-transfer: {err}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Options { table, bucket, direction, folder }: Options) -> Result<Totals, TransferError> {
    let clients = Clients::from_env().await;
    let blobs = Blobs::new(clients.s3, &bucket);
    let store = Store::new(Table::new(clients.dynamodb, &table), blobs.clone(), Clock::system());
    store.check_schema().await?;
    match direction {
        Direction::Export => export(&store, &blobs, &folder).await,
        Direction::Import => import(&store, &blobs, &folder, &table).await,
    }
}
