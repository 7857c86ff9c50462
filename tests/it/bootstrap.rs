//! `src/runtime/bootstrap.mjs` has tests of its own, in `tests/bootstrap`, for Node's test runner: one
//! a rule, and functions in the shape of the platform's examples behind a local Lambda.

use std::process::Command;

use crate::support::{install_tools, repository};

#[test]
fn its_own_tests_pass() {
    install_tools();
    let files = ["bootstrap", "lambda-local"].map(|name| repository().join(format!("tests/bootstrap/{name}.test.mjs")));
    let output = Command::new("node")
        .arg("--test")
        .args(files.iter().map(|file| file.as_os_str()))
        .env_remove("NODE_TEST_CONTEXT")
        .output()
        .expect("node is on the PATH");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("lambda-local is not installed"), "{text}");
}
