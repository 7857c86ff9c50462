//! Other programs. In: a program, its arguments and the directory to run it in. Out: what it prints. The
//! only place that starts any.

use std::io::{self, Read};
use std::process::{Command, Stdio};
use std::time::Duration;

use wait_timeout::ChildExt;

use crate::path::AbsPath;

/// How long a program may take.
const LONGEST: Duration = Duration::from_secs(10);

/// What a program prints on its standard output, which must be short.
///
/// # Errors
/// It cannot be started, or it fails, or takes longer than ten seconds.
pub fn output(program: &AbsPath, arguments: &[&str], directory: &AbsPath) -> io::Result<String> {
    let mut command = Command::new(&**program);
    let mut child = command
        .args(arguments)
        .current_dir(&**directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let Some(status) = child.wait_timeout(LONGEST)? else {
        child.kill()?;
        child.wait()?;
        return Err(io::Error::new(io::ErrorKind::TimedOut, format!("{program} takes too long")));
    };
    if !status.success() {
        return Err(io::Error::other(format!("{program} failed: {status}")));
    }
    let mut output = Vec::new();
    child.stdout.take().map(|mut pipe| pipe.read_to_end(&mut output)).transpose()?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}
