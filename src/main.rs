//! The `fnzip` command.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Many threads ask for many small things.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    fnzip::cli::main()
}
