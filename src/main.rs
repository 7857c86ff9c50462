//! The `fnzip` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    fnzip::cli::main()
}
