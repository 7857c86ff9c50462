//! `fnzip completions` and `fnzip man`: made from the definitions of the arguments.

use clap::CommandFactory;

use super::args::{Cli, Completions};
use super::{Failure, SUCCESS, print};

pub(super) fn run(args: &Completions) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "fnzip", &mut script);
    print(String::from_utf8_lossy(&script).trim_end())?;
    Ok(SUCCESS)
}

/// The manual page of fnzip, and after it those of its commands.
pub(super) fn man() -> Result<u8, Failure> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut pages)?;
    for sub in command.get_subcommands() {
        let name = format!("fnzip-{}", sub.get_name());
        clap_mangen::Man::new(sub.clone().name(name)).render(&mut pages)?;
    }
    print(String::from_utf8_lossy(&pages).trim_end())?;
    Ok(SUCCESS)
}
