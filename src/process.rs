//! Other programs. In: a program, its arguments and the directory to run it in. Out: what it prints. The
//! only place that starts any.

use std::io;
use std::process::{Command, Stdio};

use crate::path::AbsPath;

/// What a program prints on its standard output.
///
/// # Errors
/// It cannot be started, or it fails.
pub fn output(program: &AbsPath, arguments: &[&str], directory: &AbsPath) -> io::Result<String> {
    let mut command = Command::new(&**program);
    let output =
        command.args(arguments).current_dir(&**directory).stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("{program} failed: {}", output.status)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
