//! Memory is bounded by what is in flight and by what functions share, not by how many they are.

use std::process::{Command, Stdio};

use wait4::Wait4;

use crate::support::{copy_tree, fixture, full, install, scratch};

const PACKAGES: [&str; 10] = [
    "lodash",
    "axios",
    "express",
    "pg",
    "stripe",
    "jsonwebtoken",
    "nodemailer",
    "jspdf",
    "date-fns",
    "serverless-http",
];

#[test]
fn two_hundred_functions_that_share_ten_packages_take_less_than_300_mb() {
    if !full() {
        return;
    }
    install(&fixture("site"));
    let site = scratch();
    copy_tree(&fixture("site/node_modules"), &site.path.join("node_modules"));
    site.file("package.json", "{}");
    let imports: String = PACKAGES.iter().map(|package| format!("require('{package}'),")).collect();
    for index in 0..200 {
        site.file(
            &format!("netlify/functions/f{index}.js"),
            format!("exports.handler = async () => [{index}, {imports}]\n"),
        );
    }
    let child = Command::new(env!("CARGO_BIN_EXE_fnzip"))
        .current_dir(&site.path)
        .args(["bundle", "--quiet"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let used = child.wait4().unwrap();
    assert!(used.status.success());
    let megabytes = used.rusage.maxrss / 1_000_000;
    println!("200 functions: {megabytes} MB, {:?} of CPU time", used.rusage.utime + used.rusage.stime);
    assert!(megabytes < 300, "{megabytes} MB");
    assert!(site.path.join(".netlify/functions/f199.zip").exists());
}
