//! Real sites with real packages: every function is bundled, unpacked elsewhere, and run by Node.

use fnzip::path::AbsPath;

use crate::support::{
    copy_tree, entries, fixture, fnzip, full, install, install_tools, invoke, repository, said, scratch, unpack_all,
};

/// Builds a site, unpacks its archives into an empty folder elsewhere, and has Node call each
/// handler with the event of `cases.json`.
fn runs(site: &str, packages: Option<&str>) {
    runs_with(site, packages, &[]);
}

fn runs_with(site: &str, packages: Option<&str>, flags: &[&str]) {
    if let Some(packages) = packages {
        install_tools();
        install(&fixture(packages));
    }
    let site = fixture(site);
    let scratch = scratch();
    let out = scratch.path.join("out");
    let built = said(
        fnzip(&repository()).args(["bundle", "--color=never", "-C"]).arg(&*site).arg("--out").arg(&*out).args(flags),
    );
    assert_eq!(built.status, 0, "{}", built.err);
    assert_eq!(built.out, "", "stdout is for data");
    let unpacked = scratch.path.join("unpacked");
    unpack_all(&out, &unpacked);
    is_fit(&site, &out);
    let ran = invoke("node", &unpacked, &site.join("cases.json"));
    assert!(ran.0, "{}", ran.1);
}

/// What runs is fit to deploy, and loads.
fn is_fit(site: &AbsPath, out: &AbsPath) {
    let mut command = fnzip(&repository());
    command.args(["verify", "--color=never", "-C"]).arg(&**site).arg(&**out);
    let verified = said(command.args(full().then_some("--load")));
    assert_eq!(verified.status, 0, "{}", verified.err);
}

#[test]
fn quickstart_runs() {
    runs("quickstart", None);
}

#[test]
fn a_site_with_npm_packages_runs() {
    runs("site", Some("site"));
}

#[test]
fn an_npm_workspace_runs() {
    runs("npm-workspaces/apps/site", Some("npm-workspaces"));
}

#[test]
fn a_pnpm_workspace_runs() {
    runs("pnpm-workspace/apps/web", Some("pnpm-workspace"));
}

/// Versions in conflict, peers, workspaces, aliases, patches, undeclared packages and native addons,
/// installed by Yarn without any `node_modules`.
#[test]
fn a_yarn_pnp_workspace_runs() {
    if full() {
        runs("yarn-pnp/apps/web", Some("yarn-pnp"));
    }
}

/// Both versions of the API, streamed and buffered, in the background and failing, on our bootstrap.
#[test]
fn functions_in_the_platforms_shapes_run() {
    runs("examples", Some("examples"));
}

/// And on the platform's own bootstrap, which the packager brings.
#[test]
fn functions_in_the_platforms_shapes_run_on_its_bootstrap() {
    let api = repository().join("tests/tools/node_modules/@netlify/serverless-functions-api/dist/index.js");
    runs_with("examples", Some("examples"), &["--bootstrap", &api.to_string()]);
}

#[test]
fn the_runner_notices_a_missing_file() {
    let scratch = scratch();
    copy_tree(&fixture("quickstart"), &scratch.path.join("site"));
    let out = scratch.path.join("out");
    fnzip(&scratch.path.join("site")).arg("bundle").arg("--out").arg(&*out).assert().success();
    let unpacked = scratch.path.join("unpacked");
    unpack_all(&out, &unpacked);
    std::fs::remove_dir_all(unpacked.join("report/lib")).unwrap();
    assert!(!invoke("node", &unpacked, &fixture("quickstart/cases.json")).0);
}

#[test]
fn packages_of_the_runtime_are_left_out_unless_asked_for() {
    install(&fixture("site"));
    let scratch = scratch();
    let build = |flags: &[&str]| {
        let out = scratch.path.join(format!("out{}", flags.len()));
        let site = fixture("site");
        let mut command = fnzip(&repository());
        command.args(["bundle", "--only", "upload", "-v", "-C"]).arg(&*site).arg("--out").arg(&*out).args(flags);
        let said = said(&mut command);
        assert_eq!(said.status, 0, "{}", said.err);
        (said.err, entries(&out.join("upload.zip")))
    };
    let (err, without) = build(&[]);
    assert!(err.contains("`@aws-sdk/client-s3` is left out: the Lambda runtime provides it"), "{err}");
    assert!(!without.iter().any(|name| name.contains("@aws-sdk") || name.contains("@smithy")));
    let (_, with) = build(&["--bundle-aws-sdk"]);
    assert!(with.iter().any(|name| name.starts_with("node_modules/@aws-sdk/client-s3/")));
}
